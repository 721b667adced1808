-- Marks one page stale. ARGV: prefix, page
note_stale(ARGV[2])
mark_noted_stale()

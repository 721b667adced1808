-- ARGV: prefix, page
raise(ARGV[2])
mark_stale()

-- Marks the listings whose scheduled time has come as stale. ARGV: prefix, now (microseconds)
for _, listing in ipairs(redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', ARGV[2])) do
  redis.call('ZREM', P .. 'due', listing)
  note_stale(listing)
end
return mark_noted_stale()

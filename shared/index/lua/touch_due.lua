-- Raises the listings whose moment has come. ARGV: prefix, now (microseconds)
for _, listing in ipairs(redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', ARGV[2])) do
  redis.call('ZREM', P .. 'due', listing)
  raise(listing)
end
return mark_stale()

-- Records that a page shows the state of a version. Returns 1 where a later one of other bytes was published before.
-- ARGV: prefix, page, version, lease (ms), SHA-256 of a listing
-- A version that this index never gave says nothing of what the page shows: it has to be rendered again. Of an
-- article's page only the version is kept that it has yet to reach.
local page, version = ARGV[2], tonumber(ARGV[3])
redis.call('PEXPIRE', P .. 'lease:' .. page, ARGV[4])
local wanted = tonumber(redis.call('HGET', P .. 'wanted', page) or '0')
if is_article(page) then
  if version >= wanted then
    redis.call('HDEL', P .. 'wanted', page)
    redis.call('ZREM', stale_with(page), page)
  end
  return 0
end
if version > wanted then
  note_stale(page)
  mark_noted_stale()
  return 0
end
local published = tonumber(redis.call('HGET', P .. 'published', page) or '-1')
local is_late = published > version and redis.call('HGET', P .. 'shown', page) ~= ARGV[5]
if ARGV[5] ~= '' then redis.call('HSET', P .. 'shown', page, ARGV[5]) end
if version > published then redis.call('HSET', P .. 'published', page, ARGV[3]) end
if version == wanted then redis.call('ZREM', P .. 'stale', page) end
return is_late and 1 or 0

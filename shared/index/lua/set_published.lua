-- Records a page's published version. Returns 1 if a later version with other bytes was already published.
-- ARGV: prefix, page, version, lease (ms), SHA-256 of a listing
-- A version that this index never gave proves nothing about the page, so the page becomes stale. An article's page has
-- no published version: its wanted version is deleted once it is published.
local page, version = ARGV[2], tonumber(ARGV[3])
redis.call('PEXPIRE', P .. 'lease:' .. page, ARGV[4])
local wanted = tonumber(redis.call('HGET', P .. 'wanted', page) or '0')
if is_article(page) then
  if version >= wanted then
    redis.call('HDEL', P .. 'wanted', page)
    redis.call('ZREM', stale_key(page), page)
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

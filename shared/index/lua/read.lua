-- Reads the inputs of a listing, and leases it.
-- ARGV: prefix, listing, membership, limit, lease (ms), pins or empty, part or 0, scope of its days or empty,
-- highest and lowest score of these days, their maximal number
redis.call('SET', P .. 'lease:' .. ARGV[2], '1', 'PX', ARGV[5])
local time = redis.call('TIME')
local set, limit, part = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[7])

local parts = part > 0 and parts_of(count_of(set)) or 1
local last = (parts > 1 or part > 1) and -1 or limit - 1
local articles = limit > 0 and redis.call('ZREVRANGE', P .. 'set:' .. set, 0, last) or {}
if last == -1 then
  local chosen = {}
  for _, article in ipairs(articles) do
    if part_of(article, parts) == part then chosen[#chosen + 1] = article end
  end
  articles = chosen
end
local pins, picks = ARGV[6] ~= '' and cjson.decode(ARGV[6]) or {}, {}
for _, pin in ipairs(pins) do
  local entry = redis.call('HGET', P .. 'entries', pin)
  picks[#picks + 1] = {0, pin, digest_of(entry and card_of(entry) or '')}
end
if ARGV[6] ~= '' then note_shown(ARGV[2], picks) end
local days = {}
if ARGV[8] ~= '' then
  local key = P .. 'days:' .. ARGV[8]
  days = redis.call('ZREVRANGEBYSCORE', key, ARGV[9], ARGV[10], 'WITHSCORES', 'LIMIT', 0, ARGV[11])
end
local is_killed = #articles == 0 and redis.call('EXISTS', P .. 'killed:' .. set) or 0
local wanted = redis.call('HGET', P .. 'wanted', ARGV[2]) or '0'
return {time[1], time[2], wanted, entries_of(articles), days, parts, entries_of(pins), is_killed}

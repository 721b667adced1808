-- Marks pages stale. ARGV[1] is the prefix of a site's keys.
-- A worker may hold a wanted version while Redis is emptied or loads an old file. So versions are the clock in
-- microseconds, and a new version is always higher. Lua's doubles are exact up to 2^53: the year 2255.
local P = ARGV[1]
local noted, seen = {}, {}

local function is_article(page) return string.sub(page, 1, 8) == 'article.' end

-- Stale listings are few and are scanned, so the stale pages of articles have a set of their own.
local function stale_key(page) return P .. (is_article(page) and 'stale-articles' or 'stale') end

-- Note a page; `mark_noted_stale` marks all noted pages.
local function note_stale(page)
  if not seen[page] then noted[#noted + 1] = page end
  seen[page] = true
end

local function mark_noted_stale()
  if #noted == 0 then return noted end
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local wanted, scores = {}, {}
  for place, old in ipairs(redis.call('HMGET', P .. 'wanted', unpack(noted))) do
    local page, version = noted[place], string.format('%.0f', math.max(tonumber(old or '0') + 1, now))
    wanted[#wanted + 1], wanted[#wanted + 2] = page, version
    local key = stale_key(page)
    scores[key] = scores[key] or {}
    scores[key][#scores[key] + 1], scores[key][#scores[key] + 2] = version, page
  end
  redis.call('HSET', P .. 'wanted', unpack(wanted))
  for key, pairs_of_key in pairs(scores) do redis.call('ZADD', key, unpack(pairs_of_key)) end
  return noted
end

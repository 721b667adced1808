-- Marks pages stale. ARGV[1] is the prefix of a site's keys.
-- A wanted version outlives the Redis that gave it in a worker's hands, while Redis is emptied or goes back to an old
-- file. So it is the clock in microseconds. Lua's doubles are exact up to 2^53, which is in the year 2255.
local P = ARGV[1]
local noted, seen = {}, {}

local function is_article(page) return string.sub(page, 1, 8) == 'article.' end

-- There are few stale listings, and they are looked through; articles' pages are kept apart.
local function stale_with(page) return P .. (is_article(page) and 'stale-articles' or 'stale') end

-- Note that a page is to be marked; `mark_noted_stale` does so for all of them.
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
    local key = stale_with(page)
    scores[key] = scores[key] or {}
    scores[key][#scores[key] + 1], scores[key][#scores[key] + 2] = version, page
  end
  redis.call('HSET', P .. 'wanted', unpack(wanted))
  for key, pairs_of_key in pairs(scores) do redis.call('ZADD', key, unpack(pairs_of_key)) end
  return noted
end

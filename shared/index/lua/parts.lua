-- The parts of a day: one up to 200 articles, then 2, 4, ... 32, with at most 150 articles each on average. The first
-- character of an article's id (32 values, evenly spread) gives its part, so other articles do not move it.
local function parts_of(count)
  local parts = 1
  if count > 200 then while count > parts * 150 and parts < 32 do parts = parts * 2 end end
  return parts
end

local function part_of(article, parts)
  local place = string.find('abcdefghijklmnopqrstuvwxyz234567', string.sub(article, 1, 1), 1, true) or 1
  return math.floor((place - 1) * parts / 32) + 1
end

-- Formerly listed articles count too, so that a public part stays.
local function count_of(set)
  return redis.call('ZCARD', P .. 'set:' .. set) + redis.call('SCARD', P .. 'former:' .. set)
end

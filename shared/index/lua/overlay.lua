-- A dry run of `upsert.lua`: the sets are read as they would be after its writes. This file follows `read_only.lua`.
-- In each set of articles one article changes: the script's own. The sets of days are small.
local read, changes = redis.call, {} -- key -> member -> its new score (a set's: true), or false if it is removed

local function change(key, member, value)
  changes[key] = changes[key] or {}
  changes[key][member] = value
end

local function real_score(key, member) return read('ZSCORE', key, member) end

local function score_in(key, member)
  local new = changes[key] and changes[key][member]
  if new == nil then return real_score(key, member) end
  return new
end

local function is_real_member(key, member) return read('SISMEMBER', key, member) == 1 end

local function is_member(key, member)
  local new = changes[key] and changes[key][member]
  if new == nil then return is_real_member(key, member) end
  return new
end

-- The number of members, from the real number: `was_there` tells whether a member is in the real set.
local function count_in(key, real, was_there)
  for member, value in pairs(changes[key] or {}) do
    real = real + (value and 1 or 0) - (was_there(key, member) and 1 or 0)
  end
  return real
end

-- The rank among all other members; the highest score is the first, and at the same score the highest member.
local function rank_of(key, member, score)
  local rank, old = read('ZCOUNT', key, '(' .. score, '+inf'), real_score(key, member)
  if old and tonumber(old) > tonumber(score) then rank = rank - 1 end
  for _, other in ipairs(read('ZRANGEBYSCORE', key, score, score)) do
    if other > member then rank = rank + 1 end
  end
  return rank
end

local function changed_member(key)
  for member, score in pairs(changes[key]) do return member, score end
end

local MAX_CHANGED_DAYS = 64 -- of one article: today's, and at most 50 former ones

local OVER = {}

function OVER.ZADD(key, score, member)
  local is_new = not score_in(key, member)
  change(key, member, score)
  return is_new and 1 or 0
end

function OVER.ZREM(key, member)
  local was_there = score_in(key, member)
  change(key, member, false)
  return was_there and 1 or 0
end

function OVER.SADD(key, member)
  local is_new = not is_member(key, member)
  change(key, member, true)
  return is_new and 1 or 0
end

function OVER.SREM(key, member)
  local was_there = is_member(key, member)
  change(key, member, false)
  return was_there and 1 or 0
end

function OVER.ZSCORE(key, member) return score_in(key, member) end
function OVER.ZCARD(key) return count_in(key, read('ZCARD', key), real_score) end
function OVER.SCARD(key) return count_in(key, read('SCARD', key), is_real_member) end

function OVER.SMEMBERS(key)
  local found = {}
  for _, member in ipairs(read('SMEMBERS', key)) do
    if changes[key][member] == nil then found[#found + 1] = member end
  end
  for member, is_there in pairs(changes[key]) do
    if is_there then found[#found + 1] = member end
  end
  return found
end

function OVER.ZREVRANK(key, member)
  local score = score_in(key, member)
  return score and rank_of(key, member, score)
end

-- The members at ranks `first` to `last`.
function OVER.ZREVRANGE(key, first, last)
  local found, member, score = {}, changed_member(key)
  local old, new = read('ZREVRANK', key, member), score and rank_of(key, member, score)
  for rank = first, last do
    if rank == new then
      found[#found + 1] = member
    else
      local place = (new and rank > new) and rank - 1 or rank -- among all other members
      if old and place >= old then place = place + 1 end
      found[#found + 1] = read('ZREVRANGE', key, place, place)[1]
    end
  end
  return found
end

-- The members from a score down, with their scores, without the changed one: it has no place among older articles.
function OVER.ZRANGE(key, score, lowest, by, rev, word, first, count)
  local member, others = changed_member(key), {}
  local some = read('ZRANGE', key, score, lowest, by, rev, word, 0, first + count + 1, 'WITHSCORES')
  for at = 1, #some, 2 do
    if some[at] ~= member then others[#others + 1] = {some[at], some[at + 1]} end
  end
  local found = {}
  for place = first + 1, math.min(first + count, #others) do
    found[#found + 1], found[#found + 2] = others[place][1], others[place][2]
  end
  return found
end

-- The first day from a score up.
function OVER.ZRANGEBYSCORE(key, lowest)
  local days = {}
  for _, day in ipairs(read('ZRANGEBYSCORE', key, lowest, '+inf', 'LIMIT', 0, MAX_CHANGED_DAYS)) do
    if changes[key][day] == nil then days[#days + 1] = {tonumber(real_score(key, day)), day} end
  end
  for day, score in pairs(changes[key]) do
    if score and tonumber(score) >= lowest then days[#days + 1] = {tonumber(score), day} end
  end
  table.sort(days, function(one, other) return one[1] < other[1] end)
  return days[1] and {days[1][2]} or {}
end

local WRITES = {ZADD = true, ZREM = true, SADD = true, SREM = true}

redis.call = function(command, ...)
  local key = ...
  if WRITES[command] or (key and changes[key] and OVER[command]) then return OVER[command](...) end
  return read(command, ...)
end

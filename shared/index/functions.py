"""Functions in Lua that the index's scripts are made of; `P` is the prefix of a site's keys (see scripts.py).

A script takes in those that it calls, each behind those that it calls itself.
"""

from __future__ import annotations

# Listings and articles' pages that are behind stand apart: of the first there are few, and they are looked through.
# A number outlives the Redis that gave it in a worker's hands, while Redis is emptied or goes back to an old file. Each
# is above all earlier ones, by the clock. Lua's doubles are exact up to 2^53, which is in the year 2255.
RAISE = """
local P = ARGV[1]
local touched, seen = {}, {}
local function is_article(page) return string.sub(page, 1, 8) == 'article.' end
local function behind_with(page) return P .. (is_article(page) and 'behind-articles' or 'behind') end
local function raise(page)
  if seen[page] then return end
  seen[page] = true
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local old = tonumber(redis.call('HGET', P .. 'changed', page) or '0')
  local number = string.format('%.0f', math.max(old + 1, now))
  redis.call('HSET', P .. 'changed', page, number)
  redis.call('ZADD', behind_with(page), number, page)
  touched[#touched + 1] = page
end
"""

# A card is kept as it came, not as a string inside of JSON, which would escape each of its quotation marks.
ENTRIES = """
local function decoded(entry)
  local ends = string.find(entry, '\\n', 1, true)
  local found = cjson.decode(string.sub(entry, 1, ends - 1))
  found.card = string.sub(entry, ends + 1)
  return found
end
local function card_of(entry) return string.sub(entry, string.find(entry, '\\n', 1, true) + 1) end
"""

# The pages of a day: one up to 200 cards, then 2, 4, ... 32, so that each has 150 on average. A card's page is told by
# the first character of its article's id (32 of them, evenly spread): it does not move when others come and go.
PARTS = """
local function parts_of(count)
  local parts = 1
  if count > 200 then while count > parts * 150 and parts < 32 do parts = parts * 2 end end
  return parts
end
local function part_of(article, parts)
  local place = string.find('abcdefghijklmnopqrstuvwxyz234567', string.sub(article, 1, 1), 1, true) or 1
  return math.floor((place - 1) * parts / 32) + 1
end
"""

SHOWS = """
local function digest_of(card) return string.sub(redis.sha1hex(card), 1, 8) end
local function forget_shown(page)
  local old = redis.call('HGET', P .. 'shows', page)
  if not old then return end
  for _, pick in ipairs(cjson.decode(old)) do redis.call('SREM', P .. 'shown-by:' .. pick[2], page) end
  redis.call('HDEL', P .. 'shows', page)
end
local function note_shown(page, picks)
  forget_shown(page)
  for _, pick in ipairs(picks) do redis.call('SADD', P .. 'shown-by:' .. pick[2], page) end
  redis.call('HSET', P .. 'shows', page, #picks > 0 and cjson.encode(picks) or '[]')
end
"""

# What lists nothing any more may go once nobody leads there. Whichever listing is not behind leads to what lists
# something only, so it is those behind that are asked for; what stands empty leads nowhere. An article's page leads to
# its topics and authors before its card says so, and after: that is noted.
LEADS = """
local function begins(text, start) return string.sub(text, 1, #start) == start end
local function is_led_to(listing)
  if redis.call('EXISTS', P .. 'led-to:' .. listing) == 1 then return true end
  local kind, scope, month, rest = string.match(listing, '^(%a+)(.-)%.(%d%d%d%d%-%d%d)(.*)$')
  if kind ~= 'day' and kind ~= 'month' and kind ~= 'rail' then return false end
  local day = month .. string.sub(rest, 1, 3)
  local function leads_there(page)
    if page == listing then return false end
    if kind == 'month' then return page == 'archive' .. scope or begins(page, 'day' .. scope .. '.' .. month) end
    if scope == '' and begins(page, 'rail.') and page > 'rail.' .. day then return true end
    return kind == 'day' and (page == 'month' .. scope .. '.' .. month or begins(page, 'day' .. scope .. '.' .. day))
  end
  for _, page in ipairs(redis.call('ZRANGE', P .. 'behind', 0, -1)) do
    if leads_there(page) and redis.call('SISMEMBER', P .. 'hollow', page) == 0 then return true end
  end
  return false
end
-- What stands empty and to which nobody leads any more need not wait for its turn.
local function let_go()
  for _, listing in ipairs(redis.call('SMEMBERS', P .. 'hollow')) do
    if not is_led_to(listing) then redis.call('DEL', P .. 'turn:' .. listing) end
  end
end
local function leads_of(page) return cjson.decode(redis.call('HGET', P .. 'leads', page) or '{}') end
local function lead(page, listings, order)
  if #listings == 0 then return end
  local leads = leads_of(page)
  for _, listing in ipairs(listings) do
    leads[listing] = order
    redis.call('SADD', P .. 'led-to:' .. listing, page)
  end
  redis.call('HSET', P .. 'leads', page, cjson.encode(leads))
end
-- Forget where a page leads, as noted up to an order. What is empty may go now, and is looked at.
local function lead_no_more(page, order)
  local left, is_less = {}, false
  for listing, since in pairs(leads_of(page)) do
    if since > order then
      left[listing] = since
    else
      is_less = true
      redis.call('SREM', P .. 'led-to:' .. listing, page)
      if redis.call('ZCARD', P .. 'set:' .. string.gsub(listing, '%.', ':', 1)) == 0 then raise(listing) end
    end
  end
  if next(left) then
    redis.call('HSET', P .. 'leads', page, cjson.encode(left))
  elseif is_less then
    redis.call('HDEL', P .. 'leads', page)
  end
  if is_less then let_go() end
end
-- The listing that an article's page leads to for standing in a set; nil where it leads to none.
local function listing_of_set(set)
  local kind, value = string.match(set, '^([^:]+):(.*)$')
  return (kind == 'topic' or kind == 'author') and kind .. '.' .. value or nil
end
"""

# Related articles: older ones only, the nearest in each set, at most so many through each, four in all. So what a page
# shows does not depend on what comes after it, and an article that comes late can disturb its near neighbours only.
RELATED = """
local MOST = 4
local QUOTA = {topic = 2, word = 1, section = 4}
local function ways_of(sets)
  local ways = {}
  for _, kind in ipairs({'topic', 'word', 'section'}) do
    for _, set in ipairs(sets) do
      if string.match(set, '^([^:]+)') == kind then ways[#ways + 1] = {set, QUOTA[kind]} end
    end
  end
  return ways
end
local function choose(article, score, sets)
  local picks, chosen = {}, {}
  for place, way in ipairs(ways_of(sets)) do
    if #picks == MOST then break end
    local key = P .. 'set:' .. way[1]
    local stood = redis.call('ZSCORE', key, article)
    redis.call('ZADD', key, score, article)
    local rank = redis.call('ZREVRANK', key, article)
    local older = redis.call('ZREVRANGE', key, rank + 1, rank + way[2] + #picks)
    if stood then redis.call('ZADD', key, stood, article) else redis.call('ZREM', key, article) end
    local taken = 0
    for each = 1, #older do
      if taken < way[2] and #picks < MOST and not chosen[older[each]] then
        chosen[older[each]] = true
        taken = taken + 1
        picks[#picks + 1] = {place, older[each]}
      end
    end
  end
  return picks
end
local function is_newer(score, article, key, other)
  local theirs = tonumber(redis.call('ZSCORE', key, other))
  return not theirs or score > theirs or (score == theirs and article > other)
end
-- Raise the pages of newer articles that would show this one.
local function disturb(article, score, sets)
  for _, way in ipairs(ways_of(sets)) do
    local key = P .. 'set:' .. way[1]
    local rank = redis.call('ZREVRANK', key, article)
    if rank and rank > 0 then
      for _, other in ipairs(redis.call('ZREVRANGE', key, math.max(0, rank - 7), rank - 1)) do
        local shows = redis.call('HGET', P .. 'shows', 'article.' .. other)
        local picks = shows and cjson.decode(shows) or {}
        local place, before, here, last, is_shown, is_known = 0, 0, 0, nil, false, shows
        for number, theirs in ipairs(ways_of(decoded(redis.call('HGET', P .. 'entries', other)).sets)) do
          if theirs[1] == way[1] then place = number end
        end
        for _, pick in ipairs(picks) do
          if pick[1] == 0 then is_known = false end
          if pick[2] == article then is_shown = true end
          if pick[1] < place then before = before + 1 end
          if pick[1] == place then here, last = here + 1, pick[2] end
        end
        local room = math.min(way[2], MOST - before)
        if not is_shown and (not is_known or (room > 0 and (here < room or is_newer(score, article, key, last)))) then
          raise('article.' .. other)
        end
      end
    end
  end
end
"""

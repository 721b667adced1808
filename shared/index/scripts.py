"""The index's changes as Redis scripts: each is one step, so that two workers cannot interleave inside it.

ARGV[1] is always the prefix of a site's keys; behind it:

entries   hash   article -> {order, score, sets, text}, a line feed, its card; a removed article keeps its order only
set:{s}   zset   the articles of a set by the time of their creation
days:{s}  zset   the days that have articles: of the site (`all`) or of a section
changed, published   hash   page -> number; `behind`: zset of the pages whose numbers differ
shows     hash   page -> what it shows beyond the newest of its set: [[place of the set, article, digest], ...]
shown-by:{article}   set of pages: the way back
leads     hash   article's page -> {listing: revision}: where it leads while its card does not say so: it is about to
                 be put, or to be taken down; a card of that revision or a later one ends it
led-to:{listing} set of pages: the way back
hollow    set    listings of nothing that stand empty because some page leads there
shown     hash   listing -> SHA-256 of the page that the edge was last told of
due       zset   listing -> when it has to be rendered again (microseconds), whatever happens
"""

from __future__ import annotations

# A number outlives the Redis that gave it in a worker's hands, while Redis is emptied or goes back to an old file. Each
# is above all earlier ones, by the clock. Lua's doubles are exact up to 2^53, which is in the year 2255.
_RAISE = """
local P = ARGV[1]
local touched, seen = {}, {}
local function raise(page)
  if seen[page] then return end
  seen[page] = true
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local old = tonumber(redis.call('HGET', P .. 'changed', page) or '0')
  local number = string.format('%.0f', math.max(old + 1, now))
  redis.call('HSET', P .. 'changed', page, number)
  redis.call('ZADD', P .. 'behind', number, page)
  touched[#touched + 1] = page
end
local function is_article(page) return string.sub(page, 1, 8) == 'article.' end
"""

# A card is kept as it came, not as a string inside of JSON, which would escape each of its quotation marks.
_ENTRIES = """
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
_PARTS = """
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

_SHOWS = """
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
_LEADS = """
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
_RELATED = """
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

TOUCH = _RAISE + "raise(ARGV[2])"

TOUCH_DUE = (
    _RAISE
    + """
for _, listing in ipairs(redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', ARGV[2])) do
  redis.call('ZREM', P .. 'due', listing)
  raise(listing)
end
return touched
"""
)

# ARGV: prefix, article, entry, readers {kind: [[name, limit, in_parts, has_text]]}, is_restored, shows, is_still_there
# A listing is raised when the card stood, or stands now, among the cards that it shows.
PLACE = (
    _RAISE
    + _ENTRIES
    + _PARTS
    + _SHOWS
    + _LEADS
    + _RELATED
    + """
local article, new, readers = ARGV[2], decoded(ARGV[3]), cjson.decode(ARGV[4])
local is_restored = ARGV[5] == '1'
local score = string.format('%.0f', new.score)

local function touch(set, rank, before, after, only_text)
  local kind, value = string.match(set, '^([^:]+):?(.*)$')
  for _, reader in ipairs(readers[kind] or {}) do
    local name = value == '' and reader[1] or reader[1] .. '.' .. string.gsub(value, ':', '.')
    if only_text and not reader[4] then
      -- shows nothing of the text
    elseif reader[3] then
      local was, is = parts_of(before), parts_of(after)
      local first, last = part_of(article, is), part_of(article, is)
      if was ~= is then first, last = 1, math.max(was, is) end
      for part = first, last do raise(part == 1 and name or name .. '.' .. part) end
    elseif reader[2] == 0 or rank < reader[2] then
      raise(name)
    end
  end
end
local function change_days(set, exists)
  local kind, section, date = string.match(set, '^(s?day):?(.-):?(%d%d%d%d%-%d%d%-%d%d)$')
  if not kind then return end
  local days, number = P .. 'days:' .. (kind == 'day' and 'all' or section), string.gsub(date, '-', '')
  local infix = kind == 'day' and '' or '.' .. section
  if exists then redis.call('ZADD', days, number, date) else redis.call('ZREM', days, date) end
  raise('archive' .. infix)
  raise('month' .. infix .. '.' .. string.sub(date, 1, 7))
  raise('sitemap.fronts')
  if kind == 'day' then
    raise('sitemap')
    for _, newer in ipairs(redis.call('ZRANGEBYSCORE', days, '(' .. number, '+inf', 'LIMIT', 0, 1)) do
      raise('rail.' .. newer)
    end
  end
end
local function is_in(sets, wanted)
  for _, set in ipairs(sets) do if set == wanted then return true end end
  return false
end

local own = 'article.' .. article
local old = redis.call('HGET', P .. 'entries', article)
local old_sets, old_score = {}, nil
if old then
  old = decoded(old)
  if old.order > new.order then return {} end
  old_sets, old_score = old.sets, string.format('%.0f', old.score)
end
if ARGV[7] == '1' then
  local led = {}
  for _, set in ipairs(old_sets) do led[#led + 1] = listing_of_set(set) end
  lead(own, led, new.order)
else
  lead_no_more(own, new.order)
end
if old then
  if old.card == new.card and old_score == score then
    if old.order < new.order or old.text ~= new.text then redis.call('HSET', P .. 'entries', article, ARGV[3]) end
    if old.text ~= new.text then
      for _, set in ipairs(new.sets) do
        touch(set, redis.call('ZREVRANK', P .. 'set:' .. set, article), 0, 0, true)
      end
    end
    return touched
  end
end
redis.call('HSET', P .. 'entries', article, ARGV[3])

local has_moved = old_score ~= score
for _, set in ipairs(old_sets) do
  local key = P .. 'set:' .. set
  local rank, count = redis.call('ZREVRANK', key, article), redis.call('ZCARD', key)
  if rank then
    if is_in(new.sets, set) then
      touch(set, rank, count, count)
    else
      has_moved = true
      touch(set, rank, count, count - 1)
      redis.call('ZREM', key, article)
      if count == 1 then change_days(set, false) end
    end
  end
end
for _, set in ipairs(new.sets) do
  local key = P .. 'set:' .. set
  local count = redis.call('ZCARD', key)
  local is_new = redis.call('ZADD', key, score, article) == 1
  local rank = redis.call('ZREVRANK', key, article)
  if is_new then
    has_moved = true
    touch(set, rank, count, count + 1)
    if count == 0 then change_days(set, true) end
  else
    touch(set, rank, count, count)
  end
end

local digest = digest_of(new.card)
for _, page in ipairs(redis.call('SMEMBERS', P .. 'shown-by:' .. article)) do
  for _, pick in ipairs(cjson.decode(redis.call('HGET', P .. 'shows', page) or '[]')) do
    if pick[2] == article and pick[3] ~= digest then raise(page) end
  end
end
if new.card == '' then
  forget_shown(own)
  redis.call('HDEL', P .. 'changed', own)
  redis.call('ZREM', P .. 'behind', own)
elseif is_restored then
  local shows, picks = cjson.decode(ARGV[6]), {}
  for shown, was in pairs(shows) do
    picks[#picks + 1] = {0, shown, was}
    local other = redis.call('HGET', P .. 'entries', shown)
    if other and digest_of(card_of(other)) ~= was then raise(own) end
  end
  note_shown(own, picks)
elseif has_moved then
  disturb(article, new.score, new.sets)
  local shows, is_same = redis.call('HGET', P .. 'shows', own), true
  local picks, now = cjson.decode(shows or '[]'), choose(article, score, new.sets)
  for place = 1, math.max(#picks, #now) do
    if not picks[place] or not now[place] or picks[place][2] ~= now[place][2] then is_same = false end
  end
  if not shows or not is_same then raise(own) end
end
return touched
"""
)

# ARGV: prefix, article, score, sets, revision or empty. Returns the page's `changed` number, the picks' articles and
# their cards, and the listings that the page will lead to and that nobody has put. The page of a revision that is not
# in the index leads to listings that do not know it: what they are is noted.
RELATE = (
    _RAISE
    + _ENTRIES
    + _SHOWS
    + _LEADS
    + _RELATED
    + """
local own, led, missing = 'article.' .. ARGV[2], {}, {}
local entry = ARGV[5] ~= '' and redis.call('HGET', P .. 'entries', ARGV[2])
if ARGV[5] ~= '' and not (entry and decoded(entry).order >= ARGV[5]) then
  for _, set in ipairs(cjson.decode(ARGV[4])) do
    local listing = listing_of_set(set)
    if listing and not redis.call('ZSCORE', P .. 'set:' .. set, ARGV[2]) then led[#led + 1] = listing end
  end
  lead(own, led, ARGV[5])
end
if #led > 0 then
  for place, number in ipairs(redis.call('HMGET', P .. 'published', unpack(led))) do
    if not number then missing[#missing + 1] = led[place] end
  end
end
local picks, cards = choose(ARGV[2], ARGV[3], cjson.decode(ARGV[4])), {}
for place, pick in ipairs(picks) do
  local card = card_of(redis.call('HGET', P .. 'entries', pick[2]))
  pick[3] = digest_of(card)
  cards[place] = {pick[2], pick[3], card}
end
note_shown(own, picks)
return {redis.call('HGET', P .. 'changed', own) or '0', cards, missing}
"""
)

# ARGV: prefix, listing, reads, limit, turn (ms), pins, days' scope or empty, part or 0
READ = (
    _RAISE
    + _ENTRIES
    + _PARTS
    + _SHOWS
    + _LEADS
    + """
redis.call('SET', P .. 'turn:' .. ARGV[2], '1', 'PX', ARGV[5])
local time = redis.call('TIME')
local key, limit, part = P .. 'set:' .. ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[8])
local function entries_of(articles)
  local entries = {}
  for first = 1, #articles, 1000 do
    local last = math.min(first + 999, #articles)
    for _, entry in ipairs(redis.call('HMGET', P .. 'entries', unpack(articles, first, last))) do
      if entry then entries[#entries + 1] = entry end
    end
  end
  return entries
end
local parts = part > 0 and parts_of(redis.call('ZCARD', key)) or 1
local articles = limit > 0 and redis.call('ZREVRANGE', key, 0, part > 0 and -1 or limit - 1) or {}
if parts > 1 or part > 1 then
  local chosen = {}
  for _, article in ipairs(articles) do
    if part_of(article, parts) == part then chosen[#chosen + 1] = article end
  end
  articles = chosen
end
local pins, picks = cjson.decode(ARGV[6]), {}
for _, pin in ipairs(pins) do
  local entry = redis.call('HGET', P .. 'entries', pin)
  picks[#picks + 1] = {0, pin, digest_of(entry and card_of(entry) or '')}
end
if #picks > 0 then note_shown(ARGV[2], picks) else forget_shown(ARGV[2]) end
local days = ARGV[7] ~= '' and redis.call('ZREVRANGE', P .. 'days:' .. ARGV[7], 0, -1) or {}
local changed = redis.call('HGET', P .. 'changed', ARGV[2]) or '0'
local month, is_empty, is_led = string.match(ARGV[2], '^month%..-(%d%d%d%d%-%d%d)$'), #articles == 0, 0
for _, day in ipairs(days) do
  if month and begins(day, month) then is_empty = false end
end
if not is_empty then
  redis.call('SREM', P .. 'hollow', ARGV[2])
elseif is_led_to(ARGV[2]) then
  is_led = 1
end
return {time[1], time[2], changed, entries_of(articles), days, parts, entries_of(pins), is_led}
"""
)

# ARGV: prefix, page, number, interval (ms), is_absent, SHA-256 of a listing, is_hollow
# A number that this index never gave says nothing of what the page shows: it has to be rendered anew. Of an article's
# page only those numbers are kept that it has yet to reach.
PUBLISHED = (
    _RAISE
    + _LEADS
    + """
local page, number = ARGV[2], tonumber(ARGV[3])
redis.call('PEXPIRE', P .. 'turn:' .. page, ARGV[4])
local changed = tonumber(redis.call('HGET', P .. 'changed', page) or '0')
local published = tonumber(redis.call('HGET', P .. 'published', page) or '-1')
local is_absent = ARGV[5] == '1'
if is_absent and (number < changed or is_led_to(page)) then return 1 end
if ARGV[7] == '1' then
  redis.call('SADD', P .. 'hollow', page)
elseif not is_article(page) then
  redis.call('SREM', P .. 'hollow', page)
end
if is_article(page) or is_absent then
  if number >= changed then
    redis.call('HDEL', P .. 'changed', page)
    redis.call('HDEL', P .. 'published', page)
    redis.call('HDEL', P .. 'shown', page)
    redis.call('ZREM', P .. 'behind', page)
  end
  if is_absent then let_go() end
  return published > number and 1 or 0
end
if number > changed then
  raise(page)
  return 0
end
if ARGV[6] ~= '' then redis.call('HSET', P .. 'shown', page, ARGV[6]) end
if number > published then redis.call('HSET', P .. 'published', page, ARGV[3]) end
if number == changed then
  redis.call('ZREM', P .. 'behind', page)
  if ARGV[7] == '1' then raise(page) end
end
let_go()
return published > number and 1 or 0
"""
)

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

from shared.index.functions import ENTRIES, LEADS, PARTS, RAISE, RELATED, SHOWS

TOUCH = RAISE + "raise(ARGV[2])"

TOUCH_DUE = (
    RAISE
    + """
for _, listing in ipairs(redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', ARGV[2])) do
  redis.call('ZREM', P .. 'due', listing)
  raise(listing)
end
return touched
"""
)

# ARGV: prefix, article, entry, readers {kind: [[name, limit, in_parts, has_text]]}, is_restored, shows or empty,
# is_still_there
# A listing is raised when the card stood, or stands now, among the cards that it shows.
PLACE = (
    RAISE
    + ENTRIES
    + PARTS
    + SHOWS
    + LEADS
    + RELATED
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
if new.card == '' then -- whatever its page showed, or a late reading says that it shows
  forget_shown(own)
  redis.call('HDEL', P .. 'changed', own)
  redis.call('ZREM', behind_with(own), own)
elseif not is_restored and ARGV[6] ~= '' and redis.call('HEXISTS', P .. 'shows', own) == 1 then
  local put, chosen, count = cjson.decode(ARGV[6]), cjson.decode(redis.call('HGET', P .. 'shows', own)), 0
  local is_same = true
  for _ in pairs(put) do count = count + 1 end
  for _, pick in ipairs(chosen) do is_same = is_same and put[pick[2]] == pick[3] end
  if not is_same or count ~= #chosen then raise(own) end -- put after a page that shows what was chosen later
end
if old then
  if old.card == new.card and old_score == score then
    if old.order < new.order or old.text ~= new.text then redis.call('HSET', P .. 'entries', article, ARGV[3]) end
    if old.text ~= new.text then
      for _, set in ipairs(new.sets) do
        touch(set, redis.call('ZREVRANK', P .. 'set:' .. set, article), 0, 0, true)
      end
    end
    if new.card == '' then -- said once more: what was said of the pages that show it may have been lost
      for _, page in ipairs(redis.call('SMEMBERS', P .. 'shown-by:' .. article)) do
        if redis.call('ZSCORE', behind_with(page), page) then touched[#touched + 1] = page end
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
if new.card ~= '' and is_restored then
  local shows, picks = cjson.decode(ARGV[6]), {}
  for shown, was in pairs(shows) do
    picks[#picks + 1] = {0, shown, was}
    local other = redis.call('HGET', P .. 'entries', shown)
    if other and digest_of(card_of(other)) ~= was then raise(own) end
  end
  note_shown(own, picks)
elseif new.card ~= '' and has_moved then
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
    RAISE
    + ENTRIES
    + SHOWS
    + LEADS
    + RELATED
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
    RAISE
    + ENTRIES
    + PARTS
    + SHOWS
    + LEADS
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
# page only those numbers are kept that it has yet to reach. What must not go yet, or is in another state than the
# message says (a clock that was set back gives a lower number), is behind after this, and by no higher number where it
# was already: two messages for it would raise it in turn for ever.
PUBLISHED = (
    RAISE
    + LEADS
    + """
local page, number = ARGV[2], tonumber(ARGV[3])
redis.call('PEXPIRE', P .. 'turn:' .. page, ARGV[4])
local changed = tonumber(redis.call('HGET', P .. 'changed', page) or '0')
local published = tonumber(redis.call('HGET', P .. 'published', page) or '-1')
local is_absent = ARGV[5] == '1'
if is_absent and ((changed ~= 0 and number ~= changed) or published > number or is_led_to(page)) then
  if not redis.call('ZSCORE', P .. 'behind', page) then raise(page) end
  return 1
end
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
    redis.call('ZREM', behind_with(page), page)
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

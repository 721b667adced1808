-- Stores an article's entry, or its removal, unless a newer one is known. Returns the pages that became stale, and the
-- memberships that the article leaves and whose effects are not in ARGV: if there are any, nothing was done.
-- ARGV: prefix, is_restored, article, entry, effects, shows or empty, names of listings that must be public
-- The effects of a membership:
--   ranked  {name, limit, has_text} of each listing that shows its newest articles
--   multipart  the names of listings in parts
--   day     {scope, day, number, names of the listings of days, pattern of the name of the next newer day's listing}
local is_restored, article, new, effects = ARGV[2] == '1', ARGV[3], decoded(ARGV[4]), cjson.decode(ARGV[5])
local own = 'article.' .. article
local score = string.format('%.0f', new.score)
local old_entry = redis.call('HGET', P .. 'entries', article)
local old = old_entry and decoded(old_entry) or {order = '', memberships = {}}
local old_score = old_entry and string.format('%.0f', old.score)
if old.order > new.order then return {{}, {}} end
-- An expiry removes the live revision, so a card of the same revision comes too late.
if old_entry and old.order == new.order and old.card == '' and new.card ~= '' then return {{}, {}} end
local unknown = {}
for _, set in ipairs(old.memberships) do
  if not effects[set] then unknown[#unknown + 1] = set end
end
for _, name in ipairs(old.extra_sets or {}) do
  local set = string.match(name, '^%a+:(.*)$')
  if not effects[set] then unknown[#unknown + 1] = set end
end
if #unknown > 0 then return {{}, unknown} end

local function is_in(memberships, wanted)
  for _, set in ipairs(memberships or {}) do if set == wanted then return true end end
  return false
end

-- Mark the listings stale that show the article at its present rank.
local function note_listings_of(set, only_text)
  local ranked = effects[set].ranked
  local rank = #ranked > 0 and redis.call('ZREVRANK', P .. 'set:' .. set, article)
  if not rank then return end
  for _, each in ipairs(ranked) do
    if rank < each[2] and (each[3] or not only_text) then note_stale(each[1]) end
  end
end

-- Mark the part that shows the article stale, or all parts if their number changes. Mark the listings of days stale if
-- the day's number of parts changes.
local function update_day(set, parts_was)
  local effect, count = effects[set], redis.call('ZCARD', P .. 'set:' .. set)
  local parts_now = parts_of(count + redis.call('SCARD', P .. 'former:' .. set))
  local first, last = part_of(article, parts_now), part_of(article, parts_now)
  if parts_was ~= parts_now then first, last = 1, math.max(parts_was, parts_now) end
  for _, name in ipairs(effect.multipart) do
    for part = first, last do note_stale(part == 1 and name or name .. '.' .. part) end
  end
  local scope, day, number, names, pattern = unpack(effect.day)
  local days, wanted = P .. 'days:' .. scope, count > 0 and number * 100 + parts_now or 0
  local known = tonumber(redis.call('ZSCORE', days, day) or '0')
  if known == wanted then return end
  if wanted > 0 then redis.call('ZADD', days, wanted, day) else redis.call('ZREM', days, day) end
  for _, name in ipairs(names) do note_stale(name) end
  if pattern == '' or (known > 0 and wanted > 0) then return end
  for _, newer in ipairs(redis.call('ZRANGEBYSCORE', days, number * 100 + 100, '+inf', 'LIMIT', 0, 1)) do
    note_stale(string.format(pattern, newer))
  end
end

local parts_before = {}
for set, effect in pairs(effects) do
  if effect.day then parts_before[set] = parts_of(count_of(set)) end
end

-- Sets beside the memberships: `former:{set}` counts for the parts; an empty listing with a `killed:{set}` answers 410.
local have_extra_sets_changed = false
local function note_extra_set(name)
  have_extra_sets_changed = true
  local set = string.match(name, '^killed:(.*)$')
  for _, each in ipairs(set and effects[set].ranked or {}) do note_stale(each[1]) end
end
for _, name in ipairs(old.extra_sets or {}) do
  if not is_in(new.extra_sets, name) and redis.call('SREM', P .. name, article) == 1 then note_extra_set(name) end
end
for _, name in ipairs(new.extra_sets or {}) do
  if redis.call('SADD', P .. name, article) == 1 then note_extra_set(name) end
end
for _, name in ipairs(cjson.decode(ARGV[7])) do
  local is_known = redis.call('HEXISTS', P .. 'published', name) == 1 or redis.call('ZSCORE', P .. 'stale', name)
  if not is_known then note_stale(name) end
end

if new.card == '' then -- a removed article's page shows no cards and is not stale
  forget_shown(own)
  redis.call('HDEL', P .. 'wanted', own)
  redis.call('ZREM', stale_key(own), own)
elseif not is_restored and ARGV[6] ~= '' and redis.call('HEXISTS', P .. 'shows', own) == 1 then
  local put, chosen, count = cjson.decode(ARGV[6]), cjson.decode(redis.call('HGET', P .. 'shows', own)), 0
  local is_same = true
  for _ in pairs(put) do count = count + 1 end
  for _, pick in ipairs(chosen) do is_same = is_same and put[pick[2]] == pick[3] end
  if not is_same or count ~= #chosen then note_stale(own) end -- an older page was put over one with a later choice
end

if old_entry and old.card == new.card and old_score == score then
  if old.order < new.order or old.text ~= new.text or have_extra_sets_changed then
    redis.call('HSET', P .. 'entries', article, ARGV[4])
  end
  if old.text ~= new.text then
    for _, set in ipairs(new.memberships) do note_listings_of(set, true) end
  end
  if have_extra_sets_changed then
    for set, parts_was in pairs(parts_before) do update_day(set, parts_was) end
  end
  local pages = mark_noted_stale()
  if new.card == '' then -- emitted again: the follow-ups for the pages that show it may be lost
    for _, page in ipairs(redis.call('SMEMBERS', P .. 'shown-by:' .. article)) do
      if redis.call('ZSCORE', stale_key(page), page) then pages[#pages + 1] = page end
    end
  end
  return {pages, {}}
end

redis.call('HSET', P .. 'entries', article, ARGV[4])
local has_moved = old_score ~= score
for _, set in ipairs(old.memberships) do
  note_listings_of(set)
  if not is_in(new.memberships, set) then
    redis.call('ZREM', P .. 'set:' .. set, article)
    has_moved = true
  end
end
for _, set in ipairs(new.memberships) do
  if redis.call('ZADD', P .. 'set:' .. set, score, article) == 1 then has_moved = true end
  if has_moved or not is_in(old.memberships, set) then note_listings_of(set) end
end
for set, parts_was in pairs(parts_before) do
  if is_in(old.memberships, set) or is_in(new.memberships, set) or have_extra_sets_changed then update_day(set, parts_was) end
end

local digest = digest_of(new.card)
for _, page in ipairs(redis.call('SMEMBERS', P .. 'shown-by:' .. article)) do
  for _, pick in ipairs(cjson.decode(redis.call('HGET', P .. 'shows', page) or '[]')) do
    if pick[2] == article and pick[3] ~= digest then note_stale(page) end
  end
end
if new.card ~= '' and is_restored then
  local picks = {}
  for shown, known_digest in pairs(cjson.decode(ARGV[6])) do
    picks[#picks + 1] = {0, shown, known_digest}
    local other = redis.call('HGET', P .. 'entries', shown)
    if other and digest_of(card_of(other)) ~= known_digest then note_stale(own) end
  end
  note_shown(own, picks)
elseif new.card ~= '' and has_moved then
  note_pages_that_show(article, new.score, new.memberships)
  local shows, is_same = redis.call('HGET', P .. 'shows', own), true
  local picks, now = cjson.decode(shows or '[]'), choose(article, score, new.memberships)
  for place = 1, math.max(#picks, #now) do
    if not picks[place] or not now[place] or picks[place][2] ~= now[place][2] then is_same = false end
  end
  if not shows or not is_same then note_stale(own) end
end
return {mark_noted_stale(), {}}

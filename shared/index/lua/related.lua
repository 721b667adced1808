-- Related articles: older ones only, the nearest in each membership, at most so many through each, four in all. So what
-- a page shows does not depend on what comes after it, and a late article can disturb its near neighbours only.
local MOST = 4
local QUOTA = {topic = 2, word = 1, section = 4}

local function ways_of(memberships)
  local ways = {}
  for _, kind in ipairs({'topic', 'word', 'section'}) do
    for _, set in ipairs(memberships) do
      if string.match(set, '^([^:]+)') == kind then ways[#ways + 1] = {set, QUOTA[kind]} end
    end
  end
  return ways
end

-- The nearest older members of a set: of one score the higher name is the newer one.
local function older_than(key, article, score, most)
  local older, first = {}, 0
  while #older < most do
    local some = redis.call('ZRANGE', key, score, '-inf', 'BYSCORE', 'REV', 'LIMIT', first, most + 1, 'WITHSCORES')
    for at = 1, #some, 2 do
      if #older < most and (some[at + 1] ~= score or some[at] < article) then older[#older + 1] = some[at] end
    end
    if #some < 2 * (most + 1) then return older end
    first = first + most + 1
  end
  return older
end

local function choose(article, score, memberships)
  local picks, chosen = {}, {}
  for place, way in ipairs(ways_of(memberships)) do
    if #picks == MOST then break end
    local taken = 0
    for _, older in ipairs(older_than(P .. 'set:' .. way[1], article, score, way[2] + #picks)) do
      if taken < way[2] and #picks < MOST and not chosen[older] then
        chosen[older] = true
        taken = taken + 1
        picks[#picks + 1] = {place, older}
      end
    end
  end
  return picks
end

local function is_newer(score, article, key, other)
  local theirs = tonumber(redis.call('ZSCORE', key, other))
  return not theirs or score > theirs or (score == theirs and article > other)
end

-- Does a page have room for an article of a membership, or show an older one in its place?
local function would_show(shows, memberships, article, score, way)
  if not shows then return true end
  local place, before, here, last, is_restored = 0, 0, 0, nil, false
  for number, theirs in ipairs(ways_of(memberships)) do
    if theirs[1] == way[1] then place = number end
  end
  for _, pick in ipairs(cjson.decode(shows)) do
    if pick[2] == article then return false end
    if pick[1] == 0 then is_restored = true end -- how it was chosen is not known
    if pick[1] < place then before = before + 1 end
    if pick[1] == place then here, last = here + 1, pick[2] end
  end
  local room = math.min(way[2], MOST - before)
  return is_restored or (room > 0 and (here < room or is_newer(score, article, P .. 'set:' .. way[1], last)))
end

-- Raise the pages of newer articles that would show this one.
local function note_pages_that_show(article, score, memberships)
  local near, pages, articles, known = {}, {}, {}, {}
  for _, way in ipairs(ways_of(memberships)) do
    local key = P .. 'set:' .. way[1]
    local rank = redis.call('ZREVRANK', key, article)
    for _, other in ipairs(rank and rank > 0 and redis.call('ZREVRANGE', key, math.max(0, rank - 7), rank - 1) or {}) do
      near[#near + 1] = {way, other}
      if not known[other] then articles[#articles + 1], pages[#pages + 1] = other, 'article.' .. other end
      known[other] = true
    end
  end
  if #articles == 0 then return end
  local shows, entries = redis.call('HMGET', P .. 'shows', unpack(pages)), {}
  for place, entry in ipairs(redis.call('HMGET', P .. 'entries', unpack(articles))) do
    entries[articles[place]] = {shows[place], decoded(entry).memberships}
  end
  for _, each in ipairs(near) do
    local shown, their_sets = unpack(entries[each[2]])
    if would_show(shown, their_sets, article, score, each[1]) then note_stale('article.' .. each[2]) end
  end
end

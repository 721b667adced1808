-- Related articles: the nearest older ones in each membership, at most a quota of each membership, four in all. So
-- newer articles do not change a page's choice, and a late article changes only the pages of its near neighbours.
local MAX_RELATED = 4
local QUOTA_BY_KIND = {topic = 2, word = 1, section = 4}

local function quotas_of(memberships)
  local quotas = {}
  for _, kind in ipairs({'topic', 'word', 'section'}) do
    for _, set in ipairs(memberships) do
      if string.match(set, '^([^:]+)') == kind then quotas[#quotas + 1] = {set, QUOTA_BY_KIND[kind]} end
    end
  end
  return quotas
end

-- The nearest older members of a set. At the same score, the higher id is the newer article.
local function older_than(key, article, score, limit)
  local older, first = {}, 0
  while #older < limit do
    local some = redis.call('ZRANGE', key, score, '-inf', 'BYSCORE', 'REV', 'LIMIT', first, limit + 1, 'WITHSCORES')
    for at = 1, #some, 2 do
      if #older < limit and (some[at + 1] ~= score or some[at] < article) then older[#older + 1] = some[at] end
    end
    if #some < 2 * (limit + 1) then return older end
    first = first + limit + 1
  end
  return older
end

local function choose(article, score, memberships)
  local picks, chosen = {}, {}
  for place, quota in ipairs(quotas_of(memberships)) do
    if #picks == MAX_RELATED then break end
    local taken = 0
    for _, older in ipairs(older_than(P .. 'set:' .. quota[1], article, score, quota[2] + #picks)) do
      if taken < quota[2] and #picks < MAX_RELATED and not chosen[older] then
        chosen[older] = true
        taken = taken + 1
        picks[#picks + 1] = {place, older}
      end
    end
  end
  return picks
end

local function is_newer(score, article, key, other)
  local other_score = tonumber(redis.call('ZSCORE', key, other))
  return not other_score or score > other_score or (score == other_score and article > other)
end

-- Would a page show this article, by a free place of the membership's quota or in place of an older article?
local function would_show(shows, memberships, article, score, quota)
  if not shows then return true end
  local place, before, here, last, is_restored = 0, 0, 0, nil, false
  for number, each in ipairs(quotas_of(memberships)) do
    if each[1] == quota[1] then place = number end
  end
  for _, pick in ipairs(cjson.decode(shows)) do
    if pick[2] == article then return false end
    if pick[1] == 0 then is_restored = true end -- the membership of each choice is unknown
    if pick[1] < place then before = before + 1 end
    if pick[1] == place then here, last = here + 1, pick[2] end
  end
  local room = math.min(quota[2], MAX_RELATED - before)
  return is_restored or (room > 0 and (here < room or is_newer(score, article, P .. 'set:' .. quota[1], last)))
end

-- Mark the pages of newer articles stale that would show this one.
local function note_pages_that_show(article, score, memberships)
  local near, pages, articles, known = {}, {}, {}, {}
  for _, quota in ipairs(quotas_of(memberships)) do
    local key = P .. 'set:' .. quota[1]
    local rank = redis.call('ZREVRANK', key, article)
    for _, other in ipairs(rank and rank > 0 and redis.call('ZREVRANGE', key, math.max(0, rank - 7), rank - 1) or {}) do
      near[#near + 1] = {quota, other}
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

-- An entry is JSON, a line feed, and the card's JSON: inside a JSON string each quotation mark would be escaped.
local function decoded(entry)
  local ends = string.find(entry, '\n', 1, true)
  local found = cjson.decode(string.sub(entry, 1, ends - 1))
  found.card = string.sub(entry, ends + 1)
  return found
end

local function card_of(entry) return string.sub(entry, string.find(entry, '\n', 1, true) + 1) end

local function entries_of(articles)
  local entries = {}
  for _, entry in ipairs(#articles > 0 and redis.call('HMGET', P .. 'entries', unpack(articles)) or {}) do
    if entry then entries[#entries + 1] = entry end
  end
  return entries
end

local function digest_of(card) return string.sub(redis.sha1hex(card), 1, 8) end

-- The cards that a page shows by choice (related, pinned): {place of the membership, article, digest of the card}.
local function forget_shown(page)
  local old = redis.call('HGET', P .. 'shows', page)
  if not old then return end
  for _, pick in ipairs(cjson.decode(old)) do redis.call('SREM', P .. 'shown-by:' .. pick[2], page) end
  redis.call('HDEL', P .. 'shows', page)
end

local function note_shown(page, picks)
  forget_shown(page)
  if #picks == 0 and not is_article(page) then return end
  for _, pick in ipairs(picks) do redis.call('SADD', P .. 'shown-by:' .. pick[2], page) end
  redis.call('HSET', P .. 'shows', page, #picks > 0 and cjson.encode(picks) or '[]') -- an empty table is an object
end

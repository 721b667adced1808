-- Chooses an article's related articles, and records that its page shows them.
-- ARGV: prefix, article, score, memberships, names of the listings that the page links to
-- Returns the page's wanted version (0: not stale), the picks with their cards, and which listings were never published.
local own, names, missing, cards = 'article.' .. ARGV[2], cjson.decode(ARGV[5]), {}, {}
if #names > 0 then
  for place, version in ipairs(redis.call('HMGET', P .. 'published', unpack(names))) do
    if not version then missing[#missing + 1] = names[place] end
  end
end
local picks, articles = choose(ARGV[2], ARGV[3], cjson.decode(ARGV[4])), {}
for place, pick in ipairs(picks) do articles[place] = pick[2] end
for place, entry in ipairs(entries_of(articles)) do
  local card = card_of(entry)
  picks[place][3] = digest_of(card)
  cards[place] = {articles[place], picks[place][3], card}
end
-- The page of a removed article is not put, so nothing is recorded for it.
local entry = redis.call('HGET', P .. 'entries', ARGV[2])
if not entry or card_of(entry) ~= '' then note_shown(own, picks) end
return {redis.call('HGET', P .. 'wanted', own) or '0', cards, missing}

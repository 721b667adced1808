"""The index in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from redis import Redis

from shared.index import RelatedArticles, Snapshot, scripts
from shared.index.placements import (
    Placement,
    compact_json,
    epoch_microseconds,
    linked_listings,
    live_placement,
    placement_of,
    removal_placement,
    score_of,
)
from shared.index.restores import RedisRestores, index_key
from shared.model.card import Card
from shared.model.live_record import LiveRecord
from shared.runtime.redis_client import translated
from shared.site.listings import ALL, Listing, article_page, find_article, find_listing
from shared.site.memberships import memberships_of
from shared.site.sites import Site

_STALE_LISTINGS, _STALE_ARTICLES = "stale", "stale-articles"
_MIN_LEASE_SECONDS = 20  # after this time without a read or a PUT, a page's message counts as lost


class RedisIndex(RedisRestores):
    """The index: one set of keys for each site."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client)
        self._mark_stale = client.register_script(scripts.MARK_STALE)
        self._mark_due_stale = client.register_script(scripts.MARK_DUE_STALE)
        self._upsert = client.register_script(scripts.UPSERT)
        self._choose_related = client.register_script(scripts.CHOOSE_RELATED)
        self._read = client.register_script(scripts.READ)
        self._set_published = client.register_script(scripts.SET_PUBLISHED)

    @translated
    def upsert(
        self,
        site: Site,
        card: Card,
        revision: str,
        *,
        text: str = "",
        shows: Mapping[str, str] | None = None,
        former_memberships: Iterable[str] = (),
    ) -> tuple[str, ...]:
        """Store an article's card, atomically; return the pages that become stale."""
        return self._put(site, [live_placement(site, card, revision, text, shows, former_memberships)])

    @translated
    def remove(
        self,
        site: Site,
        article: str,
        revision: str,
        *,
        former_memberships: Iterable[str] = (),
        is_killed: bool = False,
    ) -> tuple[str, ...]:
        """Remove an article and store its revision; return the pages that become stale."""
        return self._put(site, [removal_placement(site, article, revision, former_memberships, is_killed=is_killed)])

    @translated
    def load(self, site: Site, records: Iterable[LiveRecord], *, is_restored: bool = True) -> tuple[str, ...]:
        """Upsert or remove the articles of many records, in one exchange with Redis."""
        known = list(records)
        for record in known:
            if record.lacks_related and record.revision:
                self._mark_stale(args=[index_key(site, ""), article_page(record.article)])
        placements = [each for record in known if (each := placement_of(site, record))]
        return self._put(site, placements, is_restored=is_restored)

    def _put(self, site: Site, placements: Sequence[Placement], *, is_restored: bool = False) -> tuple[str, ...]:
        """Run the script for each article; repeat it where an article leaves a membership with no effects passed."""
        if not placements:
            return ()
        arguments: list[tuple[str | int, ...]] = [
            (index_key(site, ""), int(is_restored), *each.arguments) for each in placements
        ]
        answers: list[Any]
        if len(placements) == 1:
            answers = [self._upsert(args=arguments[0])]
        else:
            with self._redis.pipeline(transaction=False) as pipe:
                for each in arguments:
                    self._upsert(args=each, client=pipe)
                answers = pipe.execute()
        stale = dict.fromkeys(page for pages, _ in answers for page in pages)
        unknown = zip(placements, (sets for _, sets in answers), strict=True)
        again = [each.with_effects_of(site, sets) for each, sets in unknown if sets]
        return (*stale, *self._put(site, again, is_restored=is_restored))

    @translated
    def choose_related(self, site: Site, card: Card) -> RelatedArticles:
        """Choose an article's related articles, and record that its page shows their cards."""
        return _related(self._choose_related(args=_related_arguments(site, card)))

    @translated
    def choose_related_for_all(self, site: Site, cards: Sequence[Card]) -> list[RelatedArticles]:
        """Choose the related articles of many articles, in one exchange with Redis."""
        with self._redis.pipeline(transaction=False) as pipe:
            for card in cards:
                self._choose_related(args=_related_arguments(site, card), client=pipe)
            return [_related(answer) for answer in pipe.execute()]

    @translated
    def mark_stale(self, site: Site, listing: str) -> None:
        """Raise a page's wanted version."""
        self._mark_stale(args=[index_key(site, ""), listing])

    @translated
    def mark_stale_at(self, site: Site, listing: str, at: datetime) -> None:
        """Schedule a listing to become stale at a time; of several times the earliest counts."""
        self._redis.zadd(index_key(site, "due"), {listing: epoch_microseconds(at)}, lt=True)

    @translated
    def mark_due_stale(self, site: Site, now: datetime) -> tuple[str, ...]:
        """Mark the listings whose scheduled time has come as stale; return them."""
        return tuple(cast("list[str]", self._mark_due_stale(args=[index_key(site, ""), epoch_microseconds(now)])))

    @translated
    def read(self, site: Site, listing: Listing, *, pins: Sequence[str] = ()) -> Snapshot:
        """Return the inputs of a listing, atomically, and lease the listing."""
        arguments: list[str | int] = [
            *(index_key(site, ""), listing.name, listing.membership, listing.limit, _lease_ms(site, listing.name)),
            *(
                compact_json(list(pins)) if listing.definition.has_pins else "",
                listing.part if listing.has_parts else 0,
                *_day_range(listing),
            ),
        ]
        answer = cast("Any", self._read(args=arguments))
        seconds, microseconds, wanted, entries, days, parts, pinned, is_killed = answer
        cards = tuple(_card(_card_text(entry)) for entry in entries)
        return Snapshot(
            cards=cards,
            wanted_version=int(wanted),
            order=int(seconds) * 1_000_000 + int(microseconds),
            days={day: int(score) % 100 for day, score in zip(days[::2], days[1::2], strict=True)},
            parts=int(parts),
            pins=tuple(_card(text) for text in map(_card_text, pinned) if text),
            revisions={card.article: _order(entry) for card, entry in zip(cards, entries, strict=True)},
            is_killed=bool(is_killed),
        )

    @translated
    def set_published(self, site: Site, page: str, version: int, *, sha256: str = "") -> bool:
        """Record a page's published version; return whether a later one with other bytes was published."""
        interval_ms = _interval_ms(site, page)
        return bool(self._set_published(args=[index_key(site, ""), page, version, interval_ms, sha256]))

    @translated
    def find_published_sha256(self, site: Site, listing: str) -> str | None:
        """Return the SHA-256 of the listing's page that was last purged at the edge."""
        return cast("str | None", self._redis.hget(index_key(site, "shown"), listing))

    @translated
    def stale_listings(self, site: Site, *, limit: int | None = None) -> list[str]:
        """Return the stale listings, the longest stale first."""
        return self._longest_stale(site, _STALE_LISTINGS, limit)

    @translated
    def stale_articles(self, site: Site, *, limit: int | None = None) -> list[str]:
        """Return the stale article pages, the longest stale first."""
        return self._longest_stale(site, _STALE_ARTICLES, limit)

    def _longest_stale(self, site: Site, kind: str, limit: int | None) -> list[str]:
        return cast("list[str]", self._redis.zrange(index_key(site, kind), 0, limit - 1 if limit else -1))

    @translated
    def stale_versions(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the wanted versions of the stale pages among these, or among all."""
        names = None if pages is None else list(pages)
        found: dict[str, int] = {}
        for kind in (_STALE_LISTINGS, _STALE_ARTICLES):
            key = index_key(site, kind)
            if names is None:
                every = cast("list[tuple[str, float]]", self._redis.zrange(key, 0, -1, withscores=True))
                found |= {page: int(number) for page, number in every}
            elif own := [page for page in names if (find_article(page) is not None) == (kind == _STALE_ARTICLES)]:
                numbers = zip(own, self._redis.zmscore(key, own), strict=True)
                found |= {page: int(number) for page, number in numbers if number is not None}
        return found if names is None else {page: found[page] for page in names if page in found}

    @translated
    def published_versions(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the published versions of these listings, or of all."""
        if pages is None:
            found = cast("dict[str, str]", self._redis.hgetall(index_key(site, "published")))
            return {page: int(number) for page, number in found.items()}
        names = list(pages)
        numbers = cast("list[str | None]", self._redis.hmget(index_key(site, "published"), names)) if names else []
        return {page: int(number) for page, number in zip(names, numbers, strict=True) if number is not None}

    @translated
    def acquire_leases(
        self, site: Site, pages: Sequence[str], *, is_news: bool = False, is_urgent: bool = False
    ) -> list[str]:
        """Lease the pages that have no lease, and return them."""
        free, leasable = self.find_unleased(site, pages, is_news=is_news, is_urgent=is_urgent)
        with self._redis.pipeline(transaction=False) as pipe:
            for page in free:
                pipe.set(index_key(site, f"lease:{page}"), "1", nx=page in leasable, px=_lease_ms(site, page))
            acquired = pipe.execute() if free else []
        return [page for page, is_acquired in zip(free, acquired, strict=True) if is_acquired]

    @translated
    def find_unleased(
        self, site: Site, pages: Sequence[str], *, is_news: bool, is_urgent: bool
    ) -> tuple[list[str], set[str]]:
        """Return the pages without a lease, and those of the given pages that a lease would hold back."""
        leasable = [page for page in pages if not (is_urgent or (is_news and find_article(page)))]
        leases = self._redis.mget([index_key(site, f"lease:{page}") for page in leasable]) if leasable else []
        leased = {page for page, lease in zip(leasable, leases, strict=True) if lease}
        return [page for page in pages if page not in leased], {*leasable}

    @translated
    def release_lease(self, site: Site, page: str) -> None:
        """End the lease of a page."""
        self._redis.delete(index_key(site, f"lease:{page}"))

    @translated
    def articles(self, site: Site, *, section: str | None = None, since: datetime | None = None) -> list[str]:
        """Return the live articles, the oldest first; only of a section, or only those published since a time."""
        key = index_key(site, f"set:section:{section}" if section else f"set:{ALL}")
        return cast(
            "list[str]", self._redis.zrange(key, epoch_microseconds(since) if since else "-inf", "+inf", byscore=True)
        )

    @translated
    def revisions(self, site: Site, articles: list[str]) -> dict[str, str]:
        """Return the last indexed revision of each of these articles that the index knows."""
        if not articles:
            return {}
        entries = cast("list[str | None]", self._redis.hmget(index_key(site, "entries"), articles))
        return {article: _order(entry) for article, entry in zip(articles, entries, strict=True) if entry}


def _related_arguments(site: Site, card: Card) -> list[str | int]:
    memberships = memberships_of(site, card)
    linked = linked_listings(site, memberships)
    return [index_key(site, ""), card.article, score_of(card), compact_json(memberships), compact_json(linked)]


def _related(answer: object) -> RelatedArticles:
    wanted, found, missing = cast("tuple[str, list[tuple[str, str, str]], list[str]]", answer)
    return RelatedArticles(
        cards=tuple(_card(text) for _, _, text in found),
        shows={article: digest for article, digest, _ in found},
        wanted_version=int(wanted),
        missing=tuple(missing),
    )


@lru_cache(maxsize=512)
def _card(text: str) -> Card:
    """Return a card; the cache helps because many pages show the same cards."""
    return Card.model_validate_json(text)


def _card_text(entry: str) -> str:
    return entry.partition("\n")[2]


def _order(entry: str) -> str:
    return str(json.loads(entry.partition("\n")[0])["order"])


def _day_range(listing: Listing) -> tuple[str, str, str, int]:
    """Return the scope, the highest and the lowest score, and the maximal number of the days that a listing names."""
    date = int(listing.value.replace("-", "")) if listing.day_scope and listing.value else 0
    match listing.definition.span:
        case "month" if date:
            return listing.day_scope, str(date * 10_000 + 9_999), str(date * 10_000), -1
        case "older" if date:
            return listing.day_scope, f"({date * 100}", "-inf", 1
        case _:
            return listing.day_scope, "+inf", "-inf", -1


def _lease_ms(site: Site, page: str) -> int:
    return max(_interval_ms(site, page), _MIN_LEASE_SECONDS * 1000)


def _interval_ms(site: Site, page: str) -> int:
    listing = find_listing(site, page)
    return max(1, int(site.listing_interval_seconds * 1000 * (listing.definition.refresh if listing else 1)))

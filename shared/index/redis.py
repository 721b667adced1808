"""The index in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, cast

from redis import Redis

from shared.card import Card
from shared.index import Related, Snapshot, scripts
from shared.index.restores import RedisRestores, index_key
from shared.listings import Kind, Listing, find_article, find_listing
from shared.live import LiveRecord
from shared.redis_client import translated
from shared.sets import listed_of, pages_of_set, readers, sets_of
from shared.sites import Site

_LISTINGS_BEHIND, _ARTICLES_BEHIND = "behind", "behind-articles"
_LONGEST_TURN_SECONDS = 20  # a message for a page that is not read, or a page not put, by then counts as lost


class RedisIndex(RedisRestores):
    """The index, one set of keys a site."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client)
        self._touch = client.register_script(scripts.TOUCH)
        self._touch_due = client.register_script(scripts.TOUCH_DUE)
        self._place = client.register_script(scripts.PLACE)
        self._relate = client.register_script(scripts.RELATE)
        self._read = client.register_script(scripts.READ)
        self._set_published = client.register_script(scripts.PUBLISHED)

    @translated
    def enter(
        self, site: Site, card: Card, revision: str, *, text: str = "", shows: Mapping[str, str] | None = None
    ) -> tuple[str, ...]:
        """Place an article's card, atomically; return the pages that it makes stale."""
        return self._put(site, card.article, _entry(site, card, revision, text), shows=shows)

    @translated
    def leave(self, site: Site, article: str, revision: str, *, is_still_there: bool = False) -> tuple[str, ...]:
        """Take an article out and remember its revision; return the pages that this makes stale."""
        return self._put(site, article, _no_entry(revision), is_still_there=is_still_there)

    @translated
    def take_in(self, site: Site, records: Iterable[LiveRecord]) -> None:
        """Place what the records say, or take it out, in one exchange with Redis."""
        with self._redis.pipeline(transaction=False) as pipe:
            for record in records:
                # Pages that it stood on, and that may show it still: nothing else may name them any more.
                now = listed_of(site, record.card) if record.card else ()
                for page in {page for each in record.listed if each not in now for page in pages_of_set(each)}:
                    self._touch(args=[index_key(site, ""), page], client=pipe)
                if record.revision and record.card:
                    entry = _entry(site, record.card, record.revision, record.text)
                elif record.removed_by:
                    entry = _no_entry(record.removed_by)
                else:
                    continue
                self._put(site, record.article, entry, pipe, shows=record.shows)
            pipe.execute()

    def _put(
        self,
        site: Site,
        article: str,
        entry: str,
        restoring: Redis | None = None,
        shows: Mapping[str, str] | None = None,
        *,
        is_still_there: bool = False,
    ) -> tuple[str, ...]:
        arguments: list[str | int] = [
            index_key(site, ""),
            article,
            entry,
            _readers(site),
            "1" if restoring else "0",
            _packed(shows) if shows is not None else "",
            int(is_still_there),
        ]
        touched = self._place(args=arguments, client=restoring)
        return () if restoring else tuple(cast("list[str]", touched))

    @translated
    def relate(self, site: Site, card: Card, *, revision: str = "") -> Related:
        """Return what an article's page should lead on to, and record that it shows that."""
        return _related(self._relate(args=_about(site, card, revision)))

    @translated
    def relate_all(self, site: Site, cards: Sequence[Card]) -> list[Related]:
        """Do so for many articles, in one exchange with Redis."""
        with self._redis.pipeline(transaction=False) as pipe:
            for card in cards:
                self._relate(args=_about(site, card, ""), client=pipe)
            return [_related(answer) for answer in pipe.execute()]

    @translated
    def touch(self, site: Site, listing: str) -> None:
        """Raise a listing's `changed` number."""
        self._touch(args=[index_key(site, ""), listing])

    @translated
    def touch_at(self, site: Site, listing: str, at: datetime) -> None:
        """Have a listing touched at a moment to come; of several moments the earliest counts."""
        self._redis.zadd(index_key(site, "due"), {listing: _micros(at)}, lt=True)

    @translated
    def touch_due(self, site: Site, now: datetime) -> tuple[str, ...]:
        """Touch the listings whose moment has come."""
        return tuple(cast("list[str]", self._touch_due(args=[index_key(site, ""), _micros(now)])))

    @translated
    def read(self, site: Site, listing: Listing, *, pins: Sequence[str] = ()) -> Snapshot:
        """Return what a listing is made from, its `changed` number and the order of this reading, atomically."""
        part = listing.part if listing.kind is Kind.DAY else 0
        arguments: list[str | int] = [
            *(index_key(site, ""), listing.name, listing.reads, listing.limit, _turn_ms(site, listing.name)),
            *(_packed(list(pins)), listing.days or "", part),
        ]
        answer = cast("Any", self._read(args=arguments))
        seconds, microseconds, changed, entries, days, parts, pinned, is_led_to = answer
        cards = tuple(_card(_card_text(entry)) for entry in entries)
        return Snapshot(
            cards=cards,
            changed=int(changed),
            order=int(seconds) * 1_000_000 + int(microseconds),
            days=tuple(days),
            parts=int(parts),
            pins=tuple(_card(text) for text in map(_card_text, pinned) if text),
            revisions={card.article: _order(entry) for card, entry in zip(cards, entries, strict=True)},
            is_led_to=bool(is_led_to),
        )

    @translated
    def set_published(
        self,
        site: Site,
        page: str,
        changed: int,
        *,
        sha256: str = "",
        is_absent: bool = False,
        is_hollow: bool = False,
    ) -> bool:
        """Record that a page shows the state numbered `changed`; tell whether a later one was published."""
        arguments: list[str | int] = [
            index_key(site, ""),
            page,
            changed,
            _interval_ms(site, page),
            int(is_absent),
            sha256,
            int(is_hollow),
        ]
        return bool(self._set_published(args=arguments))

    @translated
    def find_shown(self, site: Site, listing: str) -> str | None:
        """Return the SHA-256 of the listing that the edge was last told of."""
        return cast("str | None", self._redis.hget(index_key(site, "shown"), listing))

    @translated
    def stale(self, site: Site, *, most: int | None = None) -> list[str]:
        """Return the listings that are behind, the longest first."""
        return self._longest_behind(site, _LISTINGS_BEHIND, most)

    @translated
    def stale_articles(self, site: Site, *, most: int | None = None) -> list[str]:
        """Return the articles' own pages that are behind, the longest first."""
        return self._longest_behind(site, _ARTICLES_BEHIND, most)

    def _longest_behind(self, site: Site, kind: str, most: int | None) -> list[str]:
        return cast("list[str]", self._redis.zrange(index_key(site, kind), 0, most - 1 if most else -1))

    @translated
    def behind(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the pages that are behind, of these or of all, and the number that each has to reach."""
        names = None if pages is None else list(pages)
        found: dict[str, int] = {}
        for kind in (_LISTINGS_BEHIND, _ARTICLES_BEHIND):
            key = index_key(site, kind)
            if names is None:
                every = cast("list[tuple[str, float]]", self._redis.zrange(key, 0, -1, withscores=True))
                found |= {page: int(number) for page, number in every}
            elif own := [page for page in names if (find_article(page) is not None) == (kind == _ARTICLES_BEHIND)]:
                numbers = zip(own, self._redis.zmscore(key, own), strict=True)
                found |= {page: int(number) for page, number in numbers if number is not None}
        return found if names is None else {page: found[page] for page in names if page in found}

    @translated
    def published(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the number that each listing shows, of these or of all."""
        if pages is None:
            found = cast("dict[str, str]", self._redis.hgetall(index_key(site, "published")))
            return {page: int(number) for page, number in found.items()}
        names = list(pages)
        numbers = cast("list[str | None]", self._redis.hmget(index_key(site, "published"), names)) if names else []
        return {page: int(number) for page, number in zip(names, numbers, strict=True) if number is not None}

    @translated
    def take_turns(
        self, site: Site, pages: Sequence[str], *, is_news: bool = False, is_urgent: bool = False
    ) -> list[str]:
        """Return which of the pages may be queued now."""
        with self._redis.pipeline(transaction=False) as pipe:
            for page in pages:
                waits = not (is_urgent or (is_news and find_article(page)))
                pipe.set(index_key(site, f"turn:{page}"), "1", nx=waits, px=_turn_ms(site, page))
            taken = pipe.execute() if pages else []
        return [page for page, is_taken in zip(pages, taken, strict=True) if is_taken]

    @translated
    def end_turn(self, site: Site, page: str) -> None:
        """Let the page be queued again."""
        self._redis.delete(index_key(site, f"turn:{page}"))

    @translated
    def revisions(self, site: Site, articles: list[str]) -> dict[str, str]:
        """Return the revision that the index has taken in, for those of the articles that it knows."""
        if not articles:
            return {}
        entries = cast("list[str | None]", self._redis.hmget(index_key(site, "entries"), articles))
        return {article: _order(entry) for article, entry in zip(articles, entries, strict=True) if entry}


def _about(site: Site, card: Card, revision: str) -> list[str | int]:
    return [index_key(site, ""), card.article, _score(card), _packed(sets_of(site, card)), revision]


def _related(answer: object) -> Related:
    changed, found, missing = cast("tuple[str, list[tuple[str, str, str]], list[str]]", answer)
    return Related(
        cards=tuple(_card(text) for _, _, text in found),
        shows={article: digest for article, digest, _ in found},
        changed=int(changed),
        missing=tuple(missing),
    )


@lru_cache(maxsize=512)
def _card(text: str) -> Card:
    """Return a card; many pages show the same ones."""
    return Card.model_validate_json(text)


@cache
def _readers(site: Site) -> str:
    has_text = site.feed_text == "full"
    return _packed(
        {
            kind: [
                [each["name"], each["limit"], each["in_parts"], has_text and each["name"].startswith("feed.")]
                for each in map(asdict, every)
            ]
            for kind, every in readers(site).items()
        }
    )


def _entry(site: Site, card: Card, revision: str, text: str) -> str:
    """Return what is kept of an article: what the scripts read of it, and its card as it is handed out."""
    told = {
        "order": revision,
        "score": _score(card),
        "sets": sets_of(site, card),
        "text": text if site.feed_text == "full" else "",
    }
    # No listing shows when a text was last changed: a mended typo makes no front page stale.
    return f"{_packed(told)}\n{card.model_dump_json(exclude_defaults=True, exclude={'updated_at'})}"


def _no_entry(revision: str) -> str:
    return f"{_packed({'order': revision, 'score': 0, 'sets': [], 'text': ''})}\n"


def _card_text(entry: str) -> str:
    return entry.partition("\n")[2]


def _order(entry: str) -> str:
    return str(json.loads(entry.partition("\n")[0])["order"])


def _score(card: Card) -> int:
    return _micros(card.created_at)


def _micros(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _packed(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _turn_ms(site: Site, page: str) -> int:
    return max(_interval_ms(site, page), _LONGEST_TURN_SECONDS * 1000)


def _interval_ms(site: Site, page: str) -> int:
    listing = find_listing(site, page)
    return max(1, int(site.listing_interval_seconds * 1000 * (listing.pace if listing else 1)))

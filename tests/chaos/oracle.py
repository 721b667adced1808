"""What is right, worked out from what was acknowledged alone, and what is wrong with a site that is looked at.

Nothing here reads the product's code: the newest stamp wins; a page stands at section/day/slug-id; the fronts show the
newest by the time of their first revision.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.chaos.newsroom import Post

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REVISION = re.compile(r'<meta name="revision" content="([^"]*)">')
_H1 = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
_MARKS = re.compile(r"mark-s\d+r\d+-")
_CARD = re.compile(r'data-article="([^"]+)">.*?<a href="([^"]+)"[^>]*>(.*?)</a>', re.DOTALL)
_FRONT_CARDS = 30  # where a site's file says nothing
_BY_SECTION = '<section class="blocks"'  # from here on a front groups its older stories by section
_GONE_OR_NEVER_THERE = {404, 410}


class Fault(StrEnum):
    """What can be wrong; each must be nought."""

    LOST = "lost"  # should be readable and is not
    STALE = "stale"  # an older state is seen
    TWICE = "listed twice"
    GONE = "listed and gone"
    UNLISTED = "not listed"  # should be on a front and is not
    LATE = "right, but not within 60 s of the last fault"
    EARLY = "seen before its embargo"
    UNSETTLED = "receipts not final"
    FORGOTTEN = "receipts nobody knows any more"
    UNANSWERED = "posts never acknowledged"
    REFUSED = "posts refused"
    BURIED = "unexplained dead letters"
    BROKEN = "processes that did not come back"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is not as it should be."""

    fault: Fault
    what: str  # an address, a receipt, a key
    expected: str
    seen: str
    where: str = ""  # edge or bucket
    article: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What an address gives."""

    status: int
    location: str = ""
    body: str = ""


Look = Callable[[str], Seen]
"""Reads the path of a URL, as a reader at the edge does or straight from the bucket."""


@dataclass(frozen=True, slots=True)
class Front:
    """A page that lists the newest, of a section or of all."""

    url: str
    limit: int
    section: str | None = None


@dataclass(frozen=True, slots=True)
class House:
    """What the site's settings say of addresses and fronts."""

    zone: str
    fronts: tuple[Front, ...]

    @classmethod
    def read(cls, settings: Path) -> House:
        """Return what a site's TOML file says."""
        site = tomllib.loads(settings.read_text(encoding="utf-8"))
        rail = site["rail_cards"]
        sections = [section["id"] for section in site["sections"]]
        own = [Front(f"/{section}/", site.get("front_cards", _FRONT_CARDS), section) for section in sections]
        return cls(site["zone"], (Front("/", site["home_cards"]), Front("/_rail/latest.html", rail), *own))


@dataclass(frozen=True, slots=True)
class Right:
    """The state in which an article has to end."""

    article: str
    state: str  # live, killed, withdrawn
    url: str
    created: datetime
    newest: Post

    @property
    def is_live(self) -> bool:
        """Tell whether readers have to find it."""
        return self.state == "live"

    @property
    def revision(self) -> str:
        """Return the name that the newest revision bears: its stamp in microseconds, no version, the first of it."""
        return revision_name(self.newest.stamp)


def revision_name(stamp: datetime) -> str:
    """Return the name of a revision of which no other bears the stamp."""
    return f"{(stamp - _EPOCH) // timedelta(microseconds=1):017d}-{0:010d}-000"


def right_state(article: str, acknowledged: Iterable[Post], house: House, *, is_killed: bool = False) -> Right:
    """Return how an article has to be seen, once every embargo is over; `is_killed`: by a call, not by a post."""
    posts = sorted(set(acknowledged), key=lambda post: post.stamp)
    newest, first = posts[-1], next((post for post in posts if post.status == "usable"), posts[0])
    published = max(first.stamp, first.embargo_until or first.stamp)
    day = published.astimezone(ZoneInfo(house.zone))
    url = f"/{newest.section}/{day:%Y/%m/%d}/{newest.slug or first.slug or _slug_of(first)}-{article[:6]}/"
    state = {"usable": "live", "withheld": "withdrawn", "canceled": "killed"}[newest.status]
    return Right(article, "killed" if is_killed else state, url, published, newest)


def _slug_of(post: Post) -> str:
    """Return what an address says of a headline; ours are plain words."""
    return post.headline.lower().replace(" ", "-")


def wrong_with_article(right: Right, addresses: Iterable[str], look: Look, where: str) -> Iterator[Wrong]:
    """Yield what is wrong at each address that an article ever had, and at the one where it has to be now."""
    for url in sorted({right.url, *addresses}):
        seen = look(url)
        expected, fault = _fault_at(url, right, seen)
        if fault:
            found = f"{seen.status} {seen.location} {_said(seen)}".strip()
            yield Wrong(fault, url, expected, found, where, right.article)


def _fault_at(url: str, right: Right, seen: Seen) -> tuple[str, Fault | None]:
    if not right.is_live:
        # Whoever was killed before its first page may never have had the address that we expect of it.
        is_well = seen.status in _GONE_OR_NEVER_THERE and not _MARKS.search(seen.body)
        return "410", None if is_well else Fault.STALE
    if url != right.url:
        is_well = seen.status == 301 and seen.location.endswith(right.url)
        return f"301 {right.url}", None if is_well else Fault.STALE
    expected = f"200 {right.revision} {right.newest.headline} {right.newest.mark}"
    if seen.status != 200:
        return expected, Fault.LOST
    return expected, None if f"200 {_said(seen)}" == expected else Fault.STALE


def _said(seen: Seen) -> str:
    """Return the revision, headline and marks that a page shows."""
    named = (found.group(1).strip() for pattern in (_REVISION, _H1) if (found := pattern.search(seen.body)))
    return " ".join([*named, *sorted(set(_MARKS.findall(seen.body)))])


def wrong_with_fronts(rights: Sequence[Right], house: House, look: Look, where: str) -> Iterator[Wrong]:
    """Yield what is wrong with the front page and the rails."""
    known = {right.article: right for right in rights}
    newest_first = sorted((right for right in rights if right.is_live), key=lambda right: right.created, reverse=True)
    for front in house.fronts:
        due = [right for right in newest_first if front.section in (None, right.newest.section)][: front.limit]
        seen = look(front.url)
        if seen.status != 200:
            yield Wrong(Fault.LOST, front.url, "200", str(seen.status), where)
            continue
        main, _, by_section = seen.body.partition(_BY_SECTION)
        cards, grouped = _CARD.findall(main), _CARD.findall(by_section)
        yield from _wrong_with_list(front.url, due, [*cards, *grouped], known, where, in_order=len(cards))


def _wrong_with_list(
    url: str,
    due: Sequence[Right],
    cards: Sequence[tuple[str, str, str]],
    known: Mapping[str, Right],
    where: str,
    *,
    in_order: int,
) -> Iterator[Wrong]:
    """Yield what is wrong with a list of cards; the first `in_order` of them stand newest first."""
    listed = [article for article, _, _ in cards]
    yield from _wrong_with_cards(url, cards, known, where)
    for right in due:
        if right.article not in listed:
            yield Wrong(Fault.UNLISTED, url, right.newest.headline, "not there", where, right.article)
    wanted = [right.article for right in due]
    newest_first = [article for article in wanted if article in listed[:in_order]]
    if listed[:in_order] != newest_first and sorted(listed) == sorted(wanted):
        yield Wrong(Fault.STALE, url, " ".join(newest_first), " ".join(listed[:in_order]), where)
    for article in listed:
        if article in known and known[article].is_live and article not in wanted:
            yield Wrong(Fault.STALE, url, "not listed: newer ones are", known[article].newest.headline, where, article)


def _wrong_with_cards(
    url: str, cards: Sequence[tuple[str, str, str]], known: Mapping[str, Right], where: str
) -> Iterator[Wrong]:
    listed = [article for article, _, _ in cards]
    for article in sorted({article for article in listed if listed.count(article) > 1}):
        yield Wrong(Fault.TWICE, url, "once", f"{listed.count(article)} times", where, article)
    for article, href, headline in cards:
        right = known.get(article)
        if right is None or not right.is_live:
            yield Wrong(Fault.GONE, url, right.state if right else "unknown", headline, where, article)
        elif (href, headline) != (right.url, right.newest.headline):
            yield Wrong(Fault.STALE, url, f"{right.newest.headline} {right.url}", f"{headline} {href}", where, article)


def wrong_with_pictures(
    rights: Sequence[Right], shown_ever: Mapping[str, set[str]], paths: Mapping[str, str], look: Look, where: str
) -> Iterator[Wrong]:
    """Yield each picture that a live article shows and readers miss, or that only removed ones ever showed.

    `shown_ever`: the articles that ever showed a picture; `paths`: where it is public.
    """
    known = {right.article: right for right in rights}
    for media, articles in shown_ever.items():
        seen = look(paths[media])
        is_shown = any(right.is_live and right.newest.picture == media for right in rights)
        is_removed = all(article in known and not known[article].is_live for article in articles)
        if is_shown and seen.status != 200:
            yield Wrong(Fault.LOST, paths[media], "200", str(seen.status), where)
        if is_removed and seen.status not in _GONE_OR_NEVER_THERE:
            yield Wrong(Fault.STALE, paths[media], "410", str(seen.status), where)

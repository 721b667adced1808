"""The expected state of a site, computed only from acknowledged posts, and the defects of the real site.

This module uses no code of the product. Its rules: the newest stamp wins. The address of a page is section/day/slug-id.
Fronts show the newest articles, by the time of their first revision.
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
_FRONT_CARDS = 30  # the default of a site's file
_BY_SECTION = '<section class="blocks"'  # after this, a front groups older stories by section
_NOT_PUBLIC_STATUSES = {404, 410}


class DefectKind(StrEnum):
    """The kinds of defects; the count of each must be 0."""

    LOST = "lost"  # expected to be readable
    STALE = "stale"  # shows an older state
    TWICE = "listed twice"
    REMOVED = "listed and removed"
    UNLISTED = "not listed"  # expected on a front
    LATE = "as expected, but not within 60 s of the last fault"
    EARLY = "seen before its embargo"
    UNFINISHED = "receipts not final"
    FORGOTTEN = "receipts not found"
    UNANSWERED = "posts never acknowledged"
    REFUSED = "posts refused"
    DEAD_LETTER = "unexplained dead letters"
    BROKEN = "processes that did not restart"


@dataclass(frozen=True, slots=True)
class Defect:
    """One difference between the expected and the real site."""

    kind: DefectKind
    subject: str  # an address, a receipt, a key
    expected: str
    seen: str
    where: str = ""  # edge or bucket
    article: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The response of an address."""

    status: int
    location: str = ""
    body: str = ""


Fetch = Callable[[str], Fetched]
"""Fetches the path of a URL, from the edge or from the bucket."""


@dataclass(frozen=True, slots=True)
class Front:
    """A page that lists the newest articles of a section, or of all sections."""

    url: str
    limit: int
    section: str | None = None


@dataclass(frozen=True, slots=True)
class SiteRules:
    """The settings of a site that determine addresses and fronts."""

    zone: str
    fronts: tuple[Front, ...]

    @classmethod
    def read(cls, settings: Path) -> SiteRules:
        """Return the settings in a site's TOML file."""
        site = tomllib.loads(settings.read_text(encoding="utf-8"))
        rail = site["rail_cards"]
        sections = [section["id"] for section in site["sections"]]
        own = [Front(f"/{section}/", site.get("front_cards", _FRONT_CARDS), section) for section in sections]
        return cls(site["zone"], (Front("/", site["home_cards"]), Front("/_rail/latest.html", rail), *own))


@dataclass(frozen=True, slots=True)
class Expectation:
    """The expected final state of an article."""

    article: str
    state: str  # live, killed, withdrawn
    url: str
    created: datetime
    newest: Post

    @property
    def is_live(self) -> bool:
        """Return whether the article must be readable."""
        return self.state == "live"

    @property
    def revision(self) -> str:
        """Return the id of the newest revision."""
        return revision_id(self.newest.stamp)


def revision_id(stamp: datetime) -> str:
    """Return the id of the only revision with this stamp: microseconds, version 0, number 000."""
    return f"{(stamp - _EPOCH) // timedelta(microseconds=1):017d}-{0:010d}-000"


def expectation_of(
    article: str, acknowledged: Iterable[Post], rules: SiteRules, *, is_killed: bool = False
) -> Expectation:
    """Return the expected state of an article after its embargo; `is_killed`: a call killed it."""
    posts = sorted(set(acknowledged), key=lambda post: post.stamp)
    newest, first = posts[-1], next((post for post in posts if post.status == "usable"), posts[0])
    published = max(first.stamp, first.embargo_until or first.stamp)
    day = published.astimezone(ZoneInfo(rules.zone))
    url = f"/{newest.section}/{day:%Y/%m/%d}/{newest.slug or first.slug or _slug_of(first)}-{article[:6]}/"
    state = {"usable": "live", "withheld": "withdrawn", "canceled": "killed"}[newest.status]
    return Expectation(article, "killed" if is_killed else state, url, published, newest)


def _slug_of(post: Post) -> str:
    """Return the slug of a headline; headlines here are plain words."""
    return post.headline.lower().replace(" ", "-")


def article_defects(expectation: Expectation, addresses: Iterable[str], fetch: Fetch, where: str) -> Iterator[Defect]:
    """Yield the defects at the expected address of an article and at all its former ones."""
    for url in sorted({expectation.url, *addresses}):
        seen = fetch(url)
        expected, kind = _defect_at(url, expectation, seen)
        if kind:
            found = f"{seen.status} {seen.location} {_shown_text(seen)}".strip()
            yield Defect(kind, url, expected, found, where, expectation.article)


def _defect_at(url: str, expectation: Expectation, seen: Fetched) -> tuple[str, DefectKind | None]:
    if not expectation.is_live:
        # An article that was killed before its first page may never have had the expected address.
        is_correct = seen.status in _NOT_PUBLIC_STATUSES and not _MARKS.search(seen.body)
        return "410", None if is_correct else DefectKind.STALE
    if url != expectation.url:
        is_correct = seen.status == 301 and seen.location.endswith(expectation.url)
        return f"301 {expectation.url}", None if is_correct else DefectKind.STALE
    expected = f"200 {expectation.revision} {expectation.newest.headline} {expectation.newest.mark}"
    if seen.status != 200:
        return expected, DefectKind.LOST
    return expected, None if f"200 {_shown_text(seen)}" == expected else DefectKind.STALE


def _shown_text(seen: Fetched) -> str:
    """Return the revision, headline and marks that a page shows."""
    named = (found.group(1).strip() for pattern in (_REVISION, _H1) if (found := pattern.search(seen.body)))
    return " ".join([*named, *sorted(set(_MARKS.findall(seen.body)))])


def front_defects(expectations: Sequence[Expectation], rules: SiteRules, fetch: Fetch, where: str) -> Iterator[Defect]:
    """Yield the defects of the front page, the rail and the section fronts."""
    known = {expectation.article: expectation for expectation in expectations}
    newest_first = sorted(
        (expectation for expectation in expectations if expectation.is_live),
        key=lambda expectation: expectation.created,
        reverse=True,
    )
    for front in rules.fronts:
        due = [expectation for expectation in newest_first if front.section in (None, expectation.newest.section)][
            : front.limit
        ]
        seen = fetch(front.url)
        if seen.status != 200:
            yield Defect(DefectKind.LOST, front.url, "200", str(seen.status), where)
            continue
        main, _, by_section = seen.body.partition(_BY_SECTION)
        cards, grouped = _CARD.findall(main), _CARD.findall(by_section)
        yield from _list_defects(front.url, due, [*cards, *grouped], known, where, in_order=len(cards))


def _list_defects(
    url: str,
    due: Sequence[Expectation],
    cards: Sequence[tuple[str, str, str]],
    known: Mapping[str, Expectation],
    where: str,
    *,
    in_order: int,
) -> Iterator[Defect]:
    """Yield the defects of a list of cards; the first `in_order` cards are expected newest first."""
    listed = [article for article, _, _ in cards]
    yield from _card_defects(url, cards, known, where)
    for expectation in due:
        if expectation.article not in listed:
            yield Defect(
                DefectKind.UNLISTED, url, expectation.newest.headline, "not listed", where, expectation.article
            )
    wanted = [expectation.article for expectation in due]
    newest_first = [article for article in wanted if article in listed[:in_order]]
    if listed[:in_order] != newest_first and sorted(listed) == sorted(wanted):
        yield Defect(DefectKind.STALE, url, " ".join(newest_first), " ".join(listed[:in_order]), where)
    for article in listed:
        if article in known and known[article].is_live and article not in wanted:
            yield Defect(
                DefectKind.STALE, url, "not listed: newer ones are", known[article].newest.headline, where, article
            )


def _card_defects(
    url: str, cards: Sequence[tuple[str, str, str]], known: Mapping[str, Expectation], where: str
) -> Iterator[Defect]:
    listed = [article for article, _, _ in cards]
    for article in sorted({article for article in listed if listed.count(article) > 1}):
        yield Defect(DefectKind.TWICE, url, "once", f"{listed.count(article)} times", where, article)
    for article, href, headline in cards:
        expectation = known.get(article)
        if expectation is None or not expectation.is_live:
            yield Defect(
                DefectKind.REMOVED, url, expectation.state if expectation else "unknown", headline, where, article
            )
        elif (href, headline) != (expectation.url, expectation.newest.headline):
            yield Defect(
                DefectKind.STALE,
                url,
                f"{expectation.newest.headline} {expectation.url}",
                f"{headline} {href}",
                where,
                article,
            )


def picture_defects(
    expectations: Sequence[Expectation],
    shown_ever: Mapping[str, set[str]],
    paths: Mapping[str, str],
    fetch: Fetch,
    where: str,
) -> Iterator[Defect]:
    """Yield each missing picture of a live article, and each public picture of only removed articles.

    `shown_ever`: the articles that ever showed a picture; `paths`: its public address.
    """
    known = {expectation.article: expectation for expectation in expectations}
    for media, articles in shown_ever.items():
        seen = fetch(paths[media])
        is_shown = any(expectation.is_live and expectation.newest.picture == media for expectation in expectations)
        is_removed = all(article in known and not known[article].is_live for article in articles)
        if is_shown and seen.status != 200:
            yield Defect(DefectKind.LOST, paths[media], "200", str(seen.status), where)
        if is_removed and seen.status not in _NOT_PUBLIC_STATUSES:
            yield Defect(DefectKind.STALE, paths[media], "410", str(seen.status), where)

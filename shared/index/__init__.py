"""The index of what is live: cards, the pages that they change, and how far each page is behind.

It lives in Redis and may vanish: the bucket knows all of it. Listings are rendered only while the index is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.model.card import Card
from shared.model.live_record import LiveRecord
from shared.site.listings import Listing
from shared.site.sites import Site


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a listing is rendered from at one instant; `order` says when (Redis's clock, microseconds).

    `days`: those that it names, newest first, each with the number of its parts. `parts`: of how many its own day has.
    `revisions`: of the cards. `is_killed`: it lists nothing, and a killed article named it.
    """

    cards: tuple[Card, ...]
    wanted_version: int
    order: int
    days: Mapping[str, int] = field(default_factory=dict)
    parts: int = 1
    pins: tuple[Card, ...] = ()
    revisions: dict[str, str] = field(default_factory=dict)
    is_killed: bool = False


@dataclass(frozen=True, slots=True)
class RelatedArticles:
    """The articles that another one's page leads on to, and what has to be known to renew that page.

    `shows`: digest of each one's card as it was read. `wanted_version`: 0 where the page is not stale. `missing`: the
    listings that the page links to and that nobody has put.
    """

    cards: tuple[Card, ...] = ()
    shows: dict[str, str] = field(default_factory=dict)
    wanted_version: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restore:
    """How far making the index whole has come: the articles up to `cursor` are in it.

    What is journalled before `minute` is in it at the end. `since`: only what was journalled after that is missing;
    None: everything is.
    """

    token: str
    minute: datetime
    since: datetime | None = None
    cursor: str = ""
    done: int = 0


class Index(Protocol):
    """Cards by membership, and two versions of each page: stale means that the wanted one is above the published one.

    A page is a listing by its name, or an article's own page: `article.` and its id.
    """

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
        """Place an article's card, atomically; return the pages that it makes stale.

        `text` tells whether the article reads the same, for listings that show more than its card. An older revision
        than the one known is refused, and so is the late card of an article that was removed. `shows`: whose cards its
        page shows; where that is not what was chosen for it last, an older page was put after a newer one, and it is
        stale. `former_memberships`: those of all its released revisions; their listings are public, though empty.
        """
        ...

    def remove(
        self,
        site: Site,
        article: str,
        revision: str,
        *,
        former_memberships: Iterable[str] = (),
        is_killed: bool = False,
    ) -> tuple[str, ...]:
        """Take an article out and remember its revision; return the pages that this makes stale.

        `is_killed`: the topics and authors that it named are gone while nothing else names them.
        """
        ...

    def load(self, site: Site, records: Iterable[LiveRecord], *, is_restored: bool = True) -> tuple[str, ...]:
        """Place what the records say, or take it out, by the rules of `enter` and `leave`: many at once.

        What their pages show is taken from them too if the index is restored; a page that shows a card as it is no
        more becomes stale. So does one that was rendered while the index was incomplete.
        """
        ...

    def choose_related(self, site: Site, card: Card) -> RelatedArticles:
        """Return what an article's page should lead on to, and record that it shows that: atomically."""
        ...

    def choose_related_for_all(self, site: Site, cards: Sequence[Card]) -> list[RelatedArticles]:
        """Do so for many articles: each atomically, all in one exchange with Redis."""
        ...

    def mark_stale(self, site: Site, listing: str) -> None:
        """Raise a page's wanted version: to Redis's clock in microseconds, or by one where that is no more."""
        ...

    def mark_stale_at(self, site: Site, listing: str, at: datetime) -> None:
        """Have a listing touched at a moment to come; of several moments the earliest counts."""
        ...

    def mark_due_stale(self, site: Site, now: datetime) -> tuple[str, ...]:
        """Touch the listings whose moment has come; return them."""
        ...

    def read(self, site: Site, listing: Listing, *, pins: Sequence[str] = ()) -> Snapshot:
        """Return a listing's newest cards, its wanted version and the order of this reading, atomically.

        It is recorded that the listing shows the pinned articles: it becomes stale when they change, however old.
        """
        ...

    def set_published(self, site: Site, page: str, version: int, *, sha256: str = "") -> bool:
        """Record that a page shows the state of a version; its published version never becomes lower.

        Tell whether a later version of other bytes was published before: who put the page then stood still, and may
        have put an older one over it. A version that this index never gave (Redis was emptied meanwhile) makes a
        listing stale. `sha256`: of what a listing shows now, its edge told.
        """
        ...

    def find_published_sha256(self, site: Site, listing: str) -> str | None:
        """Return the SHA-256 of the listing that the edge was last told of; None where nobody knows."""
        ...

    def stale(self, site: Site, *, limit: int | None = None) -> list[str]:
        """Return the listings that are behind, the longest first: no more than `limit`."""
        ...

    def stale_articles(self, site: Site, *, limit: int | None = None) -> list[str]:
        """Return the articles' own pages that are behind, the longest first: no more than `limit`."""
        ...

    def stale_versions(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the pages that are behind, of these or of all, and the number that each has to reach."""
        ...

    def published_versions(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the number that each listing shows, of these or of all; one never published is not in it."""
        ...

    def acquire_leases(
        self, site: Site, pages: Sequence[str], *, is_news: bool = False, is_urgent: bool = False
    ) -> list[str]:
        """Return which of the pages may be queued now, whoever asks.

        Not while a message or a page for it is on its way (`set_published` ends that), nor within
        `listing_interval_seconds` after its page was put: who publishes slowly is not sent ever more of the same.
        `is_news`: an article's page does not wait: what is on its way may have been rendered before, or wait long.
        `is_urgent`: nor does a listing.
        """
        ...

    def release_lease(self, site: Site, page: str) -> None:
        """Let the page be queued again: its message led to nothing."""
        ...

    def articles(self, site: Site, *, section: str | None = None, since: datetime | None = None) -> list[str]:
        """Return the live articles of a section, or published since a time, or both, the oldest first."""
        ...

    def revisions(self, site: Site, articles: list[str]) -> dict[str, str]:
        """Return the revision that the index has taken in (or removed), for those of the articles that it knows."""
        ...

    def complete_until(self, site: Site) -> datetime | None:
        """Return the journal minute up to which this very Redis is whole, or None where it is not."""
        ...

    def begin_restore(self, site: Site, now: datetime) -> Restore | None:
        """Return the restore that is under way in this very Redis, or a new one; None while another works at it."""
        ...

    def move_restore(self, site: Site, restore: Restore) -> bool:
        """Note how far a restore has come; tell whether it is still the one under way: Redis may have been emptied."""
        ...

    def find_restore(self, site: Site) -> Restore | None:
        """Return the restore that is under way, or the last one, for whoever watches."""
        ...

    def clear(self, site: Site) -> None:
        """Empty the index, as a lost Redis would; the scheduler makes it whole again from the bucket."""
        ...

    def mark_complete(self, site: Site, minute: datetime, restore: str | None = None) -> bool:
        """Mark the index as whole up to a journal minute, for this very Redis process; tell whether it was marked.

        It is not where Redis was emptied or restarted since `restore` (its token) began; without one a mark is only
        moved.
        """
        ...

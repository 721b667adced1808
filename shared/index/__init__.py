"""The index of what is live: cards, the pages that they change, and how far each page is behind.

It lives in Redis and may vanish: the bucket knows all of it. Listings are rendered only while the index is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.card import Card
from shared.listings import Listing
from shared.live import LiveRecord
from shared.sites import Site


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a listing is made from at one instant: `changed` says of what state, `order` when (Redis's clock, µs).

    `days`: those that its scope has, newest first. `parts`: of how many pages its day has. `revisions`: of the cards.
    `is_led_to`: it lists nothing, and some page may lead there: it must not be missing.
    """

    cards: tuple[Card, ...]
    changed: int
    order: int
    days: tuple[str, ...] = ()
    parts: int = 1
    pins: tuple[Card, ...] = ()
    revisions: dict[str, str] = field(default_factory=dict)
    is_led_to: bool = False


@dataclass(frozen=True, slots=True)
class Related:
    """The articles that another one's page leads on to, and what has to be known to renew that page.

    `shows`: digest of each one's card as it was read. `changed`: the page's number at that instant, 0 where it is not
    behind. `missing`: the listings that the page leads to and that nobody has put.
    """

    cards: tuple[Card, ...] = ()
    shows: dict[str, str] = field(default_factory=dict)
    changed: int = 0
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
    """Cards by set, and two numbers a page: stale means changed > published.

    A page is a listing by its name, or an article's own page: `article.` and its id.
    """

    def enter(
        self, site: Site, card: Card, revision: str, *, text: str = "", shows: Mapping[str, str] | None = None
    ) -> tuple[str, ...]:
        """Place an article's card, atomically; return the pages that it makes stale.

        `text` tells whether the article reads the same, for listings that show more than its card. An older revision
        than the one known is refused, and so is the late card of an article that was removed. `shows`: whose cards its
        page shows; where that is not what was chosen for it last, an older page was put after a newer one, and it is
        stale.
        """
        ...

    def leave(self, site: Site, article: str, revision: str, *, is_still_there: bool = False) -> tuple[str, ...]:
        """Take an article out and remember its revision; return the pages that this makes stale.

        `is_still_there`: its page leads to its topics and authors until it leaves once more, or enters again.
        """
        ...

    def take_in(self, site: Site, records: Iterable[LiveRecord]) -> None:
        """Place what the records say, or take it out, by the rules of `enter` and `leave`: many at once.

        What their pages show is taken from them too; a page that shows a card as it is no more becomes stale.
        """
        ...

    def relate(self, site: Site, card: Card, *, revision: str = "") -> Related:
        """Return what an article's page should lead on to, and record that it shows that: atomically.

        `revision`: of a page about to be put. Its topics and authors have a page from then on, though it be empty,
        until that revision or a later one enters, or leaves.
        """
        ...

    def relate_all(self, site: Site, cards: Sequence[Card]) -> list[Related]:
        """Do so for many articles: each atomically, all in one exchange with Redis."""
        ...

    def touch(self, site: Site, listing: str) -> None:
        """Raise a listing's `changed` number: to Redis's clock in microseconds, or by one where that is no more."""
        ...

    def touch_at(self, site: Site, listing: str, at: datetime) -> None:
        """Have a listing touched at a moment to come; of several moments the earliest counts."""
        ...

    def touch_due(self, site: Site, now: datetime) -> tuple[str, ...]:
        """Touch the listings whose moment has come; return them."""
        ...

    def read(self, site: Site, listing: Listing, *, pins: Sequence[str] = ()) -> Snapshot:
        """Return a listing's newest cards, its `changed` number and the order of this reading, atomically.

        It is recorded that the listing shows the pinned articles: it becomes stale when they change, however old.
        """
        ...

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
        """Record that a page shows the state numbered `changed` (never a smaller number than before).

        Tell whether a later state had been published already: who put the page then stood still, and may have put
        an older one over it. A number that this index never gave (Redis was emptied meanwhile) makes a listing stale.
        `sha256`: of what a listing shows now, its edge told. `is_hollow`: it stands empty for as long as some page may
        lead there, and stays behind: it is looked at again when none does. `is_absent`: nothing is to be there, and
        nothing of it is remembered; not so, and told as if a later state had been published, where that state is not
        the last or some page may lead there.
        """
        ...

    def find_shown(self, site: Site, listing: str) -> str | None:
        """Return the SHA-256 of the listing that the edge was last told of; None where nobody knows."""
        ...

    def stale(self, site: Site, *, most: int | None = None) -> list[str]:
        """Return the listings that are behind, the longest first: no more than `most`."""
        ...

    def stale_articles(self, site: Site, *, most: int | None = None) -> list[str]:
        """Return the articles' own pages that are behind, the longest first: no more than `most`."""
        ...

    def behind(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the pages that are behind, of these or of all, and the number that each has to reach."""
        ...

    def published(self, site: Site, pages: Iterable[str] | None = None) -> dict[str, int]:
        """Return the number that each listing shows, of these or of all; one never published is not in it."""
        ...

    def take_turns(
        self, site: Site, pages: Sequence[str], *, is_news: bool = False, is_urgent: bool = False
    ) -> list[str]:
        """Return which of the pages may be queued now, whoever asks.

        Not while a message or a page for it is on its way (`set_published` ends that), nor within
        `listing_interval_seconds` after its page was put: who publishes slowly is not sent ever more of the same.
        `is_news`: an article's page does not wait: what is on its way may have been rendered before, or wait long.
        `is_urgent`: nor does a listing.
        """
        ...

    def end_turn(self, site: Site, page: str) -> None:
        """Let the page be queued again: its message led to nothing."""
        ...

    def revisions(self, site: Site, articles: list[str]) -> dict[str, str]:
        """Return the revision that the index has taken in (or removed), for those of the articles that it knows."""
        ...

    def whole_until(self, site: Site) -> datetime | None:
        """Return the journal minute up to which this very Redis is whole, or None where it is not."""
        ...

    def last_whole_minute(self, site: Site) -> datetime | None:
        """Return the minute of the last mark, whichever Redis process set it (a restart from its file keeps it)."""
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

    def forget(self, site: Site) -> None:
        """Empty the index, as a lost Redis would; the scheduler makes it whole again from the bucket."""
        ...

    def set_whole(self, site: Site, minute: datetime, restore: str | None = None) -> bool:
        """Mark the index as whole up to a journal minute, for this very Redis process; tell whether it was marked.

        It is not where Redis was emptied or restarted since `restore` (its token) began; without one a mark is only
        moved.
        """
        ...

"""The index of what is live: cards, the listings that they change, and how far each listing's page is behind.

It lives in Redis and may vanish: the bucket knows all of it. Listings are rendered only while the index is whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.card import Card
from shared.listings import Listing
from shared.live import LiveRecord
from shared.sites import Site


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A listing's cards at one instant: `changed` says of what state, `order` (microseconds, Redis's clock) when."""

    cards: tuple[Card, ...]
    changed: int
    order: int


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
    """Cards by set, and two numbers a listing: stale means changed > published."""

    def enter(self, site: Site, card: Card, revision: str) -> bool:
        """Place an article's card, atomically; tell whether any listing changed.

        An older revision than the one known is refused, and so is the late card of an article that was removed.
        """
        ...

    def leave(self, site: Site, article: str, revision: str) -> bool:
        """Take an article out and remember its revision; tell whether any listing changed."""
        ...

    def take_in(self, site: Site, records: Iterable[LiveRecord]) -> None:
        """Place what the records say, or take it out, by the rules of `enter` and `leave`: many at once."""
        ...

    def touch(self, site: Site, listing: str) -> None:
        """Raise a listing's `changed` number: to Redis's clock in microseconds, or by one where that is no more."""
        ...

    def read(self, site: Site, listing: Listing) -> Snapshot:
        """Return a listing's newest cards, its `changed` number and the order of this reading, atomically."""
        ...

    def set_published(self, site: Site, listing: str, changed: int) -> bool:
        """Record that a listing's page shows the state numbered `changed` (never a smaller number than before).

        Tell whether a later state had been published already: who put the page then stood still, and may have put
        an older one over it. A number that this index never gave (Redis was emptied meanwhile) makes the listing stale.
        """
        ...

    def stale(self, site: Site) -> list[str]:
        """Return the listings whose page is behind."""
        ...

    def behind(self, site: Site) -> dict[str, int]:
        """Return the listings whose page is behind, and the `changed` number that each has to reach."""
        ...

    def published(self, site: Site) -> dict[str, int]:
        """Return the number that each listing's page shows; one that was never published is not in it."""
        ...

    def take_turn(self, site: Site, listing: str) -> bool:
        """Tell whether the listing may be queued now, whoever asks.

        Not while a message or a page for it is on its way (`set_published` ends that), nor within
        `listing_interval_seconds` after its page was put: who publishes slowly is not sent ever more of the same.
        """
        ...

    def end_turn(self, site: Site, listing: str) -> None:
        """Let the listing be queued again: its message led to nothing."""
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

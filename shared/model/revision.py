"""Revisions: their order and their release. Every service derives both from the set of revisions alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.model.article import Article, Digest, Status
from shared.model.lane import Lane

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


ActionKind = Literal["kill", "withdraw", "restore"]


class Action(BaseModel):
    """The author of a revision that an operator made, and the reason."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: ActionKind
    by: str
    why: str


class Revision(BaseModel):
    """One immutable state of an article, as stored in the content bucket."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    article_id: str
    revision: str
    status: Status
    lane: Lane = Lane.LIVE
    accepted_at: AwareDatetime
    raw_sha256: Digest
    raw_key: str
    raw_range: tuple[int, int] | None = None  # (first byte, length) in an object that several submissions share
    article: Article
    action: Action | None = None
    text_of: str | None = None  # of a restore: the revision whose text came back
    held_because: str | None = None  # the sender's system does not show the article: a draft, a private post

    def status_at(self, now: datetime) -> Status:
        """Return its present status: an expired usable revision is withheld."""
        expires_at = self.article.expires_at
        if self.status is Status.USABLE and expires_at is not None and expires_at <= now:
            return Status.WITHHELD
        return self.status

    @property
    def embargo_until(self) -> datetime | None:
        """Return the end of the embargo; removals have none."""
        return self.article.embargo_until if self.status is Status.USABLE else None


def microseconds_of(instant: datetime) -> int:
    """Return microseconds since 1970 (UTC), exactly."""
    return (instant - _EPOCH) // _MICROSECOND


def revision_id(stamp: datetime, version: int | None, n: int = 0) -> str:
    """Return a revision's name; as text, a later name sorts after an earlier one.

    The order is: the sender's stamp, the sender's version number, then the arrival of different content with the same
    stamp and number. Version numbers alone give no order: a wire's delete may have a smaller one than its article.

    Raises:
        ValueError: the stamp lies before 1970 or a number does not fit its width.
    """
    microseconds = microseconds_of(stamp)
    number = version or 0
    if not (0 <= microseconds < 10**17 and 0 <= number < 10**10 and 0 <= n < 10**3):
        raise ValueError(f"no revision can be named after stamp {stamp}, version {version}, n {n}")
    return f"{microseconds:017d}-{number:010d}-{n:03d}"


def stamp_of(revision: str) -> datetime:
    """Return the stamp (UTC) that a revision was ordered by."""
    return _EPOCH + int(revision[:17]) * _MICROSECOND


def page_order(revision: str, revisions_seen: int, read_at: datetime) -> str:
    """Return the fencing token of a rendering of an article's page.

    Its parts, by weight: the revision, the number of revisions taken into account, the time at which the inputs were
    read. The number counts because a late, older revision may move the page.
    """
    return f"{revision}~{revisions_seen:06d}~{microseconds_of(read_at):017d}"


def released(revisions: Iterable[Revision], now: datetime) -> list[Revision]:
    """Return the revisions that are or once were released, oldest first.

    A removal is released at once. A usable revision with an embargo is released at its time, and only if no later
    revision was accepted before that time: an update with a longer embargo, or a kill, supersedes it.
    """
    found: list[Revision] = []
    superseded_from: datetime | None = None  # the earliest acceptance of a later revision
    for revision in sorted(revisions, key=lambda each: each.revision, reverse=True):
        embargo = revision.embargo_until
        is_due = embargo is None or embargo <= now
        was_overtaken = embargo is not None and superseded_from is not None and superseded_from < embargo
        if is_due and not was_overtaken:
            found.append(revision)
        superseded_from = min(superseded_from or revision.accepted_at, revision.accepted_at)
    return found[::-1]

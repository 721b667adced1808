"""Rules for the times of an article: the stamp that orders revisions, and faults and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from services.ingest.domain.refusal import Fault
from shared.model.article import ArticleFacts

MAX_CLOCK_LEAD = timedelta(hours=24)
_CLOCK_TOLERANCE = timedelta(seconds=5)
_EARLIEST_STAMP = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = range(1000, 9000)  # four digits in every zone, so that keys and paths sort and nothing overflows


def stamp_for(version_created: datetime | None, received_at: datetime, latest: datetime | None) -> datetime:
    """Return the stamp that orders a revision: the sender's, otherwise a time after all earlier revisions.

    `latest` is the stamp of the article's latest revision, None for the first.
    """
    if version_created is not None:
        return version_created
    if latest is None:
        return received_at
    return max(received_at, latest + timedelta(microseconds=1))


def find_stamp_faults(facts: ArticleFacts, received_at: datetime) -> Iterator[Fault]:
    """Yield the faults of an article's times."""
    for name in ("version_created", "first_created", "first_published", "embargo_until", "expires_at"):
        instant: datetime | None = getattr(facts, name)
        if instant is not None and instant.year not in _YEARS:
            yield Fault(f"/{name}", f"is outside the years {_YEARS.start} to {_YEARS.stop}")
    stamp = facts.version_created
    if stamp is not None and stamp < _EARLIEST_STAMP:
        yield Fault(
            "/version_created",
            "is before 1970, too early to order revisions; "
            "leave it out and send first_created, which then dates the article",
        )
    if facts.first_created is not None and facts.first_created - received_at > MAX_CLOCK_LEAD:
        yield Fault(
            "/first_created", "is more than 24 hours ahead of our clock; it dates an article without version_created"
        )
    if facts.first_published is not None and facts.first_published - received_at > MAX_CLOCK_LEAD:
        yield Fault("/first_published", "is more than 24 hours ahead of our clock; use embargo_until to publish later")
    if stamp is not None and stamp - received_at > MAX_CLOCK_LEAD:
        yield Fault(
            "/version_created",
            "is more than 24 hours ahead of our clock and would block every later update; "
            "correct the sender's clock, or use embargo_until to publish later",
        )


def stamp_warnings(facts: ArticleFacts, received_at: datetime) -> Iterator[str]:
    """Yield warnings for editors about an article's times."""
    if facts.version_created is not None and facts.version_created - received_at > _CLOCK_TOLERANCE:
        yield "version_created is ahead of our clock; it is used unchanged"
    if facts.expires_at is not None and facts.expires_at <= received_at:
        yield "expires_at has passed"

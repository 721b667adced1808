"""The times of a feed's entry. Feeds have no embargo field, so a date in the future is one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.syndication.dates import is_plainly_past, read_date
from services.ingest.adapters.readers.syndication.entry import Part, SentEntry

_CLOCK_TOLERANCE = timedelta(minutes=5)
_EARLIEST_STAMP = datetime(1970, 1, 1, tzinfo=UTC)
_RECEIPT = "the time of receipt is used"


def set_times(builder: ArticleBuilder, entry: SentEntry, zone: tzinfo, received_at: datetime) -> None:
    """Set the times of creation, publication and update.

    The date of publication dates the article, so that an update keeps its date. The later date orders its versions.
    An unreadable date is left out with a warning, because revisions of feeds arrive in order. An unreadable embargo
    refuses the entry, but a removal is accepted without it. `zone`: of dates without one.
    """
    published = _first(builder, entry.published, zone)
    updated = _first(builder, entry.updated, zone)
    _set_embargo(builder, entry, zone)
    if expires := _first(builder, entry.expires, zone):
        builder.set_field("expires_at", expires[0], expires[1].where)
    latest = received_at + _CLOCK_TOLERANCE
    if published and published[0] > latest:
        _publish_later(builder, published)
        published = None
    if updated and updated[0] > latest:
        builder.drop(updated[1].where, "is in the future")
        builder.warn(f"the date of the update is in the future; {_RECEIPT}")
        updated = None
    elif not published and not updated and "embargo_until" not in builder.values:
        builder.warn(f"the entry has no readable date; {_RECEIPT}")
    if published:
        builder.set_field("first_created", published[0], published[1].where)
        builder.set_field("first_published", published[0], published[1].where)
    stamps = [each for each in (updated, published) if each]
    if updated and published and updated[0] < published[0]:
        builder.drop(updated[1].where, "is before the date of publication, which is used")
        stamps = [published]
    if stamps and stamps[0][0] >= _EARLIEST_STAMP:
        builder.set_field("version_created", stamps[0][0], stamps[0][1].where)


def find_unreadable_date(entry: SentEntry, zone: tzinfo, received_at: datetime) -> Part | None:
    """Return the stated date of publication that cannot be read and may be in the future, otherwise None.

    A date in the future is an embargo, so an entry with such a date must wait.
    """
    stated = [part for part in entry.published if part.value.strip()]
    for part in stated:
        try:
            read_date(part.value, zone)
        except (ValueError, OverflowError):
            continue
        return None
    return next((part for part in stated if not is_plainly_past(part.value, received_at)), None)


def _publish_later(builder: ArticleBuilder, published: tuple[datetime, Part]) -> None:
    """Use a future date as an embargo, unless a later embargo is set."""
    instant, part = published
    embargo = builder.values.get("embargo_until")
    if embargo is None or embargo < instant:
        builder.set_field("embargo_until", instant, part.where)
    builder.warn(f"the date of publication is in the future; the article is shown from then on, and {_RECEIPT}")


def _set_embargo(builder: ArticleBuilder, entry: SentEntry, zone: tzinfo) -> None:
    for part in entry.embargo:
        try:
            found = read_date(part.value, zone).instant
        except (ValueError, OverflowError):
            if builder.is_removal:
                builder.drop(part.where, "is an embargo that cannot be read; the removal is accepted without it")
            else:
                builder.fault(part.where, "is an embargo that cannot be read; write 2025-02-13T06:14:00+05:30")
            continue
        known = builder.values.get("embargo_until")
        if known is None or known < found:
            builder.set_field("embargo_until", found, part.where)


def _first(builder: ArticleBuilder, parts: Sequence[Part], zone: tzinfo) -> tuple[datetime, Part] | None:
    """Return the first readable date of several elements with the same meaning."""
    chosen: tuple[datetime, Part] | None = None
    for part in parts:
        if chosen:
            builder.drop(part.where, "another date with the same meaning is used")
            continue
        try:
            found = read_date(part.value, zone)
        except (ValueError, OverflowError):
            builder.drop(part.where, "is not a date that can be read")
            builder.warn(f"a date cannot be read: {part.where}")
            continue
        if found.note:
            builder.warn(f"the date {part.where} {found.note}")
        chosen = found.instant, part
    return chosen

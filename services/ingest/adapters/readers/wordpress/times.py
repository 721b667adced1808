"""The times of a post: WordPress states each in UTC and in its site's zone; one of the two may be missing or zero."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.values import instant_of
from services.ingest.adapters.readers.wordpress.post import Sent, Times

_MAX_OFFSET = timedelta(hours=15)
_MAX_DATE_CHARS = 60
_UNREADABLE = "is not a date and time"
_NO_TIMES = ("0000-", "-0001", "1970-01-01 00:00:00", "1970-01-01T00:00:00")


@dataclass(frozen=True, slots=True)
class FoundTimes:
    """The instants of a post (UTC) and the pointers to them; None if there is none."""

    published: datetime | None
    published_origin: str
    modified: datetime | None
    modified_origin: str


def find_times(times: Times, builder: ArticleBuilder, zone: str) -> FoundTimes:
    """Return the date of publication and of the last change.

    An unreadable date of publication refuses the post, but a removal is accepted without it.

    `zone`: of local times, such as `Europe/Brussels`; used only if UTC does not give the sender's own.
    """
    published, origin = _published(times, builder, zone)
    if published is None:
        for sent in (times.date_gmt, times.pub_date, times.date):
            if sent and not sent.text.startswith(_NO_TIMES):
                _report_unreadable(sent, builder)
    modified, modified_origin = _modified(times, builder, zone, published)
    return FoundTimes(published, origin, modified, modified_origin)


def _report_unreadable(sent: Sent, builder: ArticleBuilder) -> None:
    if builder.is_removal:
        builder.drop(sent.origin, f"{_UNREADABLE}; the removal is accepted without it")
    else:
        builder.fault(sent.origin, _UNREADABLE)


def set_times(found: FoundTimes, builder: ArticleBuilder, received_at: datetime, *, is_hidden: bool) -> None:
    """Set the stamp and the date of publication; a hidden post has no date, and its last change orders it."""
    stamps = [(found.modified, found.modified_origin)] if found.modified else []
    if found.published is not None:
        if not is_hidden:
            builder.set_field("first_published", found.published, found.published_origin)
        if not stamps or not is_hidden:  # a scheduled post appears after its last change
            stamps.append((found.published, found.published_origin))
    stamp, origin = max(stamps, default=(None, ""))
    if stamp is None:
        builder.warn("the post has no date; the time of its receipt is used")
    elif stamp <= received_at or not is_hidden:
        builder.set_field("version_created", stamp, origin)


def _published(times: Times, builder: ArticleBuilder, zone: str) -> tuple[datetime | None, str]:
    if instant := _find(times.date_gmt, UTC, builder):
        return instant, times.date_gmt.origin
    if times.pub_date and (instant := _rfc_822(times.pub_date.text)):
        return instant, times.pub_date.origin
    if instant := _find(times.date, ZoneInfo(zone), builder):
        builder.warn(f"the date of publication has no zone; {zone} is used")
        return instant, times.date.origin
    return None, ""


def _modified(
    times: Times, builder: ArticleBuilder, zone: str, published: datetime | None
) -> tuple[datetime | None, str]:
    if instant := _find(times.modified_gmt, UTC, builder):
        return instant, times.modified_gmt.origin
    own_zone = _zone_of(times, published) or ZoneInfo(zone)
    return _find(times.modified, own_zone, builder), times.modified.origin


def _zone_of(times: Times, published: datetime | None) -> tzinfo | None:
    """Return the zone of the sender's site, from a time that is stated in it and in UTC."""
    if published is None or not times.date:
        return None
    try:
        local = datetime.fromisoformat(times.date.text[:_MAX_DATE_CHARS])
    except ValueError:
        return None
    if local.tzinfo is not None:
        return local.tzinfo
    offset = timedelta(minutes=round((local - published.replace(tzinfo=None)) / timedelta(minutes=1)))
    return timezone(offset) if abs(offset) < _MAX_OFFSET else None


def _find(sent: Sent, zone: tzinfo, builder: ArticleBuilder) -> datetime | None:
    """Return a time; None without one, for a zero date, and for an unreadable one, which is reported as dropped."""
    if not sent or sent.text.startswith(_NO_TIMES):
        return None
    try:
        instant = instant_of(sent.text, zone)
        return instant.astimezone(UTC) if instant else None
    except (ValueError, OverflowError):
        builder.drop(sent.origin, _UNREADABLE)
        return None


def _rfc_822(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text[:_MAX_DATE_CHARS])
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

"""Times in options and in output."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"^(\d{1,6})\s*([smhdw])(\s+ago)?$")
_CLOCK = re.compile(r"^\d{1,2}:\d{2}(:\d{2})?$")
FUTURE_TIME_FORMS = (
    "2026-11-25T18:00 (here), 2026-11-25T18:00Z, 2026-11-26, 18:00 (the next), 2h or 30m or 3d (from now)"
)
DURATION_FORMS = "24h, 30m, 7d, 0s"
TIME_FORMS = "2026-11-25T06:00 (here), 2026-11-25T06:00Z, 2026-11-25, 06:00 (the last), 2h or 30m or 3d (ago)"


class UnreadableTimeError(ValueError):
    """The text is no time; the error lists the accepted forms."""


def instant_of(text: str, now: datetime) -> datetime:
    """Return the instant (UTC) of a text; without a zone, the zone of this machine applies.

    Raises:
        UnreadableTimeError: the text is no time.
    """
    normalized = text.strip().lower()
    if normalized == "now":
        return now
    if ago := _DURATION.match(normalized):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        if _CLOCK.match(normalized):
            here = now.astimezone()
            today = datetime.combine(here.date(), datetime.strptime(normalized.zfill(5)[:5], "%H:%M").time())  # noqa: DTZ007
            instant = today.astimezone(UTC)
            return instant if instant <= now else (today - timedelta(days=1)).astimezone(UTC)
        return datetime.fromisoformat(text.strip().upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableTimeError(f"{text!r} is no time; write one of: {TIME_FORMS}") from error


def future_instant_of(text: str, now: datetime) -> datetime:
    """Return the future instant (UTC) of a text: `3h` means in three hours, not three hours ago.

    Raises:
        UnreadableTimeError: the text is no time.
    """
    normalized = text.strip().lower()
    if (ahead := _DURATION.match(normalized)) and not ahead[3]:
        return now + timedelta(**{_UNITS[ahead[2]]: int(ahead[1])})
    try:
        instant = instant_of(text, now)
    except UnreadableTimeError as error:
        raise UnreadableTimeError(f"{text!r} is no time; write one of: {FUTURE_TIME_FORMS}") from error
    return instant + timedelta(days=1) if _CLOCK.match(normalized) and instant <= now else instant


def duration_of(text: str) -> timedelta:
    """Return the duration of a text: `24h`, `30m`, `0s`.

    Raises:
        UnreadableTimeError: the text is no duration.
    """
    if (found := _DURATION.match(text.strip().lower())) and not found[3]:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    raise UnreadableTimeError(f"{text!r} is no duration; write one of: {DURATION_FORMS}")


def age_of(instant: datetime, now: datetime) -> str:
    """Return the age of an instant, in one unit."""
    seconds = max(0, int((now - instant).total_seconds()))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def as_option(instant: datetime) -> str:
    """Return an instant in a form that options accept, rounded down to a second."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def as_option_rounded_up(instant: datetime) -> str:
    """Return an instant in a form that options accept, rounded up to a second."""
    return as_option(instant + timedelta(microseconds=999_999))

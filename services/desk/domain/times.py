"""Times as people write them, and as they like to read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"^(\d{1,6})\s*([smhdw])(\s+ago)?$")
_CLOCK = re.compile(r"^\d{1,2}:\d{2}(:\d{2})?$")
TEACHING_TO_COME = (
    "2026-11-25T18:00 (here), 2026-11-25T18:00Z, 2026-11-26, 18:00 (the next time it is), 2h or 30m or 3d (from now)"
)
TEACHING = "2026-11-25T06:00 (here), 2026-11-25T06:00Z, 2026-11-25, 06:00 (the last time it was), 2h or 30m or 3d (ago)"


class UnreadableTimeError(ValueError):
    """Not a time in any of the forms that people write; the text says which there are."""


def instant_of(text: str, now: datetime) -> datetime:
    """Return the instant (UTC) that a person means; without a zone it is the time of the machine where he types.

    Raises:
        UnreadableTimeError: it is none.
    """
    wanted = text.strip().lower()
    if wanted == "now":
        return now
    if ago := _AGO.match(wanted):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        if _CLOCK.match(wanted):
            here = now.astimezone()
            today = datetime.combine(here.date(), datetime.strptime(wanted.zfill(5)[:5], "%H:%M").time())  # noqa: DTZ007
            instant = today.astimezone(UTC)
            return instant if instant <= now else (today - timedelta(days=1)).astimezone(UTC)
        return datetime.fromisoformat(text.strip().upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableTimeError(f"{text!r} is no time; write one of: {TEACHING}") from error


def instant_to_come(text: str, now: datetime) -> datetime:
    """Return the instant (UTC) that a person means by something that is to come: `3h` is in three hours, not before.

    Raises:
        UnreadableTimeError: it is none.
    """
    wanted = text.strip().lower()
    if (ahead := _AGO.match(wanted)) and not ahead[3]:
        return now + timedelta(**{_UNITS[ahead[2]]: int(ahead[1])})
    try:
        instant = instant_of(text, now)
    except UnreadableTimeError as error:
        raise UnreadableTimeError(f"{text!r} is no time; write one of: {TEACHING_TO_COME}") from error
    return instant + timedelta(days=1) if _CLOCK.match(wanted) and instant <= now else instant


def age_of(instant: datetime, now: datetime) -> str:
    """Return how long ago something was, in one unit."""
    seconds = max(0, int((now - instant).total_seconds()))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def in_words(instant: datetime) -> str:
    """Return an instant as the command line takes it back, to the second before it."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def in_words_after(instant: datetime) -> str:
    """Return an instant as the command line takes it back, to the second after it."""
    return in_words(instant + timedelta(microseconds=999_999))

"""Times in the site's zone, in the form for readers and in the form for machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from babel.dates import format_date

from services.render.domain.languages import locale_for
from shared.site.sites import local_time


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant: `machine` for `<time datetime>` (with its offset), `text` for readers."""

    machine: str
    text: str


def moment_of(at: datetime, *, zone: str, language: str) -> Moment:
    """Return an instant as `13 February 2025 06:14`, or as the language writes a long date."""
    local = local_time(at, zone)
    return Moment(machine=local.isoformat(timespec="seconds"), text=f"{_date(local, language, 'long')} {local:%H:%M}")


def day_of(at: datetime, *, zone: str, language: str) -> Moment:
    """Return an instant's day with its weekday: `Thursday 13 February 2025`."""
    local = local_time(at, zone)
    return Moment(machine=local.date().isoformat(), text=_date(local, language, "full"))


def date_text(day: date, *, language: str) -> str:
    """Return a day in the language's long form: `13 February 2025`."""
    return _date(day, language, "long")


def month_text(month: date, *, language: str) -> str:
    """Return a month with its year in the language's stand-alone form: `February 2025`."""
    return format_date(month, "LLLL y", locale=locale_for(language))


def machine_time(at: datetime, *, zone: str) -> str:
    """Return an instant in the site's zone as ISO 8601 to the second."""
    return local_time(at, zone).isoformat(timespec="seconds")


def _date(local: date, language: str, length: str) -> str:
    return _day_text(local.date() if isinstance(local, datetime) else local, language, length)


@lru_cache(maxsize=1024)
def _day_text(day: date, language: str, length: str) -> str:
    # Only English has an explicit pattern: its locales differ in the order, and a site has one order.
    locale = locale_for(language)
    if locale.language == "en":
        pattern = {"long": "d MMMM y", "full": "EEEE d MMMM y"}[length]
        return format_date(day, pattern, locale="en")
    return format_date(day, length, locale=locale)

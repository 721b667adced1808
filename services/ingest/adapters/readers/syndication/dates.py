"""Reads the dates of feeds and pages: ISO 8601, RFC 822, and the forms that newspapers write in their place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_MAX_CHARS = 80
_HOURS_EAST_OF_UTC = {
    "": 0,
    **dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("bst", "cet", "west"), 1),
    **dict.fromkeys(("cest", "eet", "sast", "cat"), 2),
    **dict.fromkeys(("eest", "msk", "eat"), 3),
    "pkt": 5,
    "ist": 5.5,
    "wib": 7,
    "sgt": 8,
    "hkt": 8,
    "awst": 8,
    "jst": 9,
    "kst": 9,
    "aest": 10,
    "aedt": 11,
    "nzst": 12,
    "nzdt": 13,
    "brt": -3,
    "art": -3,
    "ast": -4,
    "edt": -4,
    "est": -5,
    "cdt": -5,
    "cst": -6,
    "mdt": -6,
    "mst": -7,
    "pdt": -7,
    "pst": -8,
    "akdt": -8,
    "akst": -9,
    "hst": -10,
}
"""Abbreviations of zones, RFC 822's first. A site's own zone takes precedence where it uses the same abbreviation."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(am|pm)?")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_ISO_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_OFFSET = re.compile(r"(?:utc|gmt|ut)?([+-])(\d{1,2})(?::?(\d{2}))?")
_HYPHENS = re.compile(r"(?<=\d)-(?=[a-z])|(?<=[a-z])-(?=\d)")
_COMMENT = re.compile(r"\([^()]*\)")
_END_OF_DAY = re.compile(r"(?<=\d[T ])24(?=:?00(?::?00(?:[.,]0{1,9})?)?(?:Z|[+-]|$))", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19|20|21)\d\d(?!\d)", re.ASCII)
_CENTURY_PIVOT = 69  # as in POSIX: 69 to 99 are in the 20th century
_NOON = 12


@dataclass(frozen=True, slots=True)
class ReadDate:
    """An instant, and a note for editors if a part of it was assumed."""

    instant: datetime
    note: str = ""


def read_date(text: str, zone: tzinfo) -> ReadDate:
    """Return the instant that a date names; `zone`: of a date without one, with a note.

    Raises:
        ValueError: the text is no date, or its day, hour or offset does not exist.
    """
    line = " ".join(text.split())
    if not line or len(line) > _MAX_CHARS:
        raise ValueError("is not a date")
    start_of_day, ends = _END_OF_DAY.subn("00", line, count=1)
    try:
        found = datetime.fromisoformat(start_of_day) + timedelta(days=ends)  # 24:00 is the end of the day
    except ValueError:
        return _from_words(line.lower(), zone)
    return ReadDate(found) if found.tzinfo is not None else _in_zone(found, "", zone)


def is_plainly_past(text: str, now: datetime) -> bool:
    """Return whether an unreadable date names a year, and no year that is not over."""
    years = [int(year) for year in _YEAR.findall(text[:_MAX_CHARS])]
    return bool(years) and max(years) < now.year


def _from_words(line: str, zone: tzinfo) -> ReadDate:
    """Read the words of a date in any order; a comment in brackets is ignored."""
    words = _Words()
    for word in _HYPHENS.sub(" ", _COMMENT.sub(" ", line)).replace(",", " ").split():
        if not (words.take_time(word) or words.take_day(word) or words.take_name(word)):
            raise ValueError("is not a date")
    if not {"year", "month", "day"} <= words.parts.keys():
        raise ValueError("is not a date")
    found = datetime(**words.parts)  # type: ignore[arg-type]  # noqa: DTZ001 -- the zone follows
    if words.offset is not None:
        return ReadDate(found.replace(tzinfo=timezone(words.offset)))
    return _in_zone(found, words.zone_name, zone)


@dataclass(slots=True)
class _Words:
    """The parts of a date that were read so far; each method returns whether it took the word."""

    parts: dict[str, int] = field(default_factory=dict)
    zone_name: str = ""
    offset: timedelta | None = None

    def take_time(self, word: str) -> bool:
        """Take a time, half of the day or offset."""
        if found := _TIME.fullmatch(word):
            self.parts |= {"hour": int(found[1]), "minute": int(found[2]), "second": min(int(found[3] or 0), 59)}
            word = found[4] or ""
        elif "hour" in self.parts and (offset := _OFFSET.fullmatch(word)):
            self.offset = _offset(offset)
            return True
        elif word not in ("am", "pm"):
            return False
        if word:
            self.parts["hour"] = self.parts.get("hour", 0) % _NOON + (_NOON if word == "pm" else 0)
        return True

    def take_day(self, word: str) -> bool:
        """Take a date such as `2024-09-06`, a day or a year."""
        if found := _ISO_DAY.fullmatch(word):
            self.parts |= {"year": int(found[1]), "month": int(found[2]), "day": int(found[3])}
            return True
        if (word.isascii() and word.isdigit()) or _DAY.fullmatch(word):
            _set_number(self.parts, word)
            return True
        return False

    def take_name(self, word: str) -> bool:
        """Take the name of a month, weekday or zone."""
        plain = word.strip(".")
        if _set_month(self.parts, word) or plain[:3] in _WEEKDAYS or word in ("at", "of", "-"):
            return True
        if self.zone_name or not plain.isalpha():
            return False
        self.zone_name = plain
        return True


def _set_number(parts: dict[str, int], word: str) -> None:
    """Set the day, otherwise the year; a year of two digits belongs to the century around 2000."""
    number = int(word) if word.isdigit() else int(word[:-2])
    if len(word) == 4 and word.isdigit():  # noqa: PLR2004 -- a year in full
        parts.setdefault("year", number)
    elif "day" not in parts:
        parts["day"] = number
    elif "year" not in parts:
        parts["year"] = number + (1900 if number >= _CENTURY_PIVOT else 2000)
    else:
        raise ValueError("is not a date")


def _set_month(parts: dict[str, int], word: str) -> bool:
    """Set the month from its English name or the beginning of it, such as `Sept`."""
    if "month" in parts or word[:3] not in _MONTHS or not word.strip(".").isalpha():
        return False
    parts["month"] = _MONTHS.index(word[:3]) + 1
    return True


def _offset(found: re.Match[str]) -> timedelta:
    digits = found[2]
    hours, minutes = int(digits), int(found[3] or 0)
    offset = timedelta(hours=hours, minutes=minutes)
    if offset > timedelta(hours=14) or minutes > 59:  # noqa: PLR2004 -- minutes of an hour
        raise ValueError("has an offset that no zone has")
    return -offset if found[1] == "-" else offset


def _in_zone(found: datetime, name: str, zone: tzinfo) -> ReadDate:
    """Return the instant of a local time, by the abbreviation of a zone or in the given zone."""
    local = found.replace(tzinfo=zone)
    if not name:
        return ReadDate(_checked(local), f"has no zone; {zone} is used")
    if (local.tzname() or "").lower() == name:
        return ReadDate(_checked(local))
    if name in _HOURS_EAST_OF_UTC:
        return ReadDate(found.replace(tzinfo=timezone(timedelta(hours=_HOURS_EAST_OF_UTC[name]))))
    return ReadDate(_checked(local), f"has an unknown zone; {zone} is used")


def _checked(local: datetime) -> datetime:
    try:
        local.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is outside the years that exist here") from error
    return local

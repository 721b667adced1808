from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.desk.domain.times import (
    UnreadableTimeError,
    age_of,
    in_words,
    in_words_after,
    instant_of,
    instant_to_come,
)

NOW = datetime(2026, 11, 25, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-25T06:00Z", datetime(2026, 11, 25, 6, tzinfo=UTC)),
        ("2026-11-25t06:00+02:00", datetime(2026, 11, 25, 4, tzinfo=UTC)),
        ("2h", NOW - timedelta(hours=2)),
        ("30m ago", NOW - timedelta(minutes=30)),
        ("3 d", NOW - timedelta(days=3)),
        ("now", NOW),
    ],
)
def test_a_time_is_understood_as_people_write_it(text: str, instant: datetime) -> None:
    assert instant_of(text, NOW) == instant


@pytest.mark.parametrize("text", ["06:00", "23:59", "2026-11-25", "2026-11-25T06:00"])
def test_without_a_zone_it_is_the_time_here_and_a_bare_clock_time_is_never_ahead(text: str) -> None:
    instant = instant_of(text, NOW)

    assert instant.astimezone().strftime("%Y-%m-%dT%H:%M").find(text.rpartition("T")[2]) >= 0
    if ":" in text and "-" not in text:
        assert NOW - timedelta(days=1, hours=1) <= instant <= NOW


@pytest.mark.parametrize("text", ["", "yesterdayish", "25:00", "2026-13-01", "-2h", "9999999h"])
def test_what_is_no_time_is_answered_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(UnreadableTimeError, match="write one of"):
        instant_of(text, NOW)


def test_a_range_in_words_holds_all_that_the_range_held() -> None:
    instant = datetime(2026, 11, 25, 6, 0, 0, 400_000, tzinfo=UTC)

    assert instant_of(in_words(instant), NOW) <= instant <= instant_of(in_words_after(instant), NOW)


@pytest.mark.parametrize(
    ("seconds", "age"), [(-5, "0 s"), (59, "59 s"), (61, "1 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_an_age_is_told_in_one_unit(seconds: int, age: str) -> None:
    assert age_of(NOW - timedelta(seconds=seconds), NOW) == age


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2h", NOW + timedelta(hours=2)),
        ("30 m", NOW + timedelta(minutes=30)),
        ("2026-11-26T06:00Z", datetime(2026, 11, 26, 6, tzinfo=UTC)),
        ("2h ago", NOW - timedelta(hours=2)),
    ],
)
def test_of_what_is_to_come_a_duration_is_from_now_on(text: str, instant: datetime) -> None:
    assert instant_to_come(text, NOW) == instant


@pytest.mark.parametrize("text", ["06:00", "12:00", "23:59"])
def test_of_what_is_to_come_a_bare_clock_time_is_the_next_one(text: str) -> None:
    instant = instant_to_come(text, NOW)

    assert NOW < instant <= NOW + timedelta(days=1)
    assert f"{instant.astimezone():%H:%M}" == text


def test_of_what_is_to_come_too_no_time_is_told_so_with_the_forms_there_are() -> None:
    with pytest.raises(UnreadableTimeError, match="from now"):
        instant_to_come("soon", NOW)

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.desk.domain.times import (
    UnreadableTimeError,
    age_of,
    as_option,
    as_option_rounded_up,
    future_instant_of,
    instant_of,
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
def test_common_forms_of_a_time_are_read(text: str, instant: datetime) -> None:
    assert instant_of(text, NOW) == instant


@pytest.mark.parametrize("text", ["06:00", "23:59", "2026-11-25", "2026-11-25T06:00"])
def test_without_a_zone_the_local_zone_applies_and_a_clock_time_is_in_the_past(text: str) -> None:
    instant = instant_of(text, NOW)

    assert instant.astimezone().strftime("%Y-%m-%dT%H:%M").find(text.rpartition("T")[2]) >= 0
    if ":" in text and "-" not in text:
        assert NOW - timedelta(days=1, hours=1) <= instant <= NOW


@pytest.mark.parametrize("text", ["", "yesterdayish", "25:00", "2026-13-01", "-2h", "9999999h"])
def test_an_unreadable_time_lists_the_accepted_forms(text: str) -> None:
    with pytest.raises(UnreadableTimeError, match="write one of"):
        instant_of(text, NOW)


def test_an_interval_printed_as_options_contains_the_original() -> None:
    instant = datetime(2026, 11, 25, 6, 0, 0, 400_000, tzinfo=UTC)

    assert instant_of(as_option(instant), NOW) <= instant <= instant_of(as_option_rounded_up(instant), NOW)


@pytest.mark.parametrize(
    ("seconds", "age"), [(-5, "0 s"), (59, "59 s"), (61, "1 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_an_age_has_one_unit(seconds: int, age: str) -> None:
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
def test_a_future_duration_counts_from_now(text: str, instant: datetime) -> None:
    assert future_instant_of(text, NOW) == instant


@pytest.mark.parametrize("text", ["06:00", "12:00", "23:59"])
def test_a_future_clock_time_is_the_next_one(text: str) -> None:
    instant = future_instant_of(text, NOW)

    assert NOW < instant <= NOW + timedelta(days=1)
    assert f"{instant.astimezone():%H:%M}" == text


def test_an_unreadable_future_time_lists_the_accepted_forms() -> None:
    with pytest.raises(UnreadableTimeError, match="from now"):
        future_instant_of("soon", NOW)

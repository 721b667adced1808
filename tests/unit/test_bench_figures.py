"""The figures of the bench: they are true before they are compared."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.bench.calls import parse_stat
from tests.bench.checkouts import show_comparison
from tests.bench.endpoint import percentile
from tests.bench.importing import seconds_until_next_list
from tests.bench.meter import Reading
from tests.bench.steady import Shown, arrivals, window


def test_the_processor_time_of_a_process_contains_that_of_its_ended_children() -> None:
    stat = "4242 (python -m (odd) name) S 17 4242 4242 0 -1 4194560 9 8 7 6 100 20 3 4 20 0 1 0 5 6"

    assert parse_stat(stat) == (17, 127)
    assert parse_stat(Path("/proc/self/stat").read_text(encoding="utf-8"))[0] > 0


def test_arrivals_are_even_and_the_same_in_each_run() -> None:
    planned = list(arrivals(720, 4))
    operations = Counter(arrival.operation for arrival in planned)

    assert planned == list(arrivals(720, 4))
    assert [arrival.at_seconds for arrival in planned[:3]] == [0, 0.25, 0.5]
    assert len(planned) == operations.total() == 2880
    assert operations["update"] / 2880 == pytest.approx(0.30, abs=0.02)
    assert operations["withdraw"] / 2880 == pytest.approx(0.02, abs=0.01)


def test_a_window_holds_the_operations_that_arrived_in_it_however_late_they_ended() -> None:
    shown = [Shown(0, 10), Shown(119.75, 9_000), Shown(120, 30)]

    assert window(shown, 0, 120) == [10, 9_000]
    assert window(shown, 120, 240) == [30]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(each) for each in range(100, 0, -1)]

    assert percentile(values, 50) == 51
    assert percentile(values, 95) == 96
    assert percentile([7.0], 95) == 7


def test_the_bucket_is_listed_more_often_towards_the_end_of_an_import() -> None:
    assert seconds_until_next_list(500, 1_000, 50, 0.1) == 25
    assert seconds_until_next_list(980, 1_000, 100, 0.1) == pytest.approx(1.02, abs=0.01)
    assert seconds_until_next_list(999, 1_000, 100, 0.1) == 0.5
    assert seconds_until_next_list(999, 1_000, 100, 2.0) == 6
    assert seconds_until_next_list(0, 1_000, 3, 0.1) == 1


def test_costs_are_those_between_two_readings() -> None:
    start = Reading(0, {"ours": 1.0, "store": 2.0}, Counter({("render", "PUT"): 5}), 100)
    end = Reading(9, {"ours": 3.0, "store": 2.5}, Counter({("render", "PUT"): 9, ("enrich", "GET"): 6}), 700)

    assert end.calls_since(start, 10) == 1
    assert end.cost_since(start, 10) == {
        "CPU ms per article, ours": 200,
        "CPU ms per article, store": 50,
        "CPU ms per article, all": 250,
        "Redis commands per article": 60,
    }


def test_a_comparison_shows_medians_and_the_ratio_of_this_checkout_to_the_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_comparison("Import", {"this": [{"a/s": 30}, {"a/s": 90}, {"a/s": 60}], "today": [{"a/s": 20}]})

    assert capsys.readouterr().out.splitlines()[-1].split() == ["a/s", "60.0", "20.0", "3.00"]

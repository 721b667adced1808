"""The last lines of the demo."""

from __future__ import annotations

from pathlib import Path

from infra.local.demo import summary_of
from infra.local.posting import PostResult


def a_result(status: str = "live", readable_ms: float | None = None) -> PostResult:
    return PostResult(Path("a.json"), "A headline", status=status, readable_ms=readable_ms)


def test_the_summary_has_the_number_of_live_articles_and_the_median_and_worst_time() -> None:
    results = [a_result(readable_ms=ms) for ms in (120.0, 90.0, 450.4)] + [a_result("failed")]

    assert summary_of(results) == "3 of 4 articles are live. POST to readable page: median 120 ms, worst 450 ms."


def test_articles_that_were_live_before_do_not_count_in_the_times() -> None:
    results = [a_result("duplicate", 8.0), a_result("superseded", 9.0), a_result(readable_ms=1_200.0)]

    assert summary_of(results) == (
        "3 of 3 articles are live. POST to readable page: median 1,200 ms, worst 1,200 ms. 2 were live before."
    )


def test_a_summary_without_new_articles_has_no_times() -> None:
    assert (
        summary_of([a_result("duplicate", 8.0), a_result("refused")]) == "1 of 2 articles are live. 1 was live before."
    )

"""The choice of the latest enriched object among several keys."""

from __future__ import annotations

import itertools

import pytest

from shared.site import keys

PREFIX = keys.enriched_prefix("epn", "k3jq2m5x7c4vbnw6r2ty3u5iop", "01739407440000000-0000000001-000")


@pytest.mark.parametrize(
    ("older", "newer"), [("e9", "e10"), ("e9-mediatopics3", "e10"), ("e2", "e10-a1"), ("e3-a9", "e3-a10")]
)
def test_the_latest_enricher_has_the_highest_number_and_not_the_last_name(older: str, newer: str) -> None:
    names = [f"{PREFIX}{enricher}.json" for enricher in (older, newer)]

    for some in itertools.permutations([*names, f"{PREFIX.replace('-000.', '-001.')}e99.json"]):
        assert keys.latest_enriched(some, PREFIX) == names[1]


def test_without_an_enriched_object_there_is_no_latest_one() -> None:
    assert keys.latest_enriched([], PREFIX) is None

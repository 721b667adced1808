"""The given exports of WordPress and the given file for Ghost's importer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from services.ingest.ports import Entry, Reading, ReadingContext
from shared.model.article import Status
from tests.unit.ingest.conftest import ReadAll
from tests.unit.ingest.fuzzing import assert_survives

Wire = Callable[[str], bytes]
ROWS = [
    (
        "g38/wordpress_wxr.xml",
        {"article": 1, "media": 3, "held": 1},
        "http://sdnewtester.org/?p=216",
        "Starafrica to dispose assets",
    ),
    (
        "g38/themeunittestdata.wordpress.xml",
        {"article": 46, "media": 38, "held": 3, "refused": 93},
        "https://wpthemetestdata.wordpress.com/?p=1724",
        "Keyboard navigation",
    ),
    (
        "g39/multi-post-only.json",
        {"article": 3},
        "https://medium.com/space/testpost-efefef12121212",
        "Blog Post Title",
    ),
]


def _outcome(entry: Entry) -> str:
    if isinstance(entry, Reading):
        return "held" if entry.held_because else "article"
    return entry.status


@pytest.mark.parametrize(("path", "outcomes", "source_id", "headline"), ROWS)
def test_each_item_of_a_given_file_has_its_outcome(
    read_all: ReadAll, wire: Wire, path: str, outcomes: dict[str, int], source_id: str, headline: str
) -> None:
    entries = read_all(wire(path))
    articles = [each.article for each in entries if isinstance(each, Reading) and not each.held_because]

    assert dict(Counter(map(_outcome, entries))) == outcomes
    assert articles[0].source_id == source_id
    assert articles[0].headline.startswith(headline)
    assert len({each.source_id for each in articles}) == len(articles)
    assert all(each.status is Status.USABLE and each.embargo_until is None for each in articles)
    assert all("@" not in author.name for each in articles for author in each.authors)


def test_mutations_of_the_given_files_are_read_or_refused(context: ReadingContext, wire: Wire) -> None:
    assert_survives([wire("g38/wordpress_wxr.xml"), wire("g39/multi-post-only.json")], context, count=100)

"""The given stories in ANS 0.10."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.ingest.ports import ReadingContext
from shared.model.article import Status
from tests.unit.ingest.conftest import Read
from tests.unit.ingest.fuzzing import assert_survives

FILES = {
    "g31/story-fixture-good.json": ("unique ANS id", "The default headline", 1),
    "g32/story-fixture-tiny-house.json": ("f8f706f0-0acc-11e5-9e39-0db921c47b93", "Tiny house, big benefits", 1),
    "g33/story-fixture-references.json": ("unique ANS id", "The basic headline", 1),
}
Wire = Callable[[str], bytes]


@pytest.mark.parametrize("path", FILES)
def test_a_given_story_becomes_an_article(read: Read, wire: Wire, path: str) -> None:
    source_id, headline, authors = FILES[path]

    reading = read(wire(path))

    assert reading.report.format == "ans-0.10.12"
    assert reading.article.status is Status.USABLE
    assert reading.article.source_id == source_id
    assert reading.article.headline.startswith(headline)
    assert len(reading.article.authors) == authors
    assert reading.article.embargo_until is None
    assert reading.article.picture is not None
    assert reading.article.correction_note is not None
    assert reading.article.body


def test_the_given_stories_keep_their_marks(read: Read, wire: Wire) -> None:
    good = read(wire("g31/story-fixture-good.json")).article
    house = read(wire("g32/story-fixture-tiny-house.json")).article

    assert good.kicker == "The Kicker"
    assert good.body.count("<blockquote>") == 3
    assert house.byline == "Nina Patel contributed this story for The Washington Post."
    assert house.authors[0].name == "Nina Patel"
    assert "<hr>" in house.body


def test_mutations_of_the_given_stories_are_read_or_refused(context: ReadingContext, wire: Wire) -> None:
    assert_survives([wire(path) for path in FILES], context, count=100)

"""The given entries of dpa's digital wires, and the same articles in NewsML-G2."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from services.ingest.ports import ReadingContext
from tests.unit.ingest.conftest import Read
from tests.unit.ingest.fuzzing import assert_survives

PAIRS = ["g22/with_dateline", "g23/embargoed"]
Wire = Callable[[str], bytes]


def test_the_given_entries_become_articles(read: Read, wire: Wire) -> None:
    with_dateline = read(wire("g22/with_dateline.json")).article
    embargoed = read(wire("g23/embargoed.json")).article

    assert with_dateline.source_id == "urn:newsml:dpa.com:20090101:250128-930-357319"
    assert (with_dateline.version, with_dateline.dateline) == (2, "New York (dpa)")
    assert with_dateline.body.startswith("<p>Ein Chatbot")
    assert embargoed.embargo_until == datetime(2025, 1, 23, 18, tzinfo=UTC)
    assert [each.title for each in embargoed.related] == ["Informationen zur Ausstellung"]


@pytest.mark.parametrize("path", PAIRS)
def test_no_telephone_number_and_no_address_of_a_desk_is_in_the_article(read: Read, wire: Wire, path: str) -> None:
    text = read(wire(f"{path}.json")).article.model_dump_json()

    assert "+49" not in text
    assert "@dpa.com" not in text


@pytest.mark.parametrize("path", PAIRS)
def test_the_entry_and_its_newsml_give_the_same_article(read: Read, wire: Wire, path: str) -> None:
    assert read(wire(f"{path}.json")).article == read(wire(f"{path}.xml"), "application/xml").article


def test_mutations_of_the_given_entries_are_read_or_refused(context: ReadingContext, wire: Wire) -> None:
    assert_survives([wire(f"{path}.json") for path in PAIRS], context, count=100)

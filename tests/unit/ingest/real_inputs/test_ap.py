"""The given item of AP's Media API: its text is only linked."""

from __future__ import annotations

from collections.abc import Callable

from services.ingest.ports import ReadingContext, SetAside
from tests.unit.ingest.conftest import ReadAll
from tests.unit.ingest.fuzzing import assert_survives

PATH = "g30/ap_media_text_item.json"
Wire = Callable[[str], bytes]


def test_the_given_item_is_held_because_its_text_is_only_linked(read_all: ReadAll, wire: Wire) -> None:
    (entry,) = read_all(wire(PATH))

    assert isinstance(entry, SetAside)
    assert (entry.status, entry.name) == ("held", "5ee9b4b40ea5fe9c9ca60f890fb2e1d9")
    assert entry.report.format == "ap-1.1"
    assert "only linked" in entry.reason


def test_mutations_of_the_given_item_are_read_or_refused(context: ReadingContext, wire: Wire) -> None:
    assert_survives([wire(PATH)], context, count=100)

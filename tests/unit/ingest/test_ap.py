"""AP's Media API: an item with its text becomes an article; an item with links alone is held."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.ingest.adapters.readers.ap.about import FORMAT
from services.ingest.ports import Reading, ReadingContext, SetAside
from shared.model.article import Status
from tests.unit.ingest.conftest import Read, ReadAll, Refuse
from tests.unit.ingest.fuzzing import assert_survives

ITEM: dict[str, Any] = {
    "uri": "https://wire.example/content/abc?qt=changes",
    "altids": {"itemid": "abc", "etag": "abc_1"},
    "version": 3,
    "type": "text",
    "urgency": 4,
    "language": "en",
    "versioncreated": "2026-11-22T04:05:12Z",
    "firstcreated": "2026-11-21T04:05:12Z",
    "pubstatus": "usable",
    "editorialtypes": ["Lead"],
    "ednote": "UPDATES with quotes; call the desk at +00 000",
    "editor": {"name": "night@wire.example"},
    "title": "EU--Bridge",
    "headline": "BC-EU--Bridge opens",
    "headline_extended": "The bridge opens after two years",
    "description_summary": "Drivers pay nothing.",
    "bylines": [{"by": "By MEERA TENDULKAR", "title": "Wire Writer"}],
    "located": "ALMINA",
    "copyrightnotice": "Copyright 2026 The Wire",
    "usageterms": ["Editorial use only.", "No archives."],
    "keywords": ["bridges"],
    "slugline": "EU--Bridge",
    "subject": [
        {"rels": ["category"], "code": "i", "name": "i"},
        {"rels": ["direct"], "code": "77", "name": "Bridges", "scheme": "http://cv.example/id/"},
        {"rels": ["ancestor"], "code": "7", "name": "Infrastructure", "scheme": "http://cv.example/id/"},
    ],
    "place": [{"rels": ["direct"], "code": "9", "name": "Almina"}],
    "associations": {"1": {"type": "picture", "uri": "https://wire.example/p"}},
    "renditions": {"nitf": {"href": "https://wire.example/nitf"}},
    "body_html": "<p>The bridge is open.</p>",
}


@pytest.fixture
def item() -> dict[str, Any]:
    return copy.deepcopy(ITEM)


def test_the_example_of_the_documentation_is_read(read: Read) -> None:
    assert read(FORMAT.example.encode()).article.source_id == "5ee9b4b4"


def test_the_fields_of_an_item_become_those_of_an_article(read: Read, item: dict[str, Any]) -> None:
    reading = read({"api_version": "1.1", "data": {"item": item}})
    article = reading.article

    assert reading.report.format == "ap-1.1"
    assert (article.source_id, article.version, article.urgency) == ("abc", 3, 4)
    assert article.version_created == datetime(2026, 11, 22, 4, 5, 12, tzinfo=UTC)
    assert (article.headline, article.standfirst) == ("Bridge opens", "Drivers pay nothing.")
    assert (article.byline, article.dateline) == ("By MEERA TENDULKAR, Wire Writer", "ALMINA")
    assert article.section == "world"
    assert [(each.name, each.uri) for each in article.topics] == [("Bridges", "http://cv.example/id/77")]
    assert [(each.name, each.kind) for each in article.entities] == [("Almina", "place")]
    assert article.keywords == ("bridges", "EU--Bridge")
    assert article.rights is not None
    assert article.rights.usage_terms == "Editorial use only. No archives."
    dropped = {each.pointer for each in reading.report.dropped}
    assert {"/data/item/ednote", "/data/item/editor", "/data/item/renditions", "/data/item/subject/2"} <= dropped
    assert "+00" not in article.model_dump_json()


def test_an_item_without_its_text_is_held_with_an_advice(read_all: ReadAll, item: dict[str, Any]) -> None:
    del item["body_html"]

    (entry,) = read_all({"data": {"item": item}})

    assert isinstance(entry, SetAside)
    assert entry.status == "held"
    assert "renditions.nitf" in entry.reason


def test_the_text_may_be_the_file_of_the_nitf_rendition(read: Read, item: dict[str, Any]) -> None:
    del item["body_html"]
    item["nitf"] = "<nitf><body><body.content><p>From <em>NITF</em>.</p></body.content></body></nitf>"

    assert read(item).article.body == "<p>From <em>NITF</em>.</p>"


def test_a_broken_nitf_text_is_refused_with_its_pointer(refuse: Refuse, item: dict[str, Any]) -> None:
    del item["body_html"]
    item["nitf"] = "<nitf><body>"

    assert refuse(item).faults[0].pointer == "/nitf"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"pubstatus": "canceled"}, Status.CANCELED),
        ({"pubstatus": "withheld"}, Status.WITHHELD),
        ({"editorialtypes": ["Kill"]}, Status.CANCELED),
        ({"signals": ["takedown"]}, Status.CANCELED),
        ({"editorialrole": "Advisory"}, Status.WITHHELD),
        ({"editorialtypes": ["Hold For Release"]}, Status.WITHHELD),
        ({"editorialtypes": ["Advance"]}, Status.WITHHELD),
        ({"pubstatus": "embargoed"}, Status.WITHHELD),
        ({"subject": [{"rels": ["category"], "code": "v", "name": "v"}]}, Status.WITHHELD),
    ],
)
def test_an_item_that_may_not_be_shown_is_a_removal(
    read: Read, item: dict[str, Any], changes: dict[str, Any], status: Status
) -> None:
    assert read(item | changes).article.status is status


def test_an_embargo_is_kept(read: Read, item: dict[str, Any]) -> None:
    item |= {"pubstatus": "embargoed", "embargoed": "2026-11-23T04:00:00Z", "editorialtypes": ["Advance"]}

    article = read(item).article

    assert article.status is Status.USABLE
    assert article.embargo_until == datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"), [("embargoed", "later"), ("pubstatus", "?"), ("versioncreated", "2026-11-22")]
)
def test_a_fault_in_status_time_or_embargo_refuses_the_item(
    refuse: Refuse, item: dict[str, Any], field: str, value: str
) -> None:
    assert refuse(item | {field: value}).faults[0].pointer == f"/{field}"


@pytest.mark.parametrize("kind", ["picture", "graphic", "video", "audio"])
def test_media_are_set_aside(read_all: ReadAll, item: dict[str, Any], kind: str) -> None:
    (entry,) = read_all(item | {"type": kind})

    assert isinstance(entry, SetAside)
    assert (entry.status, entry.name) == ("media", "abc")


def test_a_package_is_refused(refuse: Refuse, item: dict[str, Any]) -> None:
    assert "arrive separately" in refuse(item | {"type": "composite"}).detail


def test_each_item_of_a_feed_is_read(read_all: ReadAll, item: dict[str, Any]) -> None:
    feed = {"data": {"items": [{"item": item}, {"item": item | {"type": "picture"}}, {"item": item | {"urgency": 2}}]}}

    found = read_all(feed)

    assert [isinstance(each, Reading) for each in found] == [True, False, True]


def test_mutated_items_are_read_or_refused(context: ReadingContext) -> None:
    feed = {"data": {"items": [{"item": ITEM}, {"item": ITEM}]}}
    with_nitf = ITEM | {"nitf": "<nitf><body><body.content><p>a</p></body.content></body></nitf>", "body_html": ""}

    assert_survives([json.dumps(each).encode() for each in (ITEM, feed, with_nitf)], context)

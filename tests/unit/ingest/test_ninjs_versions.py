"""ninjs 1.x, 2.x, 3.x and Superdesk's dialect: one shape, equal articles, and items that never become a page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from services.ingest.adapters.readers import read_document
from services.ingest.ports import Entry, Reading, ReadingContext, SetAside
from shared.model.article import Status
from tests.unit.ingest.conftest import Read, ReadAll, Refuse
from tests.unit.ingest.fuzzing import assert_survives

FIXTURES = Path(__file__).parent / "fixtures" / "ninjs"
TOWER, LAMP = "aa" * 32, "bb" * 32
ASSETS = {"20261120/tower.jpg": TOWER, "20261120/lamp.jpg": LAMP}


def _raw(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def _item(name: str) -> dict[str, Any]:
    item: dict[str, Any] = json.loads(_raw(name))
    return item


def _dropped(entry: Entry) -> dict[str, str]:
    return {each.pointer: each.reason for each in entry.report.dropped}


@pytest.fixture
def superdesk() -> dict[str, Any]:
    return _item("superdesk_article.json")


# --- one shape ------------------------------------------------------------------------------------------------------


def test_the_three_versions_of_one_article_give_equal_articles(read: Read) -> None:
    first, second, third = (read(_raw(f"ferry_{version}.json")) for version in ("1.4", "2.1", "3.0"))

    assert first.article == second.article == third.article
    assert [each.report.format for each in (first, second, third)] == ["ninjs-1.4", "ninjs-2.1", "ninjs-3.0"]


def test_a_flat_item_is_read_completely(read: Read) -> None:
    article = read(_raw("ferry_1.4.json")).article

    assert (article.headline, article.kicker) == ("Ferry to Lunden sails again", "Harbour")
    assert article.standfirst == "Two boats a day connect the island."
    assert article.body.startswith("<p>The ferry <em>Marisol</em>")
    assert (article.section, article.dateline, article.byline) == ("world", "Lunden", "By Vera Holm")
    assert [author.name for author in article.authors] == ["Vera Holm"]
    assert article.topics[1].uri == "http://cv.iptc.org/newscodes/mediatopic/20000337"
    assert [(each.name, each.kind) for each in article.entities] == [
        ("Ole Brandt", "person"),
        ("Lunden Ferries", "organisation"),
        ("Lunden", "place"),
    ]
    assert article.replaces == ("urn:newsml:lunden.example:20261119:ferry",)
    assert article.picture is not None
    assert (article.picture.caption, article.picture.credit) == ("The Marisol at Pier 4", "Ida Sund")


@pytest.mark.parametrize("version", ["1.4", "2.1", "3.0"])
def test_a_note_to_editors_is_in_no_article(read: Read, version: str) -> None:
    reading = read(_raw(f"ferry_{version}.json"))

    assert "555" not in reading.article.model_dump_json()
    assert "notes to editors are never published" in _dropped(reading).values()


def test_pointers_name_the_sent_fields(read: Read) -> None:
    kept = read(_raw("ferry_1.4.json")).report.kept

    assert {"/headline", "/body_html", "/byline", "/person/1", "/associations/mainpic"} <= set(kept)


def test_every_part_of_a_superdesk_item_is_kept_or_named(read: Read, superdesk: dict[str, Any]) -> None:
    report = read(superdesk).report
    named = {where.split("/")[1] for where in (*report.kept, *(each.pointer for each in report.dropped))}

    assert superdesk.keys() - named - {"annotations"} == set()


def test_html_stands_before_xhtml_and_plain_text(read: Read) -> None:
    item = {
        "uri": "urn:x:1",
        "type": "text",
        "headline": "Bridge",
        "body_text": "plain",
        "body_xhtml": "<p>xhtml</p>",
        "body_html5": "<p>html5</p>",
    }

    assert read(item).article.body == "<p>html5</p>"
    assert read(item | {"body_html": "<p>html</p>"}).article.body == "<p>html</p>"


@pytest.mark.parametrize("name", ["embargoed", "embargoedUntil", "embargoeduntil", "Embargoed"])
def test_an_embargo_holds_under_every_name_and_spelling(read: Read, superdesk: dict[str, Any], name: str) -> None:
    article = read(superdesk | {name: "2026-12-24T18:00:00+01:00"}).article

    assert article.embargo_until == datetime(2026, 12, 24, 17, 0, tzinfo=UTC)
    assert article.status is Status.USABLE


def test_a_future_schedule_of_superdesk_is_an_embargo_and_a_past_one_is_none(
    read: Read, superdesk: dict[str, Any]
) -> None:
    future = read(superdesk | {"publish_schedule": "2026-11-22T13:00:00+0000"}).article
    past = read(superdesk | {"publish_schedule": "2026-11-20T13:00:00+0000"}).article

    assert future.embargo_until == datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
    assert past.embargo_until is None


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("unpublished", Status.WITHHELD),
        ("hold", Status.WITHHELD),
        ("cancelled", Status.CANCELED),
        ("Canceled", Status.CANCELED),
    ],
)
def test_a_removal_is_read_in_the_words_of_superdesk(
    read: Read, superdesk: dict[str, Any], sent: str, status: Status
) -> None:
    assert read(superdesk | {"pubstatus": sent}).article.status is status


def test_the_guid_is_the_identity_beside_a_uri(read: Read, superdesk: dict[str, Any]) -> None:
    reading = read({"uri": "https://desk.example/lighthouse", **superdesk})

    assert reading.article.source_id == superdesk["guid"]
    assert "/uri" in _dropped(reading)


def test_an_item_without_an_id_is_refused(refuse: Refuse, superdesk: dict[str, Any]) -> None:
    refused = refuse(superdesk | {"guid": None, "uri": ""})

    assert refused.code == 422
    assert refused.faults[0].detail == "is required and missing"


# --- Superdesk ------------------------------------------------------------------------------------------------------


def test_a_superdesk_item_is_read_with_its_custom_fields(read: Read, superdesk: dict[str, Any]) -> None:
    reading = read(superdesk)
    article = reading.article

    assert article.section == "world"
    assert (article.kicker, article.slug) == ("Coast", "lighthouse-keepers-stay")
    assert article.correction_note == "An earlier text named the wrong island."
    assert article.keywords == ("lighthouse", "pay")
    assert [(author.name, author.role) for author in article.authors] == [
        ("Mira Quist", "writer"),
        ("Jon Falk", "photographer"),
    ]
    assert [(topic.name, topic.uri) for topic in article.topics] == [
        ("labour", "subj:09000000"),
        ("unions", "desk_topics:unions"),
    ]
    assert reading.report.format == "ninjs-superdesk"


def test_addresses_telephones_and_notes_of_superdesk_are_in_no_article(read: Read, superdesk: dict[str, Any]) -> None:
    stored = read(superdesk).article.model_dump_json()

    assert "555" not in stored
    assert "Harbour Row" not in stored


def test_a_slugline_is_never_the_slug(read: Read, superdesk: dict[str, Any]) -> None:
    del superdesk["extra"], superdesk["keywords"]
    article = read(superdesk | {"slugline": "lighthouse-vote"}).article

    assert article.slug is None
    assert article.keywords == ("lighthouse-vote",)


def test_the_text_of_an_associated_article_is_not_this_articles(read: Read, superdesk: dict[str, Any]) -> None:
    article = read(superdesk).article

    assert "another article" not in article.model_dump_json()
    assert [(each.source_id, each.title) for each in article.related] == [
        ("urn:newsml:desk.example:older", "Lamp breaks")
    ]


def test_uploaded_assets_become_the_pictures_of_the_article(context: ReadingContext, superdesk: dict[str, Any]) -> None:
    (entry,) = read_document(json.dumps(superdesk).encode(), None, replace(context, find_asset=ASSETS.get))
    assert isinstance(entry, Reading)
    article = entry.article

    assert article.picture is not None
    assert (article.picture.media, article.picture.alt) == (TOWER, "A white tower")
    assert f'<img src="media:{LAMP}" alt="A lamp" />' in article.body
    assert [each.caption for each in article.pictures] == ["The stairs"]


def test_the_first_publication_dates_the_article_unless_it_is_unreadable(read: Read, superdesk: dict[str, Any]) -> None:
    unreadable = read(superdesk | {"firstpublished": "soon"})

    assert read(superdesk).article.first_published == datetime(2026, 11, 20, 9, 0, 1, tzinfo=UTC)
    assert unreadable.article.first_published is None
    assert _dropped(unreadable)["/firstpublished"].startswith("must be a date-time")


def test_a_picture_of_the_body_is_not_repeated_below_it(read: Read, superdesk: dict[str, Any]) -> None:
    reading = read(superdesk)

    assert "/associations/editor_0" in reading.report.kept
    assert [each.caption for each in reading.article.pictures] == ["The stairs"]


@pytest.mark.parametrize(
    "state", [{"pubstatus": "canceled"}, {"embargoed": "2027-01-01T00:00:00Z"}, {"embargoed": "later"}]
)
def test_an_associated_picture_that_may_not_be_shown_is_left_out(
    read: Read, superdesk: dict[str, Any], state: dict[str, str]
) -> None:
    superdesk["associations"]["featuremedia"] |= state
    reading = read(superdesk)

    assert "/associations/featuremedia" in _dropped(reading)
    assert "tower" not in reading.article.model_dump_json().lower()


# --- items that never become a page ---------------------------------------------------------------------------------


def test_a_kill_is_accepted_and_its_notice_is_never_a_page(read: Read) -> None:
    article = read(_raw("superdesk_kill.json")).article

    assert article.status is Status.CANCELED
    assert article.source_id == _item("superdesk_article.json")["guid"]


@pytest.mark.parametrize("kind", ["picture", "graphic", "video", "audio"])
def test_an_item_of_media_is_kept_as_media(read_all: ReadAll, kind: str) -> None:
    (entry,) = read_all(_item("superdesk_picture.json") | {"type": kind})

    assert isinstance(entry, SetAside)
    assert entry.status == "media"
    assert entry.name == "tag:desk.example:tower"


def test_a_package_of_references_is_refused(refuse: Refuse) -> None:
    refused = refuse(_raw("superdesk_package.json"))

    assert "package of references" in refused.detail
    assert refused.faults[0].pointer == "/type"


def test_a_composite_with_a_text_of_its_own_is_an_article(read: Read) -> None:
    article = read(_raw("composite_with_text.json")).article

    assert article.body == "<p>The gauge was in the cellar.</p>"
    assert article.picture is not None


def test_a_kill_of_a_package_is_accepted(read: Read) -> None:
    assert read(_item("superdesk_package.json") | {"pubstatus": "canceled"}).article.status is Status.CANCELED


@pytest.mark.parametrize("kind", ["event", "planning", "component", "concept", "newsCoverage"])
def test_an_item_that_is_no_news_is_refused_by_its_type(refuse: Refuse, kind: str) -> None:
    refused = refuse(_item("event_3.0.json") | {"type": kind})

    assert (refused.code, refused.detail) == (422, f"not an article: type {kind.lower()}")


def test_an_event_without_a_type_is_refused(refuse: Refuse) -> None:
    item = _item("event_3.0.json")
    del item["type"]

    assert refuse(item).detail == "not an article: type event"


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"headline": ""}, "the item has no headline"),
        ({"body_html": None}, "the item has no text"),
        ({"headline": None, "body_html": None, "versioncreated": "Last Tuesday"}, "no headline and no text"),
    ],
)
def test_an_item_without_headline_or_text_is_held(
    read_all: ReadAll, superdesk: dict[str, Any], missing: dict[str, Any], reason: str
) -> None:
    (entry,) = read_all(superdesk | missing)

    assert isinstance(entry, SetAside)
    assert entry.status == "held"
    assert reason in entry.reason


def test_a_part_of_an_item_is_held(read_all: ReadAll, superdesk: dict[str, Any]) -> None:
    (entry,) = read_all(superdesk | {"representationtype": "partial", "body_html": None})

    assert isinstance(entry, SetAside)
    assert "only a part" in entry.reason


def test_a_post_of_wordpress_is_not_taken_for_ninjs(refuse: Refuse) -> None:
    refused = refuse({"id": 7, "guid": {"rendered": "https://blog.example/?p=7"}, "type": "post", "status": "publish"})

    assert "type post" not in refused.detail


# --- hostile documents ----------------------------------------------------------------------------------------------


def test_mutated_items_are_read_or_refused_within_a_second(context: ReadingContext) -> None:
    raws = [path.read_bytes() for path in sorted(FIXTURES.glob("*.json"))]

    assert assert_survives(raws, context) < 1


def test_an_item_with_many_associations_and_addresses_is_read_in_linear_time(
    context: ReadingContext, superdesk: dict[str, Any]
) -> None:
    picture = superdesk["associations"]["gallery--1"]
    superdesk["associations"] = {f"gallery--{number}": picture for number in range(2_000)}
    superdesk["body_html"] = (
        "<p>x</p>" + '<img src="https://desk.example/stairs">' * 5_000 + "<!-- EMBED START Image {id: " * 5_000 + "-->"
    )

    started = process_time()

    read_document(json.dumps(superdesk).encode(), None, context)

    assert process_time() - started < 1

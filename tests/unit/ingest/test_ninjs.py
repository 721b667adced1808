from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from services.ingest.ports import Reading
from shared.model.article import Status
from tests.unit.ingest.conftest import Read, Refuse

DIGEST = "ab" * 32
Wire = Callable[[str], bytes]


def _dropped(reading: Reading) -> dict[str, str]:
    return {each.pointer: each.reason for each in reading.report.dropped}


# --- real items ---------------------------------------------------------------------------------------------------


def test_the_first_article_of_epn_is_read_completely(read: Read, wire: Wire) -> None:
    reading = read(wire("seed/epn-article.ninjs.json"))
    article = reading.article

    assert article.headline.endswith("talks as US pushes for end to Russia-Ukraine war")
    assert article.byline == "EPN Desk"
    assert article.section == "world"
    assert article.urgency == 2
    assert article.body.count("<h2>") == 4
    assert article.picture is not None
    assert article.picture.caption == "US President"
    assert article.version_created == datetime(2025, 2, 13, 0, 44, tzinfo=UTC)
    assert reading.report.dropped == ()
    assert reading.report.warnings == ()


def test_chinese_wire_copy_without_tags_becomes_paragraphs(read: Read, wire: Wire) -> None:
    reading = read(wire("g02/3.0-businesswire-newsml-20130605006126.json"))

    assert reading.article.language == "zh"
    assert reading.article.body.startswith("<p>(美國商業資訊)")
    assert len(reading.article.topics) == 13
    assert reading.article.section == "news"
    assert any("section" in warning for warning in reading.report.warnings)


def test_german_wire_copy_is_read_without_its_declaring_a_standard(read: Read, wire: Wire) -> None:
    article = read(wire("g03/3.0-dpa_text.json")).article

    assert article.headline == "Faktencheck Derby-Elfmeter: Hat Schiedsrichter Zwayer recht?"
    assert article.byline == "Von Christian Hollmann, dpa"
    assert article.rights is not None
    assert article.rights.holder == "dpa"


# --- identity, order, status: strictly ----------------------------------------------------------------------------


def test_an_item_without_uri_is_refused(refuse: Refuse, ninjs: dict[str, Any]) -> None:
    del ninjs["uri"]

    assert [fault.pointer for fault in refuse(ninjs).faults] == ["/uri"]


@pytest.mark.parametrize(("version", "number"), [("11", 11), (11, 11), ("0", 0)])
def test_a_version_may_be_text_or_a_number(read: Read, ninjs: dict[str, Any], version: object, number: int) -> None:
    assert read(ninjs | {"version": version}).article.version == number


@pytest.mark.parametrize("version", ["2b", 10**40, -1, True, 1.5, [], "²"])
def test_a_version_that_does_not_order_is_left_out_with_a_warning(
    read: Read, ninjs: dict[str, Any], version: object
) -> None:
    reading = read(ninjs | {"version": version})

    assert reading.article.version is None
    assert "/version" in _dropped(reading)
    assert reading.report.warnings


@pytest.mark.parametrize(
    ("value", "status"),
    [("canceled", Status.CANCELED), ("Withheld", Status.WITHHELD), ("stat:usable", Status.USABLE), ("", Status.USABLE)],
)
def test_a_status_is_read_in_every_spelling(read: Read, ninjs: dict[str, Any], value: str, status: Status) -> None:
    assert read(ninjs | {"pubStatus": value}).article.status is status


@pytest.mark.parametrize("value", ["wobbly", 5, ["usable"]])
def test_a_status_that_is_unknown_refuses_the_item(refuse: Refuse, ninjs: dict[str, Any], value: object) -> None:
    assert refuse(ninjs | {"pubStatus": value}).faults[0].pointer == "/pubStatus"


def test_a_kill_under_the_older_name_still_kills(read: Read, ninjs: dict[str, Any]) -> None:
    assert read(ninjs | {"pubstatus": "canceled"}).article.status is Status.CANCELED


def test_two_statuses_that_differ_refuse_the_item(refuse: Refuse, ninjs: dict[str, Any]) -> None:
    assert refuse(ninjs | {"pubStatus": "usable", "pubstatus": "canceled"}).faults


def test_a_bare_and_broken_kill_is_accepted(read: Read) -> None:
    item = {
        "uri": "urn:example:1",
        "pubStatus": "canceled",
        "expires": "soon",
        "embargoedUntil": "later",
        "bodies": [{"contentType": "text/html", "value": "<div>" * 20_000}],
    }
    article = read(item).article

    assert (article.status, article.body, article.embargo_until) == (Status.CANCELED, "", None)


# --- embargo ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["embargoedUntil", "embargoed"])
def test_an_embargo_holds_under_either_of_its_names(read: Read, ninjs: dict[str, Any], name: str) -> None:
    article = read(ninjs | {name: "2026-12-24T18:00:00+01:00"}).article

    assert article.embargo_until == datetime(2026, 12, 24, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize("none", [None, "", "  ", "0001-01-01T00:00:00"])
def test_an_empty_embargo_is_none(read: Read, ninjs: dict[str, Any], none: object) -> None:
    assert read(ninjs | {"embargoedUntil": none}).article.embargo_until is None


@pytest.mark.parametrize("value", ["Christmas", "2026-12-24", "2026-12-24T18:00:00", 1798135200, True, {}, []])
def test_an_embargo_that_cannot_be_read_is_never_ignored(refuse: Refuse, ninjs: dict[str, Any], value: object) -> None:
    refused = refuse(ninjs | {"embargoedUntil": value})

    assert refused.code == 422
    assert refused.faults[0].pointer == "/embargoedUntil"


@pytest.mark.parametrize("name", ["embargo", "embargoTime", "embargo_until"])
def test_an_embargo_under_a_name_we_do_not_know_refuses_the_item(
    refuse: Refuse, ninjs: dict[str, Any], name: str
) -> None:
    assert refuse(ninjs | {name: "2026-12-24T18:00:00Z"}).faults[0].pointer == f"/{name}"


def test_of_two_embargoes_the_later_holds(read: Read, ninjs: dict[str, Any]) -> None:
    item = ninjs | {"embargoedUntil": "2026-12-24T18:00:00Z", "embargoed": "2026-12-25T18:00:00Z"}

    assert read(item).article.embargo_until == datetime(2026, 12, 25, 18, 0, tzinfo=UTC)


# --- what is never published --------------------------------------------------------------------------------------


def test_nothing_that_is_not_for_the_public_becomes_part_of_the_article(read: Read, ninjs: dict[str, Any]) -> None:
    notes = "<section class='np-nonpublic'><section>Tel. 555-0100</section></section>"
    item = ninjs | {
        "edNote": "call 555-0100",
        "people": [{"name": "Ada", "contactInfo": [{"type": "phone", "value": "555-0100"}]}],
        "bodies": [{"contentType": "text/html", "value": f"<p>Public.</p>{notes}<p>More.</p>"}],
    }
    reading = read(item)

    assert "555" not in reading.article.model_dump_json()
    assert reading.article.body == "<p>Public.</p><p>More.</p>"
    assert {"/edNote", "/people/0/contactInfo", "/bodies/0"} <= _dropped(reading).keys()


# --- texts --------------------------------------------------------------------------------------------------------


def test_html_is_preferred_to_plain_text(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["bodies"] = [
        {"contentType": "text/plain", "value": "plain"},
        {"contentType": "application/xhtml+xml", "value": "<p>rich</p>"},
    ]
    reading = read(ninjs)

    assert reading.article.body == "<p>rich</p>"
    assert "/bodies/0" in _dropped(reading)


def test_plain_text_becomes_paragraphs_and_its_angle_brackets_stay_text(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["bodies"] = [{"contentType": "text/plain", "value": "One\nline & <b>.\r\n\r\nTwo."}]

    assert read(ninjs).article.body == "<p>One line &amp; &lt;b&gt;.</p>\n<p>Two.</p>"


def test_the_main_headline_is_taken_and_the_title_only_in_its_stead(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["headlines"] = [
        {"role": "kicker", "value": "Transport"},
        {"value": "Short"},
        {"role": "main", "value": "Main"},
    ]
    ninjs["title"] = "For the desk"
    with_headlines = read(ninjs)
    del ninjs["headlines"]

    assert (with_headlines.article.headline, with_headlines.article.kicker) == ("Main", "Transport")
    assert {"/headlines/1", "/title"} <= _dropped(with_headlines).keys()
    assert read(ninjs).article.headline == "For the desk"


def test_a_standfirst_loses_its_tags(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["descriptions"] = [
        {"role": "caption", "value": "of a picture"},
        {"role": "drol:summary", "contentType": "text/html", "value": "<p>Buses &amp; <b>cars</b></p>"},
    ]

    assert read(ninjs).article.standfirst == "Buses & cars"


def test_a_control_character_in_a_headline_refuses_the_item(refuse: Refuse, ninjs: dict[str, Any]) -> None:
    refused = refuse(ninjs | {"headlines": [{"value": "a\u0000b"}]})

    assert refused.faults[0].pointer == "/headlines/0"
    assert "U+0000" in refused.faults[0].detail


def test_control_characters_in_a_wires_body_are_taken_out_with_a_warning(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["bodies"][0]["value"] = "<p>a\u0000b\u001a</p>"
    reading = read(ninjs)

    assert reading.article.body == "<p>ab</p>"
    assert any("control" in warning for warning in reading.report.warnings)


# --- section, topics, people --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject",
    [
        {"uri": "epn:section:world"},
        {"uri": "https://vocabulary.example/topics/world", "name": "x"},
        {"literal": "World"},
        {"name": "WORLD"},
    ],
)
def test_a_subject_names_the_section_by_uri_literal_or_name(
    read: Read, ninjs: dict[str, Any], subject: dict[str, str]
) -> None:
    assert read(ninjs | {"subjects": [{"name": "Buses"}, subject]}).article.section == "world"


def test_authors_are_separated_from_people_in_the_text(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["people"] = [{"name": "Ada", "rel": "author"}, {"name": "Bo", "rel": "mentions", "uri": "urn:bo"}]
    ninjs["places"] = [{"name": "Geneva"}]
    article = read(ninjs).article

    assert [author.name for author in article.authors] == ["Ada"]
    assert [(entity.name, entity.kind) for entity in article.entities] == [("Bo", "person"), ("Geneva", "place")]


# --- pictures -----------------------------------------------------------------------------------------------------


def test_an_uploaded_picture_is_found_by_its_digest(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["associations"] = [
        {"name": "editor_0", "type": "picture", "descriptions": [{"role": "caption", "value": "Second"}]},
        {
            "name": "featuremedia",
            "type": "picture",
            "descriptions": [{"role": "caption", "value": "Bridge"}, {"role": "alt", "value": "A bridge"}],
            "by": "Bo",
            "renditions": [
                {"name": "small", "width": 200, "href": f"media:{'0' * 64}"},
                {"name": "original", "width": 4000, "href": f"media:{DIGEST}"},
                {"name": "web", "href": "https://pictures.example/x.jpg?signature=1"},
            ],
        },
    ]
    reading = read(ninjs)
    picture = reading.article.picture

    assert picture is not None
    assert (picture.media, picture.caption, picture.alt, picture.credit) == (DIGEST, "Bridge", "A bridge", "Bo")
    assert [each.caption for each in reading.article.pictures] == ["Second"]
    assert "POST /v1/media" in _dropped(reading)["/associations/1/renditions/2/href"]


@pytest.mark.parametrize("state", [{"pubStatus": "canceled"}, {"embargoedUntil": "2027-01-01T00:00:00Z"}])
def test_a_picture_that_may_not_be_shown_is_left_out(read: Read, ninjs: dict[str, Any], state: dict[str, str]) -> None:
    ninjs["associations"] = [{"type": "picture", "descriptions": [{"value": "Bridge"}]} | state]
    reading = read(ninjs)

    assert reading.article.picture is None
    assert "/associations/0" in _dropped(reading)


# --- nothing vanishes ---------------------------------------------------------------------------------------------


def test_every_part_that_was_sent_is_either_kept_or_named_as_left_out(read: Read, ninjs: dict[str, Any]) -> None:
    item = ninjs | {
        "pubStatus": "usable",
        "urgency": "high",
        "title": "t",
        "by": "EPN",
        "located": "Geneva",
        "slugline": "BRIDGE-REOPENS",
        "copyrightHolder": "EPN",
        "usageTerms": "none",
        "edNote": "x",
        "genres": [{"name": "news"}],
        "infoSources": [{"name": "EPN"}],
        "rightsInfo": {"linkedRights": "https://example.org"},
        "altIds": [{"role": "internal", "value": "1"}],
        "organisations": [{"name": "EPN", "symbols": []}],
        "extra/odd~name": 1,
        "expires": None,
    }
    report = read(item).report
    named = {each.split("/")[1] for each in (*report.kept, *(drop.pointer for drop in report.dropped))}

    sent = {name.replace("~", "~0").replace("/", "~1") for name, value in item.items() if value is not None}
    assert sent - {"type"} <= named


def test_a_value_that_does_not_fit_costs_that_value_and_not_the_article(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["subjects"] += [{"name": "x" * 600, "uri": "urn:x"}, {"name": "Buses", "uri": "y" * 600}]
    ninjs["slugline"] = "z\u0000"
    reading = read(ninjs)

    assert [(topic.name, topic.uri) for topic in reading.article.topics] == [("Buses", None)]
    assert reading.article.keywords == ()
    assert {"/subjects/1", "/subjects/2", "/slugline"} <= _dropped(reading).keys()


def test_the_report_of_a_document_made_to_swell_it_stays_small(read: Read, ninjs: dict[str, Any]) -> None:
    report = read(ninjs | {f"unknown{n}": n for n in range(5_000)}).report

    assert len(report.dropped) <= 201
    assert "more parts" in report.dropped[-1].reason


def test_ninjs_is_recognised_under_any_json_media_type(read: Read, ninjs: dict[str, Any]) -> None:
    for content_type in (None, "application/json", "application/vnd.iptc.ninjs+json", "text/plain"):
        assert read(json.dumps(ninjs).encode(), content_type).report.format == "ninjs-3.0"


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<em>Titania</em>\u2019s log, CO<sub>2</sub> in <b>hold</b>", "Titania\u2019s log, CO2 in hold"),
        ("One<br>two<br/>three", "One two three"),
        ("<p>One.</p><p>It is <b>un</b>signed.</p>", "One. It is unsigned."),
        ("R&amp;D says &amp;amp; and &lt;b&gt;", "R&D says &amp; and <b>"),
        ("<q>No</q>, she said<!-- desk: check -->", "\u201cNo\u201d, she said"),
        ("12&nbsp;000\u202f\u20ac", "12\u00a0000\u202f\u20ac"),
        ('<a title="a > b">x</a> < y <3', "x < y <3"),
    ],
)
def test_markup_in_a_headline_becomes_its_words_without_added_spaces(
    read: Read, ninjs: dict[str, Any], markup: str, words: str
) -> None:
    ninjs["headlines"] = [{"role": "main", "contentType": "text/html", "value": markup}]
    ninjs["descriptions"] = [{"role": "summary", "contentType": "text/html", "value": markup}]

    article = read(ninjs).article
    assert (article.headline, article.standfirst) == (words, words)


def test_a_headline_without_an_html_content_type_is_plain_text(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["headlines"] = [{"role": "main", "value": "AT&amp;T's <b> &section=2"}]

    assert read(ninjs).article.headline == "AT&amp;T's <b> &section=2"


def test_a_plain_body_is_escaped_and_keeps_its_no_break_spaces(read: Read, ninjs: dict[str, Any]) -> None:
    ninjs["bodies"] = [{"contentType": "text/plain", "value": "5\u00a0km &section=2\n\n<b> 6\u202f%"}]

    assert read(ninjs).article.body == "<p>5\u00a0km &amp;section=2</p>\n<p>&lt;b&gt; 6\u202f%</p>"

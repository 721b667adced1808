"""dpa's digital wires: an entry becomes an article; notes, telephone numbers and addresses of desks never do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.adapters.readers import read_document
from services.ingest.adapters.readers.dpa.about import FORMAT
from services.ingest.adapters.readers.dpa.body import clean_markup
from services.ingest.ports import Reading, ReadingContext, SetAside
from shared.model.article import Status
from shared.site.sites import Section
from tests.unit.ingest.conftest import Read, ReadAll, Refuse
from tests.unit.ingest.fuzzing import assert_survives

ENTRY = (Path(__file__).parent / "fixtures" / "dpa" / "entry.json").read_bytes()


@pytest.fixture
def entry() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ENTRY)
    return found


def test_the_example_of_the_documentation_is_read(read: Read) -> None:
    reading = read(FORMAT.example.encode())

    assert reading.report.format == "dpa-digitalwires-0.9.1"
    assert reading.article.body == "<p>Die Hafenbrücke ist seit Sonntag wieder offen.</p>"


def test_the_fields_of_an_entry_become_those_of_an_article(read: Read, entry: dict[str, Any]) -> None:
    article = read(entry).article

    assert article.source_id == "urn:newsml:wire.example:20261122-930-1"
    assert (article.version, article.urgency, article.language, article.section) == (2, 3, "de", "world")
    assert article.version_created == datetime(2026, 11, 22, 8, 18, 34, tzinfo=UTC)
    assert article.first_created is None
    assert article.status is Status.USABLE
    assert (article.headline, article.kicker) == ("Nachtfähre zurück im Hafen", "Schifffahrt")
    assert article.standfirst == "Alle Menschen an Bord sind wohlauf."
    assert (article.byline, article.dateline) == ("Von Ilse Marran, exa", "Almina (exa)")
    assert [each.name for each in article.authors] == ["Ilse Marran"]
    assert [(each.name, each.uri) for each in article.topics] == [
        ("Schifffahrt", "medtop:20000001"),
        ("Häfen", "dpasubject:2"),
    ]
    assert [(each.name, each.kind) for each in article.entities] == [("Almina", "place")]
    assert article.keywords == ("Fähren",)
    assert [(each.url, each.title) for each in article.related] == [("https://almina.example/faehre", "Fahrplan")]
    assert article.rights is not None
    assert article.rights.usage_terms == "Nur nach Vereinbarung Only by agreement"


def test_the_body_has_no_dateline_and_players_have_html_names(read: Read, entry: dict[str, Any]) -> None:
    assert read(entry).article.body == (
        "<p>Die Fähre legte am <b>Morgen</b> an.</p>"
        '<iframe src="https://video.example/embed/1"></iframe><oembed url="https://social.example/p/2"></oembed>'
        "<h2>An Bord</h2><p>90 Autos &amp; ein Bus.<br>Mehr nicht.</p>"
        '<section class="infobox"><h2>Zahlen</h2><p>Drei Decks.</p></section>'
    )


def test_notes_and_contacts_are_never_in_the_article(read: Read, entry: dict[str, Any]) -> None:
    reading = read(entry)
    text = reading.article.model_dump_json()

    for private in ("+00", "nacht@", "Notizblock", "yyon", "Kai 1", "marran.ilse"):
        assert private not in text
    dropped = {each.pointer for each in reading.report.dropped}
    assert {"/notepad/nonpublic_html", "/notepad/public_html", "/ednotes/1", "/ednotes/3", "/categories/10"} <= dropped


def test_a_correction_has_the_public_note_alone(read: Read, entry: dict[str, Any]) -> None:
    assert read(entry).article.correction_note == "Zahl der Autos im dritten Absatz berichtigt."


def test_an_update_has_no_correction_note(read: Read, entry: dict[str, Any]) -> None:
    entry["signal"] = "sig:update"
    entry["categories"][0]["qcode"] = "sig:update"

    assert read(entry).article.correction_note is None


def test_the_featured_picture_is_the_lead(read: Read, entry: dict[str, Any]) -> None:
    article = read(entry).article

    assert article.picture is not None
    assert article.picture.caption == "Die Fähre"
    assert [(each.caption, each.credit) for each in article.pictures] == [("Das Deck", "Meera Tendulkar/exa")]


def test_an_embargo_with_an_offset_is_kept(read: Read, entry: dict[str, Any]) -> None:
    entry["embargoed"] = "2026-11-23T19:00:00+01:00"

    assert read(entry).article.embargo_until == datetime(2026, 11, 23, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("embargoed", "tonight", "/embargoed"),
        ("embargoed_until", "2027-01-01T00:00:00Z", "/embargoed_until"),
        ("version_created", "2026-11-22T09:18:34", "/version_created"),
        ("pubstatus", "gone", "/pubstatus"),
    ],
)
def test_a_fault_in_status_time_or_embargo_refuses_the_entry(
    refuse: Refuse, entry: dict[str, Any], field: str, value: str, where: str
) -> None:
    refused = refuse(entry | {field: value})

    assert [fault.pointer for fault in refused.faults] == [where]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"pubstatus": "canceled"}, Status.CANCELED),
        ({"pubstatus": "withheld"}, Status.WITHHELD),
        ({"signal": "sig:kill"}, Status.CANCELED),
    ],
)
def test_a_removal_is_read(read: Read, entry: dict[str, Any], changes: dict[str, str], status: Status) -> None:
    assert read(entry | changes).article.status is status


def test_without_a_byline_the_credit_line_is_used(read: Read, entry: dict[str, Any]) -> None:
    article = read(entry | {"byline": None}).article

    assert (article.byline, article.authors) == ("exa", ())


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_an_entry_without_a_text_is_media(read_all: ReadAll, entry: dict[str, Any], kind: str) -> None:
    entry |= {"article_html": None, "associations": [{"type": kind}]}

    (found,) = read_all(entry)

    assert isinstance(found, SetAside)
    assert (found.status, found.reason) == ("media", f"an entry without a text; it has {kind}")


def test_an_entry_without_text_and_media_is_refused(refuse: Refuse, entry: dict[str, Any]) -> None:
    assert refuse(entry | {"article_html": None, "associations": []}).faults[0].pointer == "/article_html"


def test_a_media_topic_names_a_section_that_no_name_names(context: ReadingContext, entry: dict[str, Any]) -> None:
    sections = (Section(id="news", name="News"), Section(id="politics", name="Politics"))
    politics = replace(context, site=context.site.model_copy(update={"sections": sections}))
    entry["categories"] = [{"type": "dnltype:dpasubject", "name": "Politik", "qcode": "medtop:11000000", "rank": 1}]

    (found,) = read_document(json.dumps(entry).encode(), None, politics)

    assert isinstance(found, Reading)
    assert found.article.section == "politics"


def test_the_entry_and_its_newsml_have_the_same_players_and_no_picture_as_a_related_article(
    read: Read, entry: dict[str, Any]
) -> None:
    body = entry["article_html"].replace("<br/>", " ")
    message = f"""<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{entry["urn"]}" standard="NewsML-G2"
        standardversion="2.32" version="2"><itemMeta><itemClass qcode="ninat:text"/>
        <versionCreated>{entry["version_created"]}</versionCreated>
        <link rel="irel:seeAlso" href="https://img.example/2.jpeg?expires=1"><itemClass qcode="ninat:picture"/></link>
        </itemMeta>
        <contentMeta><headline>{entry["headline"]}</headline><dateline>Almina (exa) - </dateline></contentMeta>
        <contentSet><inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml"><body>{body}
        </body></html></inlineXML></contentSet></newsItem>"""

    article = read(message.encode(), "application/xml").article

    assert article.related == ()
    assert article.body == read(entry | {"article_html": body, "infobox_html": None}).article.body


def test_a_list_of_coming_events_is_held(read: Read, entry: dict[str, Any]) -> None:
    entry["categories"].append({"type": "dnltype:keyword", "name": "Tagesvorschau", "rank": 1})

    reading = read(entry)

    assert reading.article.status is Status.WITHHELD
    assert "for editors" in reading.held_because


def test_each_of_several_entries_is_read(read_all: ReadAll, entry: dict[str, Any]) -> None:
    found = read_all({"entries": [entry, entry | {"urn": "urn:x:2"}, entry | {"urn": "", "entry_id": ""}]})

    assert [each.article.source_id for each in found if isinstance(each, Reading)] == [entry["urn"], "urn:x:2"]
    assert isinstance(found[2], SetAside)
    assert found[2].status == "refused"


@pytest.mark.parametrize(
    ("markup", "clean"),
    [
        ("plain words", "plain words"),
        ("words <b>first</b><p>then</p>", "words <b>first</b><p>then</p>"),
        ('<p>A <span class="dateline">B</span></p>', '<p>A <span class="dateline">B</span></p>'),
        ('<section class="main">words<p>x</p></section>', '<section class="main">words<p>x</p></section>'),
        ("<p>a\x00b</p>", "<p>ab</p>"),
        ("<p>1 &lt; 2</p>", "<p>1 &lt; 2</p>"),
    ],
)
def test_other_markup_stays(markup: str, clean: str) -> None:
    assert clean_markup(markup) == clean


def test_hostile_markup_is_refused_by_the_rule_for_all_articles(refuse: Refuse, entry: dict[str, Any]) -> None:
    assert "/article_html" in [fault.pointer for fault in refuse(entry | {"article_html": "<div>" * 5_000}).faults]


def test_mutated_entries_are_read_or_refused(context: ReadingContext) -> None:
    several = json.dumps({"entries": [json.loads(ENTRY)] * 2}).encode()

    assert_survives([ENTRY, several], context)

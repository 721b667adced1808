"""NewsML-G2: the fields of an article, the items that are no article, and the traps of real wires."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.ingest.adapters.readers import read_document
from services.ingest.ports import Entry, Reading, ReadingContext, RefusedError, SetAside
from shared.model.article import Status
from shared.site.sites import Feed
from tests.unit.ingest.fuzzing import assert_survives

FIXTURES = Path(__file__).parent / "fixtures" / "newsml_g2"
WIRE = (FIXTURES / "wire.xml").read_bytes()
NITF_INSIDE = (FIXTURES / "nitf_inside.xml").read_bytes()
MESSAGE = (FIXTURES / "message.xml").read_bytes()
Read = Callable[..., Reading]
ReadAll = Callable[..., Sequence[Entry]]
Refuse = Callable[..., RefusedError]


def _with(old: str, new: str, raw: bytes = WIRE) -> bytes:
    assert old.encode() in raw
    return raw.replace(old.encode(), new.encode(), 1)


def test_the_fields_of_a_news_item_become_an_article(read: Read) -> None:
    reading = read(WIRE, "application/vnd.iptc.g2.newsmessage+xml")
    article = reading.article

    assert reading.report.format == "newsml-g2-2.35"
    assert (article.source, article.source_id, article.version) == (
        "agency",
        "urn:newsml:wire.example:20261122:weir",
        4,
    )
    assert article.version_created == datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    assert article.first_created == datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    assert (article.headline, article.kicker) == ("Wehr in Lorne gebrochen", "Hochwasser")
    assert article.standfirst == "Niemand wurde verletzt."
    assert (article.byline, article.dateline) == ("Von Ina Beispiel, Wire", "Lorne (Wire)")
    assert [(each.name, each.uri) for each in article.authors] == [("Ina Beispiel", "https://wire.example/staff/ina")]
    assert (article.language, article.urgency, article.section) == ("de", 2, "world")
    assert [(each.name, each.uri) for each in article.topics] == [("Unwetter", "medtop:20000157")]
    assert [(each.name, each.kind) for each in article.entities] == [("Lorne", "place"), ("Karl Muster", "person")]
    assert article.keywords == ("Wehr", "WEIR-LORNE")
    assert article.slug is None
    assert article.rights is not None
    assert article.rights.model_dump() == {
        "holder": "Wire GmbH",
        "notice": "Copyright 2026, Wire. Alle Rechte vorbehalten",
        "usage_terms": "Nutzung nur nach Vereinbarung",
    }
    assert article.canonical_url == "https://wire.example/weir"
    assert [(each.url, each.title) for each in article.related] == [
        ("https://wire.example/earlier", "Der erste Bericht")
    ]
    assert article.replaces == ("urn:newsml:wire.example:20261121:weir-flash",)


def test_the_body_has_no_page_header_and_no_line_that_the_page_shows_above_it(read: Read) -> None:
    body = read(WIRE, None).article.body

    assert body == (
        "<p>Das Wehr brach um sechs.</p><h2>Was bekannt ist</h2>"
        '<table border="1"><tbody><tr><td>Pegel</td><td>3,1</td></tr></tbody></table><p>Die Schleuse hielt. </p>'
    )


def test_no_note_telephone_number_or_address_of_an_editor_is_in_the_article(read: Read) -> None:
    reading = read(WIRE, None)
    article = reading.article.model_dump_json()

    assert "555" not in article
    assert "internal-desk-word" not in article
    assert "Hauptstraße" not in article
    assert "beispiel.ina" not in article
    assert "Sperrfrist" not in article
    reasons = {each.pointer.rpartition("/")[2]: each.reason for each in reading.report.dropped}
    assert reasons["edNote[1]"] == "notes to editors are never published"
    assert reasons["edNote[2]"] == "notes to editors are never published"
    assert reasons["inlineData[1]"] == "notes to editors are never published"
    assert reasons["contactInfo"] == "contact details are never published"


def test_a_public_note_of_a_correction_is_shown_and_that_of_an_update_is_not(read: Read) -> None:
    correction = read(WIRE, None).article
    update = read(_with("sig:correction", "sig:update"), None).article

    assert correction.correction_note == "Im 2. Absatz wurde die Höhe berichtigt."
    assert update.correction_note is None


def test_an_author_needs_a_role_or_the_byline(read: Read) -> None:
    unnamed = _with(' role="crol:author" uri="https', ' uri="https')
    agency = _with("<by>Von Ina Beispiel, Wire</by>", "", unnamed)

    assert [each.name for each in read(unnamed, None).article.authors] == ["Ina Beispiel"]
    assert read(agency, None).article.authors == ()
    assert read(agency, None).article.byline == "Wire"  # the credit line


def test_nitf_inside_is_read_and_an_agency_is_no_author(read: Read) -> None:
    article = read(NITF_INSIDE, "application/vnd.iptc.g2.newsitem+xml").article

    assert article.headline == "Weir at Lorne gives way"
    assert article.body == (
        "<p>The weir gave way at six.</p><h2>What is known</h2><p>The lock held.</p>"  # the media are pictures
    )
    assert article.byline == "By Asha Example, Wire Writer"
    assert [each.name for each in article.authors] == ["Asha Example"]
    assert article.standfirst == "Nobody was hurt."
    assert article.picture is not None
    assert (article.picture.caption, article.picture.credit, article.picture.alt) == (
        "The weir",
        "Wire/Example",
        "A broken weir",
    )
    assert (article.version, article.urgency) == (1542761538, 5)


def test_a_time_is_no_dateline_and_the_office_of_an_agency_is_no_place(read: Read) -> None:
    assert read(NITF_INSIDE, None).article.dateline is None


def test_a_name_of_the_sender_gives_the_section_before_a_code_does(read: Read, context: ReadingContext) -> None:
    assert read(NITF_INSIDE, None).article.section == "world"
    unnamed = NITF_INSIDE.replace(b"<g2:name>World</g2:name>", b"")
    reading = read(unnamed, None)
    assert reading.article.section == context.site.default_section
    assert "no subject names a section" in reading.report.warnings[0]


def test_a_code_without_a_name_gives_the_section_of_its_iptc_name(context: ReadingContext) -> None:
    site = context.site.model_copy(
        update={"sections": (*context.site.sections, type(context.site.sections[0])(id="money", name="Business"))}
    )
    reading = _read_with(context, NITF_INSIDE.replace(b"<g2:name>World</g2:name>", b""), site=site)

    assert reading.article.section == "money"


def _read_with(context: ReadingContext, raw: bytes, **changes: object) -> Reading:

    (entry,) = read_document(raw, None, replace(context, **changes))  # type: ignore[arg-type]  # a table of changes
    assert isinstance(entry, Reading)
    return entry


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("stat:usable", Status.USABLE),
        ("stat:withheld", Status.WITHHELD),
        ("stat:canceled", Status.CANCELED),
        ("http://cv.iptc.org/newscodes/pubstatusg2/canceled", Status.CANCELED),
    ],
)
def test_the_status_is_read_with_any_vocabulary(read: Read, status: str, expected: Status) -> None:
    assert read(_with("stat:usable", status), None).article.status is expected


def test_an_item_without_a_status_is_usable(read: Read) -> None:
    assert read(_with('<pubStatus qcode="stat:usable"/>', ""), None).article.status is Status.USABLE


def test_an_unknown_status_is_refused(refuse: Refuse) -> None:
    assert refuse(_with("stat:usable", "stat:wobbly"), None).faults[0].pointer.endswith("/pubStatus")


@pytest.mark.parametrize("signal", ["edStat:D", "sig:kill", "sig:takedown"])
def test_a_signal_of_deletion_is_a_kill_although_the_status_is_usable(read: Read, signal: str) -> None:
    reading = read(_with("edStat:U", signal, NITF_INSIDE), None)

    assert reading.article.status is Status.CANCELED
    assert any("deleted" in warning for warning in reading.report.warnings)


def test_a_kill_with_an_empty_text_and_no_headline_is_accepted(read: Read) -> None:
    raw = b"""<newsItem guid="g" version="2"><itemMeta><itemClass qcode="ninat:text"/>
    <versionCreated>2026-11-22T09:00:00Z</versionCreated><pubStatus qcode="stat:canceled"/></itemMeta>
    <contentSet/></newsItem>"""
    article = read(raw, None).article

    assert (article.source_id, article.status, article.body) == ("g", Status.CANCELED, "")


def test_an_item_without_an_identity_is_refused(refuse: Refuse) -> None:
    assert refuse(_with(' guid="urn:newsml:wire.example:20261122:weir"', ""), None).faults[0].pointer.endswith("@guid")


def test_an_empty_embargo_is_none_and_a_given_one_counts(read: Read) -> None:
    later = _with("<embargoed></embargoed>", "<embargoed>2026-11-23T19:00:00+01:00</embargoed>")

    assert read(WIRE, None).article.embargo_until is None
    assert read(later, None).article.embargo_until == datetime(2026, 11, 23, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize("value", ["<embargoed>tonight</embargoed>", "<embargoed>2026-11-23T19:00:00</embargoed>"])
def test_an_embargo_without_a_known_instant_is_refused(refuse: Refuse, value: str) -> None:
    assert refuse(_with("<embargoed></embargoed>", value), None).faults[0].pointer.endswith("/embargoed")


def test_a_misspelt_embargo_counts(read: Read) -> None:
    raw = _with("<embargoed></embargoed>", "<Embargoed>2026-11-23T19:00:00Z</Embargoed>")

    assert read(raw, None).article.embargo_until == datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


def test_a_time_without_a_zone_has_the_zone_of_the_feed_otherwise_of_the_site(context: ReadingContext) -> None:
    raw = _with("2026-11-22T09:30:00+01:00", "2026-11-22 09:30:00")
    raw = _with("<embargoed></embargoed>", "<embargoed>2026-11-23T19:00:00</embargoed>", raw)
    feed = Feed(id="wire", name="Wire", source="wire", zone="Europe/Helsinki")
    article = _read_with(context, raw, feed=feed).article
    assumed = _read_with(context, _with("2026-11-22T09:30:00+01:00", "2026-11-22 09:30:00"))

    assert article.version_created == datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
    assert article.embargo_until == datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert assumed.article.version_created == datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
    assert any("Asia/Kolkata is assumed" in warning for warning in assumed.report.warnings)


def test_each_item_of_a_message_has_its_own_outcome(read_all: ReadAll) -> None:
    text, picture, faulty, kill = read_all(MESSAGE)

    assert isinstance(text, Reading)
    assert text.article.body == "<p>It left at dawn.</p>\n<p>It came back at noon.</p>"
    assert text.article.language == "en-GB"
    assert any(each.pointer.endswith("/packageItem") for each in text.report.dropped)
    assert isinstance(picture, SetAside)
    assert (picture.status, picture.name) == ("media", "urn:wire.example:picture-1")
    assert isinstance(faulty, SetAside)
    assert (faulty.status, faulty.name) == ("refused", "No identity")
    assert isinstance(kill, Reading)
    assert kill.article.status is Status.CANCELED


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'<packageItem guid="p"><groupSet/></packageItem>', "its items arrive separately"),
        (b'<conceptItem guid="c"/>', "a concept"),
        (b'<knowledgeItem guid="c"/>', "a list of concepts"),
        (b'<planningItem guid="c"/>', "planning"),
        (b"<newsMessage><itemSet/></newsMessage>", "no item"),
        (b'<newsItem guid="a"><itemMeta><itemClass qcode="ninat:data"/></itemMeta></newsItem>', "item class data"),
    ],
)
def test_an_item_that_is_no_article_is_refused_by_its_kind(refuse: Refuse, raw: bytes, reason: str) -> None:
    error = refuse(raw, "application/xml")

    assert error.code == 422
    assert reason in error.detail


def test_an_item_with_files_and_no_text_is_kept_as_media(read_all: ReadAll) -> None:
    raw = b"""<newsItem guid="v"><itemMeta/><contentSet>
    <remoteContent href="v.mp4" contenttype="video/mp4"/></contentSet></newsItem>"""
    (entry,) = read_all(raw)

    assert isinstance(entry, SetAside)
    assert entry.status == "media"


def test_a_list_of_coming_events_is_held(read_all: ReadAll) -> None:
    (entry,) = read_all(_with('qcode="genre:Actuality"><name>Meldung', 'qcode="genre:Daybook"><name>Termine'))

    assert isinstance(entry, Reading)
    assert entry.held_because == "the genre daybook is for editors"
    assert entry.article.status is Status.WITHHELD


def test_a_text_that_only_repeats_the_headline_is_kept(read: Read) -> None:
    raw = b"""<newsItem guid="f"><contentMeta><headline>Weir breaks</headline></contentMeta><contentSet><inlineXML>
    <html><body><p>Weir breaks</p></body></html></inlineXML></contentSet></newsItem>"""

    assert read(raw, None).article.body == "<p>Weir breaks</p>"


def test_a_byte_order_mark_carriage_returns_and_a_wrong_encoding_do_no_harm(read: Read) -> None:
    raw = WIRE.replace(b'encoding="UTF-8"', b'encoding="ISO-8859-1"').replace(b"\n", b"\r\n")
    reading = read(b"\xef\xbb\xbf" + raw, "application/xml; charset=utf-8")

    assert reading.article.model_copy(update={"body": ""}) == read(WIRE, None).article.model_copy(update={"body": ""})
    assert "the document declares" in reading.report.warnings[0]


def test_html_declared_as_plain_text_is_read_as_html(read: Read) -> None:
    raw = b"""<newsItem guid="a"><contentMeta><headline>Weir breaks</headline>
    <headline role="hld:subHeadline">Nobody was hurt</headline></contentMeta><contentSet>
    <inlineData contenttype="text/plain"><![CDATA[<p>The weir broke.</p>]]></inlineData></contentSet></newsItem>"""
    article = read(raw, None).article

    assert article.body == "<p>The weir broke.</p>"
    assert (article.headline, article.standfirst) == ("Weir breaks", "Nobody was hurt")


def test_a_note_marked_as_public_is_shown_if_it_states_a_correction(read: Read) -> None:
    note = '<edNote role="note:public">Korjattu aiempaa uutista: luku.</edNote>'
    raw = _with('<edNote role="ed:correction">Im 2. Absatz wurde die Höhe berichtigt.</edNote>', note)
    raw = _with("sig:correction", "sig:update", raw)

    assert read(raw, None).article.correction_note == "Korjattu aiempaa uutista: luku."
    assert read(_with("Korjattu", "Lisätty", raw), None).article.correction_note is None


def test_the_start_and_end_of_publication_may_be_extension_properties(read: Read, refuse: Refuse) -> None:
    start = '<itemMetaExtProperty type="imext:pubstart" value="2026-11-23T18:00:00Z"/>'
    stop = '<itemMetaExtProperty type="imext:pubstop" value="2026-12-23T18:00:00Z"/>'
    article = read(_with("<embargoed></embargoed>", start + stop), None).article

    assert article.embargo_until == datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    assert article.expires_at == datetime(2026, 12, 23, 18, 0, tzinfo=UTC)
    assert refuse(_with("<embargoed></embargoed>", start.replace("Z", "")), None).faults


def test_mutated_messages_are_read_or_refused(context: ReadingContext) -> None:
    assert assert_survives([WIRE, NITF_INSIDE, MESSAGE], context, count=200, seed=7) < 1

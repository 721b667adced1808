"""NITF: the fields of an article, its body as HTML, and the forms of removals, embargoes and identities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.ingest.ports import Entry, Reading, ReadingContext, RefusedError
from shared.model.article import Status
from tests.unit.ingest.fuzzing import assert_survives

WIRE = (Path(__file__).parent / "fixtures" / "nitf" / "wire.xml").read_bytes()
Read = Callable[..., Reading]
ReadAll = Callable[..., Sequence[Entry]]
Refuse = Callable[..., RefusedError]
WITHOUT_ID = b"""<nitf><head><docdata><doc-id regsrc="AP"/><date.issue norm="20261122T093000Z"/></docdata></head><body>
<body.head><hedline><hl1>Top Ten</hl1></hedline><distributor>The Example Press</distributor></body.head>
<body.content><p>One.</p></body.content></body></nitf>"""


def _with(old: str, new: str, raw: bytes = WIRE) -> bytes:
    assert old.encode() in raw
    return raw.replace(old.encode(), new.encode(), 1)


def test_the_fields_of_a_document_become_an_article(read: Read) -> None:
    reading = read(WIRE, "application/nitf+xml")
    article = reading.article

    assert reading.report.format == "nitf-3.4"
    assert (article.source_id, article.version) == ("weir-42", 3)
    assert article.version_created == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert article.expires_at == datetime(2027, 11, 22, 9, 30, tzinfo=UTC)
    assert (article.headline, article.standfirst) == ("Weir at Lorne gives way", "Nobody was hurt")
    assert article.byline == "By Asha Example and Ben Example, Wire Writers"
    assert [each.name for each in article.authors] == ["Asha Example", "Ben Example"]
    assert article.dateline == "LORNE, Nov 22"
    assert (article.section, article.language, article.urgency) == ("world", "en", 2)
    assert [(each.name, each.uri) for each in article.topics] == [("Markets", "subj:04010000")]
    assert [(each.name, each.kind) for each in article.entities] == [("Karl Example", "person"), ("Lorne", "place")]
    assert article.keywords == ("weirs", "Lorne")
    assert article.rights is not None
    assert (article.rights.holder, article.rights.usage_terms) == ("Wire", "No archive use")
    assert article.canonical_url == "https://wire.example/weir"
    assert article.picture is not None
    assert (article.picture.caption, article.picture.credit, article.picture.alt) == (
        "The weir",
        "Wire/E. Example",
        "A weir",
    )


def test_the_body_is_html_with_tables_quotations_and_agate(read: Read) -> None:
    assert read(WIRE, None).article.body == (
        "<p>The weir at Lorne, Exampleland gave way.</p><h2>Figures</h2>"
        "<p>The gauge rose 1/2 metre<sup>2</sup>.</p>"
        '<table><tr><th>Gauge</th><td colspan="2">3.1</td></tr></table>'
        "<blockquote><p>We heard a roar.</p><cite>Karl Example</cite></blockquote>"
        "<ul><li>One</li><li>Two</li></ul>"
        "<pre>AGATE   1  2\nLINES   3  4</pre>"
        "<p>Town hall<br>0000</p><p>Cara Example contributed.</p>"
    )


def test_no_note_to_editors_is_in_the_article(read: Read) -> None:
    reading = read(WIRE, None)

    assert "555" not in reading.article.model_dump_json()
    notes = [each.pointer for each in reading.report.dropped if each.reason == "notes to editors are never published"]
    assert notes == [
        "/nitf/body/body.content/block/note",
        "/nitf/head/docdata/ed-msg",
        "/nitf/body/body.head/note",
    ]


def test_a_video_is_reported_as_left_out(read: Read) -> None:
    dropped = {each.pointer: each.reason for each in read(WIRE, None).report.dropped}

    assert "video" in dropped["/nitf/body/body.content/block/media[2]"]


@pytest.mark.parametrize(
    ("document", "key", "source_id"),
    [
        ("story-weir_47", "story-weir", "story-weir"),  # only the number of the version differs
        ("story-weir-47", "story-weir", "story-weir"),
        ("story-weir-extra", "story-weir", "story-weir-extra"),
        ("", "story-weir", "story-weir"),
    ],
)
def test_the_id_is_equal_for_all_versions_of_a_story(read: Read, document: str, key: str, source_id: str) -> None:
    raw = _with('key="story-weir"', f'key="{key}"', _with("weir-42", document))

    assert read(raw, None).article.source_id == source_id


def test_a_document_without_an_id_gets_one_from_its_day_and_headline(read: Read) -> None:
    first = read(WITHOUT_ID, None)
    update = read(WITHOUT_ID.replace(b"T0930", b"T1130").replace(b"One.", b"Two."), None)
    next_day = read(WITHOUT_ID.replace(b"20261122", b"20261121"), None)

    assert first.article.source_id.startswith("nitf:")
    assert update.article.source_id == first.article.source_id
    assert next_day.article.source_id != first.article.source_id
    assert any("no id is given" in warning for warning in first.report.warnings)
    assert first.article.byline == "The Example Press"


def test_a_removal_without_an_id_is_refused(refuse: Refuse) -> None:
    raw = WITHOUT_ID.replace(b"<docdata>", b'<docdata management-status="canceled">')

    assert refuse(raw, None).faults[0].pointer.endswith("@id-string")


def test_a_cancellation_removes_the_document_that_it_names(read: Read) -> None:
    raw = _with('management-status="usable"', 'management-status="canceled" management-doc-idref="weir-41"')
    article = read(raw, None).article

    assert (article.status, article.source_id) == (Status.CANCELED, "weir-41")


def test_a_document_that_updates_another_replaces_it(read: Read) -> None:
    raw = _with('management-status="usable"', 'management-status="usable" management-doc-idref="weir-41"')

    assert read(raw, None).article.replaces == ("weir-41",)


def test_an_embargo_ends_at_the_date_of_release(read: Read) -> None:
    raw = _with('management-status="usable"', 'management-status="embargoed"')
    dated = _with("<date.expire", '<date.release norm="20261123T180000Z"/><date.expire', raw)

    assert read(dated, None).article.embargo_until == datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    assert read(dated, None).article.status is Status.USABLE


def test_an_embargo_without_a_date_of_release_is_held(read_all: ReadAll) -> None:
    (entry,) = read_all(_with('management-status="usable"', 'management-status="embargoed"'))

    assert isinstance(entry, Reading)
    assert entry.article.status is Status.WITHHELD
    assert "no date of release" in entry.held_because


def test_a_later_release_of_a_usable_document_is_an_embargo_and_an_earlier_one_is_none(read: Read) -> None:
    later = _with("<date.expire", '<date.release norm="20261123T180000Z"/><date.expire')
    earlier = _with("<date.expire", '<date.release norm="20261122T080000Z"/><date.expire')

    assert read(later, None).article.embargo_until == datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    assert read(earlier, None).article.embargo_until is None


def test_an_unknown_status_is_refused(refuse: Refuse) -> None:
    raw = _with('management-status="usable"', 'management-status="wobbly"')

    assert refuse(raw, None).faults[0].pointer == "/nitf/head/docdata/@management-status"


def test_a_text_with_too_many_elements_is_refused(refuse: Refuse) -> None:
    raw = WITHOUT_ID.replace(b"<p>One.</p>", b"<person>x</person>" * 41_000)

    assert "elements" in refuse(raw, None).detail


def test_many_marked_names_take_linear_time(read: Read) -> None:
    raw = WITHOUT_ID.replace(b"One.", b"<person>x</person> " * 39_000)

    assert read(raw, None).article.body.count("x") == 39_000


def test_initials_are_no_byline_and_a_time_is_no_dateline(read: Read) -> None:
    raw = WITHOUT_ID.replace(
        b"<distributor>",
        b"<byline>ab/cd</byline><dateline><story.date>20261122T093000+0000</story.date></dateline>"
        b"<abstract>Top Ten</abstract><rights><rights.owner>The Example Press</rights.owner></rights><distributor>",
    )
    article = read(raw, None).article

    assert (article.byline, article.dateline) == ("The Example Press", None)
    assert article.standfirst is None  # it repeats the headline
    assert article.rights is not None
    assert (article.rights.holder, article.rights.notice) == ("The Example Press", None)


def test_mutated_documents_are_read_or_refused(context: ReadingContext) -> None:
    assert assert_survives([WIRE, WITHOUT_ID], context, count=200, seed=11) < 1

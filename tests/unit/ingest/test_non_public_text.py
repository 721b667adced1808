"""Text that senders mark as not for the public never reaches a page, in each format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.domain.contacts import without_contacts
from services.ingest.ports import Reading
from shared.model.article import Status
from tests.unit.ingest.conftest import Read, Refuse

FIXTURES = Path(__file__).parent / "fixtures"
NITF = (FIXTURES / "nitf" / "wire.xml").read_bytes()
NEWSML = (FIXTURES / "newsml" / "wire.xml").read_bytes()
ENTRY = (FIXTURES / "dpa" / "entry.json").read_bytes()
LATER = datetime(2026, 11, 30, 5, tzinfo=UTC)
SECRET = "Kestrel-7"


def reasons(reading: Reading) -> str:
    return " | ".join(each.reason for each in reading.report.dropped)


def news_item(content: str, meta: str = "", item_meta: str = '<pubStatus qcode="stat:usable"/>') -> bytes:
    return f"""<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:a:1" version="1" xml:lang="en">
<itemMeta><itemClass qcode="ninat:text"/><versionCreated>2026-11-22T08:00:00Z</versionCreated>{item_meta}</itemMeta>
<contentMeta><headline>Weir gives way</headline>{meta}</contentMeta>
<contentSet>{content}</contentSet></newsItem>""".encode()


def xhtml(body: str) -> str:
    return (
        '<inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml"><body>'
        f"{body}</body></html></inlineXML>"
    )


PLAIN = '<inlineData contenttype="text/plain">The weir broke.</inlineData>'
NOTEPADS = [
    f'<section class="notepad"><p>{SECRET}</p></section>',
    f'<section class="internal"><p>{SECRET}</p></section>',
    f"<section><h2>Notizblock</h2><p>{SECRET}</p><ul><li>{SECRET}</li></ul></section>",
    f"<section><header><h2># Notizblock</h2></header><p>{SECRET}</p></section>",
    f"<h2>Redaktionelle Hinweise:</h2><p>{SECRET}</p>",
    f"<p># Notizblock</p><p>{SECRET}</p>",
    f"<p><strong>Notizblock</strong></p>{SECRET}<p>{SECRET}</p>",
    f"<p>Ende.<span hidden>{SECRET}</span></p>",
    f'<p style="color:red; DISPLAY : none">{SECRET}</p>',
    f"<p>EDS: {SECRET}</p>",
]


@pytest.mark.parametrize("notepad", NOTEPADS)
def test_notepads_in_the_text_of_dpa_are_cut(read: Read, notepad: str) -> None:
    entry = json.loads(ENTRY)
    entry["article_html"] = f'<section class="main"><p>Das Wehr brach.</p></section>{notepad}'

    reading = read(entry)

    assert SECRET not in reading.article.model_dump_json()
    assert "Das Wehr brach." in reading.article.body
    assert any(each.pointer.startswith("/article_html//") for each in reading.report.dropped)


@pytest.mark.parametrize("notepad", NOTEPADS)
def test_notepads_in_newsml_g2_are_cut(read: Read, notepad: str) -> None:
    body = '<section class="main"><p>The weir broke.</p></section>' + notepad.replace(" hidden>", ' hidden="">')

    reading = read(news_item(xhtml(body)), None)

    assert SECRET not in reading.article.model_dump_json()
    assert "The weir broke." in reading.article.body
    assert "never published" in reasons(reading) or "hides it" in reasons(reading)


def test_a_notepad_inside_a_section_leaves_the_other_sections(read: Read) -> None:
    body = f"<section><h2>Notizblock</h2><p>{SECRET}</p></section><section><p>The sluice held.</p></section>"

    article = read(news_item(xhtml(f"<p>The weir broke.</p>{body}")), None).article

    assert SECRET not in article.body
    assert "The sluice held." in article.body


@pytest.mark.parametrize("text", ["EDS: {}\nThe weir broke.", "The weir broke.\n\n(Eds: {})\n\nThe sluice held."])
def test_lines_to_editors_in_plain_text_are_cut(read: Read, text: str) -> None:
    content = f'<inlineData contenttype="text/plain">{text.format(SECRET)}</inlineData>'

    reading = read(news_item(content), None)

    assert SECRET not in reading.article.body
    assert "The weir broke." in reading.article.body
    assert "notes to editors are never published" in reasons(reading)


def test_a_body_without_private_parts_is_unchanged(read: Read, ninjs: dict[str, Any]) -> None:
    body = '<p>A hidden internal note: the editors met.</p><a class="internal" href="https://a.example/">x</a><br>'
    ninjs["bodies"][0]["value"] = body

    assert read(ninjs).article.body == body


@pytest.mark.parametrize(
    "note",
    [
        f"<note><p>{SECRET}</p></note>",
        f'<note noteclass="undef"><p>{SECRET}</p></note>',
        f'<p class="ednote">{SECRET}</p>',
        f'<p hidden="hidden">{SECRET}</p>',
        f'<p style="display:none">{SECRET}</p>',
    ],
)
def test_notes_without_a_public_mark_in_nitf_are_cut(read: Read, note: str) -> None:
    raw = NITF.replace(b"<tagline>", f"<block>{note}</block><tagline>".encode())
    raw = raw.replace(b"<body.content>", f"<body.content>{note}".encode())

    reading = read(raw, None)

    assert SECRET not in reading.article.model_dump_json()
    assert "gave way" in reading.article.body
    assert "never published" in reasons(reading) or "hides it" in reasons(reading)


def test_a_note_with_a_public_mark_stays_in_nitf(read: Read) -> None:
    raw = NITF.replace(b"</body.content>", b'<note type="pa"><p>Figures are of 2025.</p></note></body.content>')

    assert "Figures are of 2025." in read(raw, None).article.body


@pytest.mark.parametrize(
    "contact",
    [
        "Contact: desk@wire.example, +00 000 555 0104",
        'Contact <a href="mailto:desk@wire.example">desk@wire.example</a> or Tel. 555-0104',
        "desk@<em>wire.example</em>",
    ],
)
def test_contact_details_in_a_tagline_are_cut(read: Read, contact: str) -> None:
    raw = NITF.replace(b"contributed.", f"contributed. {contact}".encode())

    reading = read(raw, None)

    assert "0104" not in reading.article.body
    assert "wire.example" not in reading.article.body
    assert "contact details are never published" in reasons(reading)


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("By Asha Example, asha@wire.example", "By Asha Example"),
        ("By Asha Example (Tel.: +00 000 555 0104)", "By Asha Example"),
        ("Asha Example | E-Mail: asha(at)wire.example | Wire", "Asha Example | Wire"),
        ("By Asha Example (555) 010-0199", "By Asha Example"),
        ("By Asha Example, 22.11.2026, in 2025-2026", "By Asha Example, 22.11.2026, in 2025-2026"),
        ("asha@wire.example", ""),
    ],
)
def test_mail_addresses_and_telephone_numbers_are_no_part_of_a_line(line: str, clean: str) -> None:
    assert without_contacts(line) == clean


def test_a_byline_has_no_contact_details(read: Read, ninjs: dict[str, Any]) -> None:
    reading = read(news_item(PLAIN, "<by>By Asha Example, asha@wire.example, Tel. +00 000 555 0104</by>"), None)

    assert reading.article.byline == "By Asha Example"
    assert "contact details are never published" in reasons(reading)
    assert read(ninjs | {"by": "Asha Example asha@wire.example"}).article.byline == "Asha Example"


def test_an_author_who_is_only_a_mail_address_is_left_out(read: Read, own: dict[str, Any]) -> None:
    own["authors"] = [{"name": "asha@wire.example"}, {"name": "Ben Example, ben@wire.example"}]

    reading = read(own)

    assert [each.name for each in reading.article.authors] == ["Ben Example"]
    assert reasons(reading).count("contact details") == 2


@pytest.mark.parametrize("order", [("usable", "canceled"), ("canceled", "usable"), ("withheld", "canceled")])
def test_the_stricter_of_two_statuses_counts(read: Read, order: tuple[str, str]) -> None:
    meta = "".join(f'<pubStatus qcode="stat:{word}"/>' for word in order)

    assert read(news_item(PLAIN, item_meta=meta), None).article.status is Status.CANCELED


def test_unknown_elements_that_name_an_embargo_or_expiry_are_never_silent(read: Read, refuse: Refuse) -> None:
    until = f'<embargoUntil value="{LATER.isoformat()}"/>'
    assert read(news_item(PLAIN, item_meta=until), None).article.embargo_until == LATER
    assert refuse(news_item(PLAIN, item_meta='<embargoUntil value="tonight"/>'), None).faults
    extension = '<itemMetaExtProperty type="x:embargoNote" value="tonight"/>'
    assert refuse(news_item(PLAIN, item_meta=extension), None).faults
    reading = read(news_item(PLAIN, item_meta="<expiryTime>2026-12-01T00:00:00Z</expiryTime>"), None)
    assert any(each.pointer.endswith("/expiryTime") for each in reading.report.dropped)


@pytest.mark.parametrize(("word", "status"), [("Canceled", Status.CANCELED), ("Withheld", Status.WITHHELD)])
def test_a_past_change_of_the_status_in_newsml_has_happened(read: Read, word: str, status: Status) -> None:
    def change(time: str) -> bytes:
        element = (
            f'<StatusWillChange><FutureStatus FormalName="{word}"/><DateAndTime>{time}</DateAndTime></StatusWillChange>'
        )
        return NEWSML.replace(b'<Status FormalName="USABLE"/>', f'<Status FormalName="USABLE"/>{element}'.encode())

    assert read(change("20261122T100000Z"), None).article.status is status
    later = read(change("20261130T050000Z"), None).article
    assert (later.status, later.expires_at) == (Status.USABLE, LATER)


PARAGRAPHS = "".join(f"<p>The lamp number {number} arrived, and nobody had ordered it.</p>" for number in range(9))


def page(data: object, body: str = "", head: str = "") -> bytes:
    return (
        f'<!doctype html><html lang="en"><head><link rel="canonical" href="https://bay.example/lamps">{head}'
        f'<script type="application/ld+json">{json.dumps(data)}</script></head>'
        f"<body>{body}<main><article>{PARAGRAPHS}</article></main></body></html>"
    ).encode()


LAMPS = {"@type": "NewsArticle", "headline": "Lamps", "datePublished": "2026-11-19T08:00:00Z"}


@pytest.mark.parametrize(
    "raw",
    [
        page(LAMPS | {"requiresSubscription": True}),
        page(LAMPS | {"requiresSubscription": "http://schema.org/True"}),
        page(LAMPS | {"conditionsOfAccess": "Subscribers only"}),
        page([LAMPS, {"@type": "WebPage", "isAccessibleForFree": False}]),
        page([LAMPS, {"@type": ["WebPage"], "isAccessibleForFree": "False"}]),
        page(LAMPS, '<div itemscope itemtype="https://schema.org/WebPage"><i itemprop="isAccessibleForFree">false</i>'),
        page(LAMPS, head='<meta itemprop="isAccessibleForFree" content="False">'),
    ],
)
def test_a_page_that_is_not_free_anywhere_is_for_members_only(read: Read, raw: bytes) -> None:
    reading = read(raw, "text/html")

    assert reading.article.status is Status.WITHHELD
    assert "members only" in reading.held_because


@pytest.mark.parametrize("access", [{"conditionsOfAccess": "Free"}, {"requiresSubscription": False}])
def test_a_page_with_free_access_is_live(read: Read, access: dict[str, Any]) -> None:
    other = {"@type": "NewsArticle", "headline": "Other", "isAccessibleForFree": False, "url": "https://bay.example/x"}
    listed = {"@type": "ItemList", "itemListElement": [other]}

    assert read(page([LAMPS | access, listed]), "text/html").article.status is Status.USABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": {"embargo": "2026-11-30T05:00:00Z"}},
        {"extra": {"embargoedUntil": "2026-11-30T05:00:00+00:00"}},
        {"schedule_settings": {"utc_embargo": "2026-11-30T05:00:00"}},
        {"schedule_settings": {"utc_publish_schedule": "2026-11-30T05:00:00+0000", "time_zone": None}},
    ],
)
def test_an_embargo_one_level_down_in_ninjs_counts(read: Read, ninjs: dict[str, Any], changes: dict[str, Any]) -> None:
    assert read(ninjs | changes).article.embargo_until == LATER


@pytest.mark.parametrize(
    "changes", [{"extra": {"embargo": True}}, {"extra": {"embargo_note": "tonight"}}, {"flags": {"embargo": "x"}}]
)
def test_an_unreadable_embargo_one_level_down_refuses(
    refuse: Refuse, ninjs: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert refuse(ninjs | changes).faults


def test_no_embargo_one_level_down_changes_nothing(read: Read, ninjs: dict[str, Any]) -> None:
    settings = {"utc_embargo": None, "utc_publish_schedule": "2026-11-20T05:00:00+0000"}
    changes = {"schedule_settings": settings, "extra": {"embargo": ""}, "flags": {"marked_for_not_publication": False}}

    article = read(ninjs | changes).article

    assert (article.status, article.embargo_until) == (Status.USABLE, None)


def test_an_item_that_is_marked_as_not_for_publication_is_held(read: Read, ninjs: dict[str, Any]) -> None:
    reading = read(ninjs | {"flags": {"marked_for_not_publication": True}})

    assert reading.article.status is Status.WITHHELD
    assert "not for publication" in reading.held_because


@pytest.fixture
def story() -> dict[str, Any]:
    return {
        "_id": "A1",
        "type": "story",
        "version": "0.10.12",
        "last_updated_date": "2026-11-22T05:00:00Z",
        "headlines": {"basic": "Bridge opens"},
        "content_elements": [{"type": "text", "content": "It is open."}],
    }


@pytest.mark.parametrize(
    "embargo",
    [
        {"enabled": True, "end": "2026-11-30T05:00:00Z"},
        {"until": "2026-11-30T05:00:00Z"},
        {"active": None, "end_time": "2026-11-30T05:00:00Z"},
    ],
)
def test_an_embargo_of_another_shape_in_ans_counts(read: Read, story: dict[str, Any], embargo: dict[str, Any]) -> None:
    assert read(story | {"content_restrictions": {"embargo": embargo}}).article.embargo_until == LATER


@pytest.mark.parametrize("embargo", [{"enabled": True}, {"enabled": True, "end": "tonight"}, {"reason": "court"}])
def test_an_embargo_without_a_readable_end_in_ans_is_held(
    read: Read, story: dict[str, Any], embargo: dict[str, Any]
) -> None:
    reading = read(story | {"content_restrictions": {"embargo": embargo}})

    assert reading.article.status is Status.WITHHELD
    assert reading.held_because


@pytest.mark.parametrize("embargo", [{}, {"enabled": False, "end": "2026-11-30T05:00:00Z"}, {"active": "false"}])
def test_an_inactive_embargo_in_ans_changes_nothing(read: Read, story: dict[str, Any], embargo: dict[str, Any]) -> None:
    article = read(story | {"content_restrictions": {"embargo": embargo}}).article

    assert (article.status, article.embargo_until) == (Status.USABLE, None)


def test_an_element_with_a_code_that_is_not_public_is_cut(read: Read, story: dict[str, Any]) -> None:
    element = {"type": "text", "content": SECRET, "content_restrictions": {"content_code": "premium"}}
    story["content_elements"] += [element, element | {"content_restrictions": {"content_code": "free"}, "content": "x"}]

    reading = read(story)

    assert SECRET not in reading.article.body
    assert "<p>x</p>" in reading.article.body
    assert any(each.pointer == "/content_elements/1" for each in reading.report.dropped)


def test_an_unknown_operation_in_ans_is_never_live(read: Read, refuse: Refuse, story: dict[str, Any]) -> None:
    def operation(name: str) -> dict[str, Any]:
        return {"type": "story_operation", "operation": name, "body": story}

    assert read(operation("unpublishstory")).article.status is Status.WITHHELD
    assert read(operation("softdelete.story")).article.status is Status.WITHHELD
    assert refuse(operation("frobnicate_edition")).faults[0].pointer == "/operation"


def test_an_availability_in_the_future_is_an_embargo(read: Read, refuse: Refuse) -> None:
    def feed(available: str) -> bytes:
        return (
            '<rss version="2.0" xmlns:dcterms="http://purl.org/dc/terms/"><channel><title>T</title><item>'
            "<guid>https://a.example/1</guid><title>Pier</title><description>The pier is open.</description>"
            f"<dcterms:available>{available}</dcterms:available></item></channel></rss>"
        ).encode()

    period = "start=2026-11-30T05:00:00Z; end=2026-12-30T05:00:00Z; scheme=W3C-DTF"
    article = read(feed(period), None).article
    assert article.embargo_until == LATER
    assert article.expires_at == datetime(2026, 12, 30, 5, tzinfo=UTC)
    assert read(feed("2026-11-30T05:00:00Z"), None).article.embargo_until == LATER
    assert refuse(feed("start=tonight"), None).faults


@pytest.mark.parametrize(
    "changes",
    [
        {"signals": [{"qcode": "sig:embargo"}]},
        {"signals": ["sig:embargo"]},
        {"signal": "sig:embargo"},
        {"categories": [{"type": "dnltype:signal", "qcode": "sig:embargo", "name": "Sperrfrist"}]},
    ],
)
def test_a_signal_of_an_embargo_without_a_time_withholds(read: Read, changes: dict[str, Any]) -> None:
    entry = json.loads(ENTRY) | changes
    entry.pop("embargoed", None)

    reading = read(entry)

    assert reading.article.status is Status.WITHHELD
    assert "embargo" in reading.held_because
    assert read(entry | {"embargoed": LATER.isoformat()}).article.embargo_until == LATER


@pytest.mark.parametrize("word", ["killed", "recalled", "retracted", "deleted"])
def test_words_of_a_kill_cancel(read: Read, ninjs: dict[str, Any], word: str) -> None:
    assert read(ninjs | {"pubStatus": word}).article.status is Status.CANCELED
    assert read(news_item(PLAIN, item_meta=f'<pubStatus qcode="x:{word}"/>'), None).article.status is Status.CANCELED


@pytest.mark.parametrize("word", ["draft", "commissioned", "unpublished", "hold"])
def test_words_of_an_unfinished_item_hold_it(read: Read, ninjs: dict[str, Any], word: str) -> None:
    for reading in (
        read(ninjs | {"pubStatus": word}),
        read(news_item(PLAIN, item_meta=f'<pubStatus qcode="x:{word}"/>'), None),
    ):
        assert reading.article.status is Status.WITHHELD
        assert reading.held_because == f"its status is {word}"


def test_a_status_that_nobody_knows_is_refused(refuse: Refuse, ninjs: dict[str, Any]) -> None:
    assert refuse(ninjs | {"pubStatus": "wobbly"}).faults

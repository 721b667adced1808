"""NewsML 1.x: the choice among components, the identity of an item, and its outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.ingest.ports import Entry, Reading, ReadingContext, RefusedError, SetAside
from shared.model.article import Status
from tests.unit.ingest.fuzzing import assert_survives

WIRE = (Path(__file__).parent / "fixtures" / "newsml" / "wire.xml").read_bytes()
Read = Callable[..., Reading]
ReadAll = Callable[..., Sequence[Entry]]
Refuse = Callable[..., RefusedError]
STATUS = '<Status FormalName="USABLE"/>'
EMBARGOED = '<Status FormalName="Embargoed"/>'
CHANGE = (
    '<StatusWillChange><FutureStatus FormalName="Usable"/><DateAndTime>20261123T180000Z</DateAndTime>'
    "</StatusWillChange>"
)


def _with(old: str, new: str, raw: bytes = WIRE) -> bytes:
    assert old.encode() in raw
    return raw.replace(old.encode(), new.encode(), 1)


def test_the_full_text_in_the_language_of_the_item_becomes_an_article(read: Read) -> None:
    reading = read(WIRE, "application/vnd.iptc.newsml+xml")
    article = reading.article

    assert reading.report.format == "newsml-1.2"
    assert (article.source_id, article.version) == ("urn:newsml:wire.example:20261122:weir-9", 2)
    assert article.version_created == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert article.first_created == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    assert (article.headline, article.standfirst) == ("Stuw bij Lorne breekt", "Niemand raakte gewond.")
    assert (article.byline, article.dateline) == ("Door Asha Voorbeeld", "LORNE (Wire)")
    assert (article.language, article.urgency, article.section) == ("nl", 2, "world")
    assert article.keywords == ("stuw", "Lorne-stuw", "water")
    assert [each.name for each in article.topics] == ["Dams"]
    assert article.rights is not None
    assert article.rights.notice == "(c) Wire"
    assert article.body == "<p>De stuw <b>brak</b> om zes uur, voor 5 €.</p><p>De sluis hield.</p>"


def test_a_picture_has_its_caption_and_credit_and_one_entry_for_all_sizes(read: Read) -> None:
    article = read(WIRE, None).article

    assert article.picture is not None
    assert (article.picture.caption, article.picture.credit) == ("De gebroken stuw", "Wire/E. Voorbeeld")
    assert article.pictures == ()


def test_contacts_and_instructions_are_never_published(read: Read) -> None:
    reading = read(WIRE, None)
    reasons = [each.reason for each in reading.report.dropped]

    assert "555" not in reading.article.model_dump_json()
    assert "contact details are never published" in reasons
    assert "notes to editors are never published" in reasons
    assert reasons.count("another language or length of the text is used instead") == 2


def test_a_date_id_that_repeats_the_time_of_the_revision_is_no_part_of_the_id(read: Read) -> None:
    raw = _with("<DateId>20261122<", "<DateId>20261122T093000+0000<")
    timed = _with("<DateId>20261122<", "<DateId>20261122T091200Z<")

    assert read(raw, None).article.source_id == "urn:newsml:wire.example:weir-9"
    assert read(timed, None).article.source_id == "urn:newsml:wire.example:20261122T091200Z:weir-9"


def test_an_item_without_an_id_is_refused(refuse: Refuse) -> None:
    error = refuse(_with("<NewsItemId>weir-9</NewsItemId>", ""), None)

    assert error.faults[0].pointer.endswith("/NewsItemId")


@pytest.mark.parametrize(
    ("status", "expected"),
    [("Usable", Status.USABLE), ("Canceled", Status.CANCELED), ("WITHHELD", Status.WITHHELD)],
)
def test_the_status_is_read_in_any_case(read: Read, status: str, expected: Status) -> None:
    assert read(_with("USABLE", status), None).article.status is expected


def test_an_instruction_to_kill_is_a_kill(read: Read) -> None:
    assert read(_with('FormalName="Update"', 'FormalName="Kill"'), None).article.status is Status.CANCELED


def test_an_embargo_ends_when_the_status_changes(read: Read) -> None:
    article = read(_with(STATUS, EMBARGOED + CHANGE), None).article

    assert article.embargo_until == datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    assert article.status is Status.USABLE


def test_an_embargo_without_an_end_is_held(read_all: ReadAll) -> None:
    (entry,) = read_all(_with(STATUS, EMBARGOED))

    assert isinstance(entry, Reading)
    assert entry.article.status is Status.WITHHELD
    assert "names no time" in entry.held_because


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'<NewsComponent><NewsItemRef NewsItem="urn:x"/></NewsComponent>', "its items arrive separately"),
        (b"<TopicSet/>", "a list of topics"),
        (b"<NewsComponent/>", "no component has a text"),
    ],
)
def test_an_item_without_a_text_is_refused_by_its_kind(refuse: Refuse, content: bytes, reason: str) -> None:
    assert reason in refuse(b"<NewsML><NewsItem>" + content + b"</NewsItem></NewsML>", None).detail


def test_a_picture_without_a_text_is_kept_as_media(read_all: ReadAll) -> None:
    raw = b"""<NewsML><NewsItem><NewsComponent><ContentItem Href="1.jpg"><MediaType FormalName="Photo"/></ContentItem>
    </NewsComponent></NewsItem></NewsML>"""
    (entry,) = read_all(raw)

    assert isinstance(entry, SetAside)
    assert entry.status == "media"


def test_each_item_of_a_document_has_its_own_outcome(read_all: ReadAll) -> None:
    start, end = WIRE.index(b"<NewsItem "), WIRE.index(b"</NewsML>")
    second = WIRE[start:end].replace(b"weir-9", b"weir-10").replace(b"USABLE", b"unheard")
    first, refused = read_all(WIRE[:end] + second + WIRE[end:])

    assert isinstance(first, Reading)
    assert isinstance(refused, SetAside)
    assert (refused.status, refused.name) == ("refused", "weir-10")


def test_topics_that_an_item_describes_have_names_in_its_language(read: Read) -> None:
    topics = """<TopicSet><Topic><FormalName>09003000</FormalName>
    <Description Variant="Name" xml:lang="en">Jobs</Description>
    <Description Variant="Name" xml:lang="nl">Banen</Description></Topic></TopicSet><NewsLines><CopyrightLine>"""
    raw = _with("LORNE (Wire) -", "22/11/2026", _with("<NewsLines><CopyrightLine>", topics))
    article = read(raw, None).article

    assert [(each.name, each.uri) for each in article.topics] == [("Banen", "subj:09003000"), ("Dams", None)]
    assert article.dateline is None  # a date names no place


def test_mutated_documents_are_read_or_refused(context: ReadingContext) -> None:
    assert assert_survives([WIRE], context, count=200, seed=3) < 1

from __future__ import annotations

from typing import Any

import pytest

from shared.model.article import Status
from tests.unit.ingest.conftest import Read, Refuse

DIGEST = "0" * 64


def test_an_article_needs_no_more_than_an_id_a_headline_and_a_body(read: Read, own: dict[str, Any]) -> None:
    article = read(own).article

    assert (article.site, article.source, article.section, article.language) == ("epn", "agency", "news", "en")
    assert article.status is Status.USABLE


def test_the_report_names_all_that_was_kept(read: Read, own: dict[str, Any]) -> None:
    report = read(own | {"byline": "EPN Desk"}).report

    assert report.format == "pressline-article-1"
    assert set(report.kept) == {"/source_id", "/headline", "/body", "/byline"}
    assert report.dropped == ()


@pytest.mark.parametrize(
    ("change", "pointer", "word"),
    [
        ({"headline": ""}, "/headline", "empty"),
        ({"headline": "  \n "}, "/headline", "empty"),
        ({"headline": 5}, "/headline", "text"),
        ({"headline": ["x"]}, "/headline", "text"),
        ({"headline": "x" * 401}, "/headline", "400 characters"),
        ({"headline": "a\u0000b"}, "/headline", "U+0000"),
        ({"byline": "EPN\u001bDesk"}, "/byline", "U+001B"),
        ({"standfirst": "a\u202eb"}, "/standfirst", "U+202E"),
        ({"source_id": "a\u0007"}, "/source_id", "U+0007"),
        ({"slug": "../../x"}, "/slug", "lower-case letters"),
        ({"slug": "a/b"}, "/slug", "lower-case letters"),
        ({"section": "nowhere"}, "/section", "news, world"),
        ({"section": 7}, "/section", "text"),
        ({"body": ""}, "/body", "empty"),
        ({"body": "<p> &nbsp; </p>"}, "/body", "empty"),
        ({"body": "<p>a\u0000b</p>"}, "/body", "U+0000"),
        ({"body": {"html": "x"}}, "/body", "text"),
        ({"site": "other"}, "/site", "epn"),
        ({"status": "published"}, "/status", "usable"),
        ({"version": "1"}, "/version", "whole number"),
        ({"version": True}, "/version", "whole number"),
        ({"version": 10**40}, "/version", "less than"),
        ({"urgency": 0}, "/urgency", "at least 1"),
        ({"language": "klingon!"}, "/language", "language tag"),
        ({"authors": [{"name": "A"}, {"nam": "B"}]}, "/authors/1/name", "required"),
        ({"authors": "A"}, "/authors", "list"),
        ({"keywords": ["x"] * 101}, "/keywords", "100 entries"),
        ({"picture": {"media": "x"}}, "/picture/media", "POST /v1/media"),
        ({"picture": {"file": "bridge.jpg"}}, "/picture/file", "POST /v1/media"),
        ({"pictures": [{"media": DIGEST}, {"file": "b.jpg"}]}, "/pictures/1/file", "POST /v1/media"),
        ({"embeds": [{"url": "javascript:alert(1)"}]}, "/embeds/0/url", "http"),
        ({"canonical_url": "file:///etc/passwd"}, "/canonical_url", "http"),
        ({"version_created": "yesterday"}, "/version_created", "zone"),
        ({"version_created": "2026-11-22T09:00:00"}, "/version_created", "zone"),
        ({"version_created": 1700000000}, "/version_created", "zone"),
        ({"version_created": "2026-11-23T12:00:01Z"}, "/version_created", "24 hours"),
        ({"version_created": "1969-12-31T23:59:59Z"}, "/version_created", "1970"),
        ({"embargo_until": "0001-01-01T00:00:00+14:00"}, "/embargo_until", "years"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "/expires_at", "years"),
        ({"headlin": "x"}, "/headlin", "did you mean headline"),
        ({"edNote": "call 555"}, "/edNote", "not a known field"),
    ],
)
def test_a_broken_rule_is_refused_with_pointer_and_reason(
    refuse: Refuse, own: dict[str, Any], change: dict[str, Any], pointer: str, word: str
) -> None:
    refused = refuse(own | change)

    assert refused.code == 422
    found = [fault for fault in refused.faults if fault.pointer == pointer]
    assert found, refused.faults
    assert word in found[0].detail


def test_a_missing_body_is_named(refuse: Refuse, own: dict[str, Any]) -> None:
    del own["body"]

    assert [fault.pointer for fault in refuse(own).faults] == ["/body"]


def test_all_faults_are_reported_at_once(refuse: Refuse) -> None:
    refused = refuse({"headline": "", "urgency": 12, "picture": {"file": "a.jpg"}})

    pointers = {fault.pointer for fault in refused.faults}
    assert pointers == {"/source_id", "/headline", "/body", "/urgency", "/picture/file"}


def test_a_refusal_never_quotes_the_article(refuse: Refuse, own: dict[str, Any]) -> None:
    refused = refuse(own | {"standfirst": "secret words " * 500, "byline": "secret\u0000"})

    assert "secret" not in str(refused)
    assert all("secret" not in fault.detail for fault in refused.faults)


@pytest.mark.parametrize(
    ("raw", "code", "word"),
    [
        (b"", 400, "empty"),
        (b"{", 400, "line 1 column"),
        (b'{"a":\n nope}', 400, "line 2 column"),
        (b"not json", 400, "line 1"),
        (b'{"headline": "\\ud800"}', 400, "line 1"),
        (b'{"headline": "\xff"}', 400, "unicode"),
        (b'{"version": NaN}', 400, "line 1"),
        (b'{"version": ' + b"9" * 6000 + b"}", 400, "number"),
        (b"[" * 100_000, 400, "recursion"),
        (b"[]", 422, "object"),
        (b"null", 422, "object"),
        (b"<recipe/>", 415, "supported formats"),
        (b'{"_id": "x", "headlines": {"basic": "x"}}', 415, "supported formats"),
    ],
)
def test_a_document_that_is_no_article_is_refused_with_a_reason(
    refuse: Refuse, raw: bytes, code: int, word: str
) -> None:
    refused = refuse(raw)

    assert refused.code == code
    assert word in refused.detail


@pytest.mark.parametrize("content_type", [None, "", "application/json; charset=utf-8", "text/plain", "TEXT/JSON"])
def test_a_generic_content_type_does_not_matter(read: Read, own: dict[str, Any], content_type: str | None) -> None:
    assert read(own, content_type).article.headline == "Bridge reopens"


def test_a_content_type_of_something_else_is_refused(refuse: Refuse, own: dict[str, Any]) -> None:
    assert refuse(own, "image/png").code == 415


def test_a_byte_order_mark_is_no_fault(read: Read) -> None:
    raw = b'\xef\xbb\xbf{"source_id": "a", "headline": "b", "body": "c"}'

    assert read(raw).article.headline == "b"


def test_a_stamp_that_is_a_little_ahead_is_taken_with_a_warning(read: Read, own: dict[str, Any]) -> None:
    reading = read(own | {"version_created": "2026-11-22T14:00:00Z"})

    assert reading.article.version_created is not None
    assert any("ahead" in warning for warning in reading.report.warnings)


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_a_removal_needs_an_id_only(read: Read, status: str) -> None:
    article = read({"source_id": "a-1", "status": status}).article

    assert (article.status, article.body) == (status, "")


def test_a_removal_with_an_unknown_section_is_accepted(read: Read) -> None:
    reading = read({"source_id": "a-1", "status": "canceled", "section": "closed"})

    assert reading.article.section == "news"
    assert reading.report.dropped[0].pointer == "/section"


def test_a_removal_with_hostile_markup_is_accepted(read: Read, own: dict[str, Any]) -> None:
    reading = read(own | {"status": "canceled", "body": "<div>" * 20_000})

    assert reading.article.body == ""


@pytest.mark.parametrize("body", ["<div>" * 20_000 + "x", "<p " + "a " * 50_000 + ">x</p>"])
def test_hostile_markup_is_refused_before_any_parser_sees_it(refuse: Refuse, own: dict[str, Any], body: str) -> None:
    refused = refuse(own | {"body": body})

    assert refused.code == 422
    assert [fault.pointer for fault in refused.faults] == ["/body"]


def test_scripts_are_kept_for_the_record_as_they_came(read: Read, own: dict[str, Any]) -> None:
    body = "<p>x</p><script>alert(1)</script>"

    assert read(own | {"body": body}).article.body == body  # enrich sanitises; the revision is evidence


@pytest.mark.parametrize(
    "unseen", ["\u200b\u2060", "\u00ad\u00ad", "\u2800 \u3164", "\ufeff", "\u115f\uffa0", "\U000e0041", "\u0301"]
)
@pytest.mark.parametrize(
    ("field", "pointer"), [("headline", "/headline"), ("authors", "/authors/0/name"), ("topics", "/topics/0/name")]
)
def test_an_invisible_headline_or_name_is_refused(
    refuse: Refuse, own: dict[str, Any], unseen: str, field: str, pointer: str
) -> None:
    error = refuse(own | {field: unseen if field == "headline" else [{"name": unseen}]})

    assert error.code == 422
    assert [(fault.pointer, fault.detail) for fault in error.faults] == [
        (pointer, "is empty or has no visible character")
    ]


def test_a_removal_with_an_invisible_headline_is_accepted(read: Read, own: dict[str, Any]) -> None:
    assert read(own | {"headline": "\u200b", "status": "canceled"}).article.headline == "a-1"


def test_every_text_is_composed_before_it_is_stored(read: Read, own: dict[str, Any]) -> None:
    apart = "Zoe\u0308"
    article = read(
        own
        | {"headline": apart, "byline": apart, "standfirst": apart, "body": f"<p>{apart}</p>", "keywords": [apart]}
        | {"authors": [{"name": apart}], "topics": [{"name": apart}], "picture": {"caption": apart}}
    ).article

    assert apart not in article.model_dump_json()
    assert article.authors[0].name == article.topics[0].name == article.keywords[0] == "Zo\u00eb"


def test_two_spellings_of_a_name_that_look_the_same_are_one(read: Read, own: dict[str, Any]) -> None:
    names = ("Ali", "Ali\u200f", "A\u00adli", "\ufeffAli", "Ali\u200c")
    article = read(own | {"authors": [{"name": name} for name in names]}).article

    assert [author.name for author in article.authors] == ["Ali"]


def test_a_topic_that_is_sent_in_two_spellings_is_kept_once(read: Read, own: dict[str, Any]) -> None:
    spellings = ("Sta\u0308dte", "St\u00e4dte")
    article = read(own | {"topics": [{"name": name} for name in spellings], "keywords": list(spellings)}).article

    assert ([topic.name for topic in article.topics], article.keywords) == (["St\u00e4dte"], ("St\u00e4dte",))


def test_a_body_of_invisible_characters_is_empty(refuse: Refuse, own: dict[str, Any]) -> None:
    assert refuse(own | {"body": "<p>\u2800&#x3164;\u00ad</p>"}).faults[0].pointer == "/body"


@pytest.mark.parametrize("body", ["Below <five degrees", "a <!b", "x </y"])
def test_plain_text_is_never_refused_as_markup(read: Read, own: dict[str, Any], body: str) -> None:
    assert read(own | {"body": body}).article.body == body


def test_characters_that_xml_forbids_are_refused(refuse: Refuse, own: dict[str, Any]) -> None:
    assert refuse(own | {"headline": "a\ufffe"}).faults[0].detail == (
        "holds the control character U+FFFE; send printable text"
    )

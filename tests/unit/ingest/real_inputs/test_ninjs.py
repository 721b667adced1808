"""The given ninjs items and IPTC's conformance suite; skipped where the inputs are absent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from services.ingest.adapters.readers import read_document
from services.ingest.ports import Entry, Reading, ReadingContext, RefusedError, SetAside
from shared.model.article import Status
from tests.unit.ingest.conftest import INPUTS
from tests.unit.ingest.fuzzing import assert_survives

Wire = Callable[[str], bytes]
SUITE = INPUTS / "schemas" / "ninjs-test-suite"
G08 = "g08/articles__unpublish_corrected_article_when_killed.json"
G09 = "g09/content_push__send_content_with_galleries_and_related_content.json"
G10 = "g10/content_push__send_content_with_embedded_images_and_new_lines.json"
G11 = "g11/content_push__checking_secured_content_push.json"


def _documents(raw: bytes) -> list[bytes]:
    """Return the items of a file; a file of extracted steps has several."""
    found = json.loads(raw)
    if isinstance(found, list):
        return [json.dumps(step["body"]).encode() for step in found if "body" in step]
    return [raw]


def _outcome(raw: bytes, context: ReadingContext) -> Entry | RefusedError:
    try:
        (entry,) = read_document(raw, None, context)
    except RefusedError as error:
        return error
    return entry


@pytest.mark.parametrize(
    ("path", "number", "source_id", "headline", "status"),
    [
        ("g01/ninjsExComplex1.json", 0, "http://ninjs.example.com/newsitems/20130709cplx123", "Captain of", "usable"),
        ("g02/1.4-businesswire-newsml-20130605006126.json", 0, "http://www.businesswire.com", "Cambrios", "usable"),
        ("g02/2.1-businesswire-newsml-20130605006126.json", 0, "http://www.businesswire.com", "Cambrios", "usable"),
        ("g02/3.0-businesswire-newsml-20130605006126.json", 0, "http://www.businesswire.com", "Cambrios", "usable"),
        ("g03/2.1-dpa_text.json", 0, "urn:newsml:dpa.com:20090101:190510-99-167362", "Faktencheck", "usable"),
        ("g03/3.0-dpa_text.json", 0, "urn:newsml:dpa.com:20090101:190510-99-167362", "Faktencheck", "usable"),
        ("g06/ninjs4.json", 0, "https://www.futurezone.de/science/", "China behauptet", "usable"),
        ("g07/ninjs_embargoed.json", 0, "fd8e441b-a698-4411-9246-7d5de21cced9", "Trouble is brewing", "usable"),
        (G08, 0, "urn:newsml:localhost:2016-09-23T13:56:39.404843", "Lorem", "usable"),
        (G08, 1, "urn:newsml:localhost:2017-02-02T11:26:59.404843", "lorem corrected", "usable"),
        (G08, 2, "urn:newsml:localhost:2016-09-23T13:56:39.404843", "Abstract html test", "canceled"),
        (G09, 0, "urn:newsml:vijesti-staging-api.superdesk.pro:2019", "In an open carriage", "usable"),
        (G10, 0, "urn:newsml:2018-12-18T14:14:04.591619", "Lorem", "usable"),
        (G11, 0, "urn:newsml:localhost:2016-09-23T13:56:39.404843", "Abstract html test", "usable"),
        ("g11/signed_body.json", 0, "urn:newsml:localhost:2016-09-23T13:56:39.404843", "Abstract html", "usable"),
    ],
)
def test_a_given_item_becomes_an_article(
    wire: Wire, context: ReadingContext, path: str, number: int, source_id: str, headline: str, status: str
) -> None:
    entry = _outcome(_documents(wire(path))[number], context)

    assert isinstance(entry, Reading)
    assert entry.article.source_id.startswith(source_id)
    assert entry.article.headline.startswith(headline)
    assert entry.article.status is Status(status)
    assert entry.article.body or entry.article.status is Status.CANCELED


def test_the_given_picture_is_media_and_the_event_is_refused(wire: Wire, context: ReadingContext) -> None:
    picture, event = (_outcome(wire(path), context) for path in ("g04/ap_image.json", "g05/simpleEvent.json"))

    assert isinstance(picture, SetAside)
    assert picture.status == "media"
    assert isinstance(event, RefusedError)
    assert event.detail == "not an article: type event"


@pytest.mark.parametrize(
    "paths",
    [
        [f"g02/{version}-businesswire-newsml-20130605006126.json" for version in ("1.4", "2.1", "3.0")],
        [f"g03/{version}-dpa_text.json" for version in ("2.1", "3.0")],
    ],
)
def test_given_versions_of_one_article_give_equal_articles(
    wire: Wire, context: ReadingContext, paths: list[str]
) -> None:
    articles = [entry.article for path in paths if isinstance(entry := _outcome(wire(path), context), Reading)]

    assert len(articles) == len(paths)
    assert all(article == articles[0] for article in articles)


def test_the_given_embargo_is_later_than_the_version(wire: Wire, context: ReadingContext) -> None:
    entry = _outcome(wire("g07/ninjs_embargoed.json"), context)

    assert isinstance(entry, Reading)
    assert entry.article.embargo_until == datetime(2022, 6, 29, 2, 30, tzinfo=UTC)


def test_the_given_correction_names_the_item_that_it_rewrites(wire: Wire, context: ReadingContext) -> None:
    original, corrected, killed = (_outcome(raw, context) for raw in _documents(wire(G08)))

    assert isinstance(original, Reading)
    assert isinstance(corrected, Reading)
    assert isinstance(killed, Reading)
    assert corrected.article.replaces == (original.article.source_id,) == (killed.article.source_id,)


def test_the_given_related_article_stays_an_article_of_its_own(wire: Wire, context: ReadingContext) -> None:
    entry = _outcome(_documents(wire(G09))[0], context)

    assert isinstance(entry, Reading)
    assert "Macartney" not in entry.article.body
    assert [each.title for each in entry.article.related] == ["At the pump-room I saw Mr. Macartney"]


def test_the_given_embedded_pictures_are_no_gallery(wire: Wire, context: ReadingContext) -> None:
    entry = _outcome(_documents(wire(G10))[0], context)

    assert isinstance(entry, Reading)
    assert entry.article.pictures == ()
    assert entry.article.picture is not None


def _suite(expected: str) -> list[str]:
    paths = sorted(SUITE.glob(f"*/{expected}/*.json"))
    return [str(path.relative_to(INPUTS)) for path in paths] or [f"schemas/ninjs-test-suite/{expected}"]


@pytest.mark.parametrize("path", _suite("should_pass"))
def test_every_valid_item_of_the_conformance_suite_is_read(wire: Wire, context: ReadingContext, path: str) -> None:
    entry = _outcome(wire(path), context)

    assert isinstance(entry, Reading | SetAside)
    assert not isinstance(entry, SetAside) or entry.status in ("held", "media")


@pytest.mark.parametrize("path", _suite("should_fail"))
def test_every_faulty_item_of_the_conformance_suite_is_refused_or_reported(
    wire: Wire, context: ReadingContext, path: str
) -> None:
    """The rule: no JSON, no id, an unknown type or status refuse the item; any other fault is named in the report."""
    entry = _outcome(wire(path), context)

    if isinstance(entry, RefusedError):
        assert entry.code in (400, 422)
    else:
        assert entry.report.dropped or entry.report.warnings


def test_mutations_of_the_given_items_are_read_or_refused_within_a_second(context: ReadingContext) -> None:
    raws = [raw for path in sorted(INPUTS.glob("g0[1-9]/*.json")) for raw in _documents(path.read_bytes())]
    if not raws:
        pytest.skip("the real items are not on this machine")

    assert assert_survives(raws, context, seed=2) < 1

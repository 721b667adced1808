"""The given feeds and pages; skipped where the inputs are absent."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from lxml import html

from services.ingest.ports import Entry, Reading, ReadingContext
from tests.unit.ingest.conftest import INPUTS, ReadAll
from tests.unit.ingest.fuzzing import assert_survives

Wire = Callable[[str], bytes]
FEEDS = {
    "g34/wenn.xml": ("atom-1.0", 2, "urn:feed-wenn-com:newsfeedarticle:2:2222:1", "Suge Knight involved"),
    "g35/wapowellness.xml": ("rss-2.0", 26, "http://www.washingtonpost.com/lifestyle/wellness/", "Schools minister"),
    "g36/tpm.atom": ("atom-1.0", 20, "tag:talkingpointsmemo.com,2005:ArticleDecorator/270060", "Hannity Announces"),
    "g37/simple.json": ("json-feed-1.1", 2, "2", "This is a second item."),
    "g37/podcast.json": ("json-feed-1.1", 1, "http://therecord.co/chris-parrish", "Special #1 - Chris Parrish"),
}
PAGES = {
    "g40/bbc-1": ("http://www.bbc.com/news/world-us-canada-33646704", "Obama admits US gun laws", 0.9),
    "g40/theverge": ("https://www.theverge.com/23752959/", "Apple\u2019s Vision Pro hands-on", 0.9),
    "g40/videos-2": ("https://next.liberation.fr/culture/2017/11/24/", "Screenshot", 0.95),
}


def articles_in(entries: Sequence[Entry]) -> list[Reading]:
    return [each for each in entries if isinstance(each, Reading)]


@pytest.mark.parametrize("path", FEEDS)
def test_each_entry_of_a_given_feed_has_its_outcome(read_all: ReadAll, wire: Wire, path: str) -> None:
    name, count, source_id, headline = FEEDS[path]

    entries = read_all(wire(path))

    articles = articles_in(entries)
    assert articles[0].report.format == name
    assert len(articles) == count
    assert articles[0].article.source_id.startswith(source_id)
    assert articles[0].article.headline.startswith(headline)
    assert all(each.article.embargo_until is None for each in articles)
    assert {each.status for each in entries if not isinstance(each, Reading)} <= {"media"}
    assert not any("<img" in each.article.body and "pheedo" in each.article.body for each in articles)


def test_relative_links_of_a_given_feed_are_absolute(read_all: ReadAll, wire: Wire) -> None:
    (first, *_) = articles_in(read_all(wire("g36/tpm.atom"), "application/atom+xml"))

    assert first.article.canonical_url == (
        "http://talkingpointsmemo.com/livewire/hannity-announces-fox-hired-sebastian-gorka-national-security-strategist"
    )


@pytest.mark.parametrize("path", PAGES)
def test_a_given_page_has_nearly_the_text_of_its_reference(read_all: ReadAll, wire: Wire, path: str) -> None:
    source_id, headline, similarity = PAGES[path]

    (reading,) = articles_in(read_all(wire(f"{path}.source.html"), "text/html"))

    assert reading.report.format == "html-json-ld"
    assert reading.article.source_id.startswith(source_id)
    assert reading.article.headline.startswith(headline)
    found, wanted = _words(reading.article.body), _words(wire(f"{path}.expected.html").decode())
    assert difflib.SequenceMatcher(None, found, wanted, autojunk=False).ratio() > similarity


def _words(markup: str) -> list[str]:
    return re.findall(r"\w+", " ".join(str(each) for each in html.fromstring(f"<div>{markup}</div>").itertext()))


def test_a_feed_with_one_identifier_and_odd_dates_and_titles_gives_three_articles(read_all: ReadAll) -> None:
    file = INPUTS.parent / "cases" / "37-rss-as-newspapers-write-it" / "feed.xml"
    if not file.is_file():
        pytest.skip("the case is not on this machine")

    articles = [each.article for each in articles_in(read_all(file.read_bytes(), "application/rss+xml"))]

    assert [each.headline for each in articles] == [
        "Don't feed the swans & ducks",
        "Brown & Sons close on Sunday",
        "No date, no guid, a link with spaces",
    ]
    assert len({each.source_id for each in articles}) == 3
    assert articles[0].version_created == datetime(2024, 9, 5, 0, 40, tzinfo=UTC)
    assert articles[1].version_created == datetime(2024, 9, 7, 4, 30, tzinfo=UTC)
    assert articles[2].version_created is None


def test_an_article_in_a_graph_has_its_author_and_no_text_of_boxes(read_all: ReadAll) -> None:
    file = INPUTS.parent / "cases" / "39-json-ld-in-a-graph" / "page.html"
    if not file.is_file():
        pytest.skip("the case is not on this machine")

    (reading,) = articles_in(read_all(file.read_bytes(), "text/html"))

    assert reading.article.headline == "Harbour wall: the bill is in"
    assert [each.name for each in reading.article.authors] == ["Ilse Marran"]
    assert reading.article.first_created == datetime(2026, 5, 2, 6, 10, tzinfo=UTC)
    assert reading.article.version_created == datetime(2026, 5, 2, 9, tzinfo=UTC)
    assert reading.article.body.count("<p>") == 2
    for word in ("newsletter", "More stories", "Cookie"):
        assert word not in reading.article.body


def test_mutations_of_the_given_feeds_and_pages_are_read_or_refused(context: ReadingContext, wire: Wire) -> None:
    raws = [wire(path) for path in FEEDS] + [wire(f"{path}.source.html") for path in PAGES]

    assert_survives(raws, context, 60, 40)

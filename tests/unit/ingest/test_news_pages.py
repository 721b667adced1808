"""HTML pages of articles, with schema.org's JSON-LD, microdata or Open Graph."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.adapters.readers import FORMATS
from services.ingest.adapters.readers.news_pages.facts import without_site
from services.ingest.ports import ReadingContext
from shared.model.article import Status
from tests.unit.ingest.conftest import Read, Refuse
from tests.unit.ingest.fuzzing import assert_survives

FIXTURES = Path(__file__).parent / "fixtures" / "news_pages"
PARAGRAPHS = "".join(
    f"<p>The lamp number {number} arrived on Thursday, and nobody had ordered it before.</p>" for number in range(9)
)
CANONICAL = '<link rel="canonical" href="https://bay.example/lamps">'


def page(data: Any, body: str = PARAGRAPHS, head: str = CANONICAL) -> bytes:
    script = json.dumps(data) if data is not None else "{}"
    return (
        f'<!doctype html><html lang="en"><head>{head}<script type="application/ld+json">{script}</script></head>'
        f"<body><main><article>{body}</article></main></body></html>"
    ).encode()


def article(**fields: Any) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": "Lamps for the pier",
        "datePublished": "2026-11-19T08:00:00Z",
    } | fields


def test_an_article_in_a_graph_is_read_with_its_references(read: Read) -> None:
    reading = read((FIXTURES / "graph.html").read_bytes(), "text/html")

    found = reading.article
    assert reading.report.format == "html-json-ld"
    assert found.source_id == found.canonical_url == "https://bay.example/2026/11/lamps/"
    assert found.headline == "Sixty lamps for the long pier"
    assert found.standfirst == "The council pays for all of them."
    assert [each.name for each in found.authors] == ["Ines Vale", "Tom Orrin"]
    assert found.version_created == datetime(2026, 11, 19, 9, tzinfo=UTC)
    assert found.first_created == found.first_published == datetime(2026, 11, 19, 8, tzinfo=UTC)
    assert (found.section, found.keywords, found.language) == ("world", ("Towns", "lamps", "pier"), "en-GB")
    assert found.picture is not None
    assert (found.picture.caption, found.picture.credit) == ("A lamp on the pier", "Ines Vale")
    assert found.rights is not None
    assert found.rights.holder == "Bay Verlag"
    assert any(each.reason == "is not JSON" for each in reading.report.dropped)


def test_the_text_of_a_page_has_no_boxes_around_it(read: Read) -> None:
    body = read((FIXTURES / "graph.html").read_bytes(), "text/html").article.body

    assert body.count("<p>") == 4
    assert '<a href="https://bay.example/2026/11/lamps/map">' in body
    assert body.index("tide was low") < body.index("https://video.example/embed/7") < body.index("<blockquote>")
    for word in (
        "newsletter",
        "Sign up",
        "More stories",
        "cookies",
        "Cookie",
        "Share",
        "Home",
        "<h1",
        "By Ines",
        "<time",
    ):
        assert word not in body


def test_microdata_is_read_where_json_ld_has_no_article(read: Read) -> None:
    reading = read((FIXTURES / "microdata.html").read_bytes(), "text/html")

    assert reading.report.format == "html-microdata"
    assert reading.article.source_id == "https://quai.example/jetee"
    assert reading.article.headline == "La jetée est ouverte"
    assert [each.name for each in reading.article.authors] == ["Inès Vale"]
    assert reading.article.version_created == datetime(2026, 11, 19, 7, tzinfo=UTC)
    assert reading.article.language == "fr"
    assert reading.article.body.count("<p>") == 2


def test_open_graph_is_read_where_no_other_data_is(read: Read) -> None:
    head = (
        CANONICAL + '<meta property="og:type" content="article"><meta property="og:title" content="Lamps | The Bay">'
        '<meta property="og:site_name" content="The Bay">'
        '<meta property="article:published_time" content="2026-11-19T08:00:00Z">'
        '<meta name="author" content="Ada Marlow">'
        '<meta property="article:section" content="World"><meta property="article:tag" content="Pier">'
    )

    reading = read(page(None, head=head), "text/html")

    assert reading.report.format == "html-open-graph"
    assert reading.article.headline == "Lamps"
    assert [each.name for each in reading.article.authors] == ["Ada Marlow"]
    assert (reading.article.section, reading.article.keywords) == ("world", ("Pier",))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"isAccessibleForFree": False}, "members only"),
        ({"isAccessibleForFree": "False"}, "members only"),
        ({"isAccessibleForFree": "http://schema.org/False"}, "members only"),
        ({"hasPart": {"@type": "WebPageElement", "isAccessibleForFree": False}}, "members only"),
        ({"creativeWorkStatus": "Draft"}, "creativeWorkStatus"),
    ],
)
def test_a_page_that_is_not_for_everybody_is_held_and_withdrawn(
    read: Read, fields: dict[str, Any], reason: str
) -> None:
    reading = read(page(article(**fields)), "text/html")

    assert reading.article.status is Status.WITHHELD
    assert reason in reading.held_because


def test_a_locked_page_is_held(read: Read) -> None:
    head = CANONICAL + '<meta property="article:content_tier" content="locked">'

    assert read(page(article(), head=head), "text/html").held_because


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"@type": "WebSite", "name": "Bay"}, "a home page"),
        ({"@type": "VideoObject", "name": "A film"}, "a video"),
        ({"@type": "ItemList", "itemListElement": [article(), article()]}, "a list of articles"),
        ([article(headline=f"Story {number}", url=f"https://bay.example/{number}") for number in range(6)], "a list"),
        ({"@type": "Event", "name": "A fair"}, "an event"),
        (None, "no article"),
    ],
)
def test_a_page_that_is_no_article_is_refused_with_the_reason(refuse: Refuse, data: Any, word: str) -> None:
    error = refuse(page(data, head='<link rel="canonical" href="https://bay.example/">'), "text/html")

    assert error.code == 422
    assert word in error.detail


def test_a_home_page_is_refused(refuse: Refuse) -> None:
    assert "a home page" in refuse((FIXTURES / "home.html").read_bytes(), "text/html").detail


def test_the_article_with_the_pages_address_is_used(read: Read) -> None:
    other = article(
        headline="Another story", url="https://bay.example/other", wordCount=1, dateModified="2026-11-20T08:00:00Z"
    )

    reading = read(page([other, article(url="https://bay.example/lamps/")]), "text/html")

    assert reading.article.headline == "Lamps for the pier"


def test_a_canonical_link_to_a_home_page_is_not_the_identity(read: Read) -> None:
    head = '<link rel="canonical" href="https://bay.example/">'

    reading = read(page(article(url="https://bay.example/lamps"), head=head), "text/html")

    assert reading.article.source_id == "https://bay.example/lamps"
    assert any("home page" in warning for warning in reading.report.warnings)


def test_an_article_body_with_tags_is_used(read: Read) -> None:
    body = "<p>First.</p><p>Second.</p>"

    assert read(page(article(articleBody=body)), "text/html").article.body == body


def test_a_plain_article_body_is_used_if_the_page_has_much_less_text(read: Read) -> None:
    text = "\n\n".join(f"Paragraph {number} of the long story about lamps and piers." for number in range(40))

    reading = read(page(article(articleBody=text), body="<p>Read on in our app, where all of it is.</p>"), "text/html")

    assert reading.article.body.count("<p>") == 40


def test_a_cut_headline_is_completed_from_the_title(read: Read) -> None:
    head = CANONICAL + "<title>Lamps for the pier and for the town | Bay</title>"

    reading = read(
        page(
            article(headline="Lamps for the pier and…", publisher={"@type": "Organization", "name": "Bay"}), head=head
        ),
        "text/html",
    )

    assert reading.article.headline == "Lamps for the pier and for the town"


def test_a_correction_is_public_and_an_address_of_one_is_not(read: Read) -> None:
    note = {"@type": "CorrectionComment", "text": "An earlier version named the wrong pier."}

    assert read(page(article(correction=note)), "text/html").article.correction_note == note["text"]
    assert read(page(article(correction="https://bay.example/c")), "text/html").article.correction_note is None


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("Lamps - The Bay", "Lamps"),
        ("The Bay | Lamps", "Lamps"),
        ("Lamps \u2013 on the pier \u2013 The Bay", "Lamps \u2013 on the pier"),
        ("Lamps - Sport - The Bay", "Lamps - Sport"),
        ("The Bay", "The Bay"),
    ],
)
def test_the_sites_name_is_no_part_of_the_headline(title: str, headline: str) -> None:
    assert without_site(title, frozenset({"the bay"})) == headline


def test_a_page_without_a_text_is_refused(refuse: Refuse) -> None:
    assert refuse(page(article(), body=""), "text/html").faults[0].pointer == "/html/body"


def test_the_example_is_read(read: Read) -> None:
    format_ = next(each for each in FORMATS if each.name == "html")

    found = read(format_.example.encode(), "text/html").article

    assert found.headline == "Harbour bridge reopens after two years of repairs"
    assert found.body.count("<p>") == 2


def test_the_fixtures_survive_mutations(context: ReadingContext) -> None:
    assert assert_survives([file.read_bytes() for file in sorted(FIXTURES.iterdir())], context, 200, 39) < 1


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 1_500,
        "<p>some words here, and more. " * 1_500,
        "<div></div>" * 1_500,
        "<b>" * 1_500,
        f"<p>{' ' * 300_000}x</p>",
        '<p title="' + "<" * 1_500 + '">x</p>',
        '<div class="' + "share " * 30_000 + '">x</div>',
        "<p {x=1 }y=2 a{b>Text with odd attributes.</p><a{b>x</a{b>",
        "<h2>related</h2><ul><li><a href=x>y</a></li></ul>" * 1_500,
    ],
    ids=["deep", "paragraphs", "empty", "formatting", "spaces", "attribute", "class", "names", "lists"],
)
def test_a_hostile_page_takes_little_time(context: ReadingContext, body: str) -> None:
    assert assert_survives([page(article(), body=PARAGRAPHS + body)], context, 1, 1) < 1

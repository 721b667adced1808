"""An article's dates in the whole pipeline: publication, last change, and the 48 hours of the news sitemap."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

from tests.functional.conftest import NOON, Pipeline

WORDS = "<p>From Monday on.</p>"


def at(hours: float) -> str:
    return (NOON + timedelta(hours=hours)).isoformat()


def dates_of(pipeline: Pipeline, article: str) -> tuple[datetime, datetime]:
    """Return (datePublished, dateModified) of an article's page."""
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', pipeline.page_of(article))
    described = next(found for found in map(json.loads, blocks) if found["@type"] == "NewsArticle")
    published, modified = (datetime.fromisoformat(described[name]) for name in ("datePublished", "dateModified"))
    return published, modified


def test_an_embargoed_article_is_dated_and_placed_by_its_release(pipeline: Pipeline) -> None:
    pipeline.post(source_id="other", headline="Council meets in full", version_created=at(-20))
    accepted = pipeline.post(
        headline="The awaited report", version_created=at(-70), first_created=at(-72), embargo_until=at(1)
    )
    pipeline.tick()

    pipeline.now = NOON + timedelta(hours=1, seconds=1)
    pipeline.tick()

    due = NOON + timedelta(hours=1)
    assert dates_of(pipeline, accepted.article) == (due, due)
    assert (pipeline.record(accepted.article).path or "").startswith("world/2026/11/01/")
    for path in ("index.html", "feed.xml", "world/index.html", "archive/2026/11/01/index.html"):
        page = pipeline.page(path)
        assert "The awaited report" in page, path
        assert "Council meets in full" not in page or page.index("The awaited") < page.index("Council meets"), path
    assert "The awaited report" in pipeline.page("sitemap-news.xml")


def test_an_article_that_was_killed_under_embargo_is_dated_by_its_restore(pipeline: Pipeline) -> None:
    accepted = pipeline.post(version_created=at(-70), embargo_until=at(1))
    pipeline.act("kill", accepted.article)
    pipeline.tick()
    pipeline.now = NOON + timedelta(hours=5)

    pipeline.act("restore", accepted.article)
    pipeline.tick()

    assert dates_of(pipeline, accepted.article)[0] == (NOON + timedelta(hours=5)).replace(microsecond=0)


def test_the_modification_date_changes_with_the_text_and_not_with_a_keyword_a_repetition_or_a_restore(
    pipeline: Pipeline,
) -> None:
    article = pipeline.post(version_created=at(-6), body="<p>From Mondey on.</p>", keywords=["market"]).article
    pipeline.post(version_created=at(-4), body=WORDS, keywords=["market"])
    pipeline.post(version_created=at(-2), body=WORDS, keywords=["market", "Eastmere"])
    pipeline.post(version_created=at(-1), body=WORDS, keywords=["market", "Eastmere"])
    pipeline.tick()
    assert dates_of(pipeline, article) == (NOON - timedelta(hours=6), NOON - timedelta(hours=4))
    assert "Eastmere" in pipeline.page_of(article)

    pipeline.act("kill", article)
    pipeline.tick()
    pipeline.act("restore", article)
    pipeline.tick()

    assert dates_of(pipeline, article) == (NOON - timedelta(hours=6), NOON - timedelta(hours=4))


def test_a_late_older_revision_moves_both_dates(pipeline: Pipeline) -> None:
    article = pipeline.post(version_created=at(-2), body="<p>From Mondey on.</p>").article
    pipeline.post(version_created=at(-1), body=WORDS)
    pipeline.tick()
    assert dates_of(pipeline, article) == (NOON - timedelta(hours=2), NOON - timedelta(hours=1))

    pipeline.post(version_created=at(-1.5), body=WORDS)
    pipeline.post(version_created=at(-3), body="<p>From Mondey on.</p>")
    pipeline.tick()

    assert dates_of(pipeline, article) == (NOON - timedelta(hours=3), NOON - timedelta(hours=1.5))


def test_an_article_leaves_the_news_sitemap_after_48_hours_although_nothing_else_is_published(
    pipeline: Pipeline,
) -> None:
    pipeline.post(source_id="1", headline="Forty-nine hours ago", version_created=at(-49))
    pipeline.post(source_id="2", headline="Forty-seven hours ago", version_created=at(-47))
    pipeline.post(source_id="3", headline="Forty-six hours ago", version_created=at(-46))
    pipeline.tick()
    news = pipeline.page("sitemap-news.xml")
    assert "Forty-nine" not in news
    assert news.index("Forty-six") < news.index("Forty-seven")

    pipeline.now = NOON + timedelta(hours=1, seconds=1)
    pipeline.tick()
    news = pipeline.page("sitemap-news.xml")
    assert "Forty-seven" not in news
    assert "Forty-six" in news

    pipeline.now = NOON + timedelta(hours=2, seconds=1)
    pipeline.tick()
    assert "Forty-six" not in pipeline.page("sitemap-news.xml")


def test_an_archive_item_of_1880_is_dated_by_its_creation_everywhere(pipeline: Pipeline) -> None:
    article = pipeline.post(
        headline="First train crosses", version_created=None, first_created="1880-03-05T03:40:00Z"
    ).article
    pipeline.tick()

    assert dates_of(pipeline, article)[0] == datetime.fromisoformat("1880-03-05T03:40:00Z")
    assert (pipeline.record(article).path or "").startswith("world/1880/03/05/")
    assert "First train crosses" in pipeline.page("archive/1880/03/05/index.html")
    assert "First train crosses" not in pipeline.page("sitemap-news.xml")
    assert "<pubDate>Fri, 05 Mar 1880 03:40:00 +0000</pubDate>" in pipeline.page("feed.xml")
    for path, (body, _) in pipeline.site_bytes().items():
        assert not re.search(rb"[+-]\d\d:\d\d:\d\d", body), path

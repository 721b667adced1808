"""One article at several sites is an article at each, and canonical at the first."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import uuid4

import pytest

from services.ingest.domain.accepted import Accepted
from services.ingest.domain.refusal import RefusedError
from services.ingest.handler import accept, store_picture
from services.ingest.ports import SubmissionMetadata
from shared.messaging.messages import Message, PagesRendered, Submission, SubmitArticles
from shared.messaging.page_bundle import ArticlePage, read_bundle
from shared.model.article import Article
from shared.model.lane import Lane
from shared.site import keys
from shared.site.sites import Section, Site
from tests.functional.conftest import Pipeline, an_article, next_page_of_article, pages_in


@pytest.fixture
def weekly(pipeline: Pipeline) -> Site:
    """Add a second site without a section `world`; return it."""
    sections = (Section(id="stories", name="Stories"), Section(id="news", name="News"))
    site = pipeline.site.model_copy(update={"id": "weekly", "default_section": "stories", "sections": sections})
    object.__setattr__(pipeline.ingest_deps, "sites", {"epn": pipeline.site, "weekly": site})
    return site


def post_to(pipeline: Pipeline, target: Site, *, canonical_site: str | None = None, **fields: Any) -> Accepted:
    return accept(
        json.dumps(an_article(**fields)).encode(),
        SubmissionMetadata(
            content_type="application/json",
            site=target,
            feed=target.feeds[0],
            received_at=pipeline.now,
            may_take_down=True,
            canonical_site=canonical_site,
        ),
        pipeline.ingest_deps,
    )


def stored_article(pipeline: Pipeline, accepted: Accepted) -> Article:
    return pipeline.ingest_deps.revisions.get(accepted.site, accepted.article, accepted.revision).article


def test_an_article_at_a_further_site_names_its_canonical_site(pipeline: Pipeline, weekly: Site) -> None:
    first = post_to(pipeline, pipeline.site, site="epn")
    other = post_to(pipeline, weekly, canonical_site="epn", site="epn")

    assert stored_article(pipeline, first).canonical_site is None
    article = stored_article(pipeline, other)
    assert (article.site, article.canonical_site, article.canonical_article) == ("weekly", "epn", first.article)
    assert other.article == keys.article_id("weekly", "desk", "story-1")


def test_a_section_that_a_further_site_lacks_becomes_its_default_with_a_warning(
    pipeline: Pipeline, weekly: Site
) -> None:
    other = post_to(pipeline, weekly, canonical_site="epn", section="world")
    known = post_to(pipeline, weekly, canonical_site="epn", section="news", source_id="story-2")

    assert stored_article(pipeline, other).section == "stories"
    assert "section" in other.report.warnings[0]
    assert "/section" in [dropped.pointer for dropped in other.report.dropped]
    assert (stored_article(pipeline, known).section, known.report.warnings) == ("news", ())


def test_an_unknown_section_at_the_only_site_is_refused(pipeline: Pipeline, weekly: Site) -> None:
    with pytest.raises(RefusedError):
        post_to(pipeline, weekly, section="world")


def test_a_picture_of_the_canonical_site_is_copied_to_further_sites(
    pipeline: Pipeline, weekly: Site, a_picture: bytes
) -> None:
    store_picture(a_picture, pipeline.site, pipeline.ingest_deps)
    digest = hashlib.sha256(a_picture).hexdigest()
    other = post_to(pipeline, weekly, canonical_site="epn", picture={"media": digest})

    assert pipeline.content.get(keys.media_key("weekly", digest)).body == a_picture
    picture = stored_article(pipeline, other).picture
    assert picture is not None
    assert (picture.width, picture.height, picture.content_type) == (8, 6, "image/png")


def test_a_picture_that_no_site_has_is_refused(pipeline: Pipeline, weekly: Site) -> None:
    with pytest.raises(RefusedError):
        post_to(pipeline, weekly, canonical_site="epn", picture={"media": "0" * 64})


def test_a_submission_that_is_read_later_keeps_its_canonical_site(pipeline: Pipeline, weekly: Site) -> None:
    feed = weekly.feeds[0].id
    submitted = Submission(receipt="r", raw_key="raw/x", feed=feed, received_at=pipeline.now, canonical_site="epn")
    message = SubmitArticles(message_id=uuid4(), lane=Lane.BULK, site="weekly", submissions=(submitted,))
    pipeline.content.put("raw/x", json.dumps(an_article()).encode())
    pipeline.deliver(message)

    article = keys.article_id("weekly", "desk", "story-1")
    [name] = pipeline.ingest_deps.revisions.names("weekly", article)
    assert pipeline.ingest_deps.revisions.get("weekly", article, name).article.canonical_site == "epn"


def test_a_kill_that_a_wire_sends_to_the_same_sites_takes_down_all(pipeline: Pipeline, weekly: Site) -> None:
    post_to(pipeline, pipeline.site)
    post_to(pipeline, weekly, canonical_site="epn")
    later = {"status": "canceled", "version_created": "2026-11-01T11:00:00Z", "body": None, "headline": None}
    gone = [post_to(pipeline, pipeline.site, **later), post_to(pipeline, weekly, canonical_site="epn", **later)]

    for killed in gone:
        assert list(pipeline.content.list_keys(keys.tombstone_prefix(killed.site, killed.article)))


def test_an_action_affects_only_its_own_site(pipeline: Pipeline, weekly: Site) -> None:
    first = post_to(pipeline, pipeline.site)
    other = post_to(pipeline, weekly, canonical_site="epn")
    pipeline.act("kill", first.article)

    assert pipeline.ingest_deps.revisions.names("weekly", other.article) == [other.revision]
    assert not list(pipeline.content.list_keys(keys.tombstone_prefix("weekly", other.article)))


def test_the_page_at_a_further_site_links_to_the_canonical_address(pipeline: Pipeline, weekly: Site) -> None:
    object.__setattr__(pipeline.render_deps, "sites", {"epn": pipeline.site, "weekly": weekly})
    post_to(pipeline, pipeline.site)
    pipeline.run()
    pipeline.tick()
    home = next(path for path in pipeline.public.list_keys("world/2026/") if "ferry-returns" in path)
    post_to(pipeline, weekly, canonical_site="epn")
    message = next_page_of_article(pipeline)

    address = f'<link rel="canonical" href="{pipeline.site.base_url}{keys.url_path(home)}">'
    assert address in next(body for _, body in read_bundle(message, ArticlePage, pipeline.content)).decode()


def test_a_card_at_a_further_site_is_not_canonical(pipeline: Pipeline, weekly: Site) -> None:
    object.__setattr__(pipeline.render_deps, "sites", {"epn": pipeline.site, "weekly": weekly})
    post_to(pipeline, pipeline.site)
    post_to(pipeline, weekly, canonical_site="epn")
    post_to(pipeline, weekly, source_id="own", section="news")
    cards = [page.card for message in pipeline.queue for page in _pages(pipeline, message) if page.card]

    assert [card.is_canonical for card in cards] == [True, False, True]


def _pages(pipeline: Pipeline, message: Message) -> list[ArticlePage]:
    """Deliver a message and its follow-ups; return the descriptions of the rendered pages."""
    if isinstance(message, PagesRendered):
        return [page for page in pages_in(message) if isinstance(page, ArticlePage)]
    return [page for each in pipeline.deliver(message) for page in _pages(pipeline, each)]

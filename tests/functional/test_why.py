"""`why`: the provenance of a page, and the reasons why it is not current."""

from __future__ import annotations

import pytest

from services.ingest.domain.reasons import Reasons
from services.ingest.handler.why import Inspection, explain, path_of
from shared.messaging.messages import ArticlesEnriched
from tests.functional.conftest import Pipeline


def why(pipeline: Pipeline, url: str) -> Reasons:
    inspection = Inspection(
        content=pipeline.content,
        public=pipeline.public,
        revisions=pipeline.ingest_deps.revisions,
        index=pipeline.index,
        quarantine=pipeline.scheduler_deps.quarantine,
        backlog=pipeline.backlog,
        sites=pipeline.ingest_deps.sites,
        clock=lambda: pipeline.now,
    )
    return explain(url, pipeline.site, inspection)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/", "index.html"),
        ("", "index.html"),
        ("https://epn.example/world/?utm=x", "world/index.html"),
        ("/world", "world/index.html"),
        ("/feed.xml", "feed.xml"),
        ("/world/2026/11/01/%C3%A9-abc/", "world/2026/11/01/é-abc/index.html"),
        ("/topics/e%CC%81/", "topics/é/index.html"),  # decomposed, as some keyboards type
        ("/topics/%e4%b8%ad/", "topics/中/index.html"),
        ("/topics/中/", "topics/中/index.html"),
    ],
)
def test_an_address_becomes_a_key_of_the_public_bucket(url: str, path: str) -> None:
    assert path_of(url) == path


def test_why_names_the_provenance_of_an_articles_page(pipeline: Pipeline) -> None:
    older = pipeline.post(source_id="older", headline="The one before", version_created="2026-11-01T09:00:00Z")
    pipeline.tick()
    accepted = pipeline.post()
    pipeline.run()
    message = next(each for each in [pipeline.record(accepted.article)] if each.path)
    pipeline.tick()

    found = why(pipeline, f"/{(message.path or '').removesuffix('index.html')}")

    assert (found.kind, found.status, found.article, found.revision) == (
        *("article", 200),
        *(accepted.article, accepted.revision),
    )
    assert found.shows == [older.article]
    assert found.made is not None
    assert found.made.by == "render/1"
    assert found.made.message is not None
    assert found.made.message.startswith(ArticlesEnriched.__name__)
    assert found.made.at is not None
    assert "revisions=1" in (found.made.inputs or "")
    assert found.made.sha256 == pipeline.record(accepted.article).pages[found.path].sha256
    assert found.is_current
    assert found.waits_for == []


def test_why_names_the_listing_of_a_page_and_its_inputs(pipeline: Pipeline) -> None:
    pipeline.post()
    pipeline.tick()

    found = why(pipeline, "/")

    assert (found.kind, found.listing, found.is_current) == ("listing", "home", True)
    assert found.made is not None
    assert "cards=1" in (found.made.inputs or "")


def test_why_names_the_reason_for_a_stale_page(pipeline: Pipeline) -> None:
    first = pipeline.post()
    pipeline.tick()
    path = pipeline.record(first.article).path or ""
    newer = pipeline.post(headline="A newer headline", version_created="2026-11-01T11:00:00Z")

    found = why(pipeline, path)

    assert not found.is_current
    assert newer.revision in found.waits_for[0]
    pipeline.index.mark_stale(pipeline.site, "home")
    assert "the listing has changed" in why(pipeline, "/").waits_for[0]
    pipeline.run()
    pipeline.tick()
    assert why(pipeline, "/").is_current
    assert why(pipeline, path).is_current


def test_why_names_a_changed_card_on_an_articles_page(pipeline: Pipeline) -> None:
    pipeline.post(source_id="older", headline="The one before", version_created="2026-11-01T09:00:00Z")
    pipeline.tick()
    accepted = pipeline.post()
    pipeline.tick()
    path = pipeline.record(accepted.article).path or ""
    page = f"article.{accepted.article}"
    pipeline.index.mark_stale(pipeline.site, page)

    assert "a card on the page has changed" in why(pipeline, path).waits_for[0]


def test_why_names_a_dead_letter(pipeline: Pipeline) -> None:
    first = pipeline.post()
    pipeline.tick()
    newer = pipeline.post(headline="Newer", version_created="2026-11-01T11:00:00Z")
    pipeline.queue.clear()
    pipeline.scheduler_deps.quarantine.add("epn", newer.article, newer.revision, 60)

    assert "is a dead letter" in why(pipeline, pipeline.record(first.article).path or "").waits_for[0]


def test_why_names_an_incomplete_index_for_every_listing(pipeline: Pipeline) -> None:
    pipeline.post()
    pipeline.tick()
    pipeline.index.clear(pipeline.site)

    assert "restored from the bucket" in why(pipeline, "/").waits_for[0]


def test_why_distinguishes_an_unknown_address_from_a_removed_page(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.tick()
    path = pipeline.record(accepted.article).path or ""
    pipeline.post(status="canceled", body="", version_created="2026-11-01T11:00:00Z")
    pipeline.tick()

    gone, nothing = why(pipeline, path), why(pipeline, "/nowhere/")

    assert (gone.kind, gone.status, gone.revision, gone.is_current) == ("article", 410, None, True)
    assert (nothing.kind, nothing.status) == ("nothing of ours", 404)

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from shared.messaging.messages import ArticleRevision, ArticlesAccepted
from shared.site import keys
from tests.functional.conftest import Pipeline

HOME = "index.html"


def test_a_posted_article_becomes_a_page_that_readers_can_open(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Ferry returns to Port Almina")
    pipeline.run()

    page = pipeline.page_of(accepted.article)
    assert "Ferry returns to Port Almina" in page
    assert "The pier is repaired." in page
    assert pipeline.record(accepted.article).path == (
        f"world/2026/11/01/ferry-returns-to-port-almina-{accepted.article[:6]}/index.html"
    )


def test_a_receipt_lists_every_stage_and_the_address(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()

    receipt = pipeline.ingest_deps.receipts.find(accepted.receipt)
    assert receipt is not None
    assert receipt.status == "live"
    assert [stage.name for stage in receipt.stages] == ["accepted", "enriched", "rendered", "published", "live"]
    assert (
        receipt.url == f"http://edge.test/{(pipeline.record(accepted.article).path or '').removesuffix('index.html')}"
    )


def test_an_article_enters_the_listings_only_after_its_page_is_public(pipeline: Pipeline) -> None:
    pipeline.tick()  # the first, empty front page
    before = len(pipeline.public.puts)
    accepted = pipeline.post(headline="Articles come first")
    pipeline.tick()

    puts = pipeline.public.puts[before:]
    assert "Articles come first" in pipeline.page(HOME)
    assert "Articles come first" in pipeline.page("_rail/latest.html")
    assert puts[0] == pipeline.record(accepted.article).path
    assert HOME in puts


def test_a_path_is_claimed_before_the_first_put_to_it(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    claims: list[tuple[str, ...]] = []
    put = pipeline.public.put

    def record_and_put(key: str, *args: object, **kwargs: object) -> object:
        claims.append(pipeline.record(accepted.article).claimed)
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    pipeline.public.put = record_and_put  # type: ignore[assignment, method-assign]
    pipeline.run()

    assert claims
    assert all(pipeline.record(accepted.article).path in claimed for claimed in claims)


def test_the_files_that_a_page_needs_are_public_before_the_page(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()

    puts = pipeline.public.puts
    page = puts.index(pipeline.record(accepted.article).path or "")
    assets = [position for position, path in enumerate(puts) if path.startswith("assets/")]
    assert assets
    assert max(assets) < page


def test_no_page_names_a_theme_file_that_is_not_public(pipeline: Pipeline) -> None:
    pipeline.post()
    named: dict[str, set[str]] = {}
    put = pipeline.public.put

    def record_and_put(key: str, body: bytes, **more: Any) -> object:
        named[key] = set(re.findall(r"assets/[\w.-]+", body.decode())) if not key.startswith("assets/") else set()
        assert all(pipeline.public.find_head(asset) for asset in named[key]), key
        return put(key, body, **more)

    pipeline.public.put = record_and_put  # type: ignore[assignment, method-assign]
    pipeline.tick()

    assert {"icon", "page", "search"} <= {
        asset.split(".")[0].rpartition("-")[2] for asset in named["search/index.html"]
    }
    assert len(named["manifest.webmanifest"]) == 4
    assert not named["feed.xml"]


def test_the_same_bytes_again_are_a_duplicate_and_publish_nothing(pipeline: Pipeline) -> None:
    first = pipeline.post()
    pipeline.tick()
    puts, purges = len(pipeline.public.puts), len(pipeline.edge.purged)

    again = pipeline.post()
    pipeline.tick()

    assert (again.status, again.revision, again.receipt) == ("duplicate", first.revision, first.receipt)
    assert (len(pipeline.public.puts), len(pipeline.edge.purged)) == (puts, purges)


def test_a_page_rendered_again_to_the_same_bytes_is_not_put_again(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.tick()
    puts = list(pipeline.public.puts)

    again = ArticlesAccepted(
        message_id=uuid4(),
        site="epn",
        articles=(ArticleRevision(article=accepted.article, revision=accepted.revision),),
    )
    pipeline.queue.append(again)
    pipeline.tick()

    assert pipeline.public.puts == puts


def test_many_articles_refresh_the_front_page_a_few_times(pipeline: Pipeline) -> None:
    pipeline.tick()  # the first, empty front page
    before = pipeline.public.puts.count(HOME)
    for number in range(40):
        pipeline.post(source_id=f"story-{number}", headline=f"Story number {number}")
    pipeline.run()
    pipeline.tick()

    assert "Story number 39" in pipeline.page(HOME)
    assert pipeline.public.puts.count(HOME) - before < 40


def test_a_typo_corrected_in_the_body_changes_one_page(pipeline: Pipeline) -> None:
    accepted = pipeline.post(body="<p>A tpyo.</p>")
    pipeline.tick()
    puts = len(pipeline.public.puts)

    pipeline.post(body="<p>A typo.</p>", version_created="2026-11-01T10:05:00Z")
    pipeline.tick()

    assert pipeline.public.puts[puts:] == [pipeline.record(accepted.article).path]
    assert "A typo." in pipeline.page_of(accepted.article)


def test_a_corrected_headline_does_not_move_the_page(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Fery returns")
    pipeline.run()
    path = pipeline.record(accepted.article).path

    pipeline.post(headline="Ferry returns", version_created="2026-11-01T10:05:00Z")
    pipeline.run()

    assert pipeline.record(accepted.article).path == path
    assert "Ferry returns" in pipeline.page_of(accepted.article)


def test_an_article_that_changes_section_leaves_a_redirect(pipeline: Pipeline) -> None:
    accepted = pipeline.post(section="world")
    pipeline.run()
    old = pipeline.record(accepted.article).path or ""

    pipeline.post(section="business", version_created="2026-11-01T10:05:00Z")
    pipeline.run()

    new = pipeline.record(accepted.article).path or ""
    assert new.startswith("business/")
    assert pipeline.status_at(old) == "301"
    assert pipeline.public.get(old).head.metadata["location"] == f"/{new.removesuffix('index.html')}"


def test_a_pictures_bytes_are_private_until_a_page_shows_them(pipeline: Pipeline, a_picture: bytes) -> None:
    from services.ingest.handler import store_picture

    stored = store_picture(a_picture, pipeline.site, pipeline.ingest_deps)
    assert pipeline.site_bytes() == {}

    accepted = pipeline.post(picture={"media": stored.media, "caption": "The harbour", "alt": "Boats"})
    pipeline.run()

    path = f"media/{stored.media}/8.png"
    page = pipeline.page_of(accepted.article)
    assert pipeline.public.get(path).body == a_picture
    assert f'src="/{path}"' in page
    assert 'width="8"' in page
    assert 'height="6"' in page
    assert pipeline.public.puts.index(path) < pipeline.public.puts.index(pipeline.record(accepted.article).path or "")


def test_the_purge_names_the_article_and_its_path(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()

    path = (pipeline.record(accepted.article).path or "").removesuffix("index.html")
    assert f"article:{accepted.article}" in pipeline.edge.purged
    assert f"path:/{path}" in pipeline.edge.purged


def test_a_typo_corrected_in_the_body_renders_and_purges_one_page(pipeline: Pipeline) -> None:
    accepted = pipeline.post(body="<p>A tpyo.</p>", version_created="2026-11-01T10:00:00Z")
    pipeline.tick()
    pipeline.edge.purged.clear()

    pipeline.post(body="<p>A typo.</p>", version_created="2026-11-01T11:00:00Z")
    pipeline.tick()

    path = pipeline.record(accepted.article).path or ""
    assert set(pipeline.edge.purged) == {f"article:{accepted.article}", keys.path_surrogate_key(path)}

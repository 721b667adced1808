"""Rebuilds: every page once, during live publication, and no PUT without a change."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.desk.domain.rebuild import Run
from services.desk.handler.preview import differences, report, zipped_theme
from services.desk.handler.rebuild import Rebuild, RunEndedError, clear_preview, mark_listings_stale
from services.desk.handler.selection import select
from services.enrich import handler as enrich_handler
from services.enrich.domain.rules import ENRICHERS
from services.enrich.domain.state import EnrichmentState
from services.ingest.handler import store_picture
from services.render.handler import page_version
from services.render.ports import Theme
from shared.messaging.messages import ArticlesAccepted, ArticlesEnriched, PagesRendered
from shared.messaging.page_bundle import ArticlePage
from shared.messaging.pipeline import RENDER_ARTICLES
from shared.model.article import SafeHtml
from shared.runtime.errors import IndexIncompleteError
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.site import keys
from shared.site.page_versions import VersionCount
from shared.storage import Etag
from tests.functional.conftest import ARTICLES, HANDLERS, Pipeline, a_theme, pages_in
from tests.functional.failing_store import failing_store


def a_rebuild(pipeline: Pipeline, **options: object) -> Rebuild:
    rebuild = resumed(
        pipeline, Run.model_validate({"site": "epn", "run": "run-1", "started_at": pipeline.now} | options)
    )
    rebuild.begin()
    return rebuild


def resumed(pipeline: Pipeline, run: Run) -> Rebuild:
    count = VersionCount(
        pipeline.site, page_version(pipeline.theme, pipeline.site), public=pipeline.public, sites=[pipeline.site]
    )
    selected = select(run, pipeline.site, content=pipeline.content, index=pipeline.index, version_count=count)
    return Rebuild(
        run, pipeline.content, RedisRuns(pipeline.redis), pipeline.take, lambda: 0, lambda: pipeline.now, selected
    )


def finish(rebuild: Rebuild, pipeline: Pipeline) -> None:
    for _ in range(50):
        if not rebuild.go_on():
            return
        pipeline.run()
    raise AssertionError(rebuild.open_batches)


def rendered(pipeline: Pipeline, rebuild: Rebuild) -> PagesRendered:
    """Return the pages that render makes of the first batch of a rebuild; the queue is empty afterwards."""
    rebuild.go_on()
    (message,) = pipeline.queue
    pipeline.queue.clear()
    (pages,) = pipeline.deliver(message)
    assert isinstance(pages, PagesRendered)
    return pages


def test_a_new_theme_reaches_every_page_once(pipeline: Pipeline, site: list[str], other_theme: Theme) -> None:
    pipeline.theme = other_theme
    rebuild = a_rebuild(pipeline)

    finish(rebuild, pipeline)
    mark_listings_stale(pipeline.index, pipeline.site, rebuild.run)
    pipeline.tick()

    pages = [pipeline.record(article).path for article in site]
    assert [pipeline.public.puts.count(page or "") for page in pages] == [1] * ARTICLES
    assert all("Made anew" in pipeline.page(page or "") for page in pages)
    assert "Made anew" in pipeline.page("index.html")
    assert rebuild.run.is_done
    assert (rebuild.counts.changed, rebuild.counts.unchanged) == (ARTICLES, 0)


def test_a_rebuild_without_changes_puts_and_purges_nothing(pipeline: Pipeline, site: list[str]) -> None:
    before = pipeline.site_bytes()
    rebuild = a_rebuild(pipeline)

    finish(rebuild, pipeline)
    mark_listings_stale(pipeline.index, pipeline.site, rebuild.run)
    pipeline.tick()

    assert (pipeline.public.puts, pipeline.edge.purged) == ([], [])
    assert rebuild.counts.unchanged == ARTICLES
    assert pipeline.site_bytes() == before


def test_pages_that_a_rebuild_changed_are_purged_and_no_record_is_written(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    records = {article: pipeline.record(article) for article in site}
    pipeline.theme = other_theme

    finish(a_rebuild(pipeline), pipeline)

    for article in site:
        assert pipeline.record(article) == records[article]
        path = records[article].path or ""
        assert pipeline.public.get(path).head.metadata["made-for"] == "run-1"
        assert keys.path_surrogate_key(path) in pipeline.edge.purged


def test_a_rebuilt_article_is_corrected_and_killed_as_any_other(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    pipeline.theme = other_theme
    finish(a_rebuild(pipeline), pipeline)

    pipeline.post(source_id="story-0", headline="Corrected", section="world", version_created="2026-11-01T11:00:00Z")
    pipeline.act("kill", site[1])
    pipeline.run()

    assert "Corrected" in pipeline.page_of(site[0])
    assert pipeline.status_at(pipeline.record(site[1]).claimed[0]) == "410"


def test_a_rebuild_enriches_articles_again_only_on_request(
    pipeline: Pipeline, site: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """New rules change no page by themselves: a rebuild uses the stored enriched objects."""

    def add_paragraph(state: EnrichmentState) -> EnrichmentState:
        return replace(state, body=SafeHtml(f"{state.body}<p>By the new rules.</p>"))

    pipeline.deps["enrich"] = replace(pipeline.enrich_deps, enrichers=(*ENRICHERS, add_paragraph))
    monkeypatch.setattr(enrich_handler, "ENRICHER", "e10")
    finish(a_rebuild(pipeline), pipeline)
    assert [article for article in site if "By the new rules." in pipeline.page_of(article)] == []

    rebuild = a_rebuild(pipeline, run="run-2", is_enriched_anew=True)
    finish(rebuild, pipeline)

    assert [article for article in site if "By the new rules." not in pipeline.page_of(article)] == []
    assert rebuild.counts.changed == ARTICLES


def test_a_late_batch_of_an_older_rollout_never_wins(pipeline: Pipeline, site: list[str], other_theme: Theme) -> None:
    """The first theme is live, a page of the second theme is delayed, and the first is rolled out again."""
    own = pipeline.theme
    before = pipeline.site_bytes()
    pipeline.theme = other_theme
    delayed = rendered(pipeline, a_rebuild(pipeline, run="run-2"))
    pipeline.theme = own
    finish(a_rebuild(pipeline, run="run-3"), pipeline)

    pipeline.take(pipeline.deliver(delayed))
    pipeline.run()

    assert pipeline.site_bytes() == before


def test_the_page_of_a_publisher_stalled_during_a_newer_rollout_is_rendered_again(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    own, before, put = pipeline.theme, pipeline.site_bytes(), pipeline.public.put
    pipeline.theme = other_theme
    delayed = rendered(pipeline, a_rebuild(pipeline, run="run-2"))

    def put_when_the_next_rollout_is_done(key: str, *args: object, **kwargs: object) -> object:
        pipeline.public.put = put  # type: ignore[method-assign]
        pipeline.theme = own
        finish(a_rebuild(pipeline, run="run-3"), pipeline)
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    pipeline.public.put = put_when_the_next_rollout_is_done  # type: ignore[assignment, method-assign]
    pipeline.take(pipeline.deliver(delayed.only([site[0]])))
    pipeline.run()

    assert pipeline.site_bytes() == before


def test_a_newer_rebuild_of_a_site_ends_the_older_one(pipeline: Pipeline, site: list[str]) -> None:
    older = a_rebuild(pipeline)
    older.go_on()
    a_rebuild(pipeline, run="run-2")

    with pytest.raises(RunEndedError):
        older.go_on()


def test_a_rebuild_of_a_section_renders_only_that_section(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    pipeline.theme = other_theme
    rebuild = a_rebuild(pipeline, section="sport")

    finish(rebuild, pipeline)

    assert all(
        ("Made anew" in pipeline.page_of(article)) is ("sport" in (pipeline.record(article).path or ""))
        for article in site
    )
    assert (rebuild.counts.changed, rebuild.counts.articles) == (3, 3)


def test_a_rebuild_since_a_time_renders_only_later_articles(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    pipeline.theme = other_theme
    young = pipeline.post(source_id="young", version_created="2026-11-01T11:59:00Z").article
    pipeline.run()

    rebuild = a_rebuild(pipeline, since=datetime(2026, 11, 1, 11, tzinfo=UTC))
    finish(rebuild, pipeline)

    assert rebuild.counts.articles == 1
    assert "Made anew" in pipeline.page_of(young)


def test_a_rebuild_by_theme_renders_only_pages_of_another_version(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    pipeline.theme = other_theme
    pipeline.post(source_id="story-0", headline="Story 0", version_created="2026-11-01T11:00:00Z", body="<p>New.</p>")
    pipeline.run()

    rebuild = a_rebuild(pipeline, is_by_theme=True)
    finish(rebuild, pipeline)

    assert (rebuild.counts.changed, rebuild.counts.articles) == (ARTICLES - 1, ARTICLES - 1)


def test_a_rebuild_does_not_bring_a_killed_article_back(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    pipeline.theme = other_theme
    rebuild = a_rebuild(pipeline)
    pages = rendered(pipeline, rebuild)
    killed = pipeline.record(site[0]).path or ""
    pipeline.act("kill", site[0])
    pipeline.run()

    pipeline.take([pages])
    finish(rebuild, pipeline)

    assert pipeline.status_at(killed) == "410"
    assert all("Made anew" in pipeline.page_of(article) for article in site[1:])


def test_an_update_that_overtakes_a_rebuild_stays(pipeline: Pipeline, site: list[str], other_theme: Theme) -> None:
    pipeline.theme = other_theme
    rebuild = a_rebuild(pipeline)
    pages = rendered(pipeline, rebuild)
    pipeline.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    pipeline.run()

    pipeline.take([pages])
    finish(rebuild, pipeline)

    assert "Newer news" in pipeline.page_of(site[0])


def test_an_update_that_claims_while_a_batch_is_put_is_emitted_again(
    pipeline: Pipeline, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.theme = other_theme
    pages = rendered(pipeline, a_rebuild(pipeline)).only([site[0]])
    path, put = pipeline.record(site[0]).path, pipeline.public.put

    def put_while_another_claims(key: str, *args: Any, **kwargs: Any) -> Etag:
        if key == path:
            newer = pipeline.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
            pipeline.queue.clear()  # its message is lost: its publisher died after its claim
            claimed = pipeline.record(site[0]).model_copy(update={"claimed_by": newer.revision})
            pipeline.content.put(keys.live_key("epn", site[0]), claimed.model_dump_json().encode())
        return put(key, *args, **kwargs)

    monkeypatch.setattr(pipeline.public, "put", put_while_another_claims)
    follows = pipeline.deliver(pages)

    assert [each.items for each in follows if isinstance(each, ArticlesAccepted)] == [(site[0],)]


def test_an_article_costs_a_rebuild_six_calls_of_the_store(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    pipeline.theme = other_theme
    a_rebuild(pipeline).go_on()
    message = pipeline.queue.pop()
    with failing_store(pipeline, at=0, after=False) as rendering:
        (pages,) = pipeline.deliver(message)
    with failing_store(pipeline, at=0, after=False) as publishing:
        pipeline.deliver(pages)

    assert Counter(rendering) == {"list_heads": ARTICLES, "find": ARTICLES}
    assert Counter(publishing) == {"list_heads": ARTICLES, "find": ARTICLES}  # and the page's head and its PUT
    assert len(pipeline.public.puts) == ARTICLES


def test_a_batch_that_is_delivered_twice_puts_its_pages_once(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    pipeline.theme = other_theme
    rebuild = a_rebuild(pipeline)
    pages = rendered(pipeline, rebuild)

    pipeline.deliver(pages)
    puts = list(pipeline.public.puts)
    pipeline.deliver(pages)

    assert pipeline.public.puts == puts


def test_unreported_batches_are_emitted_again(pipeline: Pipeline, site: list[str], other_theme: Theme) -> None:
    pipeline.theme = other_theme
    rebuild = a_rebuild(pipeline)
    rebuild.go_on()
    pipeline.run()
    pipeline.redis.flushall()  # with the reports
    pipeline.tick()

    rebuild.go_on()
    assert pipeline.queue == []
    pipeline.now += timedelta(seconds=61)
    rebuild.go_on()

    assert [type(each) for each in pipeline.queue] == [ArticlesEnriched]
    finish(rebuild, pipeline)
    assert rebuild.counts.unchanged == ARTICLES


def test_pages_wait_while_the_index_is_incomplete(pipeline: Pipeline, site: list[str]) -> None:
    rebuild = a_rebuild(pipeline)
    rebuild.go_on()
    (message,) = pipeline.queue
    pipeline.redis.flushall()

    with pytest.raises(IndexIncompleteError):
        pipeline.deliver(message)


def test_a_batch_that_never_ends_is_counted_as_failed(pipeline: Pipeline, site: list[str]) -> None:
    rebuild = a_rebuild(pipeline)
    for _ in range(4):
        rebuild.go_on()
        pipeline.queue.clear()
        pipeline.now += timedelta(seconds=61)
    rebuild.go_on()

    assert rebuild.run.is_done
    assert rebuild.run.counts.failed == ARTICLES


def test_a_run_continues_where_its_command_was_killed(
    pipeline: Pipeline, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.desk.handler.rebuild.MAX_BATCH_ITEMS", 2)
    monkeypatch.setattr("services.desk.handler.rebuild._MAX_UNREPORTED_BATCHES", 1)
    pipeline.theme = other_theme
    rebuild = a_rebuild(pipeline)
    for _ in range(2):
        rebuild.go_on()
        pipeline.run()
    pipeline.now += timedelta(seconds=5)
    rebuild.go_on()
    pipeline.queue.clear()

    stored_run = Run.model_validate_json(pipeline.content.get(keys.rebuild_key("epn", "run-1")).body)
    again = resumed(pipeline, stored_run)
    finish(again, pipeline)

    assert stored_run.counts.changed == 4
    assert again.counts.changed == ARTICLES
    assert again.counts.unchanged == 0


def test_an_article_that_cannot_be_rendered_delays_no_other(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    pipeline.theme = other_theme
    for key in list(pipeline.content.list_keys(keys.article_prefix("epn", site[3]))):
        if "/enriched/" in key:
            pipeline.content.put(key, b"not json")

    a_rebuild(pipeline).go_on()
    (message,) = pipeline.queue
    result = HANDLERS[RENDER_ARTICLES](message, pipeline.render_deps)

    assert list(result.failed) == [site[3]]
    (pages,) = result.emits
    assert {page.article for page in pages_in(pages) if isinstance(page, ArticlePage)} == {*site} - {site[3]}


def test_a_missing_enriched_object_is_made_again(pipeline: Pipeline, site: list[str], other_theme: Theme) -> None:
    pipeline.theme = other_theme
    for key in list(pipeline.content.list_keys(keys.article_prefix("epn", site[3]))):
        if "/enriched/" in key:
            pipeline.content.delete(key)
    rebuild = a_rebuild(pipeline)

    finish(rebuild, pipeline)

    assert rebuild.counts.changed == ARTICLES
    assert "Made anew" in pipeline.page_of(site[3])


@pytest.mark.parametrize(
    "unclaimed", [{"claimed": ()}, {"claimed_by": ""}, {"media": ()}, {"claimed": ("world/elsewhere/index.html",)}]
)
def test_a_rebuild_claims_unclaimed_paths_first(
    pipeline: Pipeline, a_picture: bytes, other_theme: Theme, unclaimed: dict[str, object]
) -> None:
    media = store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media
    article = pipeline.post(picture={"media": media, "alt": "A bridge"}).article
    pipeline.run()
    record = pipeline.record(article)
    damaged = record.model_copy(update=unclaimed)
    pipeline.content.put(keys.live_key("epn", article), damaged.model_dump_json().encode())
    pipeline.theme = other_theme

    finish(a_rebuild(pipeline), pipeline)

    after = pipeline.record(article)
    assert {*record.claimed} <= {*after.claimed}
    assert (after.claimed_by, after.media) == (record.claimed_by, record.media)
    assert "Made anew" in pipeline.page_of(article)
    assert {pipeline.status_at(path) for path in after.claimed if path != after.path} <= {"301"}


PREVIEW = keys.preview_prefix("epn", "run-1")


def test_a_theme_is_previewed_without_publishing_anything(pipeline: Pipeline, site: list[str], tmp_path: Path) -> None:
    a_theme(tmp_path, "Made <anew>")
    tokens = tmp_path / "epn" / "assets" / "tokens.css"
    tokens.write_text(tokens.read_text(encoding="utf-8").replace("#14324f", "#0b6153"), encoding="utf-8")
    pipeline.content.put(keys.preview_theme_key(PREVIEW), zipped_theme(tmp_path / "epn"))
    before, assets = pipeline.site_bytes(), list(pipeline.content.list_keys(keys.assets_prefix("epn")))

    finish(a_rebuild(pipeline, preview=PREVIEW), pipeline)
    found = list(differences(pipeline.content, pipeline.public, PREVIEW))

    assert pipeline.site_bytes() == before
    assert list(pipeline.content.list_keys(keys.assets_prefix("epn"))) == assets
    assert (pipeline.public.puts, pipeline.edge.purged) == ([], [])
    assert {each.path for each in found if each.lines} == {pipeline.record(article).path for article in site}
    shown = report("epn", "epn", found)
    assert "+&lt;p&gt;Made &lt;anew&gt;" in shown
    assert "7 of 7 pages of epn change with epn" in shown
    assert "<anew>" not in shown
    clear_preview(pipeline.content, PREVIEW)
    assert list(pipeline.content.list_keys("previews/")) == []


def test_a_preview_of_the_theme_that_is_there_changes_nothing(pipeline: Pipeline, site: list[str]) -> None:
    finish(a_rebuild(pipeline, preview=PREVIEW, max_articles=5), pipeline)

    found = list(differences(pipeline.content, pipeline.public, PREVIEW))

    assert [each.lines for each in found] == [()] * 5


def test_a_preview_ends_no_rebuild(pipeline: Pipeline, site: list[str]) -> None:
    rebuild = a_rebuild(pipeline)

    a_rebuild(pipeline, run="run-2", preview=PREVIEW).go_on()

    assert rebuild.go_on()


def test_a_preview_of_a_broken_theme_counts_failures_and_emits_nothing(
    pipeline: Pipeline, site: list[str], tmp_path: Path
) -> None:
    a_theme(tmp_path, "{{ nothing_of_that_name }}")
    pipeline.content.put(keys.preview_theme_key(PREVIEW), zipped_theme(tmp_path / "epn"))
    rebuild = a_rebuild(pipeline, preview=PREVIEW)

    rebuild.go_on()
    (message,) = pipeline.queue

    assert pipeline.deliver(message) == ()
    rebuild.go_on()
    assert rebuild.counts.failed == ARTICLES

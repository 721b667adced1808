"""A whole site rendered again: once for all, beside live publishing, and nothing where nothing has changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.desk.domain.rebuild import Run
from services.desk.handler.preview import differences, report, zipped_theme
from services.desk.handler.rebuild import Rebuild, RunEndedError, clear_preview, touch_listings
from services.desk.handler.selection import select
from services.enrich import handler as enrich_handler
from services.enrich.domain.draft import Draft
from services.enrich.domain.rules import ENRICHERS
from services.ingest.handler import keep_picture
from services.render.handler import page_version
from services.render.ports import Theme
from shared import keys
from shared.article import SafeHtml
from shared.bundles import ArticlePage
from shared.errors import IndexNotWholeError
from shared.messages import ArticlesAccepted, ArticlesEnriched, PagesRendered
from shared.page_versions import VersionCount
from shared.pipeline import RENDER_ARTICLES
from shared.runs.redis import RedisRuns
from shared.storage import Etag
from tests.functional.conftest import ARTICLES, HANDLERS, Line, a_theme, pages_in
from tests.functional.failing_store import failing_store


def a_rebuild(line: Line, **what: object) -> Rebuild:
    rebuild = resumed(line, Run.model_validate({"site": "epn", "run": "run-1", "started_at": line.now} | what))
    rebuild.begin()
    return rebuild


def resumed(line: Line, run: Run) -> Rebuild:
    count = VersionCount(line.site, page_version(line.theme, line.site), public=line.public, sites=[line.site])
    selected = select(run, line.site, content=line.content, index=line.index, version_count=count)
    return Rebuild(run, line.content, RedisRuns(line.redis), line.take, lambda: 0, lambda: line.now, selected)


def finish(rebuild: Rebuild, line: Line) -> None:
    for _ in range(50):
        if not rebuild.go_on():
            return
        line.run()
    raise AssertionError(rebuild.on_their_way)


def rendered(line: Line, rebuild: Rebuild) -> PagesRendered:
    """Return what the render worker makes of the first round of a rebuild; nothing else is on its way."""
    rebuild.go_on()
    (message,) = line.queue
    line.queue.clear()
    (pages,) = line.deliver(message)
    assert isinstance(pages, PagesRendered)
    return pages


def test_a_new_theme_reaches_every_page_once(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)

    finish(rebuild, line)
    touch_listings(line.index, line.site, rebuild.run)
    line.tick()

    pages = [line.record(article).path for article in site]
    assert [line.public.puts.count(page or "") for page in pages] == [1] * ARTICLES
    assert all("Made anew" in line.page(page or "") for page in pages)
    assert "Made anew" in line.page("index.html")
    assert rebuild.run.is_done
    assert (rebuild.counts.changed, rebuild.counts.unchanged) == (ARTICLES, 0)


def test_a_rebuild_of_what_has_not_changed_puts_and_purges_nothing(line: Line, site: list[str]) -> None:
    before = line.site_bytes()
    rebuild = a_rebuild(line)

    finish(rebuild, line)
    touch_listings(line.index, line.site, rebuild.run)
    line.tick()

    assert (line.public.puts, line.edge.purged) == ([], [])
    assert rebuild.counts.unchanged == ARTICLES
    assert line.site_bytes() == before


def test_what_a_rebuild_changed_is_purged_and_no_record_is_written(
    line: Line, site: list[str], other_theme: Theme
) -> None:
    records = {article: line.record(article) for article in site}
    line.theme = other_theme

    finish(a_rebuild(line), line)

    for article in site:
        assert line.record(article) == records[article]
        path = records[article].path or ""
        assert line.public.get(path).head.metadata["made-for"] == "run-1"
        assert keys.path_surrogate_key(path) in line.edge.purged


def test_an_article_that_a_rebuild_has_put_anew_is_corrected_and_killed_as_any_other(
    line: Line, site: list[str], other_theme: Theme
) -> None:
    line.theme = other_theme
    finish(a_rebuild(line), line)

    line.post(source_id="story-0", headline="Corrected", section="world", version_created="2026-11-01T11:00:00Z")
    line.act("kill", site[1])
    line.run()

    assert "Corrected" in line.page_of(site[0])
    assert line.status_at(line.record(site[1]).claimed[0]) == "410"


def test_texts_are_enriched_anew_where_a_rebuild_is_told_so(
    line: Line, site: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """New rules change no page by themselves: a rebuild takes the enriched objects that there are."""

    def another(draft: Draft) -> Draft:
        return replace(draft, body=SafeHtml(f"{draft.body}<p>By the new rules.</p>"))

    line.deps["enrich"] = replace(line.enrichment, enrichers=(*ENRICHERS, another))
    monkeypatch.setattr(enrich_handler, "ENRICHER", "e10")
    finish(a_rebuild(line), line)
    assert [article for article in site if "By the new rules." in line.page_of(article)] == []

    rebuild = a_rebuild(line, run="run-2", is_enriched_anew=True)
    finish(rebuild, line)

    assert [article for article in site if "By the new rules." not in line.page_of(article)] == []
    assert rebuild.counts.changed == ARTICLES


def test_a_late_batch_of_an_older_rollout_never_wins(line: Line, site: list[str], other_theme: Theme) -> None:
    """The first theme is live, a page of the second is delayed, and the first is rolled out again."""
    own = line.theme
    before = line.site_bytes()
    line.theme = other_theme
    delayed = rendered(line, a_rebuild(line, run="run-2"))
    line.theme = own
    finish(a_rebuild(line, run="run-3"), line)

    line.take(line.deliver(delayed))
    line.run()

    assert line.site_bytes() == before


def test_a_publisher_that_stood_still_while_an_older_rollout_ended_has_its_page_rendered_again(
    line: Line, site: list[str], other_theme: Theme
) -> None:
    own, before, put = line.theme, line.site_bytes(), line.public.put
    line.theme = other_theme
    delayed = rendered(line, a_rebuild(line, run="run-2"))

    def put_when_the_next_rollout_is_done(key: str, *args: object, **kwargs: object) -> object:
        line.public.put = put  # type: ignore[method-assign]
        line.theme = own
        finish(a_rebuild(line, run="run-3"), line)
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    line.public.put = put_when_the_next_rollout_is_done  # type: ignore[assignment, method-assign]
    line.take(line.deliver(delayed.only([site[0]])))
    line.run()

    assert line.site_bytes() == before


def test_a_newer_rebuild_of_a_site_ends_the_older_one(line: Line, site: list[str]) -> None:
    older = a_rebuild(line)
    older.go_on()
    a_rebuild(line, run="run-2")

    with pytest.raises(RunEndedError):
        older.go_on()


def test_only_a_section_is_rebuilt_where_one_is_named(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line, section="sport")

    finish(rebuild, line)

    assert all(
        ("Made anew" in line.page_of(article)) is ("sport" in (line.record(article).path or "")) for article in site
    )
    assert (rebuild.counts.changed, rebuild.counts.articles) == (3, 3)


def test_only_what_was_made_since_then_is_rebuilt(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    young = line.post(source_id="young", version_created="2026-11-01T11:59:00Z").article
    line.run()

    rebuild = a_rebuild(line, since=datetime(2026, 11, 1, 11, tzinfo=UTC))
    finish(rebuild, line)

    assert rebuild.counts.articles == 1
    assert "Made anew" in line.page_of(young)


def test_by_theme_only_pages_of_another_version_are_rendered(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    line.post(source_id="story-0", headline="Story 0", version_created="2026-11-01T11:00:00Z", body="<p>New.</p>")
    line.run()

    rebuild = a_rebuild(line, is_by_theme=True)
    finish(rebuild, line)

    assert (rebuild.counts.changed, rebuild.counts.articles) == (ARTICLES - 1, ARTICLES - 1)


def test_a_killed_article_is_not_brought_back(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    pages = rendered(line, rebuild)
    killed = line.record(site[0]).path or ""
    line.act("kill", site[0])
    line.run()

    line.take([pages])
    finish(rebuild, line)

    assert line.status_at(killed) == "410"
    assert all("Made anew" in line.page_of(article) for article in site[1:])


def test_an_update_that_overtakes_a_rebuild_stays(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    pages = rendered(line, rebuild)
    line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    line.run()

    line.take([pages])
    finish(rebuild, line)

    assert "Newer news" in line.page_of(site[0])


def test_an_update_that_claims_while_a_batch_is_put_is_emitted_again(
    line: Line, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.theme = other_theme
    pages = rendered(line, a_rebuild(line)).only([site[0]])
    path, put = line.record(site[0]).path, line.public.put

    def put_while_another_claims(key: str, *args: Any, **kwargs: Any) -> Etag:
        if key == path:
            newer = line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
            line.queue.clear()  # its own message is lost, its publisher died behind its claim
            claimed = line.record(site[0]).model_copy(update={"claimed_by": newer.revision})
            line.content.put(keys.live_key("epn", site[0]), claimed.model_dump_json().encode())
        return put(key, *args, **kwargs)

    monkeypatch.setattr(line.public, "put", put_while_another_claims)
    follows = line.deliver(pages)

    assert [each.items for each in follows if isinstance(each, ArticlesAccepted)] == [(site[0],)]


def test_an_article_costs_a_rebuild_six_calls_of_the_store(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    a_rebuild(line).go_on()
    message = line.queue.pop()
    with failing_store(line, at=0, after=False) as rendering:
        (pages,) = line.deliver(message)
    with failing_store(line, at=0, after=False) as publishing:
        line.deliver(pages)

    assert Counter(rendering) == {"list_heads": ARTICLES, "find": ARTICLES}
    assert Counter(publishing) == {"list_heads": ARTICLES, "find": ARTICLES}  # beside the page's head and its PUT
    assert len(line.public.puts) == ARTICLES


def test_a_batch_that_comes_twice_does_no_more_than_once(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    pages = rendered(line, rebuild)

    line.deliver(pages)
    puts = list(line.public.puts)
    line.deliver(pages)

    assert line.public.puts == puts


def test_batches_that_nobody_reported_are_emitted_again(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    rebuild.go_on()
    line.run()
    line.redis.flushall()  # the reports too
    line.tick()

    rebuild.go_on()
    assert line.queue == []
    line.now += timedelta(seconds=61)
    rebuild.go_on()

    assert [type(each) for each in line.queue] == [ArticlesEnriched]
    finish(rebuild, line)
    assert rebuild.counts.unchanged == ARTICLES


def test_pages_wait_for_an_index_that_is_not_whole(line: Line, site: list[str]) -> None:
    rebuild = a_rebuild(line)
    rebuild.go_on()
    (message,) = line.queue
    line.redis.flushall()

    with pytest.raises(IndexNotWholeError):
        line.deliver(message)


def test_a_batch_that_never_comes_to_an_end_is_given_up_and_counted(line: Line, site: list[str]) -> None:
    rebuild = a_rebuild(line)
    for _ in range(4):
        rebuild.go_on()
        line.queue.clear()
        line.now += timedelta(seconds=61)
    rebuild.go_on()

    assert rebuild.run.is_done
    assert rebuild.run.counts.failed == ARTICLES


def test_a_run_goes_on_where_a_killed_command_was(
    line: Line, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.desk.handler.rebuild.MAX_BATCH_ITEMS", 2)
    monkeypatch.setattr("services.desk.handler.rebuild._MAX_BATCHES", 1)
    line.theme = other_theme
    rebuild = a_rebuild(line)
    for _ in range(2):
        rebuild.go_on()
        line.run()
    line.now += timedelta(seconds=5)
    rebuild.go_on()
    line.queue.clear()

    kept = Run.model_validate_json(line.content.get(keys.rebuild_key("epn", "run-1")).body)
    again = resumed(line, kept)
    finish(again, line)

    assert kept.counts.changed == 4
    assert again.counts.changed == ARTICLES
    assert again.counts.unchanged == 0


def test_an_article_that_cannot_be_rendered_holds_up_no_other(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    for key in list(line.content.list_keys(keys.article_prefix("epn", site[3]))):
        if "/enriched/" in key:
            line.content.put(key, b"not json")

    a_rebuild(line).go_on()
    (message,) = line.queue
    result = HANDLERS[RENDER_ARTICLES](message, line.renderer)

    assert list(result.failed) == [site[3]]
    (pages,) = result.emits
    assert {page.article for page in pages_in(pages) if isinstance(page, ArticlePage)} == {*site} - {site[3]}


def test_a_missing_enriched_object_is_made_anew(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    for key in list(line.content.list_keys(keys.article_prefix("epn", site[3]))):
        if "/enriched/" in key:
            line.content.delete(key)
    rebuild = a_rebuild(line)

    finish(rebuild, line)

    assert rebuild.counts.changed == ARTICLES
    assert "Made anew" in line.page_of(site[3])


@pytest.mark.parametrize(
    "unclaimed", [{"claimed": ()}, {"claimed_by": ""}, {"media": ()}, {"claimed": ("world/elsewhere/index.html",)}]
)
def test_what_its_article_has_not_claimed_is_claimed_first(
    line: Line, a_picture: bytes, other_theme: Theme, unclaimed: dict[str, object]
) -> None:
    media = keep_picture(a_picture, line.site, line.intake).media
    article = line.post(picture={"media": media, "alt": "A bridge"}).article
    line.run()
    record = line.record(article)
    spoilt = record.model_copy(update=unclaimed)
    line.content.put(keys.live_key("epn", article), spoilt.model_dump_json().encode())
    line.theme = other_theme

    finish(a_rebuild(line), line)

    after = line.record(article)
    assert {*record.claimed} <= {*after.claimed}
    assert (after.claimed_by, after.media) == (record.claimed_by, record.media)
    assert "Made anew" in line.page_of(article)
    assert {line.status_at(path) for path in after.claimed if path != after.path} <= {"301"}


PREVIEW = keys.preview_prefix("epn", "run-1")


def test_a_theme_is_previewed_without_publishing_anything(line: Line, site: list[str], tmp_path: Path) -> None:
    a_theme(tmp_path, "Made <anew>")
    line.content.put(keys.preview_theme_key(PREVIEW), zipped_theme(tmp_path / "epn"))
    before = line.site_bytes()

    finish(a_rebuild(line, preview=PREVIEW), line)
    found = list(differences(line.content, line.public, PREVIEW))

    assert line.site_bytes() == before
    assert (line.public.puts, line.edge.purged) == ([], [])
    assert {each.path for each in found if each.lines} == {line.record(article).path for article in site}
    shown = report("epn", "epn", found)
    assert "+&lt;p&gt;Made &lt;anew&gt;" in shown
    assert "7 of 7 pages of epn change with epn" in shown
    assert "<anew>" not in shown
    clear_preview(line.content, PREVIEW)
    assert list(line.content.list_keys("previews/")) == []


def test_a_preview_of_the_theme_that_is_there_changes_nothing(line: Line, site: list[str]) -> None:
    finish(a_rebuild(line, preview=PREVIEW, most=5), line)

    found = list(differences(line.content, line.public, PREVIEW))

    assert [each.lines for each in found] == [()] * 5


def test_a_preview_ends_no_rebuild(line: Line, site: list[str]) -> None:
    rebuild = a_rebuild(line)

    a_rebuild(line, run="run-2", preview=PREVIEW).go_on()

    assert rebuild.go_on()


def test_a_preview_of_a_broken_theme_says_so_and_emits_nothing(line: Line, site: list[str], tmp_path: Path) -> None:
    a_theme(tmp_path, "{{ nothing_of_that_name }}")
    line.content.put(keys.preview_theme_key(PREVIEW), zipped_theme(tmp_path / "epn"))
    rebuild = a_rebuild(line, preview=PREVIEW)

    rebuild.go_on()
    (message,) = line.queue

    assert line.deliver(message) == ()
    rebuild.go_on()
    assert rebuild.counts.failed == ARTICLES

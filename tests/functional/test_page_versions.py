"""A change of theme or settings is reported, and `rebuild --theme` renders exactly the pages of another version."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus

import pytest

from services.desk.domain.rebuild import Run
from services.desk.handler.rebuild import Rebuild, mark_listings_stale
from services.desk.handler.selection import select
from services.desk.handler.versions import version_lines
from services.render.handler import page_version
from services.scheduler.handler import count_versions
from shared.reconcile import Drift, ReconcileDeps
from shared.reconcile.passes import Reconciliation
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.site import keys
from shared.site.listings import GONE, listing_of
from shared.site.page_versions import VersionCount, find_counts, note_version
from shared.site.sites import Section
from tests.functional.conftest import Pipeline

LATE = "2026-11-01T20:00:00Z"  # another day in Kolkata than in Lisbon


@pytest.fixture
def live(pipeline: Pipeline) -> Pipeline:
    """Publish two live articles, one that has moved, and one that was killed."""
    pipeline.post(source_id="first", headline="First", topics=[{"name": "Ferries"}], authors=[{"name": "Mira Solen"}])
    pipeline.post(source_id="late", headline="Late", version_created=LATE)
    pipeline.post(source_id="moved", headline="Moved")
    pipeline.post(source_id="killed", headline="Killed")
    pipeline.tick()
    pipeline.post(source_id="moved", headline="Moved", section="business", version_created="2026-11-01T10:30:00Z")
    pipeline.post(source_id="killed", headline="Killed", status="canceled", version_created="2026-11-01T10:30:00Z")
    pipeline.tick()
    assert pipeline.status_at(pipeline.record(id_of("killed")).claimed[0]) == "410"
    note_version(pipeline.content, pipeline.site, page_version(pipeline.theme, pipeline.site))
    clear_puts(pipeline)
    return pipeline


def id_of(source_id: str) -> str:
    return keys.article_id("epn", "desk", source_id)


def clear_puts(pipeline: Pipeline) -> None:
    pipeline.public.puts.clear()
    pipeline.edge.purged.clear()


def restart(pipeline: Pipeline, **settings: object) -> None:
    """Restart every worker with changed settings of the site."""
    pipeline.site = pipeline.site.model_validate(pipeline.site.model_dump() | settings)
    for service in (pipeline.render_deps, pipeline.publish_deps, pipeline.scheduler_deps):
        service.sites["epn"] = pipeline.site  # type: ignore[index]
    note_version(pipeline.content, pipeline.site, page_version(pipeline.theme, pipeline.site))


def rebuild_by_theme(pipeline: Pipeline, run: str = "run-1") -> Rebuild:
    """Rebuild as `pressline rebuild --theme` does; return the rebuild."""
    started = Run(site="epn", run=run, started_at=pipeline.now, is_by_theme=True)
    version = page_version(pipeline.theme, pipeline.site)
    count = VersionCount(pipeline.site, version, public=pipeline.public, sites=[pipeline.site])
    selected = select(started, pipeline.site, content=pipeline.content, index=pipeline.index, version_count=count)
    rebuild = Rebuild(
        started, pipeline.content, RedisRuns(pipeline.redis), pipeline.take, lambda: 0, lambda: pipeline.now, selected
    )
    rebuild.begin()
    mark_listings_stale(pipeline.index, pipeline.site, rebuild.run)
    while GONE in pipeline.index.stale_versions(pipeline.site, [GONE]):
        pipeline.tick()
    while rebuild.go_on():
        pipeline.run()
    pipeline.tick()
    return rebuild


def outdated_pages(pipeline: Pipeline) -> list[str]:
    """Return the paths of the pages with another page version than the current one."""
    version = page_version(pipeline.theme, pipeline.site)
    count = VersionCount(pipeline.site, version, public=pipeline.public, sites=[pipeline.site])
    with ThreadPoolExecutor(1) as reader:
        list(count.steps(reader))
    return [head.key for head in count.others]


def pages_of(pipeline: Pipeline) -> set[str]:
    """Return the paths of all pages, listings and machine-readable files."""
    heads = (pipeline.public.get(path).head for path in pipeline.public.list_keys(""))
    return {head.key for head in heads if "order" in head.metadata and head.metadata["status"] != "301"}


def find_drift(pipeline: Pipeline) -> list[Drift]:
    reconcile_deps = ReconcileDeps(
        content=pipeline.content,
        public=pipeline.public,
        revisions=pipeline.scheduler_deps.revisions,
        index=pipeline.index,
        sites={"epn": pipeline.site},
        clock=lambda: pipeline.now,
    )
    run = Reconciliation(pipeline.site, reconcile_deps, wait=lambda: None)
    list(run.steps())
    found = list(run.found())
    run.close()
    return found


def test_a_new_tagline_is_put_on_every_page_once_and_the_next_rebuild_puts_nothing(live: Pipeline) -> None:
    restart(live, tagline="A tagline made anew.")
    assert set(outdated_pages(live)) == pages_of(live)

    rebuild_by_theme(live)

    assert sorted(set(live.public.puts) & pages_of(live)) == sorted(pages_of(live))
    assert max(map(live.public.puts.count, pages_of(live))) == 1
    assert outdated_pages(live) == []
    assert "A tagline made anew." in live.page("index.html")
    assert find_drift(live) == []

    clear_puts(live)
    again = rebuild_by_theme(live, "run-2")
    assert (live.public.puts, live.edge.purged) == ([], [])
    assert again.counts.articles == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "https://other.example"},
        {"name": "Another Name"},
        {"language": "pt"},
        {"zone": "Asia/Colombo"},  # the same offset as before: no byte of most pages changes
        {"search_cards": 40},
        {"sections": (Section(id="world", name="The World"), Section(id="business", name="Business"))},
        {"feed_text": "full"},
        {"social_urls": ("https://social.example/epn",)},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_after_a_change_of_any_setting_one_rebuild_leaves_no_page_of_another_version(
    live: Pipeline, settings: dict[str, object]
) -> None:
    restart(live, **settings)
    assert outdated_pages(live) != []

    rebuild_by_theme(live)

    assert outdated_pages(live) == []
    clear_puts(live)
    rebuild_by_theme(live, "run-2")
    assert live.public.puts == []


@pytest.mark.parametrize("settings", [{"listing_interval_seconds": 0.003}, {"edge_id": "another"}])
def test_a_setting_that_no_page_shows_changes_no_page(live: Pipeline, settings: dict[str, object]) -> None:
    restart(live, **settings)

    rebuild_by_theme(live)

    assert (outdated_pages(live), live.public.puts) == ([], [])


def test_a_page_whose_bytes_stay_gets_the_new_version_and_is_not_purged(live: Pipeline) -> None:
    restart(live, search_cards=40)  # no article shows it
    page = live.record(id_of("first")).path or ""
    before = live.public.get(page).body

    rebuild = rebuild_by_theme(live)

    assert live.public.puts.count(page) == 1
    assert live.public.get(page).body == before
    assert keys.path_surrogate_key(page) not in live.edge.purged
    assert (rebuild.counts.changed, rebuild.counts.unchanged) == (0, 3)


def test_the_410_page_of_a_killed_article_is_put_again_and_the_article_stays_removed(live: Pipeline) -> None:
    gone = live.record(id_of("killed")).claimed[0]
    restart(live, name="Another Name")

    rebuild_by_theme(live)

    assert live.status_at(gone) == str(HTTPStatus.GONE.value)
    assert "Another Name" in live.page(gone)
    assert live.page(gone) == live.page(listing_of(live.site, GONE).path)


def test_another_zone_moves_articles_and_leaves_redirects_at_their_old_addresses(live: Pipeline) -> None:
    old = live.record(id_of("late")).path or ""
    restart(live, zone="Europe/Lisbon")

    rebuild = rebuild_by_theme(live)

    new = live.record(id_of("late")).path or ""
    assert ("/2026/11/02/" in old, "/2026/11/01/" in new) == (True, True)
    assert live.status_at(old) == "301"
    assert live.public.get(old).head.metadata["location"] == keys.url_path(new)
    assert "Late" in live.page(listing_of(live.site, "day.2026-11-01").path)
    assert rebuild.counts.failed == 0
    assert (outdated_pages(live), find_drift(live)) == ([], [])


def test_another_base_url_changes_canonical_addresses_and_no_redirect(live: Pipeline) -> None:
    moved = live.record(id_of("moved"))
    (old,) = set(moved.claimed) - {moved.path}
    redirect = live.public.get(old)
    restart(live, base_url="https://other.example")

    rebuild_by_theme(live)

    assert f'rel="canonical" href="https://other.example{keys.url_path(moved.path or "")}"' in live.page_of(
        id_of("moved")
    )
    assert live.public.get(old) == redirect
    assert redirect.head.metadata["location"].startswith("/")
    assert all("edge.test" not in live.page(path) for path in pages_of(live))


def test_articles_of_a_removed_section_keep_their_address_and_its_front_is_not_counted(live: Pipeline) -> None:
    address = live.record(id_of("first")).path
    restart(live, sections=tuple(each for each in live.site.sections if each.id != "world"))

    rebuild_by_theme(live)

    assert live.record(id_of("first")).path == address
    assert outdated_pages(live) == []


def test_a_page_that_an_old_worker_put_last_is_replaced_by_the_next_rebuild(live: Pipeline) -> None:
    before = live.site
    restart(live, tagline="A tagline made anew.")
    rebuild_by_theme(live)
    current = live.site
    restart(live, tagline=before.tagline)
    live.post(source_id="first", headline="First", body="<p>New.</p>", version_created="2026-11-01T11:00:00Z")
    live.tick()
    restart(live, tagline=current.tagline)
    assert live.record(id_of("first")).path in outdated_pages(live)

    rebuild_by_theme(live, "run-2")

    assert outdated_pages(live) == []


def test_the_scheduler_counts_page_versions_once_per_change(live: Pipeline) -> None:
    waits: list[float] = []

    def count(wait: Callable[[float], bool]) -> str:
        count_versions(live.site, live.scheduler_deps, public=live.public, every=timedelta(hours=6), wait=wait)
        (line,) = version_lines([live.site], live.content)
        return line

    def record_wait(seconds: float) -> bool:
        waits.append(seconds)
        return False

    assert "none of" in count(record_wait)
    assert waits
    waits.clear()
    count(record_wait)
    assert waits == []

    restart(live, tagline="A tagline made anew.")
    assert "before the latest change" in count(lambda _: True)  # stopped in the middle
    number = len(pages_of(live))
    assert f"{number} of {number} pages carry another version" in count(lambda _: False)

    live.now += timedelta(hours=7)
    rebuild_by_theme(live)
    assert "none of" in count(lambda _: False)
    counts = find_counts(live.content, live.site)
    assert counts is not None
    assert counts.counted_at == live.now

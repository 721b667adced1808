from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from services.ingest.handler import store_picture
from services.scheduler.handler import verify
from services.scheduler.metrics import DRIFT
from shared.messaging.messages import RepairPath
from shared.reconcile import Drift, DriftKind, ReconcileDeps
from shared.reconcile.passes import Reconciliation
from shared.reconcile.repair import repair_of
from shared.reconcile.scratch_db import NoRoomError
from shared.runtime.observability import metrics_text
from shared.site import keys
from shared.site.listings import GONE, HOME, listing_of
from tests.functional.conftest import Pipeline

LATER = "2026-11-01T10:30:00Z"


@pytest.fixture
def reconcile_deps(pipeline: Pipeline) -> ReconcileDeps:
    return ReconcileDeps(
        content=pipeline.content,
        public=pipeline.public,
        revisions=pipeline.scheduler_deps.revisions,
        index=pipeline.index,
        sites={"epn": pipeline.site},
        clock=lambda: pipeline.now,
    )


@pytest.fixture
def full_site(pipeline: Pipeline, a_picture: bytes) -> Pipeline:
    """Publish a live article with a picture, one that has moved, and one that was killed."""
    picture = {"media": store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media, "alt": "A ferry"}
    names: dict[str, Any] = {"topics": [{"name": "Ferries"}], "authors": [{"name": "Mira Solen"}]}
    pipeline.post(source_id="pictured", headline="Pictured", picture=picture, **names)
    pipeline.post(source_id="moved", headline="Moved")
    pipeline.run()
    pipeline.post(source_id="moved", headline="Moved", section="business", version_created=LATER)
    pipeline.post(source_id="killed", headline="Killed")
    pipeline.tick()
    pipeline.post(source_id="killed", headline="Killed", status="canceled", version_created=LATER)
    pipeline.tick()
    return pipeline


def find_drift(
    pipeline: Pipeline, reconcile_deps: ReconcileDeps, wait: Callable[[], object] = lambda: None
) -> list[Drift]:
    run = Reconciliation(pipeline.site, reconcile_deps, wait=wait)
    for _ in run.steps():
        pass
    found = list(run.found())
    run.close()
    return found


def repair(pipeline: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    for drift in find_drift(pipeline, reconcile_deps):
        message = repair_of(drift, pipeline.site, reconcile_deps)
        pipeline.take([message] if message else [])
    pipeline.run()
    pipeline.tick()


def path_of(pipeline: Pipeline, source_id: str) -> str:
    article = keys.article_id("epn", "desk", source_id)
    path = pipeline.record(article).path
    assert path is not None
    return path


def redirect_of(pipeline: Pipeline) -> str:
    record = pipeline.record(keys.article_id("epn", "desk", "moved"))
    return next(path for path in record.claimed if path != record.path)


def gone_of(pipeline: Pipeline) -> str:
    return pipeline.record(keys.article_id("epn", "desk", "killed")).claimed[0]


def picture_of(pipeline: Pipeline) -> str:
    return pipeline.record(keys.article_id("epn", "desk", "pictured")).media[0]


def asset_of(pipeline: Pipeline) -> str:
    return next(pipeline.public.list_keys("assets/"))


def corrupt_body(pipeline: Pipeline, path: str) -> None:
    """Change an object's bytes and keep its metadata."""
    found = pipeline.public.get(path)
    pipeline.public.put(
        path, b"changed " + found.body, content_type=found.head.content_type, metadata=found.head.metadata
    )


def replace_by_hand(pipeline: Pipeline, path: str) -> None:
    pipeline.public.put(path, b"by hand", content_type="text/html")


def remove(pipeline: Pipeline, path: str) -> None:
    pipeline.public.delete(path)


WHERE: dict[str, Callable[[Pipeline], str]] = {
    "page": lambda pipeline: path_of(pipeline, "pictured"),
    "redirect": redirect_of,
    "gone": gone_of,
    "picture": picture_of,
    "asset": asset_of,
    "front page": lambda _: "index.html",
    "feed": lambda _: "feed.xml",
    "day": lambda pipeline: listing_of(pipeline.site, "day.2026-11-01").path,
    "topic": lambda pipeline: listing_of(pipeline.site, "topic.ferries").path,
    "author": lambda pipeline: listing_of(pipeline.site, "author.mira-solen").path,
}


def test_a_correct_site_has_no_drift(full_site: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    assert find_drift(full_site, reconcile_deps) == []


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    ("damage", "kind"),
    [(remove, DriftKind.MISSING), (corrupt_body, DriftKind.WRONG), (replace_by_hand, DriftKind.WRONG)],
)
def test_a_damaged_object_is_found_and_repaired(
    full_site: Pipeline,
    reconcile_deps: ReconcileDeps,
    where: str,
    damage: Callable[[Pipeline, str], None],
    kind: DriftKind,
) -> None:
    before = full_site.site_bytes()
    path = WHERE[where](full_site)
    damage(full_site, path)

    assert [(drift.kind, drift.path) for drift in find_drift(full_site, reconcile_deps)] == [(kind, path)]
    repair(full_site, reconcile_deps)

    assert full_site.site_bytes() == before
    assert find_drift(full_site, reconcile_deps) == []


def test_an_unclaimed_object_is_found_removed_and_purged(full_site: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    before = full_site.site_bytes()
    page = full_site.public.get(path_of(full_site, "moved"))
    extra = "world/2020/01/01/unclaimed/index.html"
    full_site.public.put(extra, b"old", metadata=page.head.metadata)
    full_site.public.put("_rail/also-closed.html", b"old", metadata={"order": "1", "sha256": "0"})

    assert {(drift.kind, drift.path) for drift in find_drift(full_site, reconcile_deps)} == {
        (DriftKind.EXTRA, extra),
        (DriftKind.EXTRA, "_rail/also-closed.html"),
    }
    repair(full_site, reconcile_deps)

    assert full_site.site_bytes() == before
    assert keys.path_surrogate_key(extra) in full_site.edge.purged_hard


def test_a_public_picture_of_killed_articles_alone_is_found_and_replaced_by_410(
    full_site: Pipeline, reconcile_deps: ReconcileDeps, a_picture: bytes
) -> None:
    path = picture_of(full_site)
    shown = full_site.public.get(path)
    full_site.post(source_id="pictured", headline="Pictured", status="canceled", version_created=LATER)
    full_site.tick()
    assert find_drift(full_site, reconcile_deps) == []
    full_site.public.put(path, shown.body, content_type="image/png", metadata=shown.head.metadata)

    assert [(drift.kind, drift.path) for drift in find_drift(full_site, reconcile_deps)] == [(DriftKind.EXTRA, path)]
    repair(full_site, reconcile_deps)

    assert full_site.status_at(path) == "410"


def test_objects_of_another_site_in_the_same_bucket_are_not_extra(
    full_site: Pipeline, reconcile_deps: ReconcileDeps
) -> None:
    other = full_site.site.model_copy(update={"id": "other"})
    run = Reconciliation(
        other, replace(reconcile_deps, sites={"other": other, **reconcile_deps.sites}), wait=lambda: None
    )
    for _ in run.steps():
        pass

    assert list(run.found()) == []


def test_foreign_objects_are_reported_and_never_removed(full_site: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    full_site.public.put("ads.txt", b"ads", content_type="text/plain")

    found = find_drift(full_site, reconcile_deps)
    repair(full_site, reconcile_deps)
    full_site.deliver(_repair_message("ads.txt"))

    assert [(drift.kind, drift.path) for drift in found] == [(DriftKind.FOREIGN, "ads.txt")]
    assert full_site.public.get("ads.txt").body == b"ads"


def test_an_article_whose_event_was_lost_is_found_stale_and_re_emitted(
    full_site: Pipeline, reconcile_deps: ReconcileDeps
) -> None:
    full_site.post(source_id="moved", headline="Corrected", section="business", version_created="2026-11-01T11:00:00Z")
    full_site.post(source_id="new", headline="Event lost")
    full_site.queue.clear()

    assert [drift.kind for drift in find_drift(full_site, reconcile_deps)] == [DriftKind.STALE, DriftKind.STALE]
    repair(full_site, reconcile_deps)

    assert "Corrected" in full_site.page("index.html")
    assert "Event lost" in full_site.page("index.html")
    assert find_drift(full_site, reconcile_deps) == []


def test_an_article_that_the_index_lacks_is_found(full_site: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    article = keys.article_id("epn", "desk", "moved")
    full_site.redis.hdel("index:epn:entries", article)

    assert [(drift.kind, drift.article) for drift in find_drift(full_site, reconcile_deps)] == [
        (DriftKind.STALE, article)
    ]
    repair(full_site, reconcile_deps)
    assert find_drift(full_site, reconcile_deps) == []


def test_an_index_that_is_being_restored_is_no_drift(full_site: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    remove(full_site, path := path_of(full_site, "moved"))
    full_site.redis.flushall()

    assert [(drift.kind, drift.path) for drift in find_drift(full_site, reconcile_deps)] == [(DriftKind.MISSING, path)]


def test_a_listing_that_stays_stale_is_found(full_site: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    full_site.index.mark_stale(full_site.site, HOME)

    assert [(drift.kind, drift.path) for drift in find_drift(full_site, reconcile_deps)] == [
        (DriftKind.STALE, "index.html")
    ]


def test_pages_published_during_the_comparison_are_no_drift(full_site: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    full_site.post(source_id="moved", headline="Corrected", section="business", version_created="2026-11-01T11:00:00Z")
    remove(full_site, path_of(full_site, "pictured"))
    full_site.index.mark_stale(full_site.site, HOME)

    assert [drift.kind for drift in find_drift(full_site, reconcile_deps, wait=full_site.tick)] == [DriftKind.MISSING]


def test_an_article_under_embargo_is_no_drift(full_site: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    full_site.post(source_id="held", headline="Held", embargo_until="2026-12-01T10:00:00Z")
    full_site.tick()

    assert find_drift(full_site, reconcile_deps) == []


def test_a_page_whose_record_was_lost_is_published_again_and_not_removed(
    full_site: Pipeline, reconcile_deps: ReconcileDeps
) -> None:
    before = full_site.site_bytes()
    article = keys.article_id("epn", "desk", "moved")
    full_site.content.delete(keys.live_key("epn", article))

    full_site.deliver(_repair_message(redirect_path := _find_redirect(full_site, article)))
    assert redirect_path in full_site.site_bytes()
    assert {drift.kind for drift in find_drift(full_site, reconcile_deps)} == {DriftKind.STALE}
    repair(full_site, reconcile_deps)

    assert full_site.site_bytes() == before


def test_a_claim_made_while_a_path_is_being_removed_gets_its_page_back(full_site: Pipeline) -> None:
    path = path_of(full_site, "moved")
    article = keys.article_id("epn", "desk", "moved")
    record = full_site.content.get(keys.live_key("epn", article)).body
    revisions = {
        key: full_site.content.get(key).body
        for key in full_site.content.list_keys(keys.revisions_prefix("epn", article))
    }
    for key in (*revisions, keys.live_key("epn", article)):
        full_site.content.delete(key)
    remove_object = full_site.public.delete

    def claim_and_delete(key: str) -> None:
        full_site.content.put(keys.live_key("epn", article), record)
        for revision, body in revisions.items():
            full_site.content.put(revision, body)
        remove_object(key)

    full_site.public.delete = claim_and_delete  # type: ignore[method-assign]
    full_site.take(full_site.deliver(_repair_message(path)))
    full_site.run()

    assert path in full_site.site_bytes()


def test_a_repair_of_a_correct_object_puts_nothing(full_site: Pipeline) -> None:
    full_site.public.puts.clear()
    for find_path in WHERE.values():
        path = find_path(full_site)
        article = full_site.public.get(path).head.metadata.get("article")
        if path == picture_of(full_site):
            article = keys.article_id("epn", "desk", "pictured")
        full_site.take(full_site.deliver(_repair_message(path, article)))
    full_site.run()

    assert full_site.public.puts == []


def test_a_missing_410_page_is_found(full_site: Pipeline, reconcile_deps: ReconcileDeps) -> None:
    remove(full_site, path := listing_of(full_site.site, GONE).path)

    assert [(drift.kind, drift.path) for drift in find_drift(full_site, reconcile_deps)] == [(DriftKind.MISSING, path)]


def test_a_full_disk_fails_the_comparison_and_not_its_process(
    full_site: Pipeline, reconcile_deps: ReconcileDeps
) -> None:
    run = Reconciliation(full_site.site, reconcile_deps, wait=lambda: None)
    run._scratch_db._db.execute("PRAGMA max_page_count = 1")  # noqa: SLF001
    for number in range(200):
        full_site.public.put(f"{number}/{'long ' * 50}", b"")

    with pytest.raises(NoRoomError):
        list(run.steps())


def test_the_scheduler_exports_drift_as_one_number_and_stops_on_request(full_site: Pipeline) -> None:
    remove(full_site, path_of(full_site, "pictured"))
    remove(full_site, redirect_of(full_site))
    full_site.public.put("ads.txt", b"ads", content_type="text/plain")
    DRIFT.labels("epn").set(-1)

    verify(full_site.site, full_site.scheduler_deps, public=full_site.public, wait=lambda _: True)
    assert 'pressline_drift{site="epn"} -1.0' in metrics_text().decode()

    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return False

    verify(full_site.site, full_site.scheduler_deps, public=full_site.public, wait=wait)
    assert 'pressline_drift{site="epn"} 2.0' in metrics_text().decode()
    assert sum(waited) > 60  # calls to the store are spread, and drift is confirmed by a second look


def _repair_message(path: str, article: str | None = None) -> RepairPath:
    return RepairPath(message_id=uuid4(), site="epn", path=path, article=article)


def _find_redirect(pipeline: Pipeline, article: str) -> str:
    return next(
        key
        for key in pipeline.public.list_keys("")
        if pipeline.public.get(key).head.metadata.get("article") == article and pipeline.status_at(key) == "301"
    )

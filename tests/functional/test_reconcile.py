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
def places(pipeline: Pipeline) -> ReconcileDeps:
    return ReconcileDeps(
        content=pipeline.content,
        public=pipeline.public,
        revisions=pipeline.scheduler_deps.revisions,
        index=pipeline.index,
        sites={"epn": pipeline.site},
        clock=lambda: pipeline.now,
    )


@pytest.fixture
def whole(pipeline: Pipeline, a_picture: bytes) -> Pipeline:
    """A site with a live article that shows a picture, one that has moved, one that was killed."""
    picture = {"media": store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media, "alt": "A ferry"}
    who: dict[str, Any] = {"topics": [{"name": "Ferries"}], "authors": [{"name": "Mira Solen"}]}
    pipeline.post(source_id="pictured", headline="Pictured", picture=picture, **who)
    pipeline.post(source_id="moved", headline="Moved")
    pipeline.run()
    pipeline.post(source_id="moved", headline="Moved", section="business", version_created=LATER)
    pipeline.post(source_id="killed", headline="Killed")
    pipeline.tick()
    pipeline.post(source_id="killed", headline="Killed", status="canceled", version_created=LATER)
    pipeline.tick()
    return pipeline


def find_drift(pipeline: Pipeline, places: ReconcileDeps, wait: Callable[[], object] = lambda: None) -> list[Drift]:
    run = Reconciliation(pipeline.site, places, wait=wait)
    for _ in run.steps():
        pass
    found = list(run.found())
    run.close()
    return found


def repair(pipeline: Pipeline, places: ReconcileDeps) -> None:
    for drift in find_drift(pipeline, places):
        message = repair_of(drift, pipeline.site, places)
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


def change_behind_its_back(pipeline: Pipeline, path: str) -> None:
    """Change an object's bytes and leave its metadata as they were."""
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


def test_a_site_that_is_as_it_should_be_shows_no_drift(whole: Pipeline, places: ReconcileDeps) -> None:
    assert find_drift(whole, places) == []


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    ("damage", "kind"),
    [(remove, DriftKind.MISSING), (change_behind_its_back, DriftKind.WRONG), (replace_by_hand, DriftKind.WRONG)],
)
def test_what_was_damaged_is_found_and_mended(
    whole: Pipeline, places: ReconcileDeps, where: str, damage: Callable[[Pipeline, str], None], kind: DriftKind
) -> None:
    before = whole.site_bytes()
    path = WHERE[where](whole)
    damage(whole, path)

    assert [(drift.kind, drift.path) for drift in find_drift(whole, places)] == [(kind, path)]
    repair(whole, places)

    assert whole.site_bytes() == before
    assert find_drift(whole, places) == []


def test_what_nobody_claims_is_found_removed_and_purged(whole: Pipeline, places: ReconcileDeps) -> None:
    before = whole.site_bytes()
    page = whole.public.get(path_of(whole, "moved"))
    extra = "world/2020/01/01/nobody-knows-me/index.html"
    whole.public.put(extra, b"old", metadata=page.head.metadata)
    whole.public.put("_rail/also-closed.html", b"old", metadata={"order": "1", "sha256": "0"})

    assert {(drift.kind, drift.path) for drift in find_drift(whole, places)} == {
        (DriftKind.EXTRA, extra),
        (DriftKind.EXTRA, "_rail/also-closed.html"),
    }
    repair(whole, places)

    assert whole.site_bytes() == before
    assert keys.path_surrogate_key(extra) in whole.edge.purged_hard


def test_a_picture_of_none_but_killed_articles_is_found_and_gone(
    whole: Pipeline, places: ReconcileDeps, a_picture: bytes
) -> None:
    path = picture_of(whole)
    shown = whole.public.get(path)
    whole.post(source_id="pictured", headline="Pictured", status="canceled", version_created=LATER)
    whole.tick()
    assert find_drift(whole, places) == []
    whole.public.put(path, shown.body, content_type="image/png", metadata=shown.head.metadata)

    assert [(drift.kind, drift.path) for drift in find_drift(whole, places)] == [(DriftKind.EXTRA, path)]
    repair(whole, places)

    assert whole.status_at(path) == "410"


def test_what_another_site_in_the_same_bucket_shows_is_not_extra(whole: Pipeline, places: ReconcileDeps) -> None:
    other = whole.site.model_copy(update={"id": "other"})
    run = Reconciliation(other, replace(places, sites={"other": other, **places.sites}), wait=lambda: None)
    for _ in run.steps():
        pass

    assert list(run.found()) == []


def test_what_others_put_is_reported_and_never_removed(whole: Pipeline, places: ReconcileDeps) -> None:
    whole.public.put("ads.txt", b"ads", content_type="text/plain")

    found = find_drift(whole, places)
    repair(whole, places)
    whole.deliver(_mend("ads.txt"))

    assert [(drift.kind, drift.path) for drift in found] == [(DriftKind.FOREIGN, "ads.txt")]
    assert whole.public.get("ads.txt").body == b"ads"


def test_an_article_whose_event_was_lost_is_found_behind_and_said_again(whole: Pipeline, places: ReconcileDeps) -> None:
    whole.post(source_id="moved", headline="Mended", section="business", version_created="2026-11-01T11:00:00Z")
    whole.post(source_id="new", headline="Never announced")
    whole.queue.clear()

    assert [drift.kind for drift in find_drift(whole, places)] == [DriftKind.STALE, DriftKind.STALE]
    repair(whole, places)

    assert "Mended" in whole.page("index.html")
    assert "Never announced" in whole.page("index.html")
    assert find_drift(whole, places) == []


def test_an_article_that_the_index_does_not_know_is_found(whole: Pipeline, places: ReconcileDeps) -> None:
    article = keys.article_id("epn", "desk", "moved")
    whole.redis.hdel("index:epn:entries", article)

    assert [(drift.kind, drift.article) for drift in find_drift(whole, places)] == [(DriftKind.STALE, article)]
    repair(whole, places)
    assert find_drift(whole, places) == []


def test_an_index_that_is_being_made_again_is_no_drift(whole: Pipeline, places: ReconcileDeps) -> None:
    remove(whole, path := path_of(whole, "moved"))
    whole.redis.flushall()

    assert [(drift.kind, drift.path) for drift in find_drift(whole, places)] == [(DriftKind.MISSING, path)]


def test_a_listing_that_stays_behind_is_found(whole: Pipeline, places: ReconcileDeps) -> None:
    whole.index.mark_stale(whole.site, HOME)

    assert [(drift.kind, drift.path) for drift in find_drift(whole, places)] == [(DriftKind.STALE, "index.html")]


def test_what_is_published_while_it_runs_is_no_drift(whole: Pipeline, places: ReconcileDeps) -> None:
    whole.post(source_id="moved", headline="Mended", section="business", version_created="2026-11-01T11:00:00Z")
    remove(whole, path_of(whole, "pictured"))
    whole.index.mark_stale(whole.site, HOME)

    assert [drift.kind for drift in find_drift(whole, places, wait=whole.tick)] == [DriftKind.MISSING]


def test_what_waits_for_its_embargo_is_no_drift(whole: Pipeline, places: ReconcileDeps) -> None:
    whole.post(source_id="held", headline="Held", embargo_until="2026-12-01T10:00:00Z")
    whole.tick()

    assert find_drift(whole, places) == []


def test_a_page_whose_record_was_lost_is_published_again_and_not_removed(
    whole: Pipeline, places: ReconcileDeps
) -> None:
    before = whole.site_bytes()
    article = keys.article_id("epn", "desk", "moved")
    whole.content.delete(keys.live_key("epn", article))

    whole.deliver(_mend(redirect_path := _redirects(whole, article)))
    assert redirect_path in whole.site_bytes()
    assert {drift.kind for drift in find_drift(whole, places)} == {DriftKind.STALE}
    repair(whole, places)

    assert whole.site_bytes() == before


def test_a_claim_made_while_a_path_is_being_removed_gets_its_page_back(whole: Pipeline) -> None:
    path = path_of(whole, "moved")
    article = keys.article_id("epn", "desk", "moved")
    record = whole.content.get(keys.live_key("epn", article)).body
    revisions = {
        key: whole.content.get(key).body for key in whole.content.list_keys(keys.revisions_prefix("epn", article))
    }
    for key in (*revisions, keys.live_key("epn", article)):
        whole.content.delete(key)
    remove_object = whole.public.delete

    def claim_and_delete(key: str) -> None:
        whole.content.put(keys.live_key("epn", article), record)
        for revision, body in revisions.items():
            whole.content.put(revision, body)
        remove_object(key)

    whole.public.delete = claim_and_delete  # type: ignore[method-assign]
    whole.take(whole.deliver(_mend(path)))
    whole.run()

    assert path in whole.site_bytes()


def test_mending_what_is_right_puts_nothing(whole: Pipeline) -> None:
    whole.public.puts.clear()
    for find_path in WHERE.values():
        path = find_path(whole)
        article = whole.public.get(path).head.metadata.get("article")
        if path == picture_of(whole):
            article = keys.article_id("epn", "desk", "pictured")
        whole.take(whole.deliver(_mend(path, article)))
    whole.run()

    assert whole.public.puts == []


def test_the_page_for_what_is_gone_is_a_listing_like_others(whole: Pipeline, places: ReconcileDeps) -> None:
    remove(whole, path := listing_of(whole.site, GONE).path)

    assert [(drift.kind, drift.path) for drift in find_drift(whole, places)] == [(DriftKind.MISSING, path)]


def test_a_full_disk_fails_the_comparison_and_not_its_process(whole: Pipeline, places: ReconcileDeps) -> None:
    run = Reconciliation(whole.site, places, wait=lambda: None)
    run._scratch_db._db.execute("PRAGMA max_page_count = 1")  # noqa: SLF001
    for number in range(200):
        whole.public.put(f"{number}/{'long ' * 50}", b"")

    with pytest.raises(NoRoomError):
        list(run.steps())


def test_the_scheduler_exports_drift_as_one_number_and_stops_when_told(whole: Pipeline) -> None:
    remove(whole, path_of(whole, "pictured"))
    remove(whole, redirect_of(whole))
    whole.public.put("ads.txt", b"ads", content_type="text/plain")
    DRIFT.labels("epn").set(-1)

    verify(whole.site, whole.scheduler_deps, public=whole.public, wait=lambda _: True)
    assert 'pressline_drift{site="epn"} -1.0' in metrics_text().decode()

    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return False

    verify(whole.site, whole.scheduler_deps, public=whole.public, wait=wait)
    assert 'pressline_drift{site="epn"} 2.0' in metrics_text().decode()
    assert sum(waited) > 60  # what it asks of the store is spread, and drift is looked at twice


def _mend(path: str, article: str | None = None) -> RepairPath:
    return RepairPath(message_id=uuid4(), site="epn", path=path, article=article)


def _redirects(pipeline: Pipeline, article: str) -> str:
    return next(
        key
        for key in pipeline.public.list_keys("")
        if pipeline.public.get(key).head.metadata.get("article") == article and pipeline.status_at(key) == "301"
    )

"""`run-step`: one handler, one message, by hand. A dry run reads everything and changes nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

import services.enrich.wiring
import services.ingest.wiring
import services.publish.wiring
import services.render.wiring
from services.scheduler.handler import emit_stale_pages
from shared.index import Index
from shared.index.dry_run import DryRunIndex
from shared.index.redis import RedisIndex
from shared.messaging.handling import Result
from shared.messaging.messages import ArticlesAccepted, Message, RepairPath
from shared.messaging.pipeline import ENRICH_ARTICLES, PIPELINE, RENDER_ARTICLES, Step, steps_for
from shared.runtime.dry_run import DryRunQuarantine, DryRunReceipts, DryRunRuns, DryRunStorage
from shared.runtime.errors import ObjectMissingError, PermanentError, PreconditionFailedError, RetryableError
from shared.runtime.rebuild_runs import RunOutcome
from shared.runtime.receipts import Receipt, ReceiptStatus
from shared.runtime.step_events import as_event
from shared.runtime.step_run import StepRunner
from shared.site.listings import listing_of
from shared.storage.memory import MemoryObjectStorage
from tests.functional.conftest import NOON, Pipeline, an_article, next_page_of_article

LEASE_MS = 20_000
READS = {
    "articles",
    "choose_related",
    "choose_related_for_all",
    "complete_until",
    "find_published_sha256",
    "find_restore",
    "published_versions",
    "read",
    "revisions",
    "stale_articles",
    "stale_listings",
    "stale_versions",
}


class Queues:
    """Queues the follow-ups of a step that is run by hand."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def emit(self, messages: Iterable[Message]) -> None:
        self.pipeline.take(messages)

    def send(self, _: Step, messages: Iterable[Message]) -> None:
        self.pipeline.take(messages)


class Desk:
    """The step runners of the four services, wired as in production, with the pipeline's stores."""

    def __init__(self, pipeline: Pipeline, raw: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pipeline, self.raw = pipeline, raw
        monkeypatch.setattr(services.ingest.wiring, "worker_deps", lambda: pipeline.ingest_deps)
        monkeypatch.setattr(services.enrich.wiring, "deps", lambda: pipeline.enrich_deps)
        monkeypatch.setattr(services.render.wiring, "deps", lambda _: pipeline.render_deps)
        monkeypatch.setattr(services.publish.wiring, "deps", lambda _: pipeline.publish_deps)
        for module in (services.ingest.wiring, services.render.wiring, services.publish.wiring):
            monkeypatch.setattr(module, "redis_client", lambda _: pipeline.redis)
        wirings = (services.ingest.wiring, services.enrich.wiring, services.render.wiring, services.publish.wiring)
        runners: list[StepRunner] = [wiring.step_runner() for wiring in wirings]
        self.runners = {
            step: replace(runner, app=lambda: Queues(pipeline))  # type: ignore[arg-type,return-value]
            for runner in runners
            for step in runner.handlers
        }

    def run(self, message: Message, *, is_dry_run: bool) -> tuple[int, list[dict[str, Any]]]:
        """Run the step of a message by hand; return the exit code and the printed follow-ups."""
        (step,) = steps_for(type(message))
        out, event = io.StringIO(), json.dumps(as_event(step, message)).encode()
        code = self.runners[step].run(step.task_name, event, is_dry_run=is_dry_run, out=out)
        return code, [json.loads(each) for each in out.getvalue().splitlines()]

    def state(self) -> dict[str, Any]:
        """Return all objects, purges and queued messages."""
        pipeline, storages = self.pipeline, {"content": self.pipeline.content, "public": self.pipeline.public}
        objects = {name: {key: storage.get(key) for key in storage.list_keys("")} for name, storage in storages.items()}
        return {**objects, "purged": [*pipeline.edge.purged], "queue": [*pipeline.queue]}


@pytest.fixture
def raw(redis_url: str) -> Iterator[Redis]:
    """A Redis client that does not decode bytes."""
    client = Redis.from_url(redis_url)
    yield client
    client.close()


@contextmanager
def redis_unchanged(raw: Redis) -> Iterator[None]:
    """Check that no Redis key is written in the block; leases may expire."""
    before = {key: (raw.dump(key), raw.pttl(key)) for key in raw.keys("*")}
    yield
    after = {key: (raw.dump(key), raw.pttl(key)) for key in raw.keys("*")}
    lasting = {key for key, (_, milliseconds) in before.items() if milliseconds == -1 or milliseconds > LEASE_MS}
    assert lasting <= {*after} <= {*before}
    for key, (value, milliseconds) in after.items():
        assert value in (before[key][0], None), key
        assert milliseconds <= before[key][1], key


@pytest.fixture
def desk(pipeline: Pipeline, raw: Redis, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(pipeline, raw, monkeypatch)


def run_scenario(desk: Desk, check: Callable[[Message], int]) -> None:
    """Publish, correct, import, repair, withdraw and kill; call `check` for each message before its delivery."""
    pipeline = desk.pipeline
    killed = pipeline.post(topics=[{"name": "Ferries"}], standfirst="One.").article
    withdrawn = pipeline.post(source_id="story-2", topics=[{"name": "Ferries"}], headline="A second story").article
    pipeline.submit(json.dumps(an_article(source_id="story-3", headline="Read later")).encode())
    pipeline.submit(b"no article")
    _deliver_all(pipeline, check)
    pipeline.post(topics=[{"name": "Ferries"}], standfirst="Two.", version_created="2026-11-01T11:00:00Z")
    pipeline.take([RepairPath(message_id=uuid4(), site="epn", path="nobody/put/this.html")])
    _deliver_all(pipeline, check)
    pipeline.act("withdraw", withdrawn)
    pipeline.act("kill", killed, why="a test")
    _deliver_all(pipeline, check)


def _deliver_all(pipeline: Pipeline, check: Callable[[Message], int]) -> None:
    """Deliver all; check that the exit code of each dry run predicts the result of the delivery."""
    pipeline.queue.extend(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))
    while pipeline.queue:
        code = check(pipeline.queue[0])
        message = pipeline.queue.pop(0)
        try:
            pipeline.take(pipeline.deliver(message))
            assert code == 0, message
        except RetryableError:
            assert code == 1, message
            pipeline.now += timedelta(milliseconds=200)
            pipeline.take([message])
        if not pipeline.queue:
            pipeline.queue.extend(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))


def test_a_dry_run_of_any_step_ends_as_its_delivery_does_and_changes_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = set[str]()

    def check(message: Message) -> int:
        before = desk.state()
        with redis_unchanged(desk.raw):
            code, _ = desk.run(message, is_dry_run=True)
        assert desk.state() == before
        kinds.add(type(message).__name__)
        return code

    run_scenario(desk, check)

    reports = capsys.readouterr().err
    assert kinds == {step.consumes.__name__ for step in PIPELINE} - {"ArticlesPublished"}
    for write in ("put content/", "put public/", "purge", "lease", "load", "remove", "finalise receipt"):
        assert f"would {write}" in reports


def test_a_dry_run_prints_the_messages_that_would_follow(desk: Desk) -> None:
    pipeline = desk.pipeline
    pipeline.post()
    for kind in ("ArticlesAccepted", "ArticlesEnriched"):
        (message,) = pipeline.queue
        assert type(message).__name__ == kind

        code, printed = desk.run(message, is_dry_run=True)

        pipeline.queue.clear()
        follows = pipeline.deliver(message)
        pipeline.take(follows)
        assert code == 0
        assert [(each["task"], each["queue"]) for each in printed] == [
            (step.task_name, step.queue(each.lane)) for each in follows for step in steps_for(type(each))
        ]
        assert [each["payload"]["articles"] for each in printed] == [
            each.model_dump(mode="json")["articles"] for each in follows
        ]


def test_without_dry_run_the_handler_writes_and_emits_as_in_a_worker(desk: Desk) -> None:
    pipeline = desk.pipeline
    article = pipeline.post().article

    while pipeline.queue:
        message = pipeline.queue.pop(0)
        code, _ = desk.run(message, is_dry_run=False)
        assert code == 0

    assert "Ferry returns" in pipeline.page_of(article)


def test_a_dry_run_of_publish_reports_the_put_and_puts_no_page(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = desk.pipeline
    pipeline.post()
    message = next_page_of_article(pipeline)
    capsys.readouterr()

    code, _ = desk.run(message, is_dry_run=True)

    reports = capsys.readouterr().err.splitlines()
    (page,) = (each for each in reports if each.startswith("would put public/world/2026/") and "index.html" in each)
    assert "text/html" in page
    assert any(each.startswith("would purge article:") for each in reports)
    assert any("would load" in each and "into the index" in each for each in reports)
    assert reports[-1] == "publish.PagesRendered: 0 message(s) not emitted: nothing was written"
    assert code == 0
    assert pipeline.edge.purged == []


def test_a_failed_item_is_shown_with_its_traceback_and_the_run_ends_with_1(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> Result:
        return Result(failed={"a": PermanentError("the reason")})

    def raise_error(*_: object) -> Result:
        raise ZeroDivisionError

    desk.pipeline.post()
    (message,) = desk.pipeline.queue
    for handler, last in (
        (fail, "failed for a: PermanentError: the reason"),
        (raise_error, "failed: ZeroDivisionError: "),
    ):
        desk.runners[ENRICH_ARTICLES] = replace(desk.runners[ENRICH_ARTICLES], handlers={ENRICH_ARTICLES: handler})

        code, _ = desk.run(message, is_dry_run=True)

        assert code == 1
        assert last in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "event", "fault"),
    [
        ("render", b"{", "the event is not JSON"),
        ("render.Nothing", b"{}", "the steps are ingest.SubmitArticles"),
        ("publish.RepairPath", b'{"message_id": "6f1c1b5e-8c0e-4f0e-9a55-0d3a1b2c3d4e"}', "site: Field required"),
        ("ingest", b"{}", "the event is not a valid SubmitArticles"),
    ],
)
def test_an_unusable_event_is_explained_and_the_run_ends_with_2(
    desk: Desk, capsys: pytest.CaptureFixture[str], name: str, event: bytes, fault: str
) -> None:
    assert desk.runners[RENDER_ARTICLES].run(name, event, is_dry_run=True) == 2
    assert fault in capsys.readouterr().err


def test_a_step_of_another_service_is_refused(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    event = json.dumps(as_event(ENRICH_ARTICLES, _accepted(desk.pipeline))).encode()

    assert desk.runners[RENDER_ARTICLES].run("enrich", event, is_dry_run=True) == 2
    assert "enrich.ArticlesAccepted is a step of another service" in capsys.readouterr().err


def _accepted(pipeline: Pipeline) -> Message:
    pipeline.post()
    return pipeline.queue[0]


def test_unprocessed_items_follow_in_the_queue_of_the_same_step(desk: Desk) -> None:
    pipeline = desk.pipeline
    pipeline.post()
    pipeline.post(source_id="story-2")
    first, second = (each for each in pipeline.queue if isinstance(each, ArticlesAccepted))
    batch = first.model_copy(update={"articles": (*first.articles, *second.articles)})
    rest = second.items
    runner = replace(desk.runners[ENRICH_ARTICLES], handlers={ENRICH_ARTICLES: lambda *_: Result(rest=rest)})
    desk.runners[ENRICH_ARTICLES] = runner

    _, printed = desk.run(batch, is_dry_run=True)

    assert [(each["task"], [one["article"] for one in each["payload"]["articles"]]) for each in printed] == [
        ("enrich.ArticlesAccepted", [*rest])
    ]


# --- the adapters ---------------------------------------------------------------------------------------------------


def test_each_method_of_the_index_is_a_read_or_is_reported() -> None:
    methods = {name for name in vars(Index) if not name.startswith("_")}
    reported = {name for name in vars(DryRunIndex) if not name.startswith("_")}

    assert reported | READS == methods
    assert reported & READS == set()


def test_a_dry_run_reads_of_the_index_the_same_as_a_worker_and_changes_nothing(
    pipeline: Pipeline, raw: Redis, site: list[str]
) -> None:
    home, cards = (
        listing_of(pipeline.site, "home"),
        [pipeline.index.read(pipeline.site, listing_of(pipeline.site, "home")).cards[0]],
    )
    dry, real = DryRunIndex(pipeline.redis, lambda _: None), RedisIndex(pipeline.redis)
    for page in ("home", *(f"article.{each}" for each in site)):
        real.release_lease(pipeline.site, page)

    with redis_unchanged(raw):
        snapshot, related = (
            dry.read(pipeline.site, home, pins=site[:2]),
            dry.choose_related_for_all(pipeline.site, cards),
        )
        one = dry.choose_related(pipeline.site, cards[0])

    read = real.read(pipeline.site, home, pins=site[:2])
    assert replace(snapshot, order=0) == replace(read, order=0)
    assert len(snapshot.pins) == 2
    assert related == [one] == real.choose_related_for_all(pipeline.site, cards)
    assert one.cards


def test_a_dry_run_leases_no_page_that_another_message_has_leased(pipeline: Pipeline, site: list[str]) -> None:
    reports = list[str]()
    dry = DryRunIndex(pipeline.redis, reports.append)
    pipeline.redis.delete(*pipeline.redis.keys("*lease:*") or ["none"])
    pipeline.index.acquire_leases(pipeline.site, ["home"])

    assert dry.acquire_leases(pipeline.site, ["home", "section.world"]) == ["section.world"]
    assert reports == ["would lease section.world of epn"]
    assert pipeline.index.acquire_leases(pipeline.site, ["section.world"]) == ["section.world"]
    assert site


class Untouchable:
    """An adapter that must not be called."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def test_writes_to_receipts_quarantine_and_runs_are_reported_and_not_made() -> None:
    reports, real = list[str](), Untouchable()
    receipts = DryRunReceipts(real, reports.append)
    quarantine, runs = DryRunQuarantine(real, reports.append), DryRunRuns(real, reports.append)

    assert receipts.open(Receipt(receipt="r", site="epn"))
    receipts.note("r", ReceiptStatus.ENRICHED, NOON)
    receipts.note_waiting("r", ["http://edge.test/a/"])
    receipts.finalise("r", ReceiptStatus.FAILED, NOON, reason="the reason")
    quarantine.add("epn", "a", "1", 60)
    quarantine.release("epn", "a")
    runs.begin("epn", "run-1")
    runs.report("epn", "run-1", {"a": RunOutcome.CHANGED})
    runs.report("epn", "", {"a": RunOutcome.CHANGED})

    assert reports == [
        "would open receipt r as accepted",
        "would record stage enriched on receipt r",
        "would record on receipt r that it waits for 1 address(es)",
        "would finalise receipt r as failed, the reason",
        "would quarantine a of epn up to 1 for 60 s",
        "would release a of epn from quarantine",
        "would begin run run-1 of epn",
        "would record changed for a in run run-1 of epn",
    ]


def test_a_dry_run_reads_back_the_objects_that_it_would_have_put_and_keeps_their_conditions() -> None:
    real, reports = MemoryObjectStorage(), list[str]()
    first_etag = real.put("a", b"1")
    real.put("b/c", b"2")
    dry = DryRunStorage(real, "content", reports.append)

    with pytest.raises(PreconditionFailedError):
        dry.put("a", b"3", unless_exists=True)
    etag = dry.put("a", b"3", if_etag=first_etag)
    with pytest.raises(PreconditionFailedError):
        dry.put("a", b"4", if_etag=first_etag)
    dry.put("d/e", b"5", unless_exists=True)
    dry.delete("b/c")

    assert (dry.get("a").body, dry.get("a").etag) == (b"3", etag)
    assert [*dry.list_keys("")] == ["a", "d/e"]
    assert [*dry.list_keys("", start_after="a", limit=1)] == ["d/e"]
    assert [*dry.list_folders("")] == ["b", "d"]
    with pytest.raises(ObjectMissingError):
        dry.get("b/c")
    dry.put("b/c", b"6", unless_exists=True)
    assert dry.find_head("b/c") is not None
    assert {key: real.get(key).body for key in real.list_keys("")} == {"a": b"1", "b/c": b"2"}
    assert reports == [
        "would put content/a (application/json, 1 bytes)",
        "would put content/d/e (application/json, 1 bytes)",
        "would delete content/b/c",
        "would put content/b/c (application/json, 1 bytes)",
    ]

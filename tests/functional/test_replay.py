"""Replays of dead letters, and of periods of the journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from services.desk import wiring
from services.desk.__main__ import app
from services.desk.handler.dead_letters import (
    Selection,
    StoredDeadLetter,
    UnreplayableDeadLetterError,
    find_dead_letters,
    replay,
)
from services.desk.handler.journal import read_journal
from shared.messaging.messages import (
    MAX_BATCH_ITEMS,
    ArticleRevision,
    ArticlesAccepted,
    ArticlesEnriched,
    ArticlesPublished,
    ListingsStale,
    Message,
    SubmitArticles,
)
from shared.messaging.pipeline import Step, steps_for
from shared.model.history import StoredRevisions
from shared.model.lane import Lane
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.errors import PermanentError, RedisUnavailableError
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.receipts.redis import RedisReceipts
from shared.site import keys
from tests.functional.conftest import NOON, Pipeline


class Desk:
    """The dead letters of a pipeline, and their replay."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self.quarantine = pipeline, RedisQuarantine(pipeline.redis)

    def bury(self, message: Message, at: datetime = NOON) -> str:
        """Bury a message; return the key of its dead letter."""
        (step,) = steps_for(type(message))
        dead_letters = DeadLetters(
            step.service, self.pipeline.content, RedisReceipts(self.pipeline.redis), self.quarantine
        )
        return dead_letters.bury(
            step.task_name, message.model_dump(mode="json"), PermanentError("x"), attempts=1, at=at
        )

    def find(self, **selection: object) -> list[StoredDeadLetter]:
        """Return the selected dead letters."""
        return list(find_dead_letters(self.pipeline.content, Selection(**selection), NOON + timedelta(days=9)))  # type: ignore[arg-type]

    def replay(self, **selection: object) -> None:
        """Replay the selected dead letters."""
        for dead_letter in self.find(**selection):
            replay(dead_letter, self.pipeline.content, self.quarantine, self.send)

    def send(self, step: Step, messages: Iterable[Message]) -> None:
        """Queue messages for a step, the only one that consumes them."""
        sent = list(messages)
        assert all(steps_for(type(each)) == (step,) for each in sent)
        self.pipeline.take(sent)


@pytest.fixture
def desk(pipeline: Pipeline) -> Desk:
    return Desk(pipeline)


def lost_enriched(pipeline: Pipeline) -> ArticlesEnriched:
    """Post an article; remove its `ArticlesEnriched` from the queue and return it."""
    pipeline.post()
    (message,) = pipeline.deliver(pipeline.queue.pop())
    assert isinstance(message, ArticlesEnriched)
    return message


def test_a_replayed_dead_letter_enters_at_the_failed_step_and_its_article_goes_live(desk: Desk) -> None:
    message = lost_enriched(desk.pipeline)
    key = desk.bury(message)

    desk.replay(ids=(str(message.message_id)[:8],))

    assert [(type(each), each.message_id) for each in desk.pipeline.queue] == [(ArticlesEnriched, message.message_id)]
    assert desk.pipeline.content.find(key) is None
    desk.pipeline.run()
    assert "Ferry returns" in desk.pipeline.page_of(message.items[0])


def test_a_replay_that_redis_loses_is_found_by_the_sweep(desk: Desk) -> None:
    message = lost_enriched(desk.pipeline)
    desk.bury(message)
    for key in list(desk.pipeline.content.list_keys("journal/")):
        desk.pipeline.content.delete(key)  # older than the sweep reads

    desk.replay(service="render")
    desk.pipeline.queue.clear()
    desk.pipeline.redis.flushall()
    desk.pipeline.now = datetime.now(UTC)
    desk.pipeline.sweep()

    assert [type(each) for each in desk.pipeline.queue] == [ArticlesAccepted]


def test_a_replayed_article_is_released_from_quarantine(desk: Desk) -> None:
    message = lost_enriched(desk.pipeline)
    desk.bury(message)
    (quarantined,) = message.articles
    assert desk.quarantine.is_quarantined("epn", quarantined.article, quarantined.revision)

    desk.replay()

    assert not desk.quarantine.is_quarantined("epn", quarantined.article, quarantined.revision)


def test_a_replayed_submission_is_in_the_inbox_again_until_it_has_an_outcome(desk: Desk) -> None:
    receipt = desk.pipeline.submit(b"{}").receipt
    desk.pipeline.run()
    assert desk.pipeline.receipt_status(receipt) == "refused"

    desk.replay()

    (entry,) = desk.pipeline.content.list_keys("inbox/")
    (message,) = desk.pipeline.queue
    assert keys.inbox_entry(entry) == receipt
    assert isinstance(message, SubmitArticles)
    assert message.items == (receipt,)
    desk.pipeline.run()
    assert desk.pipeline.receipt_status(receipt) == "refused"
    assert list(desk.pipeline.content.list_keys("inbox/")) == []
    assert len(desk.find()) == 1


def test_a_replayed_submission_that_redis_loses_is_found_by_the_sweep(desk: Desk) -> None:
    receipt = desk.pipeline.submit(b"{}").receipt
    desk.pipeline.run()
    desk.replay()
    desk.pipeline.queue.clear()
    desk.pipeline.redis.flushall()
    desk.pipeline.now += timedelta(minutes=1)

    assert desk.pipeline.receipt_status(receipt) == "accepted"
    desk.pipeline.sweep()

    (message,) = desk.pipeline.queue
    assert isinstance(message, SubmitArticles)
    assert message.items == (receipt,)


@pytest.mark.parametrize("interruption", [RedisUnavailableError, KeyboardInterrupt])
def test_an_interrupted_replay_keeps_the_dead_letter(desk: Desk, interruption: type[BaseException]) -> None:
    def refuse(_: Step, __: Iterable[Message]) -> None:
        raise interruption

    desk.bury(lost_enriched(desk.pipeline))
    (dead_letter,) = desk.find()

    with pytest.raises(interruption):
        replay(dead_letter, desk.pipeline.content, desk.quarantine, refuse)

    assert desk.find() == [dead_letter]


def test_a_dead_letter_that_is_buried_again_during_its_replay_is_kept(desk: Desk) -> None:
    message = lost_enriched(desk.pipeline)
    desk.bury(message)
    (dead_letter,) = desk.find()

    def fail_at_once(_: Step, messages: Iterable[Message]) -> None:
        for each in messages:
            desk.bury(each)

    replay(dead_letter, desk.pipeline.content, desk.quarantine, fail_at_once)

    assert len(desk.find()) == 1


def test_a_dead_letter_of_an_unknown_message_is_kept(desk: Desk) -> None:
    key = desk.bury(ListingsStale(message_id="6f1c1b5e-8c0e-4f0e-9a55-0d3a1b2c3d4e", site="epn", listings={"home": 1}))
    (dead_letter,) = desk.find()
    unknown = StoredDeadLetter(key, dead_letter.dead_letter.model_copy(update={"task": "render.Yesterday"}))

    with pytest.raises(UnreplayableDeadLetterError):
        replay(unknown, desk.pipeline.content, desk.quarantine, desk.send)

    assert desk.find() == [dead_letter]


def test_a_dead_lettered_listing_is_emitted_again_only_at_a_higher_wanted_version(desk: Desk) -> None:
    def home_after(source_id: str) -> ListingsStale:
        pipeline.redis.delete(*pipeline.redis.keys("*lease:*") or ["none"])
        pipeline.post(source_id=source_id)
        found: list[ListingsStale] = []
        while pipeline.queue:
            for each in pipeline.deliver(pipeline.queue.pop()):
                if isinstance(each, ListingsStale):
                    found.append(each)
                else:
                    pipeline.queue.append(each)
        return next(each for each in found if "home" in each.listings).only(["home"])

    pipeline = desk.pipeline
    desk.bury(home_after("one"))
    failed_version = pipeline.index.stale_versions(pipeline.site)["home"]
    cause = ArticlesPublished(message_id=uuid4(), site="epn", articles=(ArticleRevision(article="a", revision="1"),))
    pipeline.redis.delete(*pipeline.redis.keys("*lease:*"))

    assert "home" not in str(pipeline.publish_deps.stale_pages(cause, pipeline.site, ["home"]))
    assert home_after("two").listings["home"] > failed_version


def test_dead_letters_are_found_newest_first_by_service_time_and_id(desk: Desk) -> None:
    message = lost_enriched(desk.pipeline)
    days = [NOON + timedelta(days=day, hours=day) for day in range(4)]
    for day in days:
        desk.bury(message, at=day)
    desk.pipeline.post(source_id="other")
    desk.bury(desk.pipeline.queue.pop(), at=days[1])

    assert [each.dead_letter.buried_at for each in desk.find(service="render")] == days[::-1]
    assert [each.dead_letter.buried_at for each in desk.find(service="render", since=days[1], until=days[2])] == [
        days[2],
        days[1],
    ]
    assert len(desk.find()) == 5
    assert len(desk.find(ids=(str(message.message_id),))) == 4


def replayed(pipeline: Pipeline, since: datetime, until: datetime, source: str | None = None) -> list[ArticlesAccepted]:
    """Return the messages of a replay."""
    steps = read_journal(
        pipeline.content, StoredRevisions(pipeline.content), "epn", since=since, until=until, source=source
    )
    return [each.message for each in steps if each.message is not None]


def test_a_journal_replay_emits_each_article_of_its_period_once_in_the_bulk_lane(pipeline: Pipeline) -> None:
    pipeline.post(source_id="before")
    pipeline.now = since = NOON + timedelta(minutes=5)
    first = pipeline.post(source_id="one").article
    pipeline.post(source_id="one", version_created="2026-11-01T11:00:00Z", headline="Corrected")
    second = pipeline.post(source_id="two", source="wire").article
    pipeline.now = until = NOON + timedelta(minutes=10)
    pipeline.post(source_id="after")

    (batch,) = replayed(pipeline, since, until)
    (wire_batch,) = replayed(pipeline, since, until, source="wire")

    assert (batch.items, batch.lane) == ((first, second), Lane.BULK)
    assert wire_batch.items == (second,)


def test_a_journal_replay_emits_articles_in_batches_and_reports_its_progress(pipeline: Pipeline) -> None:
    posted = [pipeline.post(source_id=str(number)).article for number in range(MAX_BATCH_ITEMS + 2)]
    steps = list(
        read_journal(
            pipeline.content, StoredRevisions(pipeline.content), "epn", since=NOON, until=pipeline.now, source=None
        )
    )

    batches = [each.message.items for each in steps if each.message]
    assert batches == [tuple(posted[:MAX_BATCH_ITEMS]), tuple(posted[MAX_BATCH_ITEMS:])]
    assert [each.at for each in steps] == [NOON + timedelta(milliseconds=n) for n in (MAX_BATCH_ITEMS, len(posted))]


def test_a_journal_entry_without_a_revision_is_skipped(pipeline: Pipeline) -> None:
    pipeline.content.put(keys.journal_key("epn", NOON, "a" * 26, "1", Lane.LIVE), b"")

    assert replayed(pipeline, NOON - timedelta(hours=1), NOON + timedelta(hours=1)) == []


def test_a_journal_replay_of_live_articles_changes_nothing_and_a_kill_stays_in_force(pipeline: Pipeline) -> None:
    pipeline.post(source_id="untouched")
    killed = pipeline.post(source_id="killed").article
    pipeline.run()
    pipeline.tick()
    pipeline.post(source_id="killed", status="canceled", version_created="2026-11-01T11:00:00Z")
    pipeline.run()
    pipeline.tick()
    before = pipeline.site_bytes()

    pipeline.take(replayed(pipeline, NOON - timedelta(hours=1), pipeline.now))
    pipeline.run()
    pipeline.tick()

    assert pipeline.site_bytes() == before
    assert all(pipeline.status_at(path) == "410" for path in pipeline.record(killed).claimed)


def test_a_stopped_replay_prints_the_command_that_continues_it_without_a_gap(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def emit(messages: Iterable[Message]) -> None:
        if len(emitted) == 1:
            emitted.append("Ctrl-C")
            raise KeyboardInterrupt
        emitted.extend(each.items for each in messages if isinstance(each, ArticlesAccepted))

    emitted: list[object] = []
    posted = []
    for minute in range(MAX_BATCH_ITEMS + 1):
        pipeline.now = NOON + timedelta(minutes=minute)
        posted.append(pipeline.post(source_id=str(minute)).article)
    monkeypatch.setattr(wiring, "content", lambda: pipeline.content)
    monkeypatch.setattr(wiring, "revisions", lambda: StoredRevisions(pipeline.content))
    monkeypatch.setattr(wiring, "backlog", lambda: RedisBacklog(pipeline.redis))
    monkeypatch.setattr(wiring, "emitter", lambda: emit)

    stopped = CliRunner().invoke(app, ["replay", "--since", "2026-11-01T00:00Z", "--until", "2026-11-02T00:00Z"])
    assert stopped.exit_code == 1
    (command,) = (each for each in stopped.output.splitlines() if "pressline replay" in each)
    went_on = CliRunner().invoke(app, command.split()[1:])

    assert went_on.exit_code == 0
    assert command.split()[3] > "2026-11-01T12:49"
    assert emitted == [tuple(posted[:-1]), "Ctrl-C", tuple(posted[-2:])]

"""Dead letters sent again, and the journal walked again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from services.desk import wiring
from services.desk.__main__ import app
from services.desk.handler.journal import walk_journal
from services.desk.handler.letters import (
    KeptLetter,
    Selection,
    UnreplayableLetterError,
    find_letters,
    replay,
)
from shared import keys
from shared.backlog.redis import RedisBacklog
from shared.dead_letters import DeadLetters
from shared.errors import PermanentError, RedisUnavailableError
from shared.history import StoredRevisions
from shared.marks.redis import RedisMarks
from shared.messages import (
    MAX_BATCH_ITEMS,
    ArticleRevision,
    ArticlesAccepted,
    ArticlesEnriched,
    ArticlesPublished,
    Lane,
    ListingsStale,
    Message,
    SubmitArticles,
)
from shared.pipeline import Step, steps_for
from shared.receipts.redis import RedisReceipts
from tests.functional.conftest import NOON, Line


class Desk:
    """Letters of the line, and a desk that replays them."""

    def __init__(self, line: Line) -> None:
        self.line, self.marks = line, RedisMarks(line.redis)

    def bury(self, message: Message, at: datetime = NOON) -> str:
        """Put a message aside; return its letter's key."""
        (step,) = steps_for(type(message))
        letters = DeadLetters(step.service, self.line.content, RedisReceipts(self.line.redis), self.marks)
        return letters.bury(step.task_name, message.model_dump(mode="json"), PermanentError("x"), attempts=1, at=at)

    def find(self, **selection: object) -> list[KeptLetter]:
        """Return the letters that are meant."""
        return list(find_letters(self.line.content, Selection(**selection), NOON + timedelta(days=9)))  # type: ignore[arg-type]

    def replay(self, **selection: object) -> None:
        """Send letters again."""
        for kept in self.find(**selection):
            replay(kept, self.line.content, self.marks, self.send)

    def send(self, step: Step, messages: Iterable[Message]) -> None:
        """Put messages on their way to a step, the only one that consumes them."""
        sent = list(messages)
        assert all(steps_for(type(each)) == (step,) for each in sent)
        self.line.take(sent)


@pytest.fixture
def desk(line: Line) -> Desk:
    return Desk(line)


def the_enriched(line: Line) -> ArticlesEnriched:
    """Post an article; return the message that leads to its page, which is lost."""
    line.post()
    (message,) = line.deliver(line.queue.pop())
    assert isinstance(message, ArticlesEnriched)
    return message


def test_a_replayed_letter_enters_at_the_stage_that_failed_and_its_article_is_live(desk: Desk) -> None:
    message = the_enriched(desk.line)
    key = desk.bury(message)

    desk.replay(ids=(str(message.message_id)[:8],))

    assert [(type(each), each.message_id) for each in desk.line.queue] == [(ArticlesEnriched, message.message_id)]
    assert desk.line.content.find(key) is None
    desk.line.run()
    assert "Ferry returns" in desk.line.page_of(message.items[0])


def test_a_replay_that_redis_forgets_is_found_by_the_sweep(desk: Desk) -> None:
    message = the_enriched(desk.line)
    desk.bury(message)
    for key in list(desk.line.content.list_keys("journal/")):
        desk.line.content.delete(key)  # older than the sweep looks back

    desk.replay(service="render")
    desk.line.queue.clear()
    desk.line.redis.flushall()
    desk.line.now = datetime.now(UTC)
    desk.line.sweep()

    assert [type(each) for each in desk.line.queue] == [ArticlesAccepted]


def test_a_replayed_article_is_parked_no_longer(desk: Desk) -> None:
    message = the_enriched(desk.line)
    desk.bury(message)
    (parked,) = message.articles
    assert desk.marks.is_parked("epn", parked.article, parked.revision)

    desk.replay()

    assert not desk.marks.is_parked("epn", parked.article, parked.revision)


def test_a_replayed_submission_is_in_the_inbox_again_until_it_has_an_outcome(desk: Desk) -> None:
    receipt = desk.line.submit(b"{}").receipt
    desk.line.run()
    assert desk.line.receipt_status(receipt) == "refused"

    desk.replay()

    (entry,) = desk.line.content.list_keys("inbox/")
    (message,) = desk.line.queue
    assert keys.inbox_entry(entry) == receipt
    assert isinstance(message, SubmitArticles)
    assert message.items == (receipt,)
    desk.line.run()
    assert desk.line.receipt_status(receipt) == "refused"
    assert list(desk.line.content.list_keys("inbox/")) == []
    assert len(desk.find()) == 1


def test_a_replayed_submission_that_redis_forgets_is_found_by_the_sweep(desk: Desk) -> None:
    receipt = desk.line.submit(b"{}").receipt
    desk.line.run()
    desk.replay()
    desk.line.queue.clear()
    desk.line.redis.flushall()
    desk.line.now += timedelta(minutes=1)

    assert desk.line.receipt_status(receipt) == "accepted"
    desk.line.sweep()

    (message,) = desk.line.queue
    assert isinstance(message, SubmitArticles)
    assert message.items == (receipt,)


@pytest.mark.parametrize("interruption", [RedisUnavailableError, KeyboardInterrupt])
def test_a_replay_that_is_cut_short_keeps_the_letter(desk: Desk, interruption: type[BaseException]) -> None:
    def refuse(_: Step, __: Iterable[Message]) -> None:
        raise interruption

    desk.bury(the_enriched(desk.line))
    (kept,) = desk.find()

    with pytest.raises(interruption):
        replay(kept, desk.line.content, desk.marks, refuse)

    assert desk.find() == [kept]


def test_a_letter_that_is_written_again_at_once_is_not_taken_away(desk: Desk) -> None:
    message = the_enriched(desk.line)
    desk.bury(message)
    (kept,) = desk.find()

    def fail_at_once(_: Step, messages: Iterable[Message]) -> None:
        for each in messages:
            desk.bury(each)

    replay(kept, desk.line.content, desk.marks, fail_at_once)

    assert len(desk.find()) == 1


def test_a_letter_of_no_known_message_stays_where_it_is(desk: Desk) -> None:
    key = desk.bury(ListingsStale(message_id="6f1c1b5e-8c0e-4f0e-9a55-0d3a1b2c3d4e", site="epn", listings={"home": 1}))
    (kept,) = desk.find()
    unknown = KeptLetter(key, kept.letter.model_copy(update={"task": "render.Yesterday"}))

    with pytest.raises(UnreplayableLetterError):
        replay(unknown, desk.line.content, desk.marks, desk.send)

    assert desk.find() == [kept]


def test_a_listing_that_could_not_be_rendered_is_tried_again_as_soon_as_it_is_newer_and_not_before(desk: Desk) -> None:
    def home_after(source_id: str) -> ListingsStale:
        line.redis.delete(*line.redis.keys("*turn:*") or ["none"])
        line.post(source_id=source_id)
        found: list[ListingsStale] = []
        while line.queue:
            for each in line.deliver(line.queue.pop()):
                if isinstance(each, ListingsStale):
                    found.append(each)
                else:
                    line.queue.append(each)
        return next(each for each in found if "home" in each.listings).only(["home"])

    line = desk.line
    desk.bury(home_after("one"))
    parked = line.index.behind(line.site)["home"]
    cause = ArticlesPublished(message_id=uuid4(), site="epn", articles=(ArticleRevision(article="a", revision="1"),))
    line.redis.delete(*line.redis.keys("*turn:*"))

    assert "home" not in str(line.publisher.stale_pages(cause, line.site, ["home"]))
    assert home_after("two").listings["home"] > parked


def test_letters_are_found_newest_first_by_service_time_and_id(desk: Desk) -> None:
    message = the_enriched(desk.line)
    days = [NOON + timedelta(days=day, hours=day) for day in range(4)]
    for day in days:
        desk.bury(message, at=day)
    desk.line.post(source_id="other")
    desk.bury(desk.line.queue.pop(), at=days[1])

    assert [each.letter.buried_at for each in desk.find(service="render")] == days[::-1]
    assert [each.letter.buried_at for each in desk.find(service="render", since=days[1], until=days[2])] == [
        days[2],
        days[1],
    ]
    assert len(desk.find()) == 5
    assert len(desk.find(ids=(str(message.message_id),))) == 4


def walked(line: Line, since: datetime, until: datetime, source: str | None = None) -> list[ArticlesAccepted]:
    """Return what a walk says."""
    steps = walk_journal(line.content, StoredRevisions(line.content), "epn", since=since, until=until, source=source)
    return [each.message for each in steps if each.message is not None]


def test_a_replay_says_each_article_of_its_time_once_in_the_bulk_lane(line: Line) -> None:
    line.post(source_id="before")
    line.now = since = NOON + timedelta(minutes=5)
    first = line.post(source_id="one").article
    line.post(source_id="one", version_created="2026-11-01T11:00:00Z", headline="Corrected")
    second = line.post(source_id="two", source="wire").article
    line.now = until = NOON + timedelta(minutes=10)
    line.post(source_id="after")

    (said,) = walked(line, since, until)
    (of_wire,) = walked(line, since, until, source="wire")

    assert (said.items, said.lane) == ((first, second), Lane.BULK)
    assert of_wire.items == (second,)


def test_a_replay_says_many_articles_in_batches_and_comes_as_far_as_it_has_said(line: Line) -> None:
    posted = [line.post(source_id=str(number)).article for number in range(MAX_BATCH_ITEMS + 2)]
    steps = list(
        walk_journal(line.content, StoredRevisions(line.content), "epn", since=NOON, until=line.now, source=None)
    )

    batches = [each.message.items for each in steps if each.message]
    assert batches == [tuple(posted[:MAX_BATCH_ITEMS]), tuple(posted[MAX_BATCH_ITEMS:])]
    assert [each.at for each in steps] == [NOON + timedelta(milliseconds=n) for n in (MAX_BATCH_ITEMS, len(posted))]


def test_a_marker_whose_acceptance_was_cut_short_is_passed_over(line: Line) -> None:
    line.content.put(keys.journal_key("epn", NOON, "a" * 26, "1", Lane.LIVE), b"")

    assert walked(line, NOON - timedelta(hours=1), NOON + timedelta(hours=1)) == []


def test_a_replay_of_what_readers_see_changes_nothing_and_a_kill_stays_a_kill(line: Line) -> None:
    line.post(source_id="kept")
    killed = line.post(source_id="killed").article
    line.run()
    line.tick()
    line.post(source_id="killed", status="canceled", version_created="2026-11-01T11:00:00Z")
    line.run()
    line.tick()
    before = line.site_bytes()

    line.take(walked(line, NOON - timedelta(hours=1), line.now))
    line.run()
    line.tick()

    assert line.site_bytes() == before
    assert all(line.status_at(path) == "410" for path in line.record(killed).claimed)


def test_a_replay_that_was_stopped_tells_how_to_go_on_and_then_misses_nothing(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def emit(messages: Iterable[Message]) -> None:
        if len(said) == 1:
            said.append("Ctrl-C")
            raise KeyboardInterrupt
        said.extend(each.items for each in messages if isinstance(each, ArticlesAccepted))

    said: list[object] = []
    posted = []
    for minute in range(MAX_BATCH_ITEMS + 1):
        line.now = NOON + timedelta(minutes=minute)
        posted.append(line.post(source_id=str(minute)).article)
    monkeypatch.setattr(wiring, "content", lambda: line.content)
    monkeypatch.setattr(wiring, "revisions", lambda: StoredRevisions(line.content))
    monkeypatch.setattr(wiring, "backlog", lambda: RedisBacklog(line.redis))
    monkeypatch.setattr(wiring, "emitter", lambda: emit)

    stopped = CliRunner().invoke(app, ["replay", "--since", "2026-11-01T00:00Z", "--until", "2026-11-02T00:00Z"])
    assert stopped.exit_code == 1
    (command,) = (each for each in stopped.output.splitlines() if "pressline replay" in each)
    went_on = CliRunner().invoke(app, command.split()[1:])

    assert went_on.exit_code == 0
    assert command.split()[3] > "2026-11-01T12:49"
    assert said == [tuple(posted[:-1]), "Ctrl-C", tuple(posted[-2:])]

"""Batches of submissions: each line has its own result, even after interruptions, at the cost of few store calls."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from infra.local.settings import PROJECT
from services.ingest.adapters.pillow_pictures import clean_picture
from services.ingest.adapters.readers import read_document
from services.ingest.domain.accepted import Submitted
from services.ingest.domain.refusal import BacklogFullError
from services.ingest.handler import IngestDeps, act, read_submissions, submissions, submit_batch
from services.ingest.handler.accept import commit_item
from services.ingest.handler.sources import Sources
from services.ingest.ports import SubmissionMetadata
from shared.messaging.handling import Result
from shared.messaging.messages import ArticleRemoved, ArticlesAccepted, Message, SubmitArticles
from shared.model.history import StoredRevisions
from shared.model.lane import Lane
from shared.runtime import inbox
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.errors import StorageUnavailableError
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.receipts import Receipt, ReceiptStatus, submission_of_receipt
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.receipts.stored import find_stored_receipt
from shared.site import keys
from shared.site.sites import load_sites
from shared.storage.memory import MemoryObjectStorage

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SITES = load_sites(PROJECT / "infra" / "sites", "http://edge.test")
EPN = SITES["epn"]
_CALLS = ("put", "get", "find", "find_head", "delete", "list_keys")


class KilledError(BaseException):
    """The process died."""


class CountedStorage(MemoryObjectStorage):
    """A bucket that counts its calls, and may fail from a chosen call on."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.calls_left: int | None = None

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name not in _CALLS:
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.calls_left is not None:
                self.calls_left -= 1
                if self.calls_left < 0:
                    raise KilledError
            self.calls[name] += 1
            return value(*args, **kwargs)

        return call


class Ingest:
    """The endpoint's side and the worker's, on one bucket."""

    def __init__(self, redis: Redis) -> None:
        self.content, self.receipts = CountedStorage(), RedisReceipts(redis)
        self.executor = ThreadPoolExecutor(2)
        revisions, quarantine = StoredRevisions(self.content), RedisQuarantine(redis)
        self.queue: list[Message] = []
        self.now = NOON
        self.ingest_deps = IngestDeps(
            content=self.content,
            revisions=revisions,
            read_document=read_document,
            clean_picture=clean_picture,
            receipts=self.receipts,
            dead_letters=DeadLetters("ingest", self.content, self.receipts, quarantine),
            emit=self.take,
            sites=SITES,
            clock=lambda: self.now,
            executor=self.executor,
            sources=Sources(self.content, revisions, self.executor),
        )

    def take(self, messages: Iterable[Message]) -> None:
        """Queue messages."""
        self.queue.extend(messages)

    def submit(self, lines: Sequence[bytes], *, may_take_down: bool = False) -> list[str]:
        """Submit lines together; return their receipts."""
        outcomes = submit_batch(
            lines,
            SubmissionMetadata(
                content_type="application/json",
                site=EPN,
                feed=EPN.feeds[0],
                received_at=self.now,
                may_take_down=may_take_down,
                lane=Lane.BULK,
            ),
            uuid4(),
            self.ingest_deps,
        )
        return [each.receipt for each in outcomes if isinstance(each, Submitted)]

    def message(self) -> SubmitArticles:
        """Return the one queued message."""
        (message,) = (each for each in self.queue if isinstance(each, SubmitArticles))
        self.queue.remove(message)
        return message

    def read_all(self) -> None:
        """Read until no submission is queued; messages for other services stay in the queue."""
        while message := next((each for each in self.queue if isinstance(each, SubmitArticles)), None):
            self.queue.remove(message)
            self.read(message)

    def read(self, message: SubmitArticles) -> Result:
        """Read a message; queue its follow-ups and the items that were not begun."""
        result = read_submissions(message, self.ingest_deps)
        self.queue.extend(result.emits)
        if result.rest:
            self.queue.append(message.only(result.rest))
        return result

    def kept(self, receipt: str) -> Receipt:
        """Return the state of a submission, from the bucket alone."""
        found = find_stored_receipt(self.content, "epn", receipt)
        assert found is not None, receipt
        return found

    def keys(self, prefix: str) -> list[str]:
        """Return the keys with a prefix."""
        return list(self.content.list_keys(prefix))


@pytest.fixture
def ingest(redis: Redis) -> Iterator[Ingest]:
    built = Ingest(redis)
    yield built
    built.executor.shutdown()


def a_line(number: int, **fields: Any) -> bytes:
    article = {
        "source": "archive",
        "source_id": f"story-{number}",
        "version_created": "2026-11-01T10:00:00Z",
        "headline": f"Story {number}",
        "section": "world",
        "body": f"<p>Words of story {number}, with an ümlaut.</p>",
    }
    return json.dumps({name: value for name, value in (article | fields).items() if value is not None}).encode()


BAD = b'{"headline": ""}'


# --- one batch ----------------------------------------------------------------------------------------------------


def test_a_batch_has_one_raw_object_one_inbox_entry_and_one_message(ingest: Ingest) -> None:
    receipts = ingest.submit([a_line(number) for number in range(3)])

    (raw,) = ingest.keys("raw/")
    (entry,) = ingest.keys("inbox/")
    assert ingest.content.get(raw).body.split(b"\n") == [a_line(number) for number in range(3)]
    assert SubmitArticles.model_validate_json(ingest.content.get(entry).body) == ingest.message()
    assert len(set(receipts)) == 3


def test_a_batch_emits_one_event_for_all_texts_and_one_per_removal(ingest: Ingest) -> None:
    ingest.submit([a_line(1), a_line(2), a_line(3, status="canceled", body="")], may_take_down=True)
    ingest.read_all()

    accepted = [each for each in ingest.queue if isinstance(each, ArticlesAccepted)]
    removed = [each for each in ingest.queue if isinstance(each, ArticleRemoved)]
    assert [(each.lane, len(each.items)) for each in accepted] == [(Lane.BULK, 2)]
    assert [each.lane for each in removed] == [Lane.URGENT]


def test_a_revision_keeps_its_own_digest_and_its_place_in_the_raw_object(ingest: Ingest) -> None:
    receipts = ingest.submit([a_line(1), BAD, a_line(2)])
    ingest.read_all()

    for number, receipt in ((1, receipts[0]), (2, receipts[2])):
        kept = ingest.kept(receipt)
        revision = ingest.ingest_deps.revisions.get("epn", str(kept.article), str(kept.revision))
        first, length = revision.raw_range or (0, 0)
        raw = ingest.content.get(revision.raw_key).body[first : first + length]
        assert raw == a_line(number)
        assert revision.raw_sha256 == hashlib.sha256(raw).hexdigest()


def test_an_action_on_an_article_keeps_the_place_of_its_text(ingest: Ingest) -> None:
    receipts = ingest.submit([a_line(1), a_line(2)])
    ingest.read_all()
    kept = ingest.kept(receipts[1])
    text = ingest.ingest_deps.revisions.get("epn", str(kept.article), str(kept.revision))

    killed = act(
        "kill", site=EPN, article=str(kept.article), by="x", why="", received_at=ingest.now, deps=ingest.ingest_deps
    )

    kill = ingest.ingest_deps.revisions.get("epn", killed.article, killed.revision)
    assert (kill.raw_key, kill.raw_range) == (text.raw_key, text.raw_range)
    assert text.raw_range is not None


def test_a_line_of_an_import_costs_at_most_four_store_calls(ingest: Ingest) -> None:
    ingest.submit([a_line(0)])
    ingest.read_all()  # the source is known from now on
    ingest.content.calls.clear()
    submissions_of_fifty = [a_line(number) for number in range(1, 51)]

    ingest.submit(submissions_of_fifty)
    ingest.read_all()

    assert ingest.content.calls.total() <= 4 * 50
    assert ingest.content.calls["put"] <= 2 * 50 + 2 + 7  # marker and revision; the batch's two; receipts of each slice


def test_a_bad_line_is_refused_alone_with_its_faults(ingest: Ingest) -> None:
    receipts = ingest.submit([a_line(1), BAD, a_line(2)])
    ingest.read_all()

    assert [ingest.kept(each).status for each in receipts] == [
        ReceiptStatus.ACCEPTED,
        ReceiptStatus.REFUSED,
        ReceiptStatus.ACCEPTED,
    ]
    assert "/headline" in {fault.pointer for fault in ingest.kept(receipts[1]).faults}
    assert len(ingest.keys("dead-letters/ingest/")) == 1
    assert ingest.keys("inbox/") == []


def test_lines_of_one_article_are_accepted_in_their_order(ingest: Ingest) -> None:
    receipts = ingest.submit([a_line(1, version_created=None, headline=f"Version {n}") for n in range(20)])
    ingest.read_all()

    revisions = [str(ingest.kept(each).revision) for each in receipts]
    assert revisions == sorted(revisions)
    assert len(set(revisions)) == 20
    latest = ingest.ingest_deps.revisions.get("epn", str(ingest.kept(receipts[0]).article), revisions[-1])
    assert latest.article.headline == "Version 19"


def test_a_failed_line_delays_only_later_lines_of_its_article(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    def falter(item: Any, *args: Any, **kwargs: Any) -> Any:
        if item.article.headline == "Version 1" and not recovered:
            raise StorageUnavailableError
        return commit(item, *args, **kwargs)

    recovered: list[bool] = []
    commit = commit_item
    monkeypatch.setattr(submissions, "commit_item", falter)
    lines = [a_line(1, version_created=None, headline=f"Version {n}") for n in range(1, 12)]
    receipts = ingest.submit([a_line(2), *lines, a_line(3)])
    message = ingest.message()

    result = read_submissions(message, ingest.ingest_deps)

    assert set(result.failed) == set(receipts[1:-1])
    assert len(ingest.keys("inbox/")) == 1
    recovered.append(True)
    ingest.queue.append(message.only(result.failed))
    ingest.read_all()
    revisions = [str(ingest.kept(each).revision) for each in receipts[1:-1]]
    assert revisions == sorted(revisions)
    assert ingest.keys("inbox/") == []


def test_after_its_time_a_batch_returns_the_lines_that_it_did_not_begin(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "MAX_SLICE_SECONDS", 0.0)
    monkeypatch.setattr(submissions, "ITEMS_PER_SLICE", 8)
    receipts = ingest.submit([a_line(number) for number in range(20)])

    result = ingest.read(ingest.message())

    (accepted,) = result.emits
    assert isinstance(accepted, ArticlesAccepted)
    assert (len(accepted.items), result.rest) == (8, tuple(receipts[8:]))
    ingest.read_all()
    assert {ingest.kept(each).status for each in receipts} == {ReceiptStatus.ACCEPTED}
    assert len(ingest.keys("receipts/epn/")) == 3
    assert ingest.keys("inbox/") == []


def test_lines_stay_unfinished_if_their_receipts_cannot_be_stored(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StorageUnavailableError

    receipts = ingest.submit([a_line(1), a_line(2)])
    with monkeypatch.context() as patched:
        patched.setattr(submissions, "store_receipts", refuse)
        result = read_submissions(ingest.message(), ingest.ingest_deps)

    assert set(result.failed) == set(receipts)
    assert [type(each) for each in result.emits] == [ArticlesAccepted]
    assert len(ingest.keys("inbox/")) == 1


def test_lines_over_the_limit_are_refused_and_the_rest_is_stored(ingest: Ingest) -> None:
    def admit(lane: Lane) -> None:
        admitted.append(lane)
        if len(admitted) == 2:
            raise BacklogFullError

    admitted: list[Lane] = []
    ingest.ingest_deps = replace(ingest.ingest_deps, admit=admit)
    outcomes = submit_batch(
        [a_line(1), a_line(2), a_line(3)],
        SubmissionMetadata(
            content_type="application/json",
            site=EPN,
            feed=EPN.feeds[0],
            received_at=ingest.now,
            may_take_down=False,
            lane=Lane.BULK,
        ),
        UUID(int=7),
        ingest.ingest_deps,
    )

    assert [type(each) for each in outcomes] == [Submitted, BacklogFullError, Submitted]
    assert ingest.message().items == (f"{UUID(int=7).hex}.0", f"{UUID(int=7).hex}.2")


# --- receipts and entries -----------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10**9), min_size=2))
def test_the_entries_of_a_lane_sort_by_time(seconds: list[int]) -> None:
    names = [inbox.new_batch_id(NOON + timedelta(seconds=each)).hex for each in sorted(seconds)]

    assert [name[:12] for name in names] == sorted(name[:12] for name in names)
    assert {UUID(name).version for name in names} == {7}


@given(st.sets(st.integers(0, 199), min_size=1))
def test_the_key_of_stored_receipts_names_their_submissions(numbers: set[int]) -> None:
    key = keys.receipts_key("epn", "b" * 32, numbers)

    assert keys.receipt_numbers(key) == numbers
    assert len(key) < 1024


@pytest.mark.parametrize("order", [("0", "0-1"), ("0-1", "0")])
def test_of_two_receipts_the_one_with_a_revision_wins(order: tuple[str, str]) -> None:
    content = CountedStorage()
    failed = Receipt(receipt="b.0", site="epn", status=ReceiptStatus.FAILED)
    accepted = Receipt(receipt="b.0", site="epn", article="a", revision="1")
    for name, receipt in zip(order, (failed, accepted), strict=True):
        body = json.dumps([receipt.model_dump(mode="json")]).encode()
        content.put(f"{keys.receipts_prefix('epn', 'b')}{name}.json", body)

    assert find_stored_receipt(content, "epn", "b.0") == accepted


@pytest.mark.parametrize("receipt", ["", ".", "a.", ".1", "a.b", "a.1.2", "a.-1", "a.¹", "r"])
def test_a_receipt_of_another_form_is_recognised(receipt: str) -> None:
    assert submission_of_receipt(receipt) is None


def test_a_replayed_submission_has_its_own_inbox_entry_until_it_is_done(ingest: Ingest) -> None:
    receipts = ingest.submit([a_line(1), BAD])
    whole = ingest.message()
    ingest.read(whole)
    alone = whole.only([receipts[1]])

    inbox.put_replayed(ingest.content, alone)

    assert find_stored_receipt(ingest.content, "epn", receipts[1]) is None
    found = inbox.find_entry(ingest.content, "epn", receipts[1])
    assert found is not None
    assert found.items == (receipts[1],)
    assert inbox.find_entry(ingest.content, "epn", receipts[0]) is None
    assert inbox.without_outcome(ingest.content, found) == found

    read_submissions(alone, ingest.ingest_deps)

    assert ingest.kept(receipts[1]).status is ReceiptStatus.REFUSED
    assert ingest.keys("inbox/") == []


# --- interruptions ------------------------------------------------------------------------------------------------


def halves_of(message: SubmitArticles) -> list[SubmitArticles]:
    """Return the messages that are delivered after one has killed its process."""
    middle = len(message.items) // 2
    return [message.only(message.items[:middle]), message.only(message.items[middle:])] if middle else [message]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    kinds=st.lists(st.sampled_from(["good", "bad", "again"]), min_size=12, max_size=40),
    chance=st.randoms(use_true_random=True),
    seconds=st.sampled_from([0.0, 10.0]),
)
def test_each_line_has_one_result_after_crashes_losses_and_redeliveries(
    redis: Redis, kinds: list[str], chance: random.Random, seconds: float
) -> None:
    redis.flushall()
    ingest = Ingest(redis)
    lines = [BAD if kind == "bad" else a_line(0 if kind == "again" else n + 1) for n, kind in enumerate(kinds)]
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(submissions, "MAX_SLICE_SECONDS", seconds)
            patched.setattr(submissions, "ITEMS_PER_SLICE", 3)
            receipts = ingest.submit(lines)
            _read_in_disorder(ingest, chance)
    finally:
        ingest.executor.shutdown()

    outcomes = [ingest.kept(each) for each in receipts]
    for kind, outcome in zip(kinds, outcomes, strict=True):
        assert (outcome.status is ReceiptStatus.REFUSED) == (kind == "bad")
        assert (outcome.revision is None) == (kind == "bad")
    distinct = {line for line in lines if line != BAD}
    assert {(each.article, each.revision) for each in outcomes if each.revision} == {
        (key.split("/")[2], keys.revision_of(key)) for key in ingest.keys("articles/epn/") if "/revisions/" in key
    }
    assert len({each.revision and each.article for each in outcomes} - {None}) == len(distinct)
    assert len(ingest.keys("dead-letters/ingest/")) == kinds.count("bad")
    assert ingest.keys("inbox/") == []


def _read_in_disorder(ingest: Ingest, chance: random.Random) -> None:
    """Deliver messages: processes die, messages are lost or delivered twice; the sweep completes the rest."""
    misfortunes = 12
    while True:
        waiting = [each for each in ingest.queue if isinstance(each, SubmitArticles)]
        if not waiting:
            swept = _sweep(ingest)
            if not swept:
                return
            ingest.queue.extend(swept)
            continue
        message = chance.choice(waiting)
        misfortune = chance.choice(["none", "killed", "lost", "lost", "twice"]) if misfortunes > 0 else "none"
        misfortunes -= misfortune != "none"
        if misfortune != "twice":
            ingest.queue.remove(message)
        if misfortune == "lost":
            continue
        ingest.content.calls_left = chance.randrange(60) if misfortune == "killed" else None
        try:
            result = ingest.read(message)
        except KilledError:
            ingest.queue.extend(halves_of(message))
        else:
            if result.failed:
                ingest.queue.append(message.only(result.failed))
        finally:
            ingest.content.calls_left = None
        ingest.now += timedelta(seconds=1)


def _sweep(ingest: Ingest) -> list[SubmitArticles]:
    """Emit inbox entries again, as the scheduler does."""
    left = []
    for key in ingest.keys("inbox/"):
        rest = inbox.without_outcome(ingest.content, SubmitArticles.model_validate_json(ingest.content.get(key).body))
        if rest is None:
            ingest.content.delete(key)
        else:
            left.append(rest)
    return left

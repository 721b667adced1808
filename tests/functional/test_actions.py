from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from services.ingest.domain.refusal import ArticleUnknownError, RefusedError
from services.ingest.handler import find_article_state
from shared.messaging.messages import ArticleRemoved, ArticlesAccepted, Message
from shared.model.lane import Lane
from shared.model.revision import ActionKind
from shared.runtime.errors import RedisUnavailableError, StorageUnavailableError
from shared.site import keys
from tests.functional.conftest import Pipeline
from tests.functional.failing_store import failing_store

LATER = "2026-11-01T11:00:00Z"
LATEST = "2026-11-01T11:30:00Z"
AHEAD = "2026-11-01T20:00:00Z"


def is_removed(pipeline: Pipeline, article: str) -> bool:
    return {pipeline.status_at(path) for path in pipeline.record(article).claimed} == {"410"}


def tombstones(pipeline: Pipeline, article: str) -> list[str]:
    return list(pipeline.content.list_keys(keys.tombstone_prefix("epn", article)))


@contextmanager
def just_before(pipeline: Pipeline, prefix: str, happens: Callable[[], object]) -> Iterator[None]:
    """Call `happens` just before the next PUT under a prefix of the content bucket."""
    put = pipeline.content.put

    def put_after(key: str, *args: Any, **kwargs: Any) -> Any:
        if key.startswith(prefix):
            pipeline.content.put = put  # type: ignore[method-assign]
            happens()
        return put(key, *args, **kwargs)

    pipeline.content.put = put_after  # type: ignore[method-assign]
    yield
    pipeline.content.put = put  # type: ignore[method-assign]


# --- killing ------------------------------------------------------------------------------------------------------


def test_a_kill_through_the_api_takes_the_text_down_and_keeps_it_down(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="To be killed")
    pipeline.tick()

    kill = pipeline.act("kill", accepted.article)
    pipeline.tick()
    pipeline.post(headline="Back again", version_created=AHEAD)
    pipeline.tick()

    assert (kill.status, pipeline.receipt_status(kill.receipt)) == ("accepted", "killed")
    assert is_removed(pipeline, accepted.article)
    assert "To be killed" not in str(pipeline.site_bytes())
    assert "Back again" not in str(pipeline.site_bytes())


def test_a_kill_emits_article_removed_in_the_urgent_lane(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()

    pipeline.act("kill", accepted.article)

    (message,) = pipeline.queue
    assert isinstance(message, ArticleRemoved)
    assert message.lane is Lane.URGENT


def test_an_action_is_ordered_after_a_revision_with_a_stamp_in_the_future(pipeline: Pipeline) -> None:
    accepted = pipeline.post(version_created=AHEAD)
    pipeline.run()

    kill = pipeline.act("kill", accepted.article)
    pipeline.run()

    assert kill.revision > accepted.revision
    assert is_removed(pipeline, accepted.article)


def test_a_second_kill_is_a_duplicate_of_the_kill_in_force(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    first = pipeline.act("kill", accepted.article)
    pipeline.post(headline="In between", version_created=AHEAD)
    pipeline.run()

    second = pipeline.act("kill", accepted.article)

    assert (second.status, second.revision, second.receipt) == ("duplicate", first.revision, first.receipt)


def test_a_repeated_kill_emits_its_event_again(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()
    pipeline.act("kill", accepted.article)
    pipeline.queue.clear()  # lost, and with it the answer

    pipeline.act("kill", accepted.article)
    pipeline.run()

    assert is_removed(pipeline, accepted.article)


def test_an_articles_state_names_the_actor_and_the_reason_of_each_action(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article, by="lawyer", why="The court has ordered it.")
    pipeline.act("restore", accepted.article, by="editor", why="The court has thought again.")

    state = find_article_state(pipeline.site, accepted.article, pipeline.ingest_deps)

    assert state is not None
    actions = [(action.kind, action.by, action.why) for action in state.actions]
    assert actions == [
        ("kill", "lawyer", "The court has ordered it."),
        ("restore", "editor", "The court has thought again."),
    ]
    assert state.actions[1].text_of == accepted.revision


def test_an_action_on_an_unknown_article_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(ArticleUnknownError):
        pipeline.act("kill", "a" * 26)

    assert list(pipeline.content.list_keys("")) == []


def test_an_update_accepted_during_a_kill_is_not_published(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()

    with just_before(
        pipeline, keys.tombstone_prefix("epn", accepted.article), partial(pipeline.post, version_created=AHEAD)
    ):
        pipeline.act("kill", accepted.article)
    pipeline.tick()

    assert is_removed(pipeline, accepted.article)


def test_a_kill_that_a_restore_overtook_is_ordered_after_the_restore(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article)
    pipeline.run()
    pipeline.act("restore", accepted.article)
    pipeline.act("withdraw", accepted.article)
    pipeline.run()

    with just_before(
        pipeline, keys.tombstone_prefix("epn", accepted.article), partial(pipeline.act, "restore", accepted.article)
    ):
        kill = pipeline.act("kill", accepted.article)
    pipeline.tick()

    assert kill.status == "accepted"
    assert pipeline.receipt_status(kill.receipt) == "killed"
    assert is_removed(pipeline, accepted.article)


def test_deleting_an_old_tombstone_keeps_the_tombstone_of_a_newer_kill(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article)
    delete = pipeline.content.delete

    def delete_late(key: str) -> None:
        pipeline.content.delete = delete  # type: ignore[method-assign]
        pipeline.act("kill", accepted.article)
        delete(key)

    pipeline.content.delete = delete_late  # type: ignore[method-assign]
    pipeline.act("restore", accepted.article)
    pipeline.post(headline="Never again", version_created=AHEAD)
    pipeline.tick()

    assert is_removed(pipeline, accepted.article)
    assert len(tombstones(pipeline, accepted.article)) == 1


def test_a_restore_leaves_the_tombstone_of_a_newer_kill(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article)

    def kill_meanwhile(messages: Iterable[Message]) -> None:
        object.__setattr__(pipeline.ingest_deps, "emit", pipeline.take)
        pipeline.take(messages)
        pipeline.act("kill", accepted.article)

    object.__setattr__(pipeline.ingest_deps, "emit", kill_meanwhile)
    pipeline.act("restore", accepted.article)
    pipeline.post(headline="Never again", version_created=AHEAD)
    pipeline.tick()

    assert is_removed(pipeline, accepted.article)


@pytest.mark.parametrize("kind", [ArticlesAccepted, ArticleRemoved])
def test_late_or_repeated_messages_change_nothing_while_a_kill_is_in_force(
    pipeline: Pipeline, kind: type[ArticlesAccepted | ArticleRemoved]
) -> None:
    pipeline.tick()
    accepted = pipeline.post()
    pipeline.post(headline="Second words", version_created=LATER)
    earlier = list(pipeline.queue)
    pipeline.run()
    pipeline.act("kill", accepted.article)
    pipeline.tick()
    before = pipeline.site_bytes()

    named = {"article": accepted.article, "revision": accepted.revision}
    again = {"message_id": uuid4(), "site": "epn", "articles": [named], **named}
    pipeline.queue.extend([*earlier, kind.model_validate(again)])
    pipeline.tick()
    pipeline.redis.flushall()
    pipeline.sweep()
    pipeline.tick()

    assert pipeline.site_bytes() == before


# --- restoring ----------------------------------------------------------------------------------------------------


def test_a_restore_brings_the_article_back_at_its_address(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Killed in error")
    pipeline.tick()
    before = pipeline.site_bytes()
    path = pipeline.record(accepted.article).path
    pipeline.act("kill", accepted.article)
    pipeline.tick()

    restore = pipeline.act("restore", accepted.article)
    pipeline.tick()

    assert (restore.status, restore.text_of) == ("accepted", accepted.revision)
    assert pipeline.receipt_status(restore.receipt) == "live"
    assert pipeline.record(accepted.article).path == path
    assert "Killed in error" in pipeline.page_of(accepted.article)
    assert pipeline.site_bytes().keys() == before.keys()
    assert "Killed in error" in pipeline.page("index.html")
    assert tombstones(pipeline, accepted.article) == []


def test_a_restore_brings_back_the_newest_text_even_one_posted_while_the_kill_was_in_force(
    pipeline: Pipeline,
) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article)
    pipeline.run()
    refused = pipeline.post(headline="Came while it was killed", version_created=AHEAD)
    pipeline.run()

    restore = pipeline.act("restore", accepted.article)
    pipeline.tick()

    assert restore.text_of == refused.revision
    assert "Came while it was killed" in pipeline.page_of(accepted.article)


def test_a_wires_kill_can_be_undone(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Killed by the wire")
    pipeline.post(status="canceled", body="", version_created=AHEAD)
    pipeline.run()

    pipeline.act("restore", accepted.article)
    pipeline.tick()

    assert "Killed by the wire" in pipeline.page_of(accepted.article)


def test_updates_are_published_again_after_a_restore(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article)
    pipeline.act("restore", accepted.article)
    pipeline.run()

    pipeline.post(headline="New words", version_created=AHEAD)
    pipeline.tick()

    assert "New words" in pipeline.page_of(accepted.article)


def test_an_article_can_be_killed_again_after_a_restore(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    first = pipeline.act("kill", accepted.article)
    pipeline.act("restore", accepted.article)
    pipeline.run()

    again = pipeline.act("kill", accepted.article)
    pipeline.post(headline="Never again", version_created=AHEAD)
    pipeline.tick()

    assert again.revision > first.revision
    assert is_removed(pipeline, accepted.article)


def test_a_restore_takes_effect_even_if_its_tombstone_was_not_deleted(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article)
    pipeline.run()

    def refuse(key: str) -> None:
        raise StorageUnavailableError(key)

    delete, pipeline.content.delete = pipeline.content.delete, refuse  # type: ignore[method-assign]
    restore = pipeline.act("restore", accepted.article)
    pipeline.content.delete = delete  # type: ignore[method-assign]
    pipeline.run()
    update = pipeline.post(headline="New words", version_created=AHEAD)
    pipeline.tick()

    assert restore.status == "accepted"
    assert tombstones(pipeline, accepted.article)
    assert "kill" not in str(update.report.warnings)
    assert "New words" in pipeline.page_of(accepted.article)
    assert pipeline.receipt_status(update.receipt) == "live"


def test_a_restore_of_a_live_article_is_a_duplicate(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()

    again = pipeline.act("restore", accepted.article)

    assert (again.status, again.revision) == ("duplicate", accepted.revision)


def test_a_second_restore_is_a_duplicate_of_the_first(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article)
    first = pipeline.act("restore", accepted.article)

    second = pipeline.act("restore", accepted.article)

    assert (second.status, second.revision, second.text_of) == ("duplicate", first.revision, accepted.revision)


def test_a_restore_after_a_restore_names_the_revision_that_its_sender_wrote(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    for _ in range(2):
        pipeline.act("withdraw", accepted.article)
        restore = pipeline.act("restore", accepted.article)

    assert restore.text_of == accepted.revision


def test_a_restore_of_an_embargoed_text_waits_for_its_time(pipeline: Pipeline) -> None:
    due = pipeline.now + timedelta(hours=1)
    accepted = pipeline.post(headline="Not yet", embargo_until=due.isoformat())
    pipeline.act("kill", accepted.article)
    pipeline.tick()

    restore = pipeline.act("restore", accepted.article)
    pipeline.tick()
    assert restore.status == "scheduled"
    assert "Not yet" not in str(pipeline.site_bytes())

    pipeline.now = due
    pipeline.tick()
    assert "Not yet" in pipeline.page_of(accepted.article)


def test_a_restore_of_an_expired_text_warns_that_readers_do_not_see_it(pipeline: Pipeline) -> None:
    accepted = pipeline.post(expires_at=(pipeline.now + timedelta(hours=1)).isoformat())
    pipeline.act("kill", accepted.article)
    pipeline.tick()
    pipeline.now += timedelta(hours=2)

    restore = pipeline.act("restore", accepted.article)
    pipeline.tick()

    assert "expires_at" in restore.report.warnings[0]
    assert is_removed(pipeline, accepted.article)


# --- withdrawing --------------------------------------------------------------------------------------------------


def test_a_withdrawn_article_comes_back_with_its_next_usable_revision(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.tick()
    withdrawal = pipeline.act("withdraw", accepted.article)
    pipeline.tick()
    assert is_removed(pipeline, accepted.article)
    assert pipeline.receipt_status(withdrawal.receipt) == "withdrawn"

    pipeline.post(headline="Back again", version_created=AHEAD)
    pipeline.tick()

    assert "Back again" in pipeline.page_of(accepted.article)


def test_the_same_bytes_posted_after_a_withdrawal_bring_the_article_back(
    pipeline: Pipeline,
) -> None:
    accepted = pipeline.post(version_created=None)
    pipeline.act("withdraw", accepted.article)
    pipeline.tick()

    again = pipeline.post(version_created=None)
    pipeline.tick()

    assert again.status == "accepted"
    assert pipeline.status_at(pipeline.record(accepted.article).path or "") == "200"


def test_a_restore_undoes_a_withdrawal(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Here again")
    pipeline.act("withdraw", accepted.article)
    pipeline.tick()

    pipeline.act("restore", accepted.article)
    pipeline.tick()

    assert "Here again" in pipeline.page_of(accepted.article)


def test_a_second_withdrawal_is_a_duplicate(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    first = pipeline.act("withdraw", accepted.article)

    second = pipeline.act("withdraw", accepted.article)

    assert (second.status, second.revision) == ("duplicate", first.revision)


def test_a_killed_article_is_not_withdrawn(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article)

    with pytest.raises(RefusedError, match="restore it first") as refusal:
        pipeline.act("withdraw", accepted.article)

    assert refusal.value.code == 409


# --- when things fail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done, answer lost"])
@pytest.mark.parametrize("kind", ["kill", "withdraw", "restore"])
def test_an_action_interrupted_at_any_store_call_takes_effect_when_it_is_repeated(
    new_pipeline: partial[Pipeline], kind: ActionKind, *, after: bool
) -> None:
    for at in range(1, 100):
        pipeline = new_pipeline()
        accepted = pipeline.post(headline="These words")
        pipeline.tick()
        if kind == "restore":
            pipeline.act("kill", accepted.article)
            pipeline.tick()

        with failing_store(pipeline, at, after=after) as calls, suppress(StorageUnavailableError):
            pipeline.act(kind, accepted.article)
        pipeline.act(kind, accepted.article)
        pipeline.redis.flushall()  # all messages may be lost
        pipeline.queue.clear()
        pipeline.sweep()
        pipeline.tick()

        assert ("These words" in str(pipeline.site_bytes())) is (kind == "restore"), at
        assert is_removed(pipeline, accepted.article) is (kind != "restore"), at
        if len(calls) < at:
            return
    raise AssertionError(kind)


@contextmanager
def interrupted(pipeline: Pipeline, article: str) -> Iterator[None]:
    """Fail the store just before the commit."""

    def refuse() -> None:
        raise StorageUnavailableError

    revisions = keys.revisions_prefix("epn", article)
    with just_before(pipeline, revisions, refuse), pytest.raises(StorageUnavailableError):
        yield


def test_an_interrupted_second_kill_is_not_a_duplicate_of_the_first(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.act("kill", accepted.article)
    pipeline.act("restore", accepted.article)
    pipeline.tick()
    with interrupted(pipeline, accepted.article):
        pipeline.act("kill", accepted.article)

    again = pipeline.act("kill", accepted.article)
    pipeline.tick()

    assert again.status == "accepted"
    assert is_removed(pipeline, accepted.article)


def test_a_restore_overrules_a_wires_interrupted_kill_with_a_stamp_in_the_future(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.tick()
    with interrupted(pipeline, accepted.article):
        pipeline.post(status="canceled", body="", version_created=AHEAD)

    pipeline.act("restore", accepted.article)
    pipeline.post(headline="New words", version_created="2026-11-01T21:00:00Z")
    pipeline.tick()

    assert "New words" in pipeline.page_of(accepted.article)


def test_an_update_after_a_kill_interrupted_before_its_commit_is_held_with_a_warning(
    pipeline: Pipeline,
) -> None:
    accepted = pipeline.post()
    pipeline.tick()

    with interrupted(pipeline, accepted.article):
        pipeline.act("kill", accepted.article)
    update = pipeline.post(headline="Must not appear", version_created=AHEAD)
    pipeline.tick()

    assert "Must not appear" not in str(pipeline.site_bytes())
    assert "stored and not published" in update.report.warnings[-1]
    assert pipeline.receipt_status(update.receipt) == "held"

    pipeline.act("kill", accepted.article)
    pipeline.tick()
    assert is_removed(pipeline, accepted.article)


def test_an_action_is_accepted_with_a_warning_while_redis_is_down(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.tick()

    def refuse(_: object) -> None:
        raise RedisUnavailableError

    object.__setattr__(pipeline.ingest_deps, "emit", refuse)
    kill = pipeline.act("kill", accepted.article)
    object.__setattr__(pipeline.ingest_deps, "emit", pipeline.take)
    pipeline.redis.flushall()
    pipeline.sweep()
    pipeline.tick()

    assert "delayed" in kill.report.warnings[0]
    assert is_removed(pipeline, accepted.article)


def test_a_restore_brings_back_the_live_text_and_no_text_under_embargo(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="The live text")
    due = pipeline.now + timedelta(hours=1)
    pipeline.post(headline="Not yet", version_created=LATER, embargo_until=due.isoformat())
    pipeline.run()
    pipeline.act("kill", accepted.article)
    pipeline.run()

    restore = pipeline.act("restore", accepted.article)
    pipeline.tick()

    assert "The live text" in pipeline.page_of(accepted.article)
    assert "was skipped" in str(restore.report.warnings)

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
from shared import keys
from shared.errors import RedisUnavailableError, StorageUnavailableError
from shared.messages import ArticleRemoved, ArticlesAccepted, Lane, Message
from shared.revision import ActionKind
from tests.functional.conftest import Line
from tests.functional.failing_store import failing_store

LATER = "2026-11-01T11:00:00Z"
LATEST = "2026-11-01T11:30:00Z"
AHEAD = "2026-11-01T20:00:00Z"


def is_gone(line: Line, article: str) -> bool:
    return {line.status_at(path) for path in line.record(article).claimed} == {"410"}


def tombstones(line: Line, article: str) -> list[str]:
    return list(line.content.list_keys(keys.tombstone_prefix("epn", article)))


@contextmanager
def just_before(line: Line, prefix: str, happens: Callable[[], object]) -> Iterator[None]:
    """Have something happen just before the next object under a prefix of the content bucket is put."""
    put = line.content.put

    def put_after(key: str, *args: Any, **kwargs: Any) -> Any:
        if key.startswith(prefix):
            line.content.put = put  # type: ignore[method-assign]
            happens()
        return put(key, *args, **kwargs)

    line.content.put = put_after  # type: ignore[method-assign]
    yield
    line.content.put = put  # type: ignore[method-assign]


# --- killing ------------------------------------------------------------------------------------------------------


def test_a_kill_through_the_api_takes_the_text_down_and_keeps_it_down(line: Line) -> None:
    accepted = line.post(headline="To be killed")
    line.tick()

    kill = line.act("kill", accepted.article)
    line.tick()
    line.post(headline="Back again", version_created=AHEAD)
    line.tick()

    assert (kill.status, line.receipt_status(kill.receipt)) == ("accepted", "killed")
    assert is_gone(line, accepted.article)
    assert "To be killed" not in str(line.site_bytes())
    assert "Back again" not in str(line.site_bytes())


def test_a_kill_goes_straight_to_the_page_in_the_urgent_lane(line: Line) -> None:
    accepted = line.post()
    line.run()

    line.act("kill", accepted.article)

    (message,) = line.queue
    assert isinstance(message, ArticleRemoved)
    assert message.lane is Lane.URGENT


def test_an_action_comes_after_a_revision_whose_stamp_lies_ahead(line: Line) -> None:
    accepted = line.post(version_created=AHEAD)
    line.run()

    kill = line.act("kill", accepted.article)
    line.run()

    assert kill.revision > accepted.revision
    assert is_gone(line, accepted.article)


def test_a_second_kill_is_a_duplicate_of_the_kill_that_stands(line: Line) -> None:
    accepted = line.post()
    first = line.act("kill", accepted.article)
    line.post(headline="In between", version_created=AHEAD)
    line.run()

    second = line.act("kill", accepted.article)

    assert (second.status, second.revision, second.receipt) == ("duplicate", first.revision, first.receipt)


def test_a_kill_that_is_sent_again_is_announced_again(line: Line) -> None:
    accepted = line.post()
    line.run()
    line.act("kill", accepted.article)
    line.queue.clear()  # lost, and with it the answer

    line.act("kill", accepted.article)
    line.run()

    assert is_gone(line, accepted.article)


def test_who_did_it_and_why_is_told_with_the_article(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article, by="lawyer", why="The court has ordered it.")
    line.act("restore", accepted.article, by="editor", why="The court has thought again.")

    state = find_article_state(line.site, accepted.article, line.intake)

    assert state is not None
    told = [(action.kind, action.by, action.why) for action in state.actions]
    assert told == [
        ("kill", "lawyer", "The court has ordered it."),
        ("restore", "editor", "The court has thought again."),
    ]
    assert state.actions[1].text_of == accepted.revision


def test_nothing_can_be_done_to_an_article_that_nobody_sent(line: Line) -> None:
    with pytest.raises(ArticleUnknownError):
        line.act("kill", "a" * 26)

    assert list(line.content.list_keys("")) == []


def test_an_update_that_is_accepted_while_the_article_is_being_killed_stays_down(line: Line) -> None:
    accepted = line.post()
    line.run()

    with just_before(line, keys.tombstone_prefix("epn", accepted.article), partial(line.post, version_created=AHEAD)):
        line.act("kill", accepted.article)
    line.tick()

    assert is_gone(line, accepted.article)


def test_a_kill_comes_after_a_restore_that_was_quicker(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article)
    line.run()
    line.act("restore", accepted.article)
    line.act("withdraw", accepted.article)
    line.run()

    with just_before(
        line, keys.tombstone_prefix("epn", accepted.article), partial(line.act, "restore", accepted.article)
    ):
        kill = line.act("kill", accepted.article)
    line.tick()

    assert kill.status == "accepted"
    assert line.receipt_status(kill.receipt) == "killed"
    assert is_gone(line, accepted.article)


def test_clearing_an_old_tombstone_does_not_clear_that_of_a_kill_made_meanwhile(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article)
    delete = line.content.delete

    def delete_late(key: str) -> None:
        line.content.delete = delete  # type: ignore[method-assign]
        line.act("kill", accepted.article)
        delete(key)

    line.content.delete = delete_late  # type: ignore[method-assign]
    line.act("restore", accepted.article)
    line.post(headline="Never again", version_created=AHEAD)
    line.tick()

    assert is_gone(line, accepted.article)
    assert len(tombstones(line, accepted.article)) == 1


def test_a_restore_leaves_the_tombstone_of_a_newer_kill(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article)

    def kill_meanwhile(messages: Iterable[Message]) -> None:
        object.__setattr__(line.intake, "emit", line.take)
        line.take(messages)
        line.act("kill", accepted.article)

    object.__setattr__(line.intake, "emit", kill_meanwhile)
    line.act("restore", accepted.article)
    line.post(headline="Never again", version_created=AHEAD)
    line.tick()

    assert is_gone(line, accepted.article)


@pytest.mark.parametrize("kind", [ArticlesAccepted, ArticleRemoved])
def test_messages_that_are_late_or_said_again_change_nothing_while_a_kill_stands(
    line: Line, kind: type[ArticlesAccepted | ArticleRemoved]
) -> None:
    line.tick()
    accepted = line.post()
    line.post(headline="Second words", version_created=LATER)
    said = list(line.queue)
    line.run()
    line.act("kill", accepted.article)
    line.tick()
    before = line.site_bytes()

    named = {"article": accepted.article, "revision": accepted.revision}
    again = {"message_id": uuid4(), "site": "epn", "articles": [named], **named}
    line.queue.extend([*said, kind.model_validate(again)])
    line.tick()
    line.redis.flushall()
    line.sweep()
    line.tick()

    assert line.site_bytes() == before


# --- restoring ----------------------------------------------------------------------------------------------------


def test_a_restore_brings_the_article_back_at_its_address(line: Line) -> None:
    accepted = line.post(headline="Killed in error")
    line.tick()
    before = line.site_bytes()
    path = line.record(accepted.article).path
    line.act("kill", accepted.article)
    line.tick()

    restore = line.act("restore", accepted.article)
    line.tick()

    assert (restore.status, restore.text_of) == ("accepted", accepted.revision)
    assert line.receipt_status(restore.receipt) == "live"
    assert line.record(accepted.article).path == path
    assert "Killed in error" in line.page_of(accepted.article)
    assert line.site_bytes().keys() == before.keys()
    assert "Killed in error" in line.page("index.html")
    assert tombstones(line, accepted.article) == []


def test_a_restore_brings_back_the_newest_text_also_one_that_was_refused_while_the_kill_stood(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article)
    line.run()
    refused = line.post(headline="Came while it was killed", version_created=AHEAD)
    line.run()

    restore = line.act("restore", accepted.article)
    line.tick()

    assert restore.text_of == refused.revision
    assert "Came while it was killed" in line.page_of(accepted.article)


def test_a_wires_kill_can_be_undone(line: Line) -> None:
    accepted = line.post(headline="Killed by the wire")
    line.post(status="canceled", body="", version_created=AHEAD)
    line.run()

    line.act("restore", accepted.article)
    line.tick()

    assert "Killed by the wire" in line.page_of(accepted.article)


def test_updates_are_published_again_after_a_restore(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article)
    line.act("restore", accepted.article)
    line.run()

    line.post(headline="New words", version_created=AHEAD)
    line.tick()

    assert "New words" in line.page_of(accepted.article)


def test_an_article_can_be_killed_again_after_a_restore(line: Line) -> None:
    accepted = line.post()
    first = line.act("kill", accepted.article)
    line.act("restore", accepted.article)
    line.run()

    again = line.act("kill", accepted.article)
    line.post(headline="Never again", version_created=AHEAD)
    line.tick()

    assert again.revision > first.revision
    assert is_gone(line, accepted.article)


def test_a_restore_counts_whether_or_not_the_tombstone_was_cleared_away(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article)
    line.run()

    def refuse(key: str) -> None:
        raise StorageUnavailableError(key)

    delete, line.content.delete = line.content.delete, refuse  # type: ignore[method-assign]
    restore = line.act("restore", accepted.article)
    line.content.delete = delete  # type: ignore[method-assign]
    line.run()
    update = line.post(headline="New words", version_created=AHEAD)
    line.tick()

    assert restore.status == "accepted"
    assert tombstones(line, accepted.article)
    assert "kill" not in str(update.report.warnings)
    assert "New words" in line.page_of(accepted.article)
    assert line.receipt_status(update.receipt) == "live"


def test_what_is_not_down_is_not_restored(line: Line) -> None:
    accepted = line.post()
    line.run()

    again = line.act("restore", accepted.article)

    assert (again.status, again.revision) == ("duplicate", accepted.revision)


def test_a_second_restore_is_a_duplicate_of_the_first(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article)
    first = line.act("restore", accepted.article)

    second = line.act("restore", accepted.article)

    assert (second.status, second.revision, second.text_of) == ("duplicate", first.revision, accepted.revision)


def test_a_restore_after_a_restore_names_the_revision_that_its_sender_wrote(line: Line) -> None:
    accepted = line.post()
    for _ in range(2):
        line.act("withdraw", accepted.article)
        restore = line.act("restore", accepted.article)

    assert restore.text_of == accepted.revision


def test_a_restore_of_an_embargoed_text_waits_for_its_time(line: Line) -> None:
    due = line.now + timedelta(hours=1)
    accepted = line.post(headline="Not yet", embargo_until=due.isoformat())
    line.act("kill", accepted.article)
    line.tick()

    restore = line.act("restore", accepted.article)
    line.tick()
    assert restore.status == "scheduled"
    assert "Not yet" not in str(line.site_bytes())

    line.now = due
    line.tick()
    assert "Not yet" in line.page_of(accepted.article)


def test_a_restore_of_an_expired_text_says_that_readers_do_not_see_it(line: Line) -> None:
    accepted = line.post(expires_at=(line.now + timedelta(hours=1)).isoformat())
    line.act("kill", accepted.article)
    line.tick()
    line.now += timedelta(hours=2)

    restore = line.act("restore", accepted.article)
    line.tick()

    assert "expires_at" in restore.report.warnings[0]
    assert is_gone(line, accepted.article)


# --- withdrawing --------------------------------------------------------------------------------------------------


def test_a_withdrawn_article_comes_back_with_its_next_usable_revision(line: Line) -> None:
    accepted = line.post()
    line.tick()
    withdrawal = line.act("withdraw", accepted.article)
    line.tick()
    assert is_gone(line, accepted.article)
    assert line.receipt_status(withdrawal.receipt) == "withdrawn"

    line.post(headline="Back again", version_created=AHEAD)
    line.tick()

    assert "Back again" in line.page_of(accepted.article)


def test_the_same_bytes_posted_after_a_withdrawal_bring_it_back_although_the_withdrawal_copied_them(line: Line) -> None:
    accepted = line.post(version_created=None)
    line.act("withdraw", accepted.article)
    line.tick()

    again = line.post(version_created=None)
    line.tick()

    assert again.status == "accepted"
    assert line.status_at(line.record(accepted.article).path or "") == "200"


def test_a_restore_undoes_a_withdrawal(line: Line) -> None:
    accepted = line.post(headline="Here again")
    line.act("withdraw", accepted.article)
    line.tick()

    line.act("restore", accepted.article)
    line.tick()

    assert "Here again" in line.page_of(accepted.article)


def test_a_second_withdrawal_is_a_duplicate(line: Line) -> None:
    accepted = line.post()
    first = line.act("withdraw", accepted.article)

    second = line.act("withdraw", accepted.article)

    assert (second.status, second.revision) == ("duplicate", first.revision)


def test_a_killed_article_is_not_withdrawn(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article)

    with pytest.raises(RefusedError, match="restore it first") as refusal:
        line.act("withdraw", accepted.article)

    assert refusal.value.code == 409


# --- when things fail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done, answer lost"])
@pytest.mark.parametrize("kind", ["kill", "withdraw", "restore"])
def test_an_action_that_is_cut_short_anywhere_ends_right_when_it_is_repeated(
    new_line: partial[Line], kind: ActionKind, *, after: bool
) -> None:
    for at in range(1, 100):
        line = new_line()
        accepted = line.post(headline="These words")
        line.tick()
        if kind == "restore":
            line.act("kill", accepted.article)
            line.tick()

        with failing_store(line, at, after=after) as calls, suppress(StorageUnavailableError):
            line.act(kind, accepted.article)
        line.act(kind, accepted.article)
        line.redis.flushall()  # whatever was said may be lost
        line.queue.clear()
        line.sweep()
        line.tick()

        assert ("These words" in str(line.site_bytes())) is (kind == "restore"), at
        assert is_gone(line, accepted.article) is (kind != "restore"), at
        if len(calls) < at:
            return
    raise AssertionError(kind)


@contextmanager
def cut_short(line: Line, article: str) -> Iterator[None]:
    """Have the store fail just before the commit."""

    def refuse() -> None:
        raise StorageUnavailableError

    revisions = keys.revisions_prefix("epn", article)
    with just_before(line, revisions, refuse), pytest.raises(StorageUnavailableError):
        yield


def test_a_second_kill_that_was_cut_short_is_not_taken_for_the_first(line: Line) -> None:
    accepted = line.post()
    line.act("kill", accepted.article)
    line.act("restore", accepted.article)
    line.tick()
    with cut_short(line, accepted.article):
        line.act("kill", accepted.article)

    again = line.act("kill", accepted.article)
    line.tick()

    assert again.status == "accepted"
    assert is_gone(line, accepted.article)


def test_a_restore_overrules_a_wires_kill_that_was_cut_short_and_is_stamped_ahead(line: Line) -> None:
    accepted = line.post()
    line.tick()
    with cut_short(line, accepted.article):
        line.post(status="canceled", body="", version_created=AHEAD)

    line.act("restore", accepted.article)
    line.post(headline="New words", version_created="2026-11-01T21:00:00Z")
    line.tick()

    assert "New words" in line.page_of(accepted.article)


def test_while_a_kill_is_cut_short_before_its_commit_nothing_is_published_and_senders_are_told(line: Line) -> None:
    accepted = line.post()
    line.tick()

    with cut_short(line, accepted.article):
        line.act("kill", accepted.article)
    update = line.post(headline="Must not appear", version_created=AHEAD)
    line.tick()

    assert "Must not appear" not in str(line.site_bytes())
    assert "kept and not published" in update.report.warnings[-1]
    assert line.receipt_status(update.receipt) == "held"

    line.act("kill", accepted.article)
    line.tick()
    assert is_gone(line, accepted.article)


def test_an_action_is_accepted_while_redis_is_away_and_says_that_it_is_delayed(line: Line) -> None:
    accepted = line.post()
    line.tick()

    def refuse(_: object) -> None:
        raise RedisUnavailableError

    object.__setattr__(line.intake, "emit", refuse)
    kill = line.act("kill", accepted.article)
    object.__setattr__(line.intake, "emit", line.take)
    line.redis.flushall()
    line.sweep()
    line.tick()

    assert "delayed" in kill.report.warnings[0]
    assert is_gone(line, accepted.article)


def test_a_restore_brings_back_what_readers_saw_and_not_what_waits_for_its_embargo(line: Line) -> None:
    accepted = line.post(headline="What readers saw")
    due = line.now + timedelta(hours=1)
    line.post(headline="Not yet", version_created=LATER, embargo_until=due.isoformat())
    line.run()
    line.act("kill", accepted.article)
    line.run()

    restore = line.act("restore", accepted.article)
    line.tick()

    assert "What readers saw" in line.page_of(accepted.article)
    assert "passed over" in str(restore.report.warnings)

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.domain.accepted import Submitted
from services.ingest.domain.refusal import BacklogFullError, RefusedError
from shared.messaging.messages import ListingsRendered, ListingsStale
from shared.model.lane import Lane
from shared.runtime.errors import RedisUnavailableError, StorageUnavailableError
from tests.functional.conftest import Pipeline, an_article
from tests.functional.failing_store import failing_store


def submitted(pipeline: Pipeline, *, lane: Lane = Lane.LIVE, may_take_down: bool = False, **article: Any) -> Submitted:
    return pipeline.submit(json.dumps(an_article(**article)).encode(), lane=lane, may_take_down=may_take_down)


def set_port(pipeline: Pipeline, **ports: object) -> None:
    for name, port in ports.items():
        object.__setattr__(pipeline.ingest_deps, name, port)


def without_redis(pipeline: Pipeline) -> None:
    def refuse(_: object) -> None:
        raise RedisUnavailableError

    set_port(pipeline, emit=refuse)


def full_for(*lanes: Lane) -> Any:
    def admit(lane: Lane) -> None:
        if lane in lanes:
            raise BacklogFullError

    return admit


# --- the store is down --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done, answer lost"])
def test_a_post_that_is_cut_short_anywhere_ends_live_when_it_is_repeated(
    new_line: partial[Pipeline], *, after: bool
) -> None:
    for at in range(1, 100):
        pipeline = new_line()
        with failing_store(pipeline, at, after=after) as calls, suppress(StorageUnavailableError):
            pipeline.post(headline="These words")
        accepted = pipeline.post(headline="These words")
        pipeline.redis.flushall()  # whatever was said may be lost
        pipeline.queue.clear()
        pipeline.sweep()
        pipeline.tick()

        assert pipeline.receipt_status(accepted.receipt) == "live", at
        assert len(pipeline.ingest_deps.revisions.names("epn", accepted.article)) == 1, at
        if len(calls) < at:
            return
    raise AssertionError


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done, answer lost"])
def test_what_was_answered_before_it_was_read_is_live_whatever_call_fails_on_its_way(
    new_line: partial[Pipeline], *, after: bool
) -> None:
    for at in range(1, 100):
        pipeline = new_line()
        receipt = submitted(pipeline, headline="These words").receipt
        message = pipeline.queue.pop()
        with failing_store(pipeline, at, after=after) as calls, suppress(StorageUnavailableError):
            pipeline.deliver(message)
        pipeline.queue.append(message)
        pipeline.run()
        pipeline.redis.flushall()
        pipeline.sweep()
        pipeline.tick()
        pipeline.redis.flushall()

        assert pipeline.receipt_status(receipt) == "live", at
        if len(calls) < at:
            return
    raise AssertionError


# --- Redis is down ------------------------------------------------------------------------------------------------


def test_a_sender_is_told_that_publication_is_delayed_while_redis_is_away(pipeline: Pipeline) -> None:
    well = pipeline.post()
    without_redis(pipeline)
    delayed = pipeline.post(headline="Meanwhile", version_created="2026-11-01T11:00:00Z")

    assert well.report.warnings == ()
    assert "publication is delayed" in delayed.report.warnings[0]


def test_a_sender_who_does_not_wait_is_told_so_too(pipeline: Pipeline) -> None:
    assert submitted(pipeline).warning is None

    without_redis(pipeline)

    assert "publication is delayed" in (submitted(pipeline).warning or "")


# --- too much is waiting ------------------------------------------------------------------------------------------


def test_an_import_is_sent_away_while_news_is_taken(pipeline: Pipeline) -> None:
    set_port(pipeline, admit=full_for(Lane.BULK))

    with pytest.raises(BacklogFullError):
        submitted(pipeline, lane=Lane.BULK)
    assert list(pipeline.content.list_keys("inbox/")) == []
    assert pipeline.post().status == "accepted"


def test_a_removal_is_taken_however_much_waits(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    set_port(pipeline, admit=full_for(*Lane))

    with pytest.raises(BacklogFullError):
        pipeline.post(headline="News", version_created="2026-11-01T11:00:00Z")
    assert pipeline.post(status="withheld", body="", version_created="2026-11-01T11:30:00Z").status == "accepted"
    assert submitted(pipeline, lane=Lane.BULK, may_take_down=True, status="canceled", body="").receipt
    assert pipeline.act("kill", accepted.article).status == "accepted"


def test_an_import_stays_in_its_lane_up_to_the_page(pipeline: Pipeline) -> None:
    submitted(pipeline, lane=Lane.BULK)
    seen = set()
    while pipeline.queue:
        message = pipeline.queue.pop(0)
        if not isinstance(message, ListingsStale | ListingsRendered):  # a front is queued once, whatever comes
            seen.add(message.lane)
        pipeline.queue.extend(pipeline.deliver(message))

    assert seen == {Lane.BULK}


# --- the order of what comes ----------------------------------------------------------------------------------------

STAMPED = st.builds(lambda minute: {"version_created": f"2026-11-01T10:{minute:02d}:00Z"}, st.integers(0, 59))
UNSTAMPED: st.SearchStrategy[dict[str, Any]] = st.just({"version_created": None})
FAR_AHEAD = "2026-12-01T10:00:00Z"
AHEAD = st.builds(lambda hour: {"version_created": f"2026-11-01T{hour}:00:00Z"}, st.integers(13, 23))


# The fixture makes a new line for each example.
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    posts=st.lists(
        st.one_of(STAMPED, UNSTAMPED, AHEAD, st.just({"version_created": FAR_AHEAD})), min_size=1, max_size=6
    ),
    kill=st.booleans(),
)
def test_an_unstamped_update_or_an_action_comes_after_all_that_was_there(
    new_line: partial[Pipeline], posts: list[dict[str, Any]], *, kill: bool
) -> None:
    pipeline = new_line()
    names: list[str] = []
    for number, stamp in enumerate(posts):
        if stamp["version_created"] == FAR_AHEAD:
            with pytest.raises(RefusedError, match="would block every later update"):
                pipeline.post(headline=f"Words {number}", **stamp)
            continue
        accepted = pipeline.post(headline=f"Words {number}", **stamp)
        if stamp["version_created"] is None:
            assert accepted.revision > max(names, default="")
        assert accepted.revision not in names
        names.append(accepted.revision)
    if names:
        article = accepted.article
        action = pipeline.act("kill" if kill else "withdraw", article)
        assert action.revision > max(names)
        assert pipeline.ingest_deps.revisions.names("epn", article) == [*sorted(names), action.revision]


def test_equal_stamps_with_other_content_count_up(pipeline: Pipeline) -> None:
    names = [pipeline.post(headline=f"Words {number}").revision for number in range(3)]

    assert [name[-3:] for name in names] == ["000", "001", "002"]
    assert len({name[:-4] for name in names}) == 1


def test_a_sender_waits_for_one_call_to_a_redis_that_does_not_answer_and_no_more(pipeline: Pipeline) -> None:
    emitted: list[object] = []
    set_port(pipeline, emit=emitted.extend)
    pipeline.ingest_deps.receipts.open = lambda *receipts: not receipts  # type: ignore[method-assign]

    accepted = pipeline.post()

    assert "publication is delayed" in accepted.report.warnings[0]
    assert emitted == []

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


def disable_redis(pipeline: Pipeline) -> None:
    def refuse(_: object) -> None:
        raise RedisUnavailableError

    set_port(pipeline, emit=refuse)


def refuse_lanes(*lanes: Lane) -> Any:
    def admit(lane: Lane) -> None:
        if lane in lanes:
            raise BacklogFullError

    return admit


# --- the store is down --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done, answer lost"])
def test_a_post_interrupted_at_any_store_call_ends_live_when_it_is_repeated(
    new_pipeline: partial[Pipeline], *, after: bool
) -> None:
    for at in range(1, 100):
        pipeline = new_pipeline()
        with failing_store(pipeline, at, after=after) as calls, suppress(StorageUnavailableError):
            pipeline.post(headline="These words")
        accepted = pipeline.post(headline="These words")
        pipeline.redis.flushall()  # all messages may be lost
        pipeline.queue.clear()
        pipeline.sweep()
        pipeline.tick()

        assert pipeline.receipt_status(accepted.receipt) == "live", at
        assert len(pipeline.ingest_deps.revisions.names("epn", accepted.article)) == 1, at
        if len(calls) < at:
            return
    raise AssertionError


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done, answer lost"])
def test_a_submission_that_is_read_later_goes_live_after_a_failure_of_any_store_call(
    new_pipeline: partial[Pipeline], *, after: bool
) -> None:
    for at in range(1, 100):
        pipeline = new_pipeline()
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


def test_a_report_warns_that_publication_is_delayed_while_redis_is_down(pipeline: Pipeline) -> None:
    normal = pipeline.post()
    disable_redis(pipeline)
    delayed = pipeline.post(headline="Meanwhile", version_created="2026-11-01T11:00:00Z")

    assert normal.report.warnings == ()
    assert "publication is delayed" in delayed.report.warnings[0]


def test_an_asynchronous_answer_warns_that_publication_is_delayed_too(pipeline: Pipeline) -> None:
    assert submitted(pipeline).warning is None

    disable_redis(pipeline)

    assert "publication is delayed" in (submitted(pipeline).warning or "")


# --- the backlog is full ------------------------------------------------------------------------------------------


def test_an_import_is_refused_at_a_full_backlog_while_news_is_accepted(pipeline: Pipeline) -> None:
    set_port(pipeline, admit=refuse_lanes(Lane.BULK))

    with pytest.raises(BacklogFullError):
        submitted(pipeline, lane=Lane.BULK)
    assert list(pipeline.content.list_keys("inbox/")) == []
    assert pipeline.post().status == "accepted"


def test_a_removal_is_accepted_at_any_backlog(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    set_port(pipeline, admit=refuse_lanes(*Lane))

    with pytest.raises(BacklogFullError):
        pipeline.post(headline="News", version_created="2026-11-01T11:00:00Z")
    assert pipeline.post(status="withheld", body="", version_created="2026-11-01T11:30:00Z").status == "accepted"
    assert submitted(pipeline, lane=Lane.BULK, may_take_down=True, status="canceled", body="").receipt
    assert pipeline.act("kill", accepted.article).status == "accepted"


def test_an_import_stays_in_its_lane_up_to_the_page(pipeline: Pipeline) -> None:
    submitted(pipeline, lane=Lane.BULK)
    lanes = set()
    while pipeline.queue:
        message = pipeline.queue.pop(0)
        if not isinstance(message, ListingsStale | ListingsRendered):  # a front is queued once, in its own lane
            lanes.add(message.lane)
        pipeline.queue.extend(pipeline.deliver(message))

    assert lanes == {Lane.BULK}


# --- the order of revisions ----------------------------------------------------------------------------------------

STAMPED = st.builds(lambda minute: {"version_created": f"2026-11-01T10:{minute:02d}:00Z"}, st.integers(0, 59))
UNSTAMPED: st.SearchStrategy[dict[str, Any]] = st.just({"version_created": None})
FAR_AHEAD = "2026-12-01T10:00:00Z"
AHEAD = st.builds(lambda hour: {"version_created": f"2026-11-01T{hour}:00:00Z"}, st.integers(13, 23))


# The fixture makes a new pipeline for each example.
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    posts=st.lists(
        st.one_of(STAMPED, UNSTAMPED, AHEAD, st.just({"version_created": FAR_AHEAD})), min_size=1, max_size=6
    ),
    kill=st.booleans(),
)
def test_an_unstamped_update_or_an_action_is_ordered_after_all_stored_revisions(
    new_pipeline: partial[Pipeline], posts: list[dict[str, Any]], *, kill: bool
) -> None:
    pipeline = new_pipeline()
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


def test_equal_stamps_with_different_content_are_numbered_in_order_of_arrival(pipeline: Pipeline) -> None:
    names = [pipeline.post(headline=f"Words {number}").revision for number in range(3)]

    assert [name[-3:] for name in names] == ["000", "001", "002"]
    assert len({name[:-4] for name in names}) == 1


def test_a_sender_waits_for_only_one_call_to_an_unresponsive_redis(pipeline: Pipeline) -> None:
    emitted: list[object] = []
    set_port(pipeline, emit=emitted.extend)
    pipeline.ingest_deps.receipts.open = lambda *receipts: not receipts  # type: ignore[method-assign]

    accepted = pipeline.post()

    assert "publication is delayed" in accepted.report.warnings[0]
    assert emitted == []

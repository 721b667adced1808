"""`live` means that a reader's request to the edge returned the page's bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.ingest.handler import find_receipt_state
from shared.messaging.messages import Message, PagesRendered
from shared.runtime.errors import EdgeUnavailableError
from shared.runtime.event_log import EntryId
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.receipts import ReceiptStatus
from tests.functional.conftest import Pipeline


def rendered(pipeline: Pipeline, **article: Any) -> tuple[str, PagesRendered]:
    """Post an article and handle its messages until its page is rendered; return its receipt and the page's message."""
    receipt = pipeline.post(**article).receipt
    while not isinstance(pipeline.queue[0], PagesRendered):
        pipeline.queue.extend(pipeline.deliver(pipeline.queue.pop(0)))
    message: Message = pipeline.queue.pop(0)
    assert isinstance(message, PagesRendered)
    return receipt, message


def statuses(pipeline: Pipeline) -> list[str]:
    entries = RedisEventLog(pipeline.redis).read(EntryId(0, 0), 1000)
    return [entry.event.status.value for entry in entries if entry.event]


def status(pipeline: Pipeline, receipt: str) -> ReceiptStatus:
    state = find_receipt_state(receipt, pipeline.ingest_deps)
    assert state is not None
    return state.status


def test_a_live_page_was_read_back_once(pipeline: Pipeline) -> None:
    pipeline.post(section="world")
    pipeline.tick()

    (path,) = pipeline.edge.read_back
    assert pipeline.public.find_head(path) is not None
    assert statuses(pipeline) == ["accepted", "live"]


def test_a_page_is_not_live_while_the_edge_serves_the_old_bytes(pipeline: Pipeline) -> None:
    pipeline.post(source_id="a", section="world", headline="Old words", version_created="2026-11-01T10:00:00Z")
    pipeline.tick()
    (path,) = pipeline.edge.read_back
    pipeline.edge.stale_at[path] = pipeline.public.get(path).body
    receipt, message = rendered(
        pipeline, source_id="a", section="world", headline="New words", version_created="2026-11-01T11:00:00Z"
    )

    with pytest.raises(EdgeUnavailableError, match="serves something else"):
        pipeline.deliver(message)

    assert status(pipeline, receipt) is ReceiptStatus.PUBLISHED
    assert statuses(pipeline)[-1] == "accepted"
    pipeline.edge.stale_at.clear()
    pipeline.take(pipeline.deliver(message))
    pipeline.tick()
    assert status(pipeline, receipt) is ReceiptStatus.LIVE
    assert statuses(pipeline)[-1] == "live"


def test_a_page_is_not_live_while_the_edge_is_down(pipeline: Pipeline) -> None:
    receipt, message = rendered(pipeline, section="world")
    pipeline.edge.is_down = True

    with pytest.raises(EdgeUnavailableError):
        pipeline.deliver(message)

    assert status(pipeline, receipt) is ReceiptStatus.PUBLISHED


def test_the_sweep_finds_a_page_that_was_never_confirmed(pipeline: Pipeline) -> None:
    receipt, message = rendered(pipeline, section="world")
    pipeline.edge.is_down = True
    with pytest.raises(EdgeUnavailableError):
        pipeline.deliver(message)
    pipeline.edge.is_down = False

    pipeline.sweep()
    pipeline.tick()

    assert status(pipeline, receipt) is ReceiptStatus.LIVE


def test_a_page_that_is_rendered_again_for_its_neighbours_is_not_read_back(pipeline: Pipeline) -> None:
    pipeline.post(source_id="a", section="world", topics=[{"name": "Ferries"}])
    pipeline.tick()
    pipeline.post(source_id="b", section="world", topics=[{"name": "Ferries"}])
    pipeline.tick()

    assert len(pipeline.edge.read_back) == 2


def test_without_read_back_a_confirmed_purge_is_enough(pipeline: Pipeline) -> None:
    pipeline.deps["publish"] = replace(pipeline.publish_deps, reads_back=False)
    pipeline.edge.is_down = True
    receipt = pipeline.post(section="world").receipt
    pipeline.tick()

    assert status(pipeline, receipt) is ReceiptStatus.LIVE
    assert pipeline.edge.read_back == []

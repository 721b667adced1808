from __future__ import annotations

from types import SimpleNamespace
from uuid import uuid4

import pytest

from services.publish import tasks, wiring
from shared.errors import RedisUnavailableError
from shared.messages import PagesRendered
from shared.storage.memory import MemoryObjectStorage

KEY = "rendered/epn/behind/20261128T101500Z~piece"


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> MemoryObjectStorage:
    """Where a piece's pages wait, all of them put already."""
    bucket = MemoryObjectStorage()
    bucket.put(KEY, b"pages")
    monkeypatch.setattr(wiring, "publisher", lambda *_: SimpleNamespace(content=bucket))
    monkeypatch.setattr(tasks, "publish_pages", lambda *_: ())
    return bucket


def a_piece(run: str) -> dict[str, object]:
    message = PagesRendered(message_id=uuid4(), site="epn", run=run, number=0, after="", upto="", content_key=KEY)
    return message.model_dump(mode="json")


def test_the_pages_of_a_piece_stay_until_all_that_follows_was_said(
    content: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise RedisUnavailableError

    monkeypatch.setattr(tasks, "emit", die)
    with pytest.raises(RedisUnavailableError):
        tasks.publish_piece.run(a_piece(run=""))

    assert content.find_head(KEY) is not None


@pytest.mark.parametrize("run", ["", "20261128T101500000"])
def test_the_pages_of_a_piece_go_then_unless_a_run_clears_them_away(
    content: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    monkeypatch.setattr(tasks, "emit", lambda *_: None)

    tasks.publish_piece.run(a_piece(run))

    assert (content.find_head(KEY) is None) is (run == "")

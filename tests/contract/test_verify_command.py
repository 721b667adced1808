from __future__ import annotations

from datetime import UTC, datetime

import pytest
import typer
from redis import Redis

from services.desk import wiring
from services.desk.commands import verify
from shared.index.redis import RedisIndex
from shared.messaging.messages import Message, RepairPath
from shared.model.history import StoredRevisions
from shared.model.live_record import page_sha256
from shared.reconcile import ReconcileDeps
from shared.site.listings import permanent_listings
from shared.site.page_versions import find_counts, note_version
from shared.storage.memory import MemoryObjectStorage
from tests.contract.test_index import SITE

OURS = {"order": "1", "sha256": "0", "surrogate-keys": "path:/", "theme": "epn-1"}


@pytest.fixture
def deps(redis: Redis) -> ReconcileDeps:
    content = MemoryObjectStorage()
    return ReconcileDeps(
        content=content,
        public=MemoryObjectStorage(),
        revisions=StoredRevisions(content),
        index=RedisIndex(redis),
        sites={"epn": SITE},
        clock=lambda: datetime.now(UTC),
    )


@pytest.fixture
def emitted(deps: ReconcileDeps, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """The messages that the command emits, in place of a broker."""
    messages: list[Message] = []
    monkeypatch.setattr(wiring, "deps", lambda _: deps)
    monkeypatch.setattr(wiring, "sites", lambda: {"epn": SITE})
    monkeypatch.setattr(wiring, "content", lambda: deps.content)
    monkeypatch.setattr(wiring, "public", lambda _: deps.public)
    monkeypatch.setattr(wiring, "emitter", lambda: messages.extend)
    return messages


def run(**options: object) -> int:
    chosen = {"site": None, "repair": False, "remove_many": False, "show": 3, "patience": 0.0} | options
    try:
        verify.verify(**chosen)  # type: ignore[arg-type]
    except typer.Exit as end:
        return end.exit_code
    return 0


def put_listings(deps: ReconcileDeps) -> None:
    """Put every listing as publish does."""
    for listing in permanent_listings(SITE).values():
        body = listing.name.encode()
        deps.public.put(listing.path, body, metadata=OURS | {"sha256": page_sha256(body)})


def test_foreign_objects_are_no_drift(
    deps: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(deps)
    deps.public.put("ads.txt", b"ads")

    assert run(repair=True) == 0
    assert emitted == []
    assert "ads.txt" in capsys.readouterr().out


def test_drift_has_exit_code_1_and_is_repaired_only_on_request(
    deps: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(deps)
    deps.public.delete("index.html")

    assert run() == 1
    assert emitted == []
    assert "listing home is missing" in capsys.readouterr().out
    assert run(repair=True) == 1
    assert [(type(each), each.path) for each in emitted if isinstance(each, RepairPath)] == [(RepairPath, "index.html")]


def test_many_extra_objects_are_removed_only_with_remove_many(
    deps: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(deps)
    for number in range(30):
        deps.public.put(f"world/{number}/index.html", b"x", metadata=OURS | {"article": "a" * 26})

    assert run(repair=True) == 1
    assert emitted == []
    output = capsys.readouterr().out
    assert "right content bucket" in output
    assert "and 27 more" in output

    assert run(repair=True, remove_many=True) == 1
    assert len(emitted) == 30


def test_pages_of_another_version_have_exit_code_1_and_get_no_repairs(
    deps: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(deps)
    listings = len(permanent_listings(SITE))
    note_version(deps.content, SITE, "epn-2")

    assert run(repair=True) == 1
    assert emitted == []
    output = capsys.readouterr().out
    assert f"{listings} of {listings} pages carry another version of theme and settings" in output
    assert "pressline rebuild --site epn --theme" in output
    assert output.count("other version  ") == 3  # as many as --show allows
    assert find_counts(deps.content, SITE) is not None


def test_pages_of_the_current_version_have_exit_code_0(
    deps: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(deps)
    note_version(deps.content, SITE, "epn-1")

    assert run() == 0
    assert "carries another version" in capsys.readouterr().out

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
def places(redis: Redis) -> ReconcileDeps:
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
def emitted(places: ReconcileDeps, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """What the desk says to the workers, in place of a broker."""
    out: list[Message] = []
    monkeypatch.setattr(wiring, "deps", lambda _: places)
    monkeypatch.setattr(wiring, "sites", lambda: {"epn": SITE})
    monkeypatch.setattr(wiring, "content", lambda: places.content)
    monkeypatch.setattr(wiring, "public", lambda _: places.public)
    monkeypatch.setattr(wiring, "emitter", lambda: out.extend)
    return out


def run(**options: object) -> int:
    chosen = {"site": None, "repair": False, "remove_many": False, "show": 3, "patience": 0.0} | options
    try:
        verify.verify(**chosen)  # type: ignore[arg-type]
    except typer.Exit as end:
        return end.exit_code
    return 0


def put_listings(places: ReconcileDeps) -> None:
    """Put every listing as publish would."""
    for listing in permanent_listings(SITE).values():
        body = listing.name.encode()
        places.public.put(listing.path, body, metadata=OURS | {"sha256": page_sha256(body)})


def test_a_site_without_drift_ends_with_0_though_others_put_something_there(
    places: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(places)
    places.public.put("ads.txt", b"ads")

    assert run(repair=True) == 0
    assert emitted == []
    assert "ads.txt" in capsys.readouterr().out


def test_drift_ends_with_1_and_is_told_to_nobody_unless_it_is_to_be_mended(
    places: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(places)
    places.public.delete("index.html")

    assert run() == 1
    assert emitted == []
    assert "listing home is not there" in capsys.readouterr().out
    assert run(repair=True) == 1
    assert [(type(each), each.path) for each in emitted if isinstance(each, RepairPath)] == [(RepairPath, "index.html")]


def test_where_very_much_is_too_much_nothing_of_it_is_removed_unasked(
    places: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(places)
    for number in range(30):
        places.public.put(f"world/{number}/index.html", b"x", metadata=OURS | {"article": "a" * 26})

    assert run(repair=True) == 1
    assert emitted == []
    said = capsys.readouterr().out
    assert "right content bucket" in said
    assert "and 27 more" in said

    assert run(repair=True, remove_many=True) == 1
    assert len(emitted) == 30


def test_pages_of_another_version_end_with_1_and_name_the_rebuild_and_are_not_repaired_one_by_one(
    places: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(places)
    listings = len(permanent_listings(SITE))
    note_version(places.content, SITE, "epn-2")

    assert run(repair=True) == 1
    assert emitted == []
    said = capsys.readouterr().out
    assert f"{listings} of {listings} pages carry another version of theme and settings" in said
    assert "pressline rebuild --site epn --theme" in said
    assert said.count("other version  ") == 3  # as many as are to be shown
    assert find_counts(places.content, SITE) is not None


def test_pages_of_the_current_version_end_with_0(
    places: ReconcileDeps, emitted: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    put_listings(places)
    note_version(places.content, SITE, "epn-1")

    assert run() == 0
    assert "carries another version" in capsys.readouterr().out

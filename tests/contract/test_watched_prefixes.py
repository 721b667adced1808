"""Files of a watched prefix: each is submitted once, also after a crash, and a refused one is kept aside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.relay.handler import FileWatcher
from shared.runtime.errors import StorageUnavailableError
from shared.runtime.receipts import Receipt, ReceiptEntry, ReceiptFault, ReceiptStatus
from shared.runtime.receipts.stored import store_receipts
from shared.runtime.settings import ServiceSettings
from shared.runtime.watched_files import WatchState, WatchStates
from shared.site.sites import Feed, load_sites
from shared.storage import ObjectStorage
from shared.storage.memory import MemoryObjectStorage
from shared.storage.s3 import S3ObjectStorage
from tests.conftest import CONTENT_BUCKET, ROOT
from tests.contract.newsroom import a_site
from tests.contract.test_polled_feeds import Relay, a_stopped_event

MAX_BYTES = 1_000
PREFIX = "incoming/epn/wire/"
ASIDE = "incoming/epn/wire-refused/"


@dataclass
class Watch:
    """A relay that watches a prefix; each `round` is a new process, since all state is in the buckets."""

    files: ObjectStorage
    relay: Relay
    prefix: str = PREFIX

    @property
    def watcher(self) -> FileWatcher:
        feed = Feed(id="wire", name="Wire", source="wire", watch_prefix=self.prefix)
        return FileWatcher(a_site("epn"), feed, self.files, self.relay.deps, max_bytes=MAX_BYTES)

    def round(self) -> WatchState:
        self.watcher.run_round(a_stopped_event())
        return WatchStates(self.relay.content).find("epn", "wire")

    def end(self, **fields: Any) -> None:
        """Give the last submission an outcome, as the ingest worker does."""
        (submission,) = self.relay.messages[-1].submissions
        store_receipts(self.relay.content, [Receipt(receipt=submission.receipt, site="epn", **fields)])

    def names(self, prefix: str = "incoming/epn/") -> list[str]:
        return sorted(self.files.list_keys(prefix))


@pytest.fixture
def watch(storage: MemoryObjectStorage) -> Watch:
    return Watch(storage, Relay(storage, ""))


def test_a_new_file_is_submitted_with_its_type_and_then_deleted(watch: Watch) -> None:
    watch.files.put(f"{PREFIX}a.xml", b"<rss/>", content_type="application/rss+xml")
    watch.files.put(f"{PREFIX}deep/b.json", b"{}", content_type="binary/octet-stream")

    watch.round()

    submissions = [each for message in watch.relay.messages for each in message.submissions]
    assert watch.relay.raws == [b"<rss/>", b"{}"]
    assert [each.content_type for each in submissions] == ["application/rss+xml", None]
    assert {each.feed for each in submissions} == {"wire"}
    assert watch.names() == []


def test_a_file_with_an_outcome_is_forgotten(watch: Watch) -> None:
    watch.files.put(f"{PREFIX}a.xml", b"<rss/>")
    waiting = watch.round()
    watch.end(status=ReceiptStatus.ACCEPTED)

    settled = watch.round()

    assert [each.key for each in waiting.taken] == [f"{PREFIX}a.xml"]
    assert (settled.taken, settled.result) == ((), f"{PREFIX}a.xml: accepted")
    assert watch.names() == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"status": ReceiptStatus.REFUSED, "faults": (ReceiptFault(pointer="/headline", detail="is missing"),)},
            "/headline: is missing",
        ),
        ({"status": ReceiptStatus.FAILED, "reason": "the worker ended"}, "the worker ended"),
        (
            {
                "entries": (
                    ReceiptEntry(name="quay-0", status=ReceiptStatus.ACCEPTED),
                    ReceiptEntry(name="quay-1", status=ReceiptStatus.REFUSED, reason="has no text"),
                )
            },
            "quay-1: has no text",
        ),
    ],
    ids=["refused", "failed", "one entry refused"],
)
def test_a_refused_file_is_kept_aside_with_its_reason(watch: Watch, fields: dict[str, Any], reason: str) -> None:
    watch.files.put(f"{PREFIX}deep/a.xml", b"<rss/>", content_type="text/xml")
    watch.round()
    watch.end(**fields)

    state = watch.round()

    aside = watch.files.get(f"{ASIDE}deep/a.xml")
    stated = json.loads(watch.files.get(f"{ASIDE}deep/a.xml.reason.json").body)
    assert (aside.body, aside.head.content_type) == (b"<rss/>", "text/xml")
    assert stated == {"receipt": watch.relay.messages[0].submissions[0].receipt, "reasons": [reason]}
    assert (state.taken, state.refused_at, reason in state.result) == ((), watch.relay.now, True)
    assert watch.names() == [f"{ASIDE}deep/a.xml", f"{ASIDE}deep/a.xml.reason.json"]


def test_a_file_that_is_too_large_stays_with_a_reason_and_is_reported_once(watch: Watch) -> None:
    watch.files.put(f"{PREFIX}a.xml", b"x" * (MAX_BYTES + 1))
    watch.round()
    reason = watch.files.get(f"{ASIDE}a.xml.reason.json")
    watch.files.delete(reason.head.key)

    watch.round()

    assert "1001 bytes" in json.loads(reason.body)["reasons"][0]
    assert watch.names() == [f"{PREFIX}a.xml"]
    assert watch.relay.messages == []


def test_a_round_takes_a_bounded_number_of_files(watch: Watch) -> None:
    for number in range(45):
        watch.files.put(f"{PREFIX}{number:02}.json", b"{}")

    counts = []
    for _ in range(4):
        watch.round()
        counts.append(len(watch.relay.messages))

    assert counts == [20, 40, 45, 45]


def test_nothing_is_taken_while_too_many_messages_wait(watch: Watch) -> None:
    watch.files.put(f"{PREFIX}a.xml", b"<rss/>")
    watch.relay.is_full = True

    watch.round()

    assert (watch.relay.messages, watch.names()) == ([], [f"{PREFIX}a.xml"])


def test_a_crash_before_the_state_is_stored_submits_the_file_again(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.files.put(f"{PREFIX}a.xml", b"<rss/>")
    with monkeypatch.context() as patch:
        patch.setattr(WatchStates, "save", _down)
        with pytest.raises(StorageUnavailableError):
            watch.round()

    assert watch.names() == [f"{PREFIX}a.xml"]
    watch.round()

    assert watch.relay.raws == [b"<rss/>"] * 2  # its articles are duplicates
    assert watch.names() == []


def test_a_crash_before_the_deletion_submits_nothing_again(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.files.put(f"{PREFIX}a.xml", b"<rss/>")
    with monkeypatch.context() as patch:
        patch.setattr(watch.files, "delete", _down)
        with pytest.raises(StorageUnavailableError):
            watch.round()

    assert watch.names() == [f"{PREFIX}a.xml"]
    watch.round()

    assert watch.relay.raws == [b"<rss/>"]
    assert watch.names() == []


def test_a_file_that_was_replaced_is_submitted_too(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.files.put(f"{PREFIX}a.xml", b"<rss/>")
    save = WatchStates.save

    def replaced(self: WatchStates, *args: Any) -> None:
        save(self, *args)
        watch.files.put(f"{PREFIX}a.xml", b"<rss>2</rss>")

    with monkeypatch.context() as patch:
        patch.setattr(WatchStates, "save", replaced)
        watch.round()
    watch.round()

    assert watch.relay.raws == [b"<rss/>", b"<rss>2</rss>"]
    assert watch.names() == []


def test_a_file_without_an_outcome_is_forgotten_after_a_day(watch: Watch) -> None:
    watch.files.put(f"{PREFIX}a.xml", b"<rss/>")
    watch.round()
    watch.relay.now += timedelta(hours=25)

    assert watch.round().taken == ()


def test_a_real_store_gives_each_file_once(store_settings: ServiceSettings, prefix: str) -> None:
    files = S3ObjectStorage(store_settings, CONTENT_BUCKET)
    own = f"incoming/{prefix}"
    watch = Watch(files, Relay(MemoryObjectStorage(), ""), prefix=own)
    for name in ("a b.xml", "größe.xml", "deep/c.xml"):
        files.put(f"{own}{name}", f"<rss>{name}</rss>".encode(), content_type="application/xml")

    watch.round()
    watch.end(status=ReceiptStatus.REFUSED, reason="no reader")
    watch.round()

    assert sorted(watch.relay.raws) == [
        b"<rss>a b.xml</rss>",
        b"<rss>deep/c.xml</rss>",
        "<rss>größe.xml</rss>".encode(),
    ]
    assert watch.names(own) == []
    assert len(watch.names(own.removesuffix("/") + "-refused/")) == 2  # the file and its reason


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"watch_prefix": "articles/"}, "begins with incoming/"),
        ({"watch_prefix": "incoming/wire"}, "pattern"),
        ({"watch_prefix": "incoming//wire/"}, "pattern"),
        ({"watch_prefix": "incoming/../articles/"}, "pattern"),
        ({"watch_prefix": "incoming/wire-refused/"}, "refused files"),
        ({"watch_bucket": "wires"}, "needs a watch_prefix"),
        ({"watch_prefix": "wire/", "watch_bucket": "Wires!"}, "pattern"),
    ],
)
def test_wrong_settings_of_a_watched_prefix_are_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Feed.model_validate({"id": "wire", "name": "Wire", "source": "wire", **fields})


@pytest.mark.parametrize(("second", "is_valid"), [("incoming/a/b/", False), ("incoming/b/", True)])
def test_two_feeds_cannot_watch_the_same_files(tmp_path: Path, second: str, *, is_valid: bool) -> None:
    text = (ROOT / "infra" / "sites" / "epn.toml").read_text(encoding="utf-8")
    feeds = "".join(
        f'[[feeds]]\nid = "wire-{n}"\nname = "Wire"\nsource = "wire"\nwatch_prefix = "{each}"\n'
        for n, each in enumerate(("incoming/a/", second))
    )
    (tmp_path / "epn.toml").write_text(f"{text}\n{feeds}", encoding="utf-8")

    if is_valid:
        assert len(load_sites(tmp_path)["epn"].feeds) == 3
    else:
        with pytest.raises(ValueError, match="epn/wire-0 and epn/wire-1 watch the same files"):
            load_sites(tmp_path)


def _down(*_: object) -> None:
    raise StorageUnavailableError("down")

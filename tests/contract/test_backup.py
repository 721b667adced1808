"""The second bucket: complete, verified, gone on with after a cut, and the way back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any

import pytest

from services.desk.handler.backup import BackupCounts, BackupDeps, TooManyFailuresError, back_up, restore
from shared.runtime.errors import StorageUnavailableError
from shared.runtime.settings import ServiceSettings
from shared.storage import Etag, ListedObject, ObjectStorage, StoredObject
from shared.storage.memory import MemoryObjectStorage
from shared.storage.s3 import S3ObjectStorage
from tests.conftest import PUBLIC_BUCKET, ROOT

ARTICLE = "articles/epn/aaaa/"
KEYS = [
    f"{ARTICLE}enriched/1.e1.json",
    f"{ARTICLE}live.json",
    f"{ARTICLE}revisions/1.json",
    f"{ARTICLE}revisions/2.json",
    f"{ARTICLE}tombstone.2.json",
    "articles/epn-hi/bbbb/revisions/1.json",
    "dead-letters/render/2026/11/01/x.json",
    "inbox/epn/r.json",
    "journal/epn/2026/11/01/12/00/20261101T120000000000Z~aaaa~1",
    "schedule/epn/20261201T000000000000Z/aaaa~2",
    "tokens/abc.json",
]


@dataclass
class Two:
    """The content bucket and the second one."""

    content: ObjectStorage
    second: ObjectStorage

    def fill(self) -> None:
        for key in KEYS:
            self.content.put(key, key.encode(), content_type="text/plain", metadata={"order": key})
        self.content.put("conformance/content.json", b"{}")
        self.content.put(".probe/x/y", b"")

    def back_up(self, prefix: str = "") -> BackupCounts:
        return back_up(BackupDeps(self.content, self.second, threads=4), prefix)

    def restore(self, prefix: str = "") -> BackupCounts:
        return restore(BackupDeps(self.second, self.content, threads=4), prefix)

    def lose(self, prefix: str) -> None:
        for key in list(self.content.list_keys(prefix)):
            self.content.delete(key)


@pytest.fixture(params=["memory", "s3"])
def two(request: pytest.FixtureRequest) -> Two:
    if request.param == "memory":
        return Two(MemoryObjectStorage(), MemoryObjectStorage())
    settings = request.getfixturevalue("store_settings")
    pair = [S3ObjectStorage(settings, bucket) for bucket in ("backup-from", "backup-to")]
    for storage in pair:
        storage.ensure_bucket()
        for key in list(storage.list_keys("")):
            storage.delete(key)
    return Two(*pair)


def told(counts: BackupCounts) -> tuple[int, int, int]:
    return counts.copied, counts.there, len(counts.failures)


def test_everything_is_copied_once_but_certificates_and_probes(two: Two) -> None:
    two.fill()

    assert told(two.back_up()) == (len(KEYS), 0, 0)
    assert told(two.back_up()) == (0, len(KEYS), 0)
    assert sorted(two.second.list_keys("")) == sorted(KEYS)


def test_what_changed_is_copied_again_and_what_was_removed_stays(two: Two) -> None:
    two.fill()
    two.back_up()
    two.content.put(f"{ARTICLE}live.json", b"newer")
    two.content.delete("inbox/epn/r.json")

    assert told(two.back_up()) == (1, len(KEYS) - 2, 0)
    assert two.second.get(f"{ARTICLE}live.json").body == b"newer"
    assert two.second.find("inbox/epn/r.json") is not None


def test_a_lost_prefix_comes_back_as_it_was(two: Two) -> None:
    two.fill()
    two.back_up()
    before = {key: two.content.get(key) for key in KEYS}
    two.lose("articles/epn/")

    assert told(two.restore("articles/epn/")) == (5, 0, 0)
    assert {key: two.content.get(key) for key in KEYS} == before


def test_a_restore_never_writes_over_what_is_there(two: Two) -> None:
    two.fill()
    two.back_up()
    two.content.put(f"{ARTICLE}live.json", b"newer")
    two.content.delete(f"{ARTICLE}revisions/1.json")

    assert told(two.restore()) == (1, len(KEYS) - 3, 0)
    assert two.content.get(f"{ARTICLE}live.json").body == b"newer"


def test_revoked_tokens_and_dropped_letters_come_back_only_by_name(two: Two) -> None:
    two.fill()
    two.back_up()
    two.lose("tokens/")
    two.lose("dead-letters/")

    counts = two.restore()
    assert (counts.copied, counts.left_out) == (0, 2)
    assert two.content.find("tokens/abc.json") is None

    assert told(two.restore("tokens/")) == (1, 0, 0)
    assert two.content.find("tokens/abc.json") is not None


def test_a_kill_comes_back_before_the_text_and_an_inbox_last() -> None:
    content = MemoryObjectStorage()
    two = Two(content, MemoryObjectStorage())
    two.fill()
    two.back_up()
    two.lose("")
    content.puts.clear()

    two.restore()

    assert set(content.puts[:2]) == {f"{ARTICLE}live.json", f"{ARTICLE}tombstone.2.json"}
    assert {key.split("/")[0] for key in content.puts[-2:]} == {"inbox", "schedule"}


def test_a_backup_that_was_cut_short_is_gone_on_with(two: Two) -> None:
    two.fill()

    def interrupt(counts: BackupCounts) -> None:
        if counts.copied == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(BackupDeps(two.content, two.second, threads=1, told=interrupt))
    there = len(list(two.second.list_keys("")))

    assert 3 <= there < len(KEYS)
    assert told(two.back_up()) == (len(KEYS) - there, there, 0)


class WithoutDigests(MemoryObjectStorage):
    """A store whose ETags say nothing of the bytes, as AWS with keys of its own (SSE-KMS)."""

    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        super().put(key, body, **rest)
        there = self._objects[key]
        etag = Etag(f'"{len(self.puts)}"')
        self._objects[key] = StoredObject(replace(there.head, etag=etag), body)
        return etag


class FailsFor(MemoryObjectStorage):
    """Takes everything but some keys."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        if self.part in key:
            raise StorageUnavailableError(key)
        return super().put(key, body, **rest)


class Garbles(MemoryObjectStorage):
    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        return super().put(key, body + b"!", **rest)


class ListsAsATree(MemoryObjectStorage):
    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        yield from sorted(super().list_heads(prefix), key=lambda each: each.key.split("/"))


def test_etags_that_are_no_digests_do_not_copy_everything_again() -> None:
    two = Two(MemoryObjectStorage(), WithoutDigests())
    two.fill()
    two.back_up()

    assert told(two.back_up()) == (0, len(KEYS), 0)


def test_what_could_not_be_copied_is_said_and_the_rest_is_copied() -> None:
    second = FailsFor("tokens/")
    two = Two(MemoryObjectStorage(), second)
    two.fill()

    counts = two.back_up()
    assert told(counts) == (len(KEYS) - 1, 0, 1)
    assert "tokens/abc.json" in counts.failures[0]

    second.part = "nothing"
    assert told(two.back_up()) == (1, len(KEYS) - 1, 0)


def test_a_copy_with_other_bytes_is_a_failure() -> None:
    two = Two(MemoryObjectStorage(), Garbles())
    two.content.put("raw/epn/x", b"words")

    counts = two.back_up()

    assert told(counts) == (0, 0, 1)
    assert "other bytes" in counts.failures[0]


@pytest.mark.usefixtures("no_backoff")
def test_a_second_store_that_is_down_ends_the_backup() -> None:
    two = Two(MemoryObjectStorage(), FailsFor("/"))
    for number in range(200):
        two.content.put(f"raw/epn/{number}", b"x")

    with pytest.raises(TooManyFailuresError):
        two.back_up()


@pytest.mark.parametrize(
    ("content", "second"), [(MemoryObjectStorage, ListsAsATree), (ListsAsATree, MemoryObjectStorage)]
)
def test_stores_that_list_in_different_orders_are_told_apart_from_missing_objects(
    content: type[MemoryObjectStorage], second: type[MemoryObjectStorage]
) -> None:
    two = Two(content(), second())
    two.fill()

    assert told(two.back_up()) == (len(KEYS), 0, 0)
    assert told(two.back_up()) == (0, len(KEYS), 0)
    assert told(two.restore()) == (0, len(KEYS) - 2, 0)


class Endless(MemoryObjectStorage):
    """Counts how far its listing is ahead of what was read."""

    def __init__(self, objects: int) -> None:
        super().__init__()
        self.objects, self.ahead, self.furthest, self._guard = objects, 0, 0, Lock()

    def list_heads(self, prefix: str, **rest: Any) -> Iterator[ListedObject]:
        etag = self.put("x", b"x")
        for number in range(self.objects):
            with self._guard:
                self.ahead += 1
                self.furthest = max(self.ahead, self.furthest)
            yield ListedObject(f"raw/{number:09}", etag, 1)

    def find(self, key: str) -> Any:
        with self._guard:
            self.ahead -= 1
        return super().find("x")


def test_memory_does_not_grow_with_the_bucket() -> None:
    content = Endless(3000)

    assert back_up(BackupDeps(content, MemoryObjectStorage(), threads=2)).copied == 3000
    assert content.furthest < 20


@pytest.fixture
def line(store_settings: ServiceSettings) -> dict[str, str]:
    """The command line's environment: a content bucket of its own, and the second one."""
    for bucket in ("cli-content", "cli-backup"):
        storage = S3ObjectStorage(store_settings, bucket)
        storage.ensure_bucket()
        for key in list(storage.list_keys("")):
            storage.delete(key)
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        "PRESSLINE_S3_ENDPOINT": store_settings.s3_endpoint or "",
        "PRESSLINE_S3_ACCESS_KEY": "key",
        "PRESSLINE_S3_SECRET_KEY": "secret",
        "PRESSLINE_CONTENT_BUCKET": "cli-content",
        "PRESSLINE_PUBLIC_BUCKET": PUBLIC_BUCKET,
        "PRESSLINE_BACKUP_BUCKET": "cli-backup",
    }


def pressline(line: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.desk", *words]
    return subprocess.run(command, cwd=folder, env=line, capture_output=True, text=True, timeout=60, check=False)


def test_a_backup_that_was_killed_is_gone_on_with_and_the_prefix_comes_back(
    line: dict[str, str], store_settings: ServiceSettings, tmp_path: Path
) -> None:
    content, second = S3ObjectStorage(store_settings, "cli-content"), S3ObjectStorage(store_settings, "cli-backup")
    for number in range(400):
        content.put(f"articles/epn/{number:03}/revisions/1.json", b"%d" % number)
    killed = subprocess.Popen(
        [sys.executable, "-m", "services.desk", "backup"], cwd=tmp_path, env=line, stdout=subprocess.DEVNULL
    )
    until = monotonic() + 60
    while not list(second.list_keys("articles/", limit=20)):
        assert monotonic() < until
        sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    there = len(list(second.list_keys("articles/")))

    ended = pressline(line, tmp_path, "backup")
    assert ended.returncode == 0, ended.stderr
    copied, already = map(int, re.findall(r"(\d+) (?:copied|already)", ended.stdout))
    assert already >= there  # the last of the killed one may have arrived later
    assert (copied + already, copied > 0) == (400, True)

    for number in range(100):
        content.delete(f"articles/epn/{number:03}/revisions/1.json")
    ended = pressline(line, tmp_path, "backup", "--restore", "--prefix", "articles/epn/0")
    assert "cli-backup → cli-content: 100 copied" in ended.stdout
    assert content.get("articles/epn/042/revisions/1.json").body == b"42"


@pytest.mark.parametrize(
    ("bucket", "words"),
    [
        (PUBLIC_BUCKET, "is in use; a backup needs one of its own"),
        ("cli-content", "is in use"),
        (None, "set PRESSLINE_BACKUP_BUCKET"),
    ],
)
def test_a_backup_never_goes_where_readers_read_or_onto_itself(
    line: dict[str, str], tmp_path: Path, bucket: str | None, words: str
) -> None:
    del line["PRESSLINE_BACKUP_BUCKET"]

    ended = pressline(line | ({"PRESSLINE_BACKUP_BUCKET": bucket} if bucket else {}), tmp_path, "backup")

    assert ended.returncode == 1
    assert words in ended.stderr

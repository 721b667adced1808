"""Backups to a second bucket: complete, verified, resumable; and restores from there."""

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
class Buckets:
    """The content bucket and the backup bucket."""

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
def buckets(request: pytest.FixtureRequest) -> Buckets:
    if request.param == "memory":
        return Buckets(MemoryObjectStorage(), MemoryObjectStorage())
    settings = request.getfixturevalue("store_settings")
    pair = [S3ObjectStorage(settings, bucket) for bucket in ("backup-from", "backup-to")]
    for storage in pair:
        storage.ensure_bucket()
        for key in list(storage.list_keys("")):
            storage.delete(key)
    return Buckets(*pair)


def copied_present_failed(counts: BackupCounts) -> tuple[int, int, int]:
    return counts.copied, counts.already_there, len(counts.failures)


def test_everything_except_conformance_results_and_probes_is_copied_once(buckets: Buckets) -> None:
    buckets.fill()

    assert copied_present_failed(buckets.back_up()) == (len(KEYS), 0, 0)
    assert copied_present_failed(buckets.back_up()) == (0, len(KEYS), 0)
    assert sorted(buckets.second.list_keys("")) == sorted(KEYS)


def test_changed_objects_are_copied_again_and_removed_ones_stay(buckets: Buckets) -> None:
    buckets.fill()
    buckets.back_up()
    buckets.content.put(f"{ARTICLE}live.json", b"newer")
    buckets.content.delete("inbox/epn/r.json")

    assert copied_present_failed(buckets.back_up()) == (1, len(KEYS) - 2, 0)
    assert buckets.second.get(f"{ARTICLE}live.json").body == b"newer"
    assert buckets.second.find("inbox/epn/r.json") is not None


def test_a_lost_prefix_is_restored_unchanged(buckets: Buckets) -> None:
    buckets.fill()
    buckets.back_up()
    before = {key: buckets.content.get(key) for key in KEYS}
    buckets.lose("articles/epn/")

    assert copied_present_failed(buckets.restore("articles/epn/")) == (5, 0, 0)
    assert {key: buckets.content.get(key) for key in KEYS} == before


def test_a_restore_overwrites_nothing(buckets: Buckets) -> None:
    buckets.fill()
    buckets.back_up()
    buckets.content.put(f"{ARTICLE}live.json", b"newer")
    buckets.content.delete(f"{ARTICLE}revisions/1.json")

    assert copied_present_failed(buckets.restore()) == (1, len(KEYS) - 3, 0)
    assert buckets.content.get(f"{ARTICLE}live.json").body == b"newer"


def test_revoked_tokens_and_dropped_dead_letters_are_restored_only_by_prefix(buckets: Buckets) -> None:
    buckets.fill()
    buckets.back_up()
    buckets.lose("tokens/")
    buckets.lose("dead-letters/")

    counts = buckets.restore()
    assert (counts.copied, counts.left_out) == (0, 2)
    assert buckets.content.find("tokens/abc.json") is None

    assert copied_present_failed(buckets.restore("tokens/")) == (1, 0, 0)
    assert buckets.content.find("tokens/abc.json") is not None


def test_tombstones_are_restored_first_and_the_inbox_last() -> None:
    content = MemoryObjectStorage()
    buckets = Buckets(content, MemoryObjectStorage())
    buckets.fill()
    buckets.back_up()
    buckets.lose("")
    content.puts.clear()

    buckets.restore()

    assert set(content.puts[:2]) == {f"{ARTICLE}live.json", f"{ARTICLE}tombstone.2.json"}
    assert {key.split("/")[0] for key in content.puts[-2:]} == {"inbox", "schedule"}


def test_a_second_run_completes_an_interrupted_backup(buckets: Buckets) -> None:
    buckets.fill()

    def interrupt(counts: BackupCounts) -> None:
        if counts.copied == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(BackupDeps(buckets.content, buckets.second, threads=1, on_progress=interrupt))
    there = len(list(buckets.second.list_keys("")))

    assert 3 <= there < len(KEYS)
    assert copied_present_failed(buckets.back_up()) == (len(KEYS) - there, there, 0)


class WithoutDigests(MemoryObjectStorage):
    """A store whose ETags are no digests, such as AWS with SSE-KMS."""

    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        super().put(key, body, **rest)
        stored = self._objects[key]
        etag = Etag(f'"{len(self.puts)}"')
        self._objects[key] = StoredObject(replace(stored.head, etag=etag), body)
        return etag


class FailsFor(MemoryObjectStorage):
    """Fails for keys that contain a text."""

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


def test_unchanged_objects_are_not_copied_again_without_digests_as_etags() -> None:
    buckets = Buckets(MemoryObjectStorage(), WithoutDigests())
    buckets.fill()
    buckets.back_up()

    assert copied_present_failed(buckets.back_up()) == (0, len(KEYS), 0)


def test_failures_are_reported_and_the_rest_is_copied() -> None:
    second = FailsFor("tokens/")
    buckets = Buckets(MemoryObjectStorage(), second)
    buckets.fill()

    counts = buckets.back_up()
    assert copied_present_failed(counts) == (len(KEYS) - 1, 0, 1)
    assert "tokens/abc.json" in counts.failures[0]

    second.part = "nothing"
    assert copied_present_failed(buckets.back_up()) == (1, len(KEYS) - 1, 0)


def test_a_copy_with_other_bytes_is_a_failure() -> None:
    buckets = Buckets(MemoryObjectStorage(), Garbles())
    buckets.content.put("raw/epn/x", b"words")

    counts = buckets.back_up()

    assert copied_present_failed(counts) == (0, 0, 1)
    assert "differs from the bytes" in counts.failures[0]


def test_too_many_failures_end_the_backup() -> None:
    buckets = Buckets(MemoryObjectStorage(), FailsFor("/"))
    for number in range(200):
        buckets.content.put(f"raw/epn/{number}", b"x")

    with pytest.raises(TooManyFailuresError):
        buckets.back_up()


@pytest.mark.parametrize(
    ("content", "second"), [(MemoryObjectStorage, ListsAsATree), (ListsAsATree, MemoryObjectStorage)]
)
def test_different_orders_of_the_listings_are_not_missing_objects(
    content: type[MemoryObjectStorage], second: type[MemoryObjectStorage]
) -> None:
    buckets = Buckets(content(), second())
    buckets.fill()

    assert copied_present_failed(buckets.back_up()) == (len(KEYS), 0, 0)
    assert copied_present_failed(buckets.back_up()) == (0, len(KEYS), 0)
    assert copied_present_failed(buckets.restore()) == (0, len(KEYS) - 2, 0)


class Endless(MemoryObjectStorage):
    """Counts the listed objects that are not read yet."""

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
def cli_environment(store_settings: ServiceSettings) -> dict[str, str]:
    """The command line's environment, with a content bucket and a backup bucket."""
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


def pressline(cli_environment: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.desk", *words]
    return subprocess.run(
        command, cwd=folder, env=cli_environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_second_run_completes_a_killed_backup_and_a_prefix_is_restored(
    cli_environment: dict[str, str], store_settings: ServiceSettings, tmp_path: Path
) -> None:
    content, second = S3ObjectStorage(store_settings, "cli-content"), S3ObjectStorage(store_settings, "cli-backup")
    for number in range(400):
        content.put(f"articles/epn/{number:03}/revisions/1.json", b"%d" % number)
    killed = subprocess.Popen(
        [sys.executable, "-m", "services.desk", "backup"], cwd=tmp_path, env=cli_environment, stdout=subprocess.DEVNULL
    )
    deadline = monotonic() + 60
    while not list(second.list_keys("articles/", limit=20)):
        assert monotonic() < deadline
        sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    there = len(list(second.list_keys("articles/")))

    ended = pressline(cli_environment, tmp_path, "backup")
    assert ended.returncode == 0, ended.stderr
    copied, already = map(int, re.findall(r"(\d+) (?:copied|already)", ended.stdout))
    assert already >= there  # the last of the killed one may have arrived later
    assert (copied + already, copied > 0) == (400, True)

    for number in range(100):
        content.delete(f"articles/epn/{number:03}/revisions/1.json")
    ended = pressline(cli_environment, tmp_path, "backup", "--restore", "--prefix", "articles/epn/0")
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
def test_a_backup_to_the_public_or_the_content_bucket_is_refused(
    cli_environment: dict[str, str], tmp_path: Path, bucket: str | None, words: str
) -> None:
    del cli_environment["PRESSLINE_BACKUP_BUCKET"]

    ended = pressline(cli_environment | ({"PRESSLINE_BACKUP_BUCKET": bucket} if bucket else {}), tmp_path, "backup")

    assert ended.returncode == 1
    assert words in ended.stderr

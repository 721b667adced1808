"""The relay as a process, with a real Redis and a real store, killed while it fetches."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest
from redis import Redis

from shared.messaging.messages import SubmitArticles
from shared.runtime.feed_polls import FeedPolls
from shared.runtime.settings import ServiceSettings
from shared.storage.s3 import S3ObjectStorage
from tests.conftest import CONTENT_BUCKET, PUBLIC_BUCKET, ROOT
from tests.feed_server import a_feed_server, rss

DEADLINE_SECONDS = 60


def await_that(claim: Callable[[], bool], text: str) -> None:
    ends = monotonic() + DEADLINE_SECONDS
    while not claim():
        assert monotonic() < ends, text
        sleep(0.05)


@contextmanager
def a_relay(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.relay"], env=environment, stdout=out, stderr=out, cwd=ROOT
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


@pytest.fixture
def environment(redis_url: str, store_settings: ServiceSettings, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PRESSLINE_REDIS_URL": redis_url,
        "PRESSLINE_S3_ENDPOINT": store_settings.s3_endpoint or "",
        "PRESSLINE_S3_ACCESS_KEY": "key",
        "PRESSLINE_S3_SECRET_KEY": "secret",
        "PRESSLINE_CONTENT_BUCKET": CONTENT_BUCKET,
        "PRESSLINE_PUBLIC_BUCKET": PUBLIC_BUCKET,
        "PRESSLINE_SITES_FOLDER": str(tmp_path),
        "PRESSLINE_RELAY_PRIVATE_ADDRESSES": "true",
    }


def test_a_relay_that_is_killed_during_a_fetch_loses_no_document(
    redis: Redis, store_settings: ServiceSettings, environment: dict[str, str], tmp_path: Path
) -> None:
    content, asked, log = S3ObjectStorage(store_settings, CONTENT_BUCKET), Event(), tmp_path / "relay.log"

    def hang(_: BaseHTTPRequestHandler) -> None:
        asked.set()
        sleep(0.5)

    def submissions() -> list[SubmitArticles]:
        found = [content.find(key) for key in content.list_keys("inbox/killed/")]
        return [SubmitArticles.model_validate_json(each.body) for each in found if each]

    with a_feed_server(rss("Quay reopens"), respond=hang) as server:
        _write_site(tmp_path, server.url)
        with a_relay(environment, log) as first:
            assert asked.wait(DEADLINE_SECONDS), log.read_text(encoding="utf-8")[-2000:]
            first.kill()
            first.wait(20)
        assert submissions() == []
        server.respond = None
        redis.flushall()  # the state of a poll is not in Redis, and the first relay's leases are
        content.put("incoming/killed/a.json", b'{"headline": "A"}')
        with a_relay(environment, log):
            await_that(lambda: len(submissions()) == 2, "the document or the file was not submitted")
            await_that(lambda: content.find("incoming/killed/a.json") is None, "the file was not deleted")
            await_that(lambda: FeedPolls(content).find("killed", "quay") is not None, "the state was not stored")

    taken = {message.submissions[0].feed: message.submissions[0] for message in submissions()}
    assert content.get(taken["quay"].raw_key).body == server.body
    assert content.get(taken["files"].raw_key).body == b'{"headline": "A"}'
    assert redis.llen("ingest.live") == 2


def _write_site(folder: Path, url: str) -> None:
    text = (ROOT / "infra" / "sites" / "epn.toml").read_text(encoding="utf-8").replace('id = "epn"', 'id = "killed"', 1)
    feeds = (
        f'\n[[feeds]]\nid = "quay"\nname = "Quay"\nsource = "quay"\npoll_url = "{url}"\npoll_interval_seconds = 10\n'
        '\n[[feeds]]\nid = "files"\nname = "Files"\nsource = "files"\nwatch_prefix = "incoming/killed/"\n'
    )
    (folder / "killed.toml").write_text(text + feeds, encoding="utf-8")

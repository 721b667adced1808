"""An archive on a real stack is imported, rebuilt and given another theme, while processes are killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Self, cast

import httpx
import pytest

from infra.local.settings import PROJECT
from services.desk.domain.imports import MAX_CHUNK_BYTES
from shared.messaging.pipeline import RENDER_ARTICLES
from shared.model.live_record import read_record
from shared.site import keys
from shared.storage import ObjectHead
from shared.storage.s3 import S3ObjectStorage
from tests.e2e.conftest import Newsroom, OperatedStack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

_ARTICLES = 440  # nine batches of a rebuild: some wait while those who render stand still
_FIRST_REQUEST = 60  # lines: as many bytes as one request brings
_PATIENCE_SECONDS = 240.0  # of a busy machine


class Archive:
    """The newsroom's own archive, the buckets, and an operator's terminal."""

    def __init__(self, room: Newsroom, folder: Path) -> None:
        self.room, self.folder = room, folder
        self.commands: list[Command] = []
        self.file = folder / "archive.ndjson"
        self.content = S3ObjectStorage(room.services, room.services.content_bucket)
        self.public = S3ObjectStorage(room.services, room.services.public_bucket)

    def __enter__(self) -> Self:
        # Where pytest runs in the background of a shell, Ctrl-C is ignored, and by what it starts too.
        self._before = signal.signal(signal.SIGINT, signal.default_int_handler)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        for command in self.commands:
            command.stop(signal.SIGKILL)

    def command(self, *words: str) -> Command:
        """Start `pressline`."""
        begun = Command(self.folder, words, run_folder=self.room.folder.path)
        self.commands.append(begun)
        return begun

    def receipts(self) -> list[tuple[int, str]]:
        """Return (line, receipt) of all that the import noted."""
        noted = self.file.with_name(f"{self.file.name}.pressline-receipts.ndjson").read_text().splitlines()
        return [(entry["line"], entry["receipt"]) for entry in map(json.loads, noted)]

    def lines_done(self) -> int:
        """Return how far the import says that it has come."""
        state = self.file.with_name(f"{self.file.name}.pressline-import")
        return cast("int", json.loads(state.read_text())["line"]) if state.exists() else 0

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue."""
        return self.room.redis.llen(queue)

    def batches(self) -> int:
        """Return how many batches of a rebuild wait for somebody to render them."""
        return sum(RENDER_ARTICLES.task_name in message for message in self.room.redis.lrange("render.bulk", 0, -1))

    def articles(self) -> Mapping[str, int]:
        """Return of how many revisions each article is."""
        found = self.content.list_keys(keys.articles_prefix(self.room.site.id))
        return Counter(key.split("/")[2] for key in found if "/revisions/" in key)

    def pages(self) -> dict[str, str]:
        """Return where each article is live."""
        records = (read_record(self.content, self.room.site.id, article)[0] for article in self.articles())
        return {record.article: record.path or "" for record in records if record.revision}

    def public_bytes(self) -> dict[str, bytes]:
        """Return all that readers can get."""
        return {key: self.public.get(key).body for key in self.public.list_keys("")}

    def public_heads(self) -> list[ObjectHead]:
        """Return what is known of each object that readers can get."""
        return list(filter(None, map(self.public.find_head, self.public.list_keys(""))))

    def made(self) -> dict[str, tuple[str | None, str | None]]:
        """Return when and for which message each object's bytes were put: after another PUT it says otherwise."""
        return {head.key: (head.metadata.get("made-at"), head.metadata.get("made-for")) for head in self.public_heads()}

    def purges(self) -> int:
        """Return how often the edge was told to forget something."""
        return cast("int", self.room.edge.get("/.pressline/stats").json()["purges"])

    def kill(self, *services: str) -> None:
        """Kill services as a machine's end would, their children with them."""
        killed = {service: self.room.pid(service) for service in services}
        for pid in killed.values():
            os.kill(pid, signal.SIGKILL)
        for service, pid in killed.items():
            self.room.wait_for_restart(service, pid)

    def change_theme(self, theme: str) -> None:
        """Name another theme in the site's file, and start all render workers again: a theme is read at their start."""
        file = self.folder / "sites" / "epn.toml"
        file.write_text(re.sub(r'(?m)^theme = ".*"', f'theme = "{theme}"', file.read_text()))
        running = {worker: self.room.pid(worker) for worker in ("render", "render-bulk")}
        for pid in running.values():
            os.kill(pid, signal.SIGTERM)
        for worker, pid in running.items():
            self.room.wait_for_restart(worker, pid)
            self.room.wait_for(partial(self.is_ready, worker), f"{worker} is ready")

    def is_ready(self, worker: str) -> bool:
        """Tell whether a worker has read its theme."""
        health = self.room.stack.metrics[worker].replace("/metrics", "/healthz")
        with suppress(httpx.HTTPError):
            return httpx.get(health, trust_env=False).status_code == HTTPStatus.OK
        return False

    def halt(self, service: str) -> list[int]:
        """Stop a worker's children with SIGSTOP; return them."""
        pid = self.room.pid(service)
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for child in children:
            os.kill(child, signal.SIGSTOP)
        return children


class Command:
    """`pressline` as an operator runs it, and may end it."""

    def __init__(self, folder: Path, words: tuple[str, ...], *, run_folder: Path) -> None:
        self._output_file = folder / "output.txt"
        environment = {"PYTHONPATH": str(PROJECT), "PRESSLINE_RUN_FOLDER": str(run_folder), "COLUMNS": "200"}
        with self._output_file.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.desk", *words],
                env={**os.environ, **environment},
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        """Return the output so far."""
        return self._output_file.read_text(errors="replace")

    def stop(self, number: signal.Signals) -> int:
        """Send a signal to the command; return its exit status."""
        self._process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end of the command; return its exit status."""
        return self._process.wait(_PATIENCE_SECONDS)


def an_article(number: int) -> dict[str, object]:
    """Return an article of long ago; every third bears no stamp of its sender's."""
    first_created = datetime(2026, 10, 1, 6, tzinfo=UTC) + timedelta(minutes=20 * number)
    return {
        "source": "archive",
        "source_id": f"old-{number}",
        "headline": f"What was told on day {number}",
        "section": ("world", "science")[number % 2],
        "language": "en",
        "first_created": first_created.isoformat(),
        "version_created": first_created.isoformat() if number % 3 else None,
        "body": f"<p>It was the {number}th of many.</p>",
    }


@pytest.fixture(scope="module")
def archive(operated_stack: OperatedStack) -> Iterator[Archive]:
    """An archive that was moved in while nearly everybody died once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRESSLINE_SITES_FOLDER", str(operated_stack.sites_folder))
        room = Newsroom(operated_stack.settings, operated_stack.stack)
        with room.api, room.edge, room.redis, Archive(room, operated_stack.sites_folder.parent) as built:
            move_in(built)
            yield built


def move_in(archive: Archive) -> None:
    """Run the import: killed while its first lines are taken, and again in the second request; then others die."""
    padding = " " * (MAX_CHUNK_BYTES // 4)
    lines = [json.dumps(an_article(number)) + "\n" for number in range(_ARTICLES)]
    for number in range(_FIRST_REQUEST - 4, _FIRST_REQUEST):
        lines[number] = lines[number].replace("{", "{" + padding, 1)
    archive.file.write_text("".join(lines))
    words = ("import", "ndjson", str(archive.file), "--wait")
    archive.halt("ingest")  # what is taken waits

    first = archive.command(*words)
    archive.room.wait_for(lambda: archive.waiting("ingest.bulk") > 0, "lines are taken")
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    assert archive.lines_done() <= _FIRST_REQUEST

    second = archive.command(*words)
    archive.room.wait_for(lambda: archive.lines_done() >= _FIRST_REQUEST, "the first request is answered")
    assert second.stop(signal.SIGKILL) == -signal.SIGKILL

    before = archive.waiting("ingest.bulk")
    third = archive.command(*words)
    archive.room.wait_for(lambda: archive.waiting("ingest.bulk") > before, "further lines are taken")
    archive.kill("ingest", "endpoint")
    assert third.ended() == 0
    archive.room.wait_until_quiet([], _PATIENCE_SECONDS)


def test_an_import_has_a_receipt_for_every_line_whoever_was_killed(archive: Archive) -> None:
    receipts = archive.receipts()

    assert [line for line, _ in receipts] == list(range(1, _ARTICLES + 1))
    ends = {archive.room.api.get(f"/v1/receipts/{receipt}").json()["status"] for _, receipt in receipts}
    assert ends <= {"live", "duplicate"}
    assert not archive.file.with_name(f"{archive.file.name}.pressline-refused.ndjson").exists()


def test_an_import_makes_every_article_live_once_whoever_was_killed(archive: Archive) -> None:
    pages = archive.pages()

    assert archive.articles() == dict.fromkeys(pages, 1)
    assert len(set(pages.values())) == _ARTICLES
    owners = (head.metadata.get("article") for head in archive.public_heads())
    assert sorted(filter(None, owners)) == sorted(pages)
    assert list(archive.content.list_keys(keys.DEAD_LETTERS_PREFIX)) == []


def test_a_rebuild_goes_on_whoever_was_killed(archive: Archive) -> None:
    before = archive.public_bytes()
    for path in sorted(archive.pages().values())[::4]:
        archive.public.put(path, b"spoilt", content_type="text/html")
    archive.halt("publish-bulk")  # so that nothing comes to its end before all the killing is done
    children = archive.halt("render-bulk")

    first = archive.command("rebuild", "--all")
    archive.room.wait_for(lambda: archive.batches() > 0, "batches are on their way")
    for child in children:
        os.kill(child, signal.SIGKILL)
    archive.room.wait_for(lambda: archive.batches() == 0, "batches are rendered")
    archive.room.wait_for(lambda: archive.waiting("publish.bulk") > 0, "their pages are on their way")
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    go_on = command_that_continues(first)

    archive.halt("render-bulk")
    second = archive.command(*go_on)
    archive.room.wait_for(lambda: archive.batches() > 0, "batches are on their way again")
    archive.kill("render-bulk", "publish-bulk")
    assert second.stop(signal.SIGINT) == 1
    assert "Paused" in second.output
    assert command_that_continues(second) == go_on

    third = archive.command(*go_on)
    assert third.ended() == 0
    assert f"{_ARTICLES}/{_ARTICLES}" in third.output
    archive.room.wait_until_quiet([], _PATIENCE_SECONDS)
    after = archive.public_bytes()
    assert [path for path, body in before.items() if after.get(path) != body] == []


def test_a_rebuild_of_what_is_right_puts_and_purges_nothing(archive: Archive) -> None:
    made, purges = archive.made(), archive.purges()

    again = archive.command("rebuild", "--all")

    assert again.ended() == 0
    assert f"0 pages changed, {_ARTICLES} unchanged, 0 articles skipped" in again.output
    archive.room.wait_until_quiet([], _PATIENCE_SECONDS)
    assert (archive.made(), archive.purges()) == (made, purges)


def test_a_theme_is_tried_and_then_rolled_out(archive: Archive) -> None:
    """As `infra/runbooks/roll-out-a-theme.md` has it, step by step."""
    made = archive.made()
    folder = PROJECT / "services" / "render" / "themes" / "almina"

    tried = archive.command("rebuild", "--site", "epn", "--sample", "500", "--diff", "--theme-folder", str(folder))
    assert tried.ended() == 0
    assert f"{_ARTICLES} of {_ARTICLES} pages would change; nothing was published." in tried.output
    (report,) = archive.folder.glob("rebuild-epn-*.html")
    assert report.name in tried.output
    assert "/assets/almina-page." in report.read_text()
    assert archive.made() == made

    archive.change_theme("almina")
    rolled_out = archive.command("rebuild", "--site", "epn", "--theme")
    assert rolled_out.ended() == 0
    # A page may have been rendered with the new theme before the rebuild reached it: every worker has it by now.
    counts = re.search(r"(\d+) pages changed, (\d+) unchanged, (\d+) articles skipped", rolled_out.output)
    assert counts is not None
    assert sum(map(int, counts.groups())) == _ARTICLES
    assert int(counts[1]) > 0
    themes = {head.key: head.metadata.get("theme", "") for head in archive.public_heads()}
    new_theme_paths = {
        *archive.pages().values(),
        "index.html",
        "world/index.html",
        "world/2026/10/01/index.html",
        "410.html",
    }
    assert {themes[path].partition("-")[0] for path in new_theme_paths} == {"almina"}
    assert archive.command("verify").ended() == 0
    dead_letters = archive.command("dead-letters", "list")
    assert (dead_letters.ended(), dead_letters.output.strip()) == (0, "No dead letters.")


def command_that_continues(command: Command) -> list[str]:
    """Return the words of the command that continues the run."""
    output = re.findall(r"continue with: pressline (.*)", command.output, re.IGNORECASE)
    return str(output[-1]).split()

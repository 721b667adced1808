"""The commands of the guides are run, in their order, as a reader would: each guide in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.messaging.messages import ArticleRevision, ArticlesEnriched
from shared.runtime.celery_app import create_app
from shared.runtime.settings import ServiceSettings
from shared.storage.s3 import S3ObjectStorage
from tests.docs import GUIDES, ROOT, Block, command_blocks_of
from tests.e2e.conftest import Newsroom

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

NOT_RUN: dict[str, tuple[str, str]] = {
    "make setup": ("it changes the environment that runs this test", ".ci/run"),
    "make check": ("it takes a minute and is a step of CI", ".ci/run"),
    "make test": ("this test would run all others", ".ci/run"),
    "make e2e": ("this test would run itself", ".ci/run"),
    ".venv/bin/python -m pytest tests/unit/render -x -q": ("make test runs the same tests", ".ci/run"),
    "make down": (
        "other tests need the stack",
        "tests/e2e/test_up_and_down.py::test_up_and_down_keep_the_state_and_a_killed_supervisor_leaves_no_process",
    ),
    'curl -sS --no-buffer "$API/v1/events?status=live&status=killed" -H "Authorization: Bearer $TOKEN" '
    '-H "Accept: text/event-stream"': (
        "it follows the events until Ctrl-C",
        "tests/e2e/test_articles.py::test_an_article_and_its_kill_are_announced_to_a_stream_and_to_a_webhook",
    ),
    "pressline feeds poll FEED": (
        "the demo's site polls no feed",
        "tests/contract/test_feeds_command.py::test_a_requested_poll_is_made_at_once_and_shown",
    ),
    "docker compose up --build --wait": (
        "it needs Docker",
        "tests/unit/test_compose.py::test_every_container_waits_for_its_dependencies",
    ),
    "export PRESSLINE_TOKEN=$(docker compose run --rm -T pressline tokens create --name desk"
    " --scope publish --scope read)": (
        "it needs Docker; the same `pressline` command runs in docs/newsroom.md",
        "tests/unit/test_compose.py::test_each_one_shot_is_waited_for_or_started_by_hand",
    ),
    "docker compose run --rm pressline post infra/samples/night-ferry.json --wait": (
        "it needs Docker; the same `pressline` command runs in docs/newsroom.md",
        "tests/unit/test_compose.py::test_each_one_shot_is_waited_for_or_started_by_hand",
    ),
    "docker compose run --rm pressline status": (
        "it needs Docker; the same `pressline` command runs in docs/operations.md",
        "tests/unit/test_compose.py::test_each_one_shot_is_waited_for_or_started_by_hand",
    ),
    "docker compose down": (
        "it needs Docker",
        "tests/unit/test_compose.py::test_services_have_time_to_finish_their_tasks",
    ),
}
"""Commands that are not run: the reason, and the test (or step of CI) that covers each."""

INSTEAD = {
    "make demo": "python -m infra.local demo --once",  # without a stack of its own, and not until Ctrl-C
    "make up": "python -m infra.local up",
    "make status": "python -m infra.local status",
    "make ports": "python -m infra.local ports",
    "make logs S=render": "python -m infra.local logs render",  # without waiting for more
}
"""The commands behind targets of the Makefile: the environment is the one that runs this test."""


_PLACEHOLDER = re.compile(r"\b(ARTICLE|REVISION|URL|RECEIPT|DIGEST|HASH|RUN|UNMATCHED|ID)\b")
_TOKEN = re.compile(r"\bprl_[\w-]+")
_RECEIPT = re.compile(r"\b[a-z0-9-]+\.[a-z2-7]{26}\.\d+-\d+-\d+")
_PROBLEM, _MISSPELT = '"type":"about:blank"', '"sectoin"'  # curl takes each reply for a success; one is to be refused
_SECONDS = 120


class Reader:
    """Somebody who follows a guide: types each command, and copies the values that a reply shows."""

    def __init__(self, newsroom: Newsroom, folder: Path) -> None:
        self.newsroom, self.folder = newsroom, folder
        self.values: dict[str, str] = {}
        self.dead_letters: list[str] = []
        self._content = S3ObjectStorage(newsroom.services, newsroom.services.content_bucket)
        self._state = folder / ".state"
        for path in ROOT.iterdir():
            if not path.name.startswith(".") or path.name == ".env.example":
                (folder / path.name).symlink_to(path)
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / ".run").symlink_to(newsroom.folder.path)
        self._state.write_text("", encoding="utf-8")
        stack = newsroom.stack
        scheduler = stack.metrics["scheduler"].removesuffix("/metrics")
        self._addresses = {
            "http://127.0.0.1:8080": stack.api,
            "http://127.0.0.1:8081": stack.edge,
            "http://127.0.0.1:9405": scheduler,
        }

    def follow(self, block: Block) -> None:
        """Type the commands of a block."""
        for command in block.commands:
            if command in NOT_RUN:
                continue
            done = self._type(self._filled(INSTEAD.get(command, command)))
            output = f"{done.stdout}\n{done.stderr}"
            is_good = done.returncode == 0 and (_PROBLEM in output) == (_MISSPELT in command)
            assert is_good, f"{block.guide}, block at line {block.line}: {command}\n{output}"
            self.learn(output)

    def learn(self, output: str) -> None:
        """Note the values that a reader would copy."""
        for line in output.splitlines():
            if line.startswith('{"'):
                self.learn_reply(json.loads(line))
        if tokens := _TOKEN.findall(output):
            self.values["HASH"] = hashlib.sha256(tokens[-1].encode()).hexdigest()[:12]
        if receipts := _RECEIPT.findall(output):
            self.values["RECEIPT"] = receipts[-1]
        if runs := re.findall(r"--resume (\S+)", output):
            self.values["RUN"] = runs[-1]

    def learn_reply(self, reply: dict[str, Any]) -> None:
        """Note the values of a reply of the endpoint; those of a page only where there is one."""
        if "media" in reply:
            self.values["DIGEST"] = reply["media"]
        if reply.get("url") and reply.get("article"):
            names = {"ARTICLE": "article", "REVISION": "revision", "URL": "url", "RECEIPT": "receipt"}
            self.values |= {name: reply[field] for name, field in names.items() if field in reply}

    def _filled(self, command: str) -> str:
        for address, here in self._addresses.items():
            command = command.replace(address, here)
        if command.startswith("pressline verify"):
            self.newsroom.wait_until_quiet([])  # pages that are on their way differ, as the guides say
        if re.search(r"\bdead-letters (replay|drop|show)\b", command):
            self.values["ID"] = self._buried()
        return _PLACEHOLDER.sub(lambda name: self.values[name[0]], command)

    def _type(self, command: str) -> subprocess.CompletedProcess[str]:
        script = f"set -eua\nsource {self._state}\n{command}\nexport -p >{self._state}\n"
        own = {name: value for name, value in os.environ.items() if not name.startswith("PRESSLINE_")}
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=own | {"PATH": f"{sys.prefix}/bin:{own['PATH']}", "COLUMNS": "200", "NO_PROXY": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def _buried(self) -> str:
        """Return the beginning of the id of a dead letter that is there now."""
        letter = str(uuid4())
        reached = ArticleRevision(article="a" * 26, revision="01793527320000000-0000000000-000")
        message = ArticlesEnriched(message_id=letter, site="nowhere", articles=(reached,))
        create_app("desk", ServiceSettings(redis_url=self.newsroom.stack.redis)).emit([message])
        self.newsroom.wait_for(
            lambda: any(letter in key for key in self._content.list_keys("dead-letters/render/")),
            "the message is a dead letter",
        )
        self.dead_letters.append(letter)
        return letter[:8]

    def clear(self) -> None:
        """Drop the dead letters of this guide, those too that failed again after a replay."""
        if self.dead_letters:
            self.newsroom.wait_until_quiet([])
            self._type(f"pressline dead-letters drop {' '.join(self.dead_letters)} --yes")


@pytest.fixture
def reader(newsroom: Newsroom, tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(newsroom, tmp_path)
    posted = newsroom.post(wait=20)
    reader.learn_reply(posted.json())
    yield reader
    reader.clear()


@pytest.mark.parametrize("guide", [guide for guide in GUIDES if command_blocks_of(guide)])
def test_every_command_of_a_guide_succeeds(guide: str, reader: Reader, newsroom: Newsroom) -> None:
    if guide.endswith("a-kill-took-nothing-down.md"):
        removal = {"source_id": uuid4().hex, "status": "canceled"}
        unmatched: httpx.Response = newsroom.api.post("/v1/articles", json=removal)
        assert unmatched.json()["status"] == "unmatched"
        reader.values |= {"RECEIPT": unmatched.json()["receipt"], "UNMATCHED": unmatched.json()["article"]}

    for block in command_blocks_of(guide):
        reader.follow(block)


def test_a_command_that_fails_is_found(reader: Reader) -> None:
    block = Block("a guide", 7, "sh", "pressline status nothing-of-this-name\n")

    with pytest.raises(AssertionError, match="a guide, block at line 7: pressline status"):
        reader.follow(block)


def test_every_command_that_is_not_run_is_printed_somewhere_and_covered() -> None:
    printed = {command for guide in GUIDES for block in command_blocks_of(guide) for command in block.commands}

    assert {*NOT_RUN, *INSTEAD} - printed == set()
    for _, covered_by in NOT_RUN.values():
        file, _, test = covered_by.partition("::")
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8") if test else (ROOT / file).exists()

"""`pressline run` beside a running stack: one step on one message, dry or for real."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from shared.messaging.messages import ArticleRevision, ArticlesAccepted
from tests.e2e.conftest import Newsroom
from tests.e2e.test_dead_letters import the_buried

pytestmark = pytest.mark.e2e


def an_event(newsroom: Newsroom) -> tuple[str, str]:
    """Publish an article; return the event of its acceptance, and its page's URL."""
    reply = newsroom.post(wait=20).json()
    revision = ArticleRevision(article=reply["article"], revision=reply["revision"])
    message = ArticlesAccepted(message_id=uuid4(), site="epn", articles=(revision,), begun_at=datetime.now(UTC))
    return message.model_dump_json(), reply["url"]


def test_an_article_is_run_dry_step_by_step_and_nothing_is_written(newsroom: Newsroom) -> None:
    event, url = an_event(newsroom)
    newsroom.wait_until_quiet([])
    before = newsroom.read(url)

    for step, follows, write in (
        ("enrich.ArticlesAccepted", "render.ArticlesEnriched", None),
        ("render", "publish.PagesRendered", "would record stage rendered on receipt"),
        ("publish", None, "would finalise receipt"),
    ):
        done = newsroom.pressline("run", step, "-", "--dry-run", answer=event)
        assert done.returncode == 0, done.stderr
        assert write is None or write in done.stderr
        printed: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        assert [each["task"] for each in printed] == ([follows] if follows else [])
        event = done.stdout
        assert newsroom.redis.llen(f"{step.partition('.')[0]}.live") == 0

    after = newsroom.read(url)
    assert (after.status_code, after.content) == (200, before.content)


def test_a_step_that_is_run_for_real_emits_what_follows_to_the_workers(newsroom: Newsroom) -> None:
    event, url = an_event(newsroom)

    done = newsroom.pressline("run", "enrich", "-", answer=event)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["task"] == "render.ArticlesEnriched"
    assert "enrich.ArticlesAccepted: 1 message(s) emitted" in done.stderr
    newsroom.wait_until_quiet([])
    assert newsroom.read(url).status_code == 200


def test_the_cause_of_a_dead_letter_is_found_by_running_it(newsroom: Newsroom) -> None:
    letter = the_buried(newsroom)
    shown = newsroom.pressline("dead-letters", "show", letter, "--json")
    assert json.loads(shown.stdout)["task"] == "render.ArticlesEnriched"

    done = newsroom.pressline("run", "render", "-", "--dry-run", answer=shown.stdout)

    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "failed: UnknownSiteError" in done.stderr
    assert newsroom.pressline("dead-letters", "drop", letter, "--yes").returncode == 0


@pytest.mark.parametrize(
    ("step", "event", "fault"),
    [
        ("render.Articles", "{}", "there is no step"),
        ("render", "{", "the event is not JSON"),
        ("ingest", '{"site": "epn", "path": "x"}', "the event is not a valid SubmitArticles"),
    ],
)
def test_a_wrong_step_or_event_is_explained_before_anything_is_started(
    newsroom: Newsroom, step: str, event: str, fault: str
) -> None:
    done = newsroom.pressline("run", step, "-", answer=event)

    assert (done.returncode, done.stdout) == (2, "")
    assert fault in " ".join(done.stderr.split())

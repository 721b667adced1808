"""A dry run of a post beside a running stack: enrich and render run in processes, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.settings import PROJECT
from shared.messaging.messages import ArticleRevision, ArticlesAccepted
from shared.messaging.pipeline import ENRICH_ARTICLES
from shared.model.article import Article
from shared.model.revision import Revision, revision_id
from shared.runtime.step_events import as_event
from shared.site import keys
from shared.storage.s3 import S3ObjectStorage
from tests.e2e.conftest import Newsroom

pytestmark = pytest.mark.e2e

CLOCKS = ("page-versions/", "checkpoint", "redis/index:epn:complete", "lease:", "unacked_", "_kombu", "deliver")
"""In the names of objects and Redis keys that an idle stack writes too: the scheduler's, and those of queues."""


def an_article(**fields: Any) -> bytes:
    article = {"source": "e2e", "source_id": uuid4().hex, "headline": "A dry story", "section": "world"}
    article |= {"language": "en", "version_created": datetime.now(UTC).isoformat(timespec="seconds")}
    return json.dumps(article | {"body": "<p>No word of it is stored.</p>"} | fields).encode()


def dry_run(newsroom: Newsroom, body: bytes) -> httpx.Response:
    """Ask for a dry run; on a busy machine ask again, as `Retry-After` of a 503 says."""
    answers: list[httpx.Response] = []

    def is_answered() -> bool:
        answers.append(
            newsroom.api.post(
                "/v1/articles", params={"dry_run": "1"}, content=body, headers={"Content-Type": "application/json"}
            )
        )
        return answers[-1].status_code != 503

    newsroom.wait_for(is_answered, "a dry run is made", 90)
    return answers[-1]


def state(newsroom: Newsroom) -> Mapping[str, str]:
    """Return the ETag of each object of both buckets, and the value of each Redis key."""
    services = newsroom.services
    found: dict[str, str] = {}
    for bucket in (services.content_bucket, services.public_bucket):
        for head in S3ObjectStorage(services, bucket).list_heads(""):
            found[f"{bucket}/{head.key}"] = str(head.etag)
    found |= {f"redis/{key}": str(_value(newsroom, key)) for key in map(str, newsroom.redis.keys("*"))}
    return {name: value for name, value in found.items() if not any(each in name for each in CLOCKS)}


def _value(newsroom: Newsroom, key: str) -> object:
    redis = newsroom.redis
    match redis.type(key):
        case "hash":
            return sorted(redis.hgetall(key).items())
        case "zset":
            return redis.zrange(key, 0, -1, withscores=True)
        case "set":
            return sorted(redis.smembers(key))
        case "list":
            return redis.lrange(key, 0, -1)
        case "stream":
            return redis.xrange(key)
        case _:
            return redis.get(key)


def test_a_dry_run_shows_the_page_and_changes_nothing(newsroom: Newsroom) -> None:
    live = newsroom.post(wait=20).json()
    newsroom.wait_until_quiet([live["receipt"]])
    body = an_article(topics=[{"name": "Dry Docks"}])
    before = state(newsroom)

    answer = dry_run(newsroom, body)

    assert state(newsroom) == before
    assert answer.status_code == 200, answer.text
    reply = answer.json()
    assert (reply["dry_run"], reply["status"]) == (True, "accepted")
    assert "<h1" in reply["html"]
    assert "A dry story" in reply["html"]
    assert reply["article"]["headline"] == "A dry story"
    reasons = {change["path"]: change["why"] for change in reply["changes"]}
    assert reasons["index.html"] == "lists the newest articles"
    assert reasons["topics/dry-docks/index.html"] == "lists the topic dry-docks"
    own = next(change["url"] for change in reply["changes"] if change["why"] == "own page")
    assert newsroom.read(own).status_code == 404

    posted = newsroom.post_raw(body, wait=20).json()

    assert posted["url"] == own
    assert newsroom.read(own).status_code == 200
    path = next(change["path"] for change in reply["changes"] if change["why"] == "own page")
    public = S3ObjectStorage(newsroom.services, newsroom.services.public_bucket)
    assert public.get(path).body.decode() == reply["html"]


def test_a_dry_run_in_the_terminal_prints_the_report_and_the_changes(newsroom: Newsroom, tmp_path: Path) -> None:
    sample = json.loads((PROJECT / "infra" / "samples" / "tide-gauge.ninjs.json").read_text(encoding="utf-8"))
    file = tmp_path / "tide-gauge.ninjs.json"
    file.write_text(json.dumps(sample | {"colour": "red"}), encoding="utf-8")

    done = newsroom.pressline("post", str(file), "--dry-run")

    assert done.returncode == 0, done.stdout
    assert "dry run: nothing was stored" in done.stdout
    assert "left out: /colour" in done.stdout
    assert "own page" in done.stdout
    assert "lists the newest articles" in done.stdout


def test_an_article_that_is_not_stored_is_run_dry_step_by_step(newsroom: Newsroom) -> None:
    now = datetime.now(UTC)
    answer = dry_run(newsroom, an_article())
    assert answer.status_code == 200, answer.text
    article = Article.model_validate(answer.json()["article"])
    identity, name = keys.article_id("epn", article.source, article.source_id), revision_id(now, None)
    revision = Revision(
        article_id=identity,
        revision=name,
        status=article.status,
        accepted_at=now,
        raw_sha256="0" * 64,
        raw_key="raw/x",
        article=article,
    )
    message = ArticlesAccepted(
        message_id=uuid4(), site="epn", articles=(ArticleRevision(article=identity, revision=name),), begun_at=now
    )
    objects = {keys.revision_key("epn", identity, name): revision.model_dump_json().encode()}
    event = json.dumps(as_event(ENRICH_ARTICLES, message, objects))

    for step, follows in (("enrich", "render.ArticlesEnriched"), ("render", "publish.PagesRendered"), ("publish", "")):
        done = newsroom.pressline("run", step, "-", "--dry-run", answer=event)
        assert done.returncode == 0, done.stderr
        assert [json.loads(line)["task"] for line in done.stdout.splitlines()] == ([follows] if follows else [])
        event = done.stdout

    assert "would put public/world/" in done.stderr
    assert "would mark section.world of epn stale" in done.stderr


def test_a_refusal_of_a_dry_run_is_the_problem_of_a_post(newsroom: Newsroom) -> None:
    body = an_article(headline="")

    dry, posted = dry_run(newsroom, body), newsroom.post_raw(body)

    assert dry.status_code == posted.status_code == 422
    assert dry.json()["errors"] == posted.json()["errors"]

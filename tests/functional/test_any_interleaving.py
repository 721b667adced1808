"""Any order, repetitions, crashes and losses: the same news ends in the same public bucket.

Every revision has its own stamp. Equal stamps with different content are ordered by arrival, so this promise excludes
them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from redis import Redis

from services.ingest.handler import accept, store_picture
from services.ingest.ports import SubmissionMetadata
from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.ports import Theme
from services.scheduler.handler import emit_stale_pages, release_due, restore_index
from shared.messaging.messages import ArticleRevision, ArticlesEnriched, Batch, Message, PagesRendered
from shared.model.addresses import picture_files
from shared.model.history import read_history
from shared.model.lane import Lane
from shared.model.live_record import LiveRecord
from shared.runtime.errors import RetryableError, StorageUnavailableError
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.site import keys
from tests.functional.conftest import NOON, THEMES, Pipeline, a_png, an_article

EXAMPLES = int(os.environ.get("TEST_INTERLEAVINGS", "15"))  # CI tries 60: one takes half a second
DUE = NOON + timedelta(hours=1)
PICTURES = tuple(a_png(color) for color in ((20, 60, 120), (120, 60, 20)))

facts = st.fixed_dictionaries(
    {
        "headline": st.sampled_from(["Ferry returns", "Ferry is late", "No ferry today"]),
        "section": st.sampled_from(["world", "news"]),
        "slug": st.sampled_from([None, None, "ferry"]),
        "body": st.sampled_from(["<p>Forty people on board.</p>", "<p>Fifty people on board.</p>"]),
        "status": st.sampled_from(["usable", "usable", "usable", "withheld"]),
        "embargo_until": st.sampled_from([None, None, None, DUE.isoformat()]),
        "picture": st.sampled_from([None, None, 0, 1]),
        "topics": st.sampled_from([[], [{"name": "Ferries"}], [{"name": "Tides"}]]),
    }
)
articles = st.lists(st.tuples(st.lists(facts, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=3)


def revisions_of(number: int, states: list[dict[str, Any]], *, is_killed: bool) -> Iterator[dict[str, Any]]:
    """Yield the revisions of an article in the sender's order, each with its own stamp."""
    if is_killed:
        states = [*states, {"status": "canceled", "body": ""}]
    for minute, state in enumerate(states):
        stamp = f"2026-11-01T{9 + number:02d}:{minute:02d}:00Z"
        yield an_article(source_id=f"story-{number}", version_created=stamp, **state)


class Interleaving(RuleBasedStateMachine):
    """A pipeline under random events; `teardown` compares its site with the expected one."""

    new_pipeline: Callable[[], Pipeline]
    other_theme: Theme

    @initialize(news=articles, seed=st.integers(0, 999))
    def begin(self, news: list[tuple[list[dict[str, Any]], bool]], seed: int) -> None:
        self.disorder = random.Random(seed)  # noqa: S311 -- disorder, not secrets
        self.news = [
            revision
            for number, (states, is_killed) in enumerate(news)
            for revision in revisions_of(number, states, is_killed=is_killed)
        ]
        self.unsent = list(self.news)
        self.expected = expected_site(self.new_pipeline(), self.news)
        self.pipeline = self.new_pipeline()
        self.own_theme = self.pipeline.theme
        self.needs_rollout = False  # only after a rollout of another theme does a rebuild repair pages

    @precondition(lambda self: self.unsent)
    @rule(data=st.data(), is_sent_again=st.sampled_from([False, False, True]))
    def send(self, data: st.DataObject, *, is_sent_again: bool) -> None:
        """A sender posts one of its revisions, and perhaps posts it again later."""
        article = data.draw(st.sampled_from(self.unsent))
        if not is_sent_again:
            self.unsent.remove(article)
        post(self.pipeline, article)

    @precondition(lambda self: self.unsent)
    @rule(data=st.data(), call=st.integers(0, 6), is_done=st.booleans())
    def send_to_a_store_that_fails(self, data: st.DataObject, call: int, *, is_done: bool) -> None:
        """The sender gets no answer and will post the revision again."""
        article = data.draw(st.sampled_from(self.unsent))
        with failing(self.pipeline, call, is_done=is_done):
            try:
                post(self.pipeline, article)
            except StorageUnavailableError:
                return
        self.unsent.remove(article)

    @precondition(lambda self: self.pipeline.queue)
    @rule(data=st.data())
    def handle(self, data: st.DataObject) -> None:
        """A worker handles one of the messages."""
        message = self._take_any(data)
        self._handle(message)

    @precondition(lambda self: self.pipeline.queue)
    @rule(data=st.data())
    def handle_and_die(self, data: st.DataObject) -> None:
        """A worker handles a message and dies before it acknowledges; the message is redelivered."""
        message = self._take_any(data)
        before = list(self.pipeline.queue)
        self._handle(message)
        self.pipeline.queue = [*before, message]

    @precondition(lambda self: self.pipeline.queue)
    @rule(data=st.data(), call=st.integers(0, 6), is_done=st.booleans())
    def handle_and_die_in_the_middle(self, data: st.DataObject, call: int, *, is_done: bool) -> None:
        """The store fails at some call, or performs the call and its answer is lost."""
        message = self._take_any(data)
        with failing(self.pipeline, call, is_done=is_done):
            self._handle(message)

    @rule()
    def lose_redis(self) -> None:
        """Redis loses everything: queues, quarantine, receipts, the index."""
        self.pipeline.redis.flushall()
        self.pipeline.queue.clear()

    @rule()
    def run_sweep(self) -> None:
        """The scheduler sweeps the journal."""
        self.pipeline.sweep()

    @rule(is_ours=st.booleans())
    def roll_out_a_theme(self, *, is_ours: bool) -> None:
        """An operator rolls out a theme and starts a rebuild of all pages."""
        self.pipeline.theme = self.own_theme if is_ours else self.other_theme
        self.needs_rollout = True
        self.pipeline.take(rebuild(self.pipeline))

    @precondition(lambda self: any(isinstance(each, Batch) and len(each.items) > 1 for each in self.pipeline.queue))
    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        """A batch killed its process and continues in two parts."""
        batches = [each for each in self.pipeline.queue if isinstance(each, Batch) and len(each.items) > 1]
        batch = data.draw(st.sampled_from(batches))
        self.pipeline.queue.remove(batch)
        self.pipeline.take(map(batch.only, (batch.items[:1], batch.items[1:])))

    def _take_any(self, data: st.DataObject) -> Message:
        return self.pipeline.queue.pop(data.draw(st.integers(0, 999)) % len(self.pipeline.queue))

    def _handle(self, message: Message) -> None:
        try:
            self.pipeline.take(self.pipeline.deliver(message))
        except RetryableError:
            self.pipeline.queue.append(message)

    def teardown(self) -> None:
        """Send the remaining revisions, let time pass, and compare the site with the expected one."""
        if not hasattr(self, "pipeline"):
            return
        for article in self.unsent:
            post(self.pipeline, article)
        self.pipeline.theme = self.own_theme
        if self.needs_rollout:  # pages may wait for a publisher: the last rollout wins over pages of earlier runs
            self.publish_ordinary_pages()
            restore_index(self.pipeline.site, self.pipeline.scheduler_deps)
            self.pipeline.take(rebuild(self.pipeline))
            self.pipeline.run(disorder=self.disorder)
        self.check()
        self.pipeline.ingest_deps.executor.shutdown()

    def publish_ordinary_pages(self) -> None:
        """Publish the pages of no run: a deployment ends the workers of the other theme before its rollout."""
        waiting = [each for each in self.pipeline.queue if isinstance(each, PagesRendered) and not each.run]
        for message in waiting:
            self.pipeline.queue.remove(message)
            self._handle(message)

    def check(self) -> None:
        """Compare the site with the expected one."""
        found = final_site(self.pipeline)
        assert sorted(found) == sorted(self.expected)
        assert {path: body for path, body in found.items() if body != self.expected[path]} == {}


def expected_site(pipeline: Pipeline, news: list[dict[str, Any]]) -> dict[str, tuple[bytes, str]]:
    """Return the public bucket after all revisions were sent in order, without failures."""
    for article in news:
        post(pipeline, article)
        pipeline.run()
    site = final_site(pipeline)
    pipeline.ingest_deps.executor.shutdown()
    return site


def final_site(pipeline: Pipeline) -> dict[str, tuple[bytes, str]]:
    """Return the public bucket once the last embargo is over and no message is queued."""
    pipeline.now = DUE
    run_until_idle(pipeline)
    pictures = pictures_of(pipeline)
    return {
        path: found
        for path, found in pipeline.site_bytes().items()
        if not path.startswith("media/") or path in pictures
    }


def run_until_idle(pipeline: Pipeline) -> None:
    """Run the scheduler and the workers until no message is queued and no page is stale."""
    for _ in range(20):
        end_all_waits(pipeline)
        pipeline.queue.extend(release_due(pipeline.site, pipeline.scheduler_deps))
        restore_index(pipeline.site, pipeline.scheduler_deps)
        pipeline.queue.extend(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))
        pipeline.sweep()
        if not pipeline.queue and not pipeline.index.stale_versions(pipeline.site):
            return
        pipeline.run()
    raise AssertionError(pipeline.queue)


def rebuild(pipeline: Pipeline) -> Iterator[ArticlesEnriched]:
    """Begin a run, which ends any earlier one; yield its batches of one or two articles."""
    articles = list(pipeline.content.list_folders(keys.articles_prefix("epn")))
    run = f"run-{uuid4().hex}"
    RedisRuns(pipeline.redis).begin("epn", run)
    for some in (articles[:1], articles[1:]):
        if some:
            reached = tuple(ArticleRevision(article=article, revision="") for article in some)
            yield ArticlesEnriched(message_id=uuid4(), lane=Lane.BULK, site="epn", run=run, articles=reached)


def pictures_of(pipeline: Pipeline) -> set[str]:
    """Return the pictures that live pages show, and the pictures that only removed articles showed.

    Any other unused picture stays until `verify --repair` finds it.
    """
    shown, may_have_shown, taken_down = set[str](), Counter[str](), set[str]()
    for key in pipeline.content.list_keys("articles/"):
        if not key.endswith("/live.json"):
            continue
        record = LiveRecord.model_validate_json(pipeline.content.get(key).body)
        released = read_history(pipeline.ingest_deps.revisions, "epn", record.article).released(pipeline.now)
        own_pictures = {file.path for file in picture_files(released, pipeline.site)}
        shown |= set(record.media)
        may_have_shown.update(own_pictures)
        taken_down |= own_pictures if record.removed_by else set()
    return shown | {path for path in taken_down if may_have_shown[path] == 1}


def end_all_waits(pipeline: Pipeline) -> None:
    """End all backoffs and leases, so that messages are re-emitted and pages rendered again."""
    pipeline.end_waits()
    for key in pipeline.redis.scan_iter("index:*:lease:*"):
        pipeline.redis.delete(key)


def post(pipeline: Pipeline, article: dict[str, Any]) -> None:
    """Upload the picture of an article, then post the article."""
    if "picture" in article:
        stored = store_picture(PICTURES[article["picture"]], pipeline.site, pipeline.ingest_deps)
        article = article | {"picture": {"media": stored.media}}
    pipeline.now += timedelta(milliseconds=1)
    accept(
        json.dumps(article).encode(),
        SubmissionMetadata(
            content_type="application/json",
            site=pipeline.site,
            feed=pipeline.site.feeds[0],
            received_at=pipeline.now,
            may_take_down=True,
        ),
        pipeline.ingest_deps,
    )


@contextmanager
def failing(pipeline: Pipeline, call: int, *, is_done: bool) -> Iterator[None]:
    """Fail the PUT number `call` (from 0, over both buckets), before it or after it, when its answer is lost."""
    remaining = call
    puts = (pipeline.content.put, pipeline.public.put)

    def failing_put(put: Callable[..., object]) -> Callable[..., object]:
        def maybe_fail(key: str, *args: Any, **kwargs: Any) -> object:
            nonlocal remaining
            remaining -= 1
            if remaining != -1:
                return put(key, *args, **kwargs)
            if is_done:
                put(key, *args, **kwargs)
            raise StorageUnavailableError(key)

        return maybe_fail

    pipeline.content.put = failing_put(puts[0])  # type: ignore[assignment, method-assign]
    pipeline.public.put = failing_put(puts[1])  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        pipeline.content.put, pipeline.public.put = puts  # type: ignore[method-assign]


@pytest.mark.timeout(600)
def test_any_interleaving_of_posts_work_crashes_and_losses_ends_in_the_same_public_bucket(
    redis: Redis, tmp_path: Path
) -> None:
    shutil.copytree(THEMES / "epn", tmp_path / "epn")
    page = tmp_path / "epn" / "article.html"
    page.write_text(page.read_text(encoding="utf-8").replace("<article", "<hr><article"), encoding="utf-8")
    other_theme = MinijinjaTheme(tmp_path / "epn")

    def new_pipeline() -> Pipeline:
        redis.flushall()
        pipeline = Pipeline(redis, listing_interval_seconds=300)  # no lease ends by itself
        run_until_idle(pipeline)  # the site's 410 page is public
        return pipeline

    machine = type(
        "Interleaving", (Interleaving,), {"new_pipeline": staticmethod(new_pipeline), "other_theme": other_theme}
    )
    run = machine.TestCase  # type: ignore[attr-defined]
    run.settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )
    run().runTest()

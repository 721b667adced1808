"""A dry run of a post names the files that the post then changes, and changes nothing itself."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

import services.ingest.wiring
from services.ingest.adapters.readers import read_document
from services.ingest.adapters.step_chain import StepOutput, render_pages
from services.ingest.domain.dry_runs import DryRunOutcome
from services.ingest.domain.refusal import RefusedError
from services.ingest.domain.report import Report
from services.ingest.handler import accept, store_picture
from services.ingest.handler.dry_run import DryRunDeps, dry_run
from services.ingest.ports import Entry, ReadingContext, RenderedPages, SetAside, SubmissionMetadata
from shared.index.dry_run import DryRunIndex
from shared.messaging.messages import ArticlesAccepted, Message
from shared.messaging.pipeline import Step
from shared.runtime.dry_run import DryRun
from shared.runtime.receipts import ReceiptStatus
from tests.functional.conftest import Pipeline, an_article
from tests.functional.test_run_step import Desk, redis_unchanged

FERRIES = [{"name": "Ferries"}]


@dataclass
class Bench:
    """Makes a dry run of a post, then the post, and compares the two."""

    desk: Desk
    pipeline: Pipeline

    def metadata(self, *, may_take_down: bool = True) -> SubmissionMetadata:
        return SubmissionMetadata(
            content_type="application/json",
            site=self.pipeline.site,
            feed=self.pipeline.site.feeds[0],
            received_at=self.pipeline.now,
            may_take_down=may_take_down,
        )

    def try_out(self, raw: bytes, metadata: SubmissionMetadata | None = None) -> DryRunOutcome:
        """Make a dry run; check that it changes nothing."""
        pipeline, run, events = self.pipeline, DryRun(lambda _: None), list[Message]()
        deps = DryRunDeps(
            ingest=replace(services.ingest.wiring.dry_run_deps(run, pipeline.ingest_deps), emit=events.extend),
            index=DryRunIndex(pipeline.redis, run.report),
            public={"epn": pipeline.public},
            objects=run.objects,
            render=self.render,
            events=events,
        )
        before = self.desk.state()
        with redis_unchanged(self.desk.raw):
            (outcome,) = dry_run(raw, [metadata or self.metadata()], deps)
        assert self.desk.state() == before
        return outcome

    def render(self, message: ArticlesAccepted, objects: Mapping[str, bytes]) -> RenderedPages:
        return render_pages(message, objects, self.run_step)

    def run_step(self, step: Step, event: bytes) -> StepOutput:
        out = io.StringIO()
        code = self.desk.runners[step].run(step.task_name, event, is_dry_run=True, out=out)
        return StepOutput(out.getvalue().encode(), ("failed",) if code else ())

    def settle(self) -> None:
        """Let all messages be handled and all stale pages be published."""
        self.pipeline.run()
        self.pipeline.tick()

    def post(self, *, same_bytes: Collection[str] = (), **article: Any) -> DryRunOutcome:
        """Try an article out, post the same bytes; check the status, the page and the changed files.

        `same_bytes`: the listings that the post renders again, and that turn out to be the same.
        """
        pipeline = self.pipeline
        pipeline.now += timedelta(seconds=1)
        raw, metadata = json.dumps(an_article(**article)).encode(), self.metadata()
        outcome = self.try_out(raw, metadata)
        before = pipeline.site_bytes()

        accepted = accept(raw, metadata, pipeline.ingest_deps)
        self.settle()

        after = pipeline.site_bytes()
        (entry,) = outcome.entries
        assert entry.status == accepted.status
        assert entry.report == accepted.report
        stored = pipeline.ingest_deps.revisions.get("epn", accepted.article, accepted.revision).article
        assert entry.article == stored
        if outcome.html is not None:
            assert outcome.html == pipeline.page_of(accepted.article)
        changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
        named = {change.path for change in entry.changes or ()}
        assert named == {*changed, *same_bytes}
        assert changed.isdisjoint(same_bytes)
        return outcome


@pytest.fixture
def raw(redis_url: str) -> Iterator[Redis]:
    """A Redis client that does not decode bytes."""
    client = Redis.from_url(redis_url)
    yield client
    client.close()


@pytest.fixture
def bench(pipeline: Pipeline, raw: Redis, monkeypatch: pytest.MonkeyPatch, site: list[str]) -> Bench:
    assert site
    made = Bench(Desk(pipeline, raw, monkeypatch), pipeline)
    for number, topic in enumerate(("Ferries", "Bread", "Ferries")):
        pipeline.post(source_id=f"old-{number}", topics=[{"name": topic}], headline=f"Old {number}")
        made.settle()
    return made


def why(outcome: DryRunOutcome) -> dict[str, str]:
    (entry,) = outcome.entries
    return {change.path: change.why for change in entry.changes or ()}


def test_a_new_article(bench: Bench) -> None:
    outcome = bench.post(source_id="new", topics=FERRIES, headline="A new ferry")

    reasons = why(outcome)
    assert next(iter(reasons.values())) == "own page"
    assert reasons["index.html"] == "lists the newest articles"
    assert reasons["world/index.html"] == "lists the section world"
    assert reasons["topics/ferries/index.html"] == "lists the topic ferries"
    assert reasons["world/2026/11/01/index.html"] == "lists the day 2026-11-01 of the section world"
    assert outcome.html is not None
    assert "A new ferry" in outcome.html


def test_the_first_article_of_a_day_a_topic_and_an_author(bench: Bench) -> None:
    outcome = bench.post(
        source_id="new",
        topics=[{"name": "Tides"}],
        authors=[{"name": "Ana Vell"}],
        version_created="2026-10-03T10:00:00Z",
        same_bytes=["sitemap-news.xml"],  # the article is older than two days
    )

    reasons = why(outcome)
    assert reasons["archive/index.html"] == "names the days that have articles"
    assert reasons["topics/tides/index.html"] == "lists the topic tides"
    assert reasons["authors/ana-vell/index.html"] == "lists the author ana-vell"


def test_an_update_with_the_same_card_changes_its_own_page(bench: Bench) -> None:
    outcome = bench.post(
        source_id="old-1",
        topics=[{"name": "Bread"}],
        headline="Old 1",
        body="<p>Another text of the same story.</p>",
        version_created="2026-11-01T10:30:00Z",
    )

    assert [*why(outcome).values()] == ["own page"]


def test_an_update_with_another_card_changes_the_pages_that_show_the_card(bench: Bench) -> None:
    outcome = bench.post(
        source_id="old-0",
        topics=FERRIES,
        headline="Another headline",
        version_created="2026-11-01T10:30:00Z",
        same_bytes=["sitemaps/2026-11-01.xml"],  # it has addresses only
    )

    assert {"own page", "shows the card", "lists the newest articles", "lists the topic ferries"} <= {
        *why(outcome).values()
    }


def test_another_section_and_topic_change_the_old_and_the_new_listings(bench: Bench) -> None:
    outcome = bench.post(
        source_id="old-0",
        topics=[{"name": "Bread"}],
        headline="Old 0",
        section="sport",
        version_created="2026-11-01T10:30:00Z",
    )

    reasons = why(outcome)
    assert {"world/index.html", "sport/index.html", "topics/ferries/index.html", "topics/bread/index.html"} <= {
        *reasons
    }
    assert "redirect" in reasons.values()


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_a_removal(bench: Bench, status: str) -> None:
    outcome = bench.post(
        source_id="old-0", topics=FERRIES, headline="Old 0", status=status, version_created="2026-11-01T10:30:00Z"
    )

    reasons = why(outcome)
    assert outcome.html is None
    assert {"own page", "shows the card", "lists the section world"} <= {*reasons.values()}


def test_a_moved_article_is_removed_at_each_address(bench: Bench) -> None:
    bench.post(source_id="old-0", headline="Old 0", section="sport", version_created="2026-11-01T10:30:00Z")

    outcome = bench.post(
        source_id="old-0",
        status="canceled",
        version_created="2026-11-01T11:30:00Z",
        same_bytes=["topics/ferries/index.html", "world/2026/11/01/index.html"],  # they listed it before its move
    )

    assert [*why(outcome).values()].count("own page") == 2


def test_a_withdrawn_article_comes_back(bench: Bench) -> None:
    bench.post(source_id="old-0", status="withheld", version_created="2026-11-01T10:30:00Z")

    outcome = bench.post(source_id="old-0", headline="Old 0", version_created="2026-11-01T11:00:00Z")

    assert "own page" in why(outcome).values()


def test_an_older_revision_that_comes_late_moves_the_page(bench: Bench) -> None:
    outcome = bench.post(source_id="old-0", headline="An earlier headline", version_created="2026-10-30T10:00:00Z")

    assert outcome.entries[0].status is ReceiptStatus.SUPERSEDED
    assert {"own page", "redirect"} <= {*why(outcome).values()}


def test_a_picture_becomes_public_with_its_article_and_is_removed_with_it(bench: Bench, a_picture: bytes) -> None:
    media = store_picture(a_picture, bench.pipeline.site, bench.pipeline.ingest_deps).media

    shown = bench.post(source_id="new", picture={"media": media, "alt": "A pier"})
    removed = bench.post(source_id="new", status="canceled", version_created="2026-11-01T11:00:00Z")

    assert "picture" in why(shown).values()
    assert "picture" in why(removed).values()


@pytest.mark.parametrize(
    "fields", [{"embargo_until": "2027-01-01T00:00:00Z"}, {"source_id": "unknown", "status": "canceled"}]
)
def test_an_article_that_is_not_published_changes_nothing(bench: Bench, fields: dict[str, Any]) -> None:
    article: dict[str, Any] = {"source_id": "new"} | fields

    outcome = bench.post(**article)

    assert why(outcome) == {}
    assert outcome.html is None


def test_a_duplicate_changes_nothing(bench: Bench) -> None:
    outcome = bench.post(source_id="old-0", topics=FERRIES, headline="Old 0")

    assert outcome.entries[0].status is ReceiptStatus.DUPLICATE
    assert why(outcome) == {}


def test_an_article_of_an_old_day_changes_no_full_front(bench: Bench) -> None:
    pipeline = bench.pipeline
    for number in range(pipeline.site.home_cards):
        pipeline.post(source_id=f"more-{number}", headline=f"More {number}")
    bench.settle()

    outcome = bench.post(
        source_id="new", section="culture", version_created="2026-09-03T10:00:00Z", same_bytes=["sitemap-news.xml"]
    )

    reasons = why(outcome)
    assert "index.html" not in reasons
    assert "archive/2026/09/03/index.html" in reasons


def test_a_refused_document_is_refused_as_by_a_post(bench: Bench) -> None:
    with pytest.raises(RefusedError) as refused:
        bench.try_out(b'{"headline": 3}')
    with pytest.raises(RefusedError) as posted:
        accept(b'{"headline": 3}', bench.metadata(), bench.pipeline.ingest_deps)

    assert refused.value.faults == posted.value.faults


def test_a_removal_needs_the_scope_of_a_real_one(bench: Bench) -> None:
    raw = json.dumps(an_article(status="canceled")).encode()

    with pytest.raises(RefusedError, match="takedown"):
        bench.try_out(raw, bench.metadata(may_take_down=False))


# --- documents with several entries ---------------------------------------------------------------------------------


class Feed:
    """Reads a JSON list of articles, as a feed's reader reads its entries."""

    def __call__(self, raw: bytes, content_type: str | None, context: ReadingContext) -> list[Entry]:
        items = json.loads(raw)
        return [each for item in items for each in self.read(json.dumps(item).encode(), content_type, context)]

    def read(self, raw: bytes, content_type: str | None, context: ReadingContext) -> Sequence[Entry]:
        try:
            return read_document(raw, content_type, context)
        except RefusedError as error:
            return [SetAside("refused", error.detail, Report(format="feed"), "a faulty entry", error.faults)]


def test_each_entry_has_its_own_result_and_changes(bench: Bench) -> None:
    bench.pipeline.ingest_deps = replace(bench.pipeline.ingest_deps, read_document=Feed())
    entries = [
        an_article(source_id="one", headline="The first of two"),
        {"headline": 3},
        an_article(source_id="two", headline="The second of two", section="sport"),
        an_article(source_id="old-0", status="canceled", version_created="2026-11-01T11:00:00Z"),
    ]

    outcome = bench.try_out(json.dumps(entries).encode())

    first, faulty, second, removal = outcome.entries
    assert [each.status.value for each in outcome.entries] == ["accepted", "refused", "accepted", "accepted"]
    assert outcome.html is not None
    assert "The first of two" in outcome.html
    assert [first.article and first.article.source_id, faulty.article] == ["one", None]
    assert "world/index.html" in {change.path for change in first.changes or ()}
    assert {"sport/index.html", "index.html"} <= {change.path for change in second.changes or ()}
    assert "own page" in {change.why for change in removal.changes or ()}
    assert faulty.changes == ()
    assert faulty.faults


def test_only_the_last_entry_of_an_article_changes_files(bench: Bench) -> None:
    bench.pipeline.ingest_deps = replace(bench.pipeline.ingest_deps, read_document=Feed())
    entries = [an_article(source_id="one"), an_article(source_id="one", version_created="2026-11-01T11:00:00Z")]

    earlier, later = bench.try_out(json.dumps(entries).encode()).entries

    assert earlier.changes == ()
    assert later.changes


def test_of_more_than_fifty_articles_the_first_fifty_are_rendered(bench: Bench) -> None:
    bench.pipeline.ingest_deps = replace(bench.pipeline.ingest_deps, read_document=Feed())
    entries = [an_article(source_id=f"one-{number}") for number in range(52)]

    outcome = bench.try_out(json.dumps(entries).encode())

    assert [each.changes is None for each in outcome.entries] == [False] * 50 + [True] * 2
    assert "at most 50" in outcome.notes[-1]

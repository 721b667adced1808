"""The messages and objects that enriching produces."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.enrich.domain.rules import ENRICHER
from services.enrich.handler import EnrichDeps, enrich, enrich_articles
from shared.messaging.messages import ArticleRemoved, ArticleRevision, ArticlesAccepted, ArticlesEnriched, Message
from shared.model.article import EnrichedArticle, Status
from shared.model.history import RevisionsAfter, StoredRevisions
from shared.model.lane import Lane
from shared.model.revision import Revision
from shared.runtime.errors import HostileMarkupError, StorageUnavailableError
from shared.runtime.rebuild_runs import RunOutcome
from shared.runtime.receipts import PublicPage, Receipt, ReceiptStatus, receipt_id
from shared.site import keys
from shared.storage import Etag
from shared.storage.memory import MemoryObjectStorage
from tests.unit.enrich.conftest import NOON, a_revision


class RecordingReceipts:
    """Receipts that only record the noted statuses."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, ReceiptStatus]] = []

    def open(self, *receipts: Receipt) -> bool:
        raise AssertionError(receipts)

    def note(self, receipt: str, stage: ReceiptStatus, at: datetime) -> None:
        assert at == NOON
        self.noted.append((receipt, stage))

    def note_waiting(self, receipt: str, addresses: Sequence[str]) -> None:
        raise AssertionError(receipt, addresses)

    def finalise(
        self,
        receipt: str,
        outcome: ReceiptStatus,
        at: datetime,
        *,
        url: str | None = None,
        reason: str | None = None,
        pages: tuple[PublicPage, ...] = (),
    ) -> None:
        raise AssertionError(receipt, outcome, at, url, reason, pages)

    def find(self, receipt: str) -> Receipt | None:
        raise AssertionError(receipt)


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class RecordingRuns:
    """Runs that only record the reported outcomes."""

    def __init__(self) -> None:
        self.outcomes: dict[str, RunOutcome] = {}

    def begin(self, site: str, run: str) -> None:
        raise AssertionError(run)

    def ensure_latest(self, site: str, run: str) -> bool:
        raise AssertionError(run)

    def is_latest(self, site: str, run: str) -> bool:
        raise AssertionError(run)

    def report(self, site: str, run: str, outcomes: Mapping[str, RunOutcome]) -> None:
        self.outcomes |= outcomes if run else {}

    def reported(self, site: str, run: str, articles: Iterable[str]) -> dict[str, RunOutcome]:
        return self.outcomes


def handle(message: ArticlesAccepted, enrich_deps: EnrichDeps) -> tuple[Message, ...]:
    """Return the messages that follow a message; raise the error of a failed item."""
    result = enrich_articles(message, enrich_deps)
    for error in result.failed.values():
        raise error
    return result.emits


class EnrichService:
    """A content bucket, and the dependencies of the handler that reads from it."""

    def __init__(self) -> None:
        self.content = MemoryObjectStorage()
        self.receipts, self.runs = RecordingReceipts(), RecordingRuns()
        self.enrich_deps = EnrichDeps(
            content=self.content,
            revisions=StoredRevisions(self.content),
            receipts=self.receipts,
            runs=self.runs,
            executor=ThreadPoolExecutor(2),
            clock=lambda: NOON,
        )

    def accept(self, revision: Revision) -> ArticlesAccepted:
        key = keys.revision_key("epn", revision.article_id, revision.revision)
        self.content.put(key, revision.model_dump_json().encode())
        return ArticlesAccepted(
            message_id=UUID(int=revision.article.version or 1),
            trace_parent=TRACE,
            lane=Lane.BULK,
            site="epn",
            articles=(ArticleRevision(article=revision.article_id, revision=revision.revision),),
        )

    def enriched(self, revision: Revision) -> EnrichedArticle:
        key = keys.enriched_key("epn", revision.article_id, revision.revision, ENRICHER)
        return EnrichedArticle.model_validate_json(self.content.get(key).body)


@pytest.fixture
def service() -> EnrichService:
    return EnrichService()


def test_an_accepted_article_is_enriched_and_its_event_emitted(service: EnrichService) -> None:
    revision = a_revision(body="<p>One two.</p><h2>Three</h2><script>x</script>", headline="Harbour bridge reopens")

    (event,) = handle(service.accept(revision), service.enrich_deps)

    assert isinstance(event, ArticlesEnriched)
    assert (event.revisions, event.lane) == ({revision.article_id: revision.revision}, Lane.BULK)
    assert (event.causation_id, event.trace_parent) == (UUID(int=1), TRACE)
    enriched = service.enriched(revision)
    assert (enriched.body, enriched.word_count) == ('<p>One two.</p>\n<h2 id="three">Three</h2>', 3)
    assert service.receipts.noted == [(receipt_id("epn", "a" * 26, revision.revision), ReceiptStatus.ENRICHED)]


def test_a_redelivered_message_changes_nothing_and_emits_the_same(service: EnrichService) -> None:
    message = service.accept(a_revision())
    first = handle(message, service.enrich_deps)
    puts = len(service.content.puts)

    assert handle(message, service.enrich_deps) == first
    assert len(service.content.puts) == puts


def test_a_late_message_enriches_the_latest_revision(service: EnrichService) -> None:
    older = service.accept(a_revision(n=1))
    newer = a_revision(n=2, body="<p>Newer.</p>")
    service.accept(newer)

    (event,) = handle(older, service.enrich_deps)

    assert isinstance(event, ArticlesEnriched)
    assert event.revisions == {newer.article_id: newer.revision}


def test_nothing_is_emitted_while_nothing_is_released(service: EnrichService) -> None:
    message = service.accept(a_revision(embargo_until=NOON + timedelta(hours=1)))

    assert handle(message, service.enrich_deps) == ()
    assert service.receipts.noted == []


def test_nothing_is_emitted_for_a_missing_article(service: EnrichService) -> None:
    message = service.accept(a_revision())
    service.content.delete(keys.revision_key("epn", *next(iter(message.revisions.items()))))

    assert handle(message, service.enrich_deps) == ()


@pytest.mark.parametrize(("status", "lane"), [(Status.CANCELED, Lane.URGENT), (Status.WITHHELD, Lane.BULK)])
def test_a_removal_is_emitted_and_a_kill_is_urgent(service: EnrichService, status: Status, lane: Lane) -> None:
    message = service.accept(a_revision(n=1))
    removal = a_revision(n=2, status=status)
    service.accept(removal)

    (event,) = handle(message, service.enrich_deps)

    assert isinstance(event, ArticleRemoved)
    assert (event.revision, event.lane, event.causation_id) == (removal.revision, lane, message.message_id)


def test_a_hostile_body_is_an_error_and_stores_nothing(service: EnrichService) -> None:
    message = service.accept(a_revision(body="<div>" * 5_000))

    with pytest.raises(HostileMarkupError, match="nested 201 deep"):
        handle(message, service.enrich_deps)

    assert not list(service.content.list_keys(f"articles/epn/{message.items[0]}/enriched/"))


def test_a_race_between_two_workers_succeeds_for_both(service: EnrichService) -> None:
    message = service.accept(a_revision())
    handle(message, service.enrich_deps)
    racing_deps = replace(
        service.enrich_deps, content=service.content, revisions=RevisionsWithoutEnriched(service.content)
    )

    assert handle(message, racing_deps) == handle(message, service.enrich_deps)


class RevisionsWithoutEnriched(StoredRevisions):
    """Revisions whose enriched objects another worker stores between our listing and our PUT."""

    def since(self, site: str, article: str, revision: str) -> RevisionsAfter:
        return replace(super().since(site, article, revision), enriched=())


def test_an_unavailable_store_is_a_retryable_error(service: EnrichService) -> None:
    message = service.accept(a_revision())
    unavailable_deps = replace(
        service.enrich_deps, content=UnavailableStorage(), revisions=RevisionsWithoutEnriched(service.content)
    )

    with pytest.raises(StorageUnavailableError):
        handle(message, unavailable_deps)


def test_each_item_of_a_batch_succeeds_or_fails_alone(service: EnrichService) -> None:
    hostile = service.accept(a_revision(body="<b>" * 100_000))
    valid = a_revision().model_copy(update={"article_id": "b" * 26})
    message = hostile.model_copy(update={"articles": (*hostile.articles, *service.accept(valid).articles)})

    result = enrich_articles(message, service.enrich_deps)

    assert {article: type(error) for article, error in result.failed.items()} == {hostile.items[0]: HostileMarkupError}
    assert [each.items for each in result.emits if isinstance(each, ArticlesEnriched)] == [("b" * 26,)]


def test_a_batch_that_takes_too_long_returns_the_items_that_it_did_not_begin(
    service: EnrichService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.enrich.handler._SLICE_SECONDS", 0.0)
    monkeypatch.setattr("services.enrich.handler._SLICE_ARTICLES", 2)
    articles = [f"{number}" * 26 for number in range(2, 6)]
    batches = [service.accept(a_revision().model_copy(update={"article_id": article})) for article in articles]
    message = batches[0].model_copy(update={"articles": tuple(each.articles[0] for each in batches)})

    result = enrich_articles(message, service.enrich_deps)

    (done,) = result.emits
    assert isinstance(done, ArticlesEnriched)
    assert (done.items, result.rest) == (tuple(articles[:2]), tuple(articles[2:]))


class UnavailableStorage(MemoryObjectStorage):
    """A bucket that accepts no PUT."""

    def put(self, key: str, *_: object, **__: object) -> Etag:
        raise StorageUnavailableError(key)


def test_the_senders_direction_wins() -> None:
    assert enrich(a_revision(language="ar", direction="ltr")).direction == "ltr"


def test_embeds_of_body_and_sender_are_listed_once() -> None:
    frame = '<iframe src="https://a.example/1"></iframe><iframe src="https://b.example/2"></iframe>'
    enriched = enrich(a_revision(body=frame, embeds=[{"url": "https://b.example/2"}, {"url": "https://c.example/3"}]))

    assert [embed.url for embed in enriched.facts.embeds] == [
        "https://a.example/1",
        "https://b.example/2",
        "https://c.example/3",
    ]


EVERY_RULE = """<h1>The talks</h1>
<p>It\x92s <b>bold<p>and</b> <font color=red>red</font> &amp; <a href="//a.example/x y">a</a>.
<h3>वार्ता 😀</h3><ul><li>one<li>two</ul><table><caption>Seats<tr><th scope=col>1<td colspan=2>2</table>
<p>Line<br>break<br><br>and so on.<section class=np-nonpublic>0555</section><img src=x><iframe src="https://v.example/1">
</iframe><blockquote>Said<cite>who</cite></blockquote><pre>\n\n x</pre>
<dl><dt>t<dd>d</dl><h3>The talks</h3><script>x</script>
<p>Filled<sup><a href="#n1">1</a></sup> with <math><msup><mn>10</mn><mn>6</mn></msup></math> <span dir=ltr>+1</span>
<ol start=3><li id=n1>Note <q>e\u0301</q> <a href="/x">x</a></ol>"""
OUTPUT_SHA256 = {
    "e1": "55ad46587702364768a8f81de4699a5e55a87e9339af235863ef47d704c5e9b2",
}


def output_sha256() -> str:
    enriched = [
        enrich(a_revision(body=body, headline="Größe: 东京 & Привет", language=language))
        for body in (EVERY_RULE, "Plain text.\n\nIn two paragraphs. " + "Der Rat hat am Dienstag beschlossen. " * 20)
        for language in ("en", "ur")
    ]
    event = [
        (
            *(each.body, each.text, each.description, each.direction.value, each.word_count),
            *(each.reading_minutes, [head.model_dump() for head in each.outline], each.warnings),
            [embed.model_dump() for embed in each.facts.embeds],
        )
        for each in enriched
    ]
    return hashlib.sha256(json.dumps(event).encode()).hexdigest()


def test_the_enrichers_name_changes_when_its_rules_do() -> None:
    """If this fails, increase RULES and add a line: objects of the old name were written by other rules."""
    assert OUTPUT_SHA256.get(ENRICHER) == output_sha256()


def test_the_same_revision_gives_the_same_bytes() -> None:
    first, second = (enrich(a_revision(body=EVERY_RULE)).model_dump_json() for _ in range(2))

    assert first == second

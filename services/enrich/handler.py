"""ArticlesAccepted in; ArticlesEnriched out, or ArticleRemoved for an article whose latest revision takes it down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from services.enrich.domain.rules import ENRICHER, ENRICHERS
from services.enrich.domain.state import EnrichmentState
from services.enrich.ports import Enricher
from shared.messaging.handling import BatchRunner, Handlers, Result, slices
from shared.messaging.messages import (
    ArticleRemoved,
    ArticleRevision,
    ArticlesAccepted,
    ArticlesEnriched,
    Message,
    follow_up,
)
from shared.messaging.pipeline import ENRICH_ARTICLES
from shared.model.article import ArticleFacts, EnrichedArticle, Status
from shared.model.history import Revisions, read_history
from shared.model.lane import Lane
from shared.model.revision import Revision
from shared.runtime.errors import PreconditionFailedError
from shared.runtime.rebuild_runs import RunOutcome, Runs
from shared.runtime.receipts import Receipts, ReceiptStatus, receipt_id
from shared.site import keys
from shared.storage import ObjectStorage

_SLICE_ARTICLES = 16  # enriched in parallel
_SLICE_SECONDS = 0.05  # a batch then begins no further slice, so that news waits no longer for an import


@dataclass(frozen=True, slots=True)
class EnrichDeps:
    """The ports of enriching, and the enrichers."""

    content: ObjectStorage
    revisions: Revisions
    receipts: Receipts
    runs: Runs
    executor: Executor  # threads for parallel calls to the store
    clock: Callable[[], datetime]
    enrichers: Sequence[Enricher] = ENRICHERS


def enrich_articles(message: ArticlesAccepted, deps: EnrichDeps) -> Result:
    """Store the enriched object of each article's latest released revision; safe to run twice and in any order.

    A message is a hint: the latest released revision counts, not the revision in the message. An article without a
    released revision is skipped.
    """
    batch, enriched, started = BatchRunner(deps.executor), list[tuple[str, Revision | None]](), 0
    for batch_slice in slices(message.items, size=_SLICE_ARTICLES, seconds=_SLICE_SECONDS):
        started += len(batch_slice)
        enriched += batch.each(partial(_enrich_latest, message.site, deps=deps), batch_slice, name=str)
    now = deps.clock()
    latest = [revision for _, revision in enriched if revision is not None]
    usable = [each for each in latest if each.status_at(now) is Status.USABLE]
    removed = [each for each in latest if each.status_at(now) is not Status.USABLE]
    for revision in usable:
        receipt = receipt_id(message.site, revision.article_id, revision.revision)
        deps.receipts.note(receipt, ReceiptStatus.ENRICHED, now)
    skipped = {article for article, _ in enriched} - {each.article_id for each in usable}
    deps.runs.report(message.site, message.run, dict.fromkeys(skipped, RunOutcome.SKIPPED))
    emits: list[Message] = [_removed(message, each) for each in removed]
    if usable:
        emits.append(_enriched(message, usable))
    return Result(tuple(emits), batch.failed, message.items[started:])


HANDLERS: Handlers = {ENRICH_ARTICLES: enrich_articles}


def _enrich_latest(site: str, article: str, *, deps: EnrichDeps) -> Revision | None:
    """Return an article's latest released revision; if it is usable, store its enriched object first."""
    listed = deps.revisions.since(site, article, "")
    now = deps.clock()
    released = read_history(deps.revisions, site, article, listed).released(now)
    if not released or released[-1].status_at(now) is not Status.USABLE:
        return released[-1] if released else None
    key = keys.enriched_key(site, article, released[-1].revision, ENRICHER)
    if key not in listed.enriched:  # the key names revision and rules, so an existing object has the same bytes
        _store_once(key, released[-1], deps)
    return released[-1]


def enrich(revision: Revision, enrichers: Sequence[Enricher] = ENRICHERS) -> EnrichedArticle:
    """Return the enriched article of a revision.

    Raises:
        HostileMarkupError: the body cannot be read in linear time.
    """
    facts = ArticleFacts.model_validate(revision.article.model_dump(exclude={"body"}))
    state = EnrichmentState(
        article=revision.article_id, revision=revision.revision, facts=facts, source=revision.article.body
    )
    for enricher in enrichers:
        state = enricher(state)
    return EnrichedArticle(
        article=state.article,
        revision=state.revision,
        enricher=ENRICHER,
        facts=state.facts,
        body=state.body,
        text=state.text,
        description=state.description,
        direction=state.direction,
        word_count=state.word_count,
        reading_minutes=state.reading_minutes,
        outline=state.outline,
        warnings=state.warnings,
    )


def _store_once(key: str, revision: Revision, deps: EnrichDeps) -> None:
    body = enrich(revision, deps.enrichers).model_dump_json().encode()
    try:
        deps.content.put(key, body, unless_exists=True)
    except PreconditionFailedError:
        return  # another worker made the same bytes a moment ago


def _enriched(cause: ArticlesAccepted, revisions: Sequence[Revision]) -> ArticlesEnriched:
    articles = tuple(ArticleRevision(article=each.article_id, revision=each.revision) for each in revisions)
    names = ",".join(sorted(f"{each.article}:{each.revision}" for each in articles))
    return ArticlesEnriched(**follow_up(cause, f"enriched:{names}"), site=cause.site, run=cause.run, articles=articles)


def _removed(cause: ArticlesAccepted, revision: Revision) -> ArticleRemoved:
    lane = Lane.URGENT if revision.status is Status.CANCELED else None
    return ArticleRemoved(
        **follow_up(cause, f"removed:{revision.article_id}:{revision.revision}", lane),
        site=cause.site,
        article=revision.article_id,
        revision=revision.revision,
    )

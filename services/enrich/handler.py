"""ArticleAccepted in; ArticleEnriched out, or ArticleRemoved where the latest word is that it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.enrich.domain.draft import Draft
from services.enrich.domain.rules import ENRICHER, ENRICHERS
from services.enrich.ports import Enricher
from shared import keys
from shared.article import ArticleFacts, EnrichedArticle, Status
from shared.errors import PreconditionFailedError
from shared.history import Revisions, read_past
from shared.messages import ArticleAccepted, ArticleEnriched, ArticleRemoved, Lane, Message, follow_up
from shared.receipts import Outcome, Receipts, receipt_id
from shared.revision import Revision
from shared.storage import ObjectStorage


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What enriching reads from and writes to, and its rules."""

    content: ObjectStorage
    revisions: Revisions
    receipts: Receipts
    clock: Callable[[], datetime]
    enrichers: Sequence[Enricher] = ENRICHERS


def handle(message: ArticleAccepted, enrichment: Enrichment) -> tuple[Message, ...]:
    """Make the enriched object of what the public should see now, and say so; safe to run twice, late or early.

    The message is a hint: the revision that counts is the latest one that is released, whatever it named. Nothing is
    said while nothing is released. The earliest one is made ready too: the page's address is named after it, and it
    may have been overtaken before anyone looked at it.

    Raises:
        HostileMarkupError: the body cannot be read in linear time.
        StorageUnavailableError: the store does not answer.
    """
    now = enrichment.clock()
    out = read_past(enrichment.revisions, message.site, message.article).released(now)
    if not out:
        return ()
    latest = out[-1]
    if latest.status_at(now) is not Status.USABLE:
        return (_removed(message, latest),)
    earliest = next(revision for revision in out if revision.status is Status.USABLE)
    for revision in {each.revision: each for each in (earliest, latest)}.values():
        _store_once(revision, enrichment)
    receipt = receipt_id(message.site, message.article, latest.revision)
    enrichment.receipts.note(receipt, Outcome.ENRICHED, enrichment.clock())
    return (_enriched(message, latest),)


def enrich(revision: Revision, enrichers: Sequence[Enricher] = ENRICHERS) -> EnrichedArticle:
    """Return the revision made ready for a page.

    Raises:
        HostileMarkupError: the body cannot be read in linear time.
    """
    facts = ArticleFacts.model_validate(revision.article.model_dump(exclude={"body"}))
    draft = Draft(article=revision.article_id, revision=revision.revision, facts=facts, source=revision.article.body)
    for enricher in enrichers:
        draft = enricher(draft)
    return EnrichedArticle(
        article=draft.article,
        revision=draft.revision,
        enricher=ENRICHER,
        facts=draft.facts,
        body=draft.body,
        text=draft.text,
        slug=draft.slug,
        description=draft.description,
        direction=draft.direction,
        word_count=draft.word_count,
        reading_minutes=draft.reading_minutes,
        outline=draft.outline,
        warnings=draft.warnings,
    )


def _store_once(revision: Revision, enrichment: Enrichment) -> None:
    key = keys.enriched_key(revision.article.site, revision.article_id, revision.revision, ENRICHER)
    if enrichment.content.find_head(key) is not None:
        return  # the key names revision and rules, so what lies there is what we would make
    body = enrich(revision, enrichment.enrichers).model_dump_json().encode()
    try:
        enrichment.content.put(key, body, unless_exists=True)
    except PreconditionFailedError:
        return  # another worker made the same bytes a moment ago


def _enriched(cause: ArticleAccepted, revision: Revision) -> ArticleEnriched:
    return ArticleEnriched(
        **follow_up(cause, f"enriched:{revision.revision}"),
        site=cause.site,
        article=cause.article,
        revision=revision.revision,
        enricher=ENRICHER,
    )


def _removed(cause: ArticleAccepted, revision: Revision) -> ArticleRemoved:
    return ArticleRemoved(
        **follow_up(
            cause,
            f"removed:{revision.revision}",
            Lane.URGENT if revision.status is Status.CANCELED else None,
        ),
        site=cause.site,
        article=cause.article,
        revision=revision.revision,
    )

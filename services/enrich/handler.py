"""ArticleAccepted in; ArticleEnriched out, or ArticleRemoved where the latest word is that it goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.enrich.domain.draft import Draft
from services.enrich.domain.rules import ENRICHER, ENRICHERS
from services.enrich.ports import Enricher
from shared import keys
from shared.article import ArticleFacts, EnrichedArticle, Status
from shared.errors import PreconditionFailedError
from shared.history import Revisions, find_target
from shared.messages import ArticleAccepted, ArticleEnriched, ArticleRemoved, Lane, Message, follow_up_id
from shared.revision import Revision
from shared.storage import ObjectStorage


def handle(
    message: ArticleAccepted,
    *,
    storage: ObjectStorage,
    revisions: Revisions,
    now: datetime,
    enrichers: Sequence[Enricher] = ENRICHERS,
) -> tuple[Message, ...]:
    """Make the enriched object of what the public should see now, and say so; safe to run twice, late or early.

    The message is a hint: the revision that counts is the latest released one at `now`, whatever it named. Nothing
    is said while nothing is released.

    Raises:
        HostileMarkupError: the body cannot be read in linear time.
        ObjectMissingError: the message names a revision that is not there.
        StorageUnavailableError: the store does not answer.
    """
    found = find_target(revisions, message.site, message.article, now, hint=message.revision)
    if found is None:
        return ()
    if found.status is not Status.USABLE:
        return (_removed(message, found),)
    _store_once(storage, found, enrichers)
    return (_enriched(message, found),)


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


def _store_once(storage: ObjectStorage, revision: Revision, enrichers: Sequence[Enricher]) -> None:
    key = keys.enriched_key(revision.article.site, revision.article_id, revision.revision, ENRICHER)
    if storage.find_head(key) is not None:
        return  # the key names revision and rules, so what lies there is what we would make
    try:
        storage.put(key, enrich(revision, enrichers).model_dump_json().encode(), unless_exists=True)
    except PreconditionFailedError:
        return  # another worker made the same bytes a moment ago


def _enriched(cause: ArticleAccepted, revision: Revision) -> ArticleEnriched:
    return ArticleEnriched(
        message_id=follow_up_id(cause, f"enriched:{revision.revision}"),
        causation_id=cause.message_id,
        trace_parent=cause.trace_parent,
        lane=cause.lane,
        site=cause.site,
        article=cause.article,
        revision=revision.revision,
    )


def _removed(cause: ArticleAccepted, revision: Revision) -> ArticleRemoved:
    return ArticleRemoved(
        message_id=follow_up_id(cause, f"removed:{revision.revision}"),
        causation_id=cause.message_id,
        trace_parent=cause.trace_parent,
        lane=Lane.URGENT if revision.status is Status.CANCELED else cause.lane,
        site=cause.site,
        article=cause.article,
        revision=revision.revision,
    )

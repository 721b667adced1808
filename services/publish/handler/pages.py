"""Articles' pages: each step of their publication is taken for all of a batch, side by side, with one purge."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.publish.handler.listing import index_records
from services.publish.handler.publication import Publication
from services.publish.handler.publisher import Publisher
from shared.bundles import ArticlePage, read_bundle
from shared.errors import ObjectMissingError
from shared.handling import Batch, Result
from shared.listings import article_page
from shared.messages import ArticleRevision, ArticlesAccepted, PagesRendered, follow_up
from shared.runs import RunOutcome
from shared.sites import Site

log = structlog.get_logger()


def publish_pages(message: PagesRendered, publisher: Publisher) -> Result:
    """Put articles' pages before readers unless something newer is there or forbids it.

    Live articles enter the index by the same message: a hop and a GET each less. A bundle that was deleted is rendered
    again.
    """
    site = publisher.site(message.site)
    try:
        rendered = list(read_bundle(message, ArticlePage, publisher.content))
    except ObjectMissingError:
        return Result((_accepted(message, "bundle missing", message.revisions, run=message.run),))
    wanted = set(message.items)
    pages = [Publication(said, body, message.run, site, publisher) for said, body in rendered if said.article in wanted]
    if message.run and not publisher.runs.is_latest(site.id, message.run):
        return _drop(pages, message, publisher)
    return _publish(pages, message, site, publisher)


def _drop(pages: Sequence[Publication], message: PagesRendered, publisher: Publisher) -> Result:
    """Drop the pages of a run that is not its site's latest; purge and render again those that it has put already."""
    batch = Batch(publisher.writers)
    put = [page for page, was_put in batch.each(Publication.was_put, pages, name=_article) if was_put]
    if put:
        publisher.edge.purge([key for page in put for key in page.path_surrogate_keys])
    log.info("run.ended", run=message.run, items=len(pages), put=len(put))
    revisions = {page.article: page.said.revision for page in put}
    return Result((_accepted(message, "look again", revisions),) if revisions else (), batch.failed)


def _publish(pages: Sequence[Publication], message: PagesRendered, site: Site, publisher: Publisher) -> Result:
    batch = Batch(publisher.writers)
    shown = batch.each(Publication.show, pages, name=_article)
    if told := [key for page, is_put in shown if is_put for key in page.surrogate_keys]:
        publisher.edge.purge(told)  # before anything says that it was done
    ended = batch.each(Publication.end, pages, name=_article)
    live = [page for page, _ in ended if page.is_put]
    for page in live:
        if page.said.wanted_version:  # a card that it shows had changed
            publisher.index.set_published(site, article_page(page.article), page.said.wanted_version)
    newer = {page.article: revision for page, revision in ended if revision}
    _report(pages, live, batch, message, publisher)
    emits = [*index_records([page.record for page in live], message, site, publisher)]
    if newer:
        emits.append(_accepted(message, "look again", newer))  # of no run: it must not be dropped with it
    return Result(tuple(emits), batch.failed)


def _report(
    pages: Sequence[Publication],
    live: Sequence[Publication],
    batch: Batch,
    message: PagesRendered,
    publisher: Publisher,
) -> None:
    """Report to the run what became of each page that has not failed."""
    if not message.run:
        return
    outcomes = {page.article: RunOutcome.SKIPPED for page in pages}
    outcomes |= {page.article: RunOutcome.CHANGED if page.is_changed else RunOutcome.UNCHANGED for page in live}
    ended = {article: outcome for article, outcome in outcomes.items() if article not in batch.failed}
    publisher.runs.report(message.site, message.run, ended)


def _accepted(message: PagesRendered, why: str, revisions: dict[str, str], *, run: str = "") -> ArticlesAccepted:
    articles = tuple(ArticleRevision(article=article, revision=each) for article, each in sorted(revisions.items()))
    envelope = follow_up(message, f"{why}:{','.join(sorted(revisions))}")
    return ArticlesAccepted(**envelope, site=message.site, run=run, articles=articles)


def _article(page: Publication) -> str:
    return page.article

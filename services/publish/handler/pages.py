"""Publishes articles' pages: each step runs for the whole batch in parallel, with one purge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.publish.handler.deps import PublishDeps
from services.publish.handler.indexing import index_records
from services.publish.handler.publication import Publication
from shared.messaging.handling import BatchRunner, Result
from shared.messaging.messages import ArticleRevision, ArticlesAccepted, PagesRendered, follow_up
from shared.messaging.page_bundle import ArticlePage, read_bundle
from shared.runtime.errors import ObjectMissingError
from shared.runtime.rebuild_runs import RunOutcome
from shared.site.listings import article_page
from shared.site.sites import Site

log = structlog.get_logger()


def publish_pages(message: PagesRendered, deps: PublishDeps) -> Result:
    """Publish articles' pages unless a newer page is there, or a newer revision or a removal forbids it.

    The same message places the live articles in the index, which saves a message and a GET per article. If the bundle
    was deleted, its pages are rendered again.
    """
    batch = _PageBatch(message, deps.site(message.site), deps)
    try:
        bundle = list(read_bundle(message, ArticlePage, deps.content))
    except ObjectMissingError:
        return Result((batch.render_again("bundle missing", message.revisions, run=message.run),))
    wanted = set(message.items)
    pages = [
        Publication(rendered, body, message.run, batch.site, deps)
        for rendered, body in bundle
        if rendered.article in wanted
    ]
    return batch.drop(pages) if batch.is_superseded else batch.publish(pages)


@dataclass(frozen=True, slots=True)
class _PageBatch:
    """The publication of one message's pages."""

    message: PagesRendered
    site: Site
    deps: PublishDeps

    @property
    def is_superseded(self) -> bool:
        """Tell whether the message belongs to a run that is not its site's latest."""
        run = self.message.run
        return bool(run) and not self.deps.runs.is_latest(self.site.id, run)

    def drop(self, pages: Sequence[Publication]) -> Result:
        """Drop the pages of a superseded run; purge and render again the pages that the run has put already."""
        batch = BatchRunner(self.deps.writers)
        put = [page for page, was_put in batch.each(Publication.was_put, pages, name=_article) if was_put]
        if put:
            self.deps.edge.purge([key for page in put for key in page.path_surrogate_keys])
        log.info("run.dropped", run=self.message.run, items=len(pages), put=len(put))
        revisions = {page.article: page.rendered.revision for page in put}
        return Result((self.render_again("recheck", revisions),) if revisions else (), batch.failed)

    def publish(self, pages: Sequence[Publication]) -> Result:
        """Put the pages, purge, record them, and place their articles in the index."""
        batch = BatchRunner(self.deps.writers)
        put = batch.each(Publication.claim_and_put, pages, name=_article)
        if surrogate_keys := [key for page, is_put in put if is_put for key in page.surrogate_keys]:
            self.deps.edge.purge(surrogate_keys)  # before a record or a receipt says that the page is live
        batch.each(Publication.require_shown, pages, name=_article)
        rechecked = batch.each(Publication.record_and_recheck, pages, name=_article)
        live = [page for page, _ in rechecked if page.is_put]
        for page in live:
            if page.rendered.wanted_version:  # rendered because a card on the page changed
                self.deps.index.set_published(self.site, article_page(page.article), page.rendered.wanted_version)
        newer = {page.article: revision for page, revision in rechecked if revision}
        self._report([page for page in pages if page.article not in batch.failed], live)
        emits = [*index_records([page.record for page in live], self.message, self.site, self.deps)]
        if newer:
            emits.append(self.render_again("recheck", newer))  # without `run`: a later run must not drop it
        return Result(tuple(emits), batch.failed)

    def _report(self, pages: Sequence[Publication], live: Sequence[Publication]) -> None:
        """Report to the run the outcome of each page that has not failed."""
        outcomes = {page.article: RunOutcome.SKIPPED for page in pages}
        outcomes |= {page.article: RunOutcome.CHANGED if page.is_changed else RunOutcome.UNCHANGED for page in live}
        self.deps.runs.report(self.site.id, self.message.run, outcomes)

    def render_again(self, why: str, revisions: dict[str, str], *, run: str = "") -> ArticlesAccepted:
        """Return the message that enriches and renders articles again."""
        articles = tuple(ArticleRevision(article=article, revision=each) for article, each in sorted(revisions.items()))
        envelope = follow_up(self.message, f"{why}:{','.join(sorted(revisions))}")
        return ArticlesAccepted(**envelope, site=self.site.id, run=run, articles=articles)


def _article(page: Publication) -> str:
    return page.article

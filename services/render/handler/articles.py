"""Renders articles' pages: reads a batch in parallel, renders in order, emits the pages in bundles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import structlog

from services.render.handler.article import PageInputs, page_of_article, read_inputs
from services.render.handler.deps import PageContext, RenderDeps
from services.render.ports import Theme
from shared.index import RelatedArticles
from shared.messaging.handling import BatchRunner, Result, slices
from shared.messaging.messages import (
    ArticleRevision,
    ArticlesAccepted,
    ArticlesEnriched,
    Message,
    PagesRendered,
    follow_up,
)
from shared.messaging.page_bundle import ArticlePage, bundle_fields, bundled
from shared.model.lane import Lane
from shared.runtime.errors import IndexIncompleteError, NotYetEnrichedError
from shared.runtime.rebuild_runs import RunOutcome
from shared.runtime.receipts import ReceiptStatus, receipt_id
from shared.site import keys
from shared.site.sites import Site, get_site

log = structlog.get_logger()

_SLICE_ARTICLES = 10  # read in parallel
_SLICE_SECONDS = 0.5  # of a batch's work
_MAX_BUNDLE_BYTES = 4 * 1024 * 1024  # of pages, before compression

_Page = tuple[ArticlePage, bytes]


def render_articles(message: ArticlesEnriched, deps: RenderDeps) -> Result:
    """Render the pages of articles in their visible state now, which may be newer than the message's revisions.

    The articles that remain after half a second of work are returned as not begun. An article without an enriched
    object is enriched again.

    Raises:
        IndexIncompleteError: a bulk batch waits for a complete index, as its pages would have too few links; news does
            not wait.
    """
    site = get_site(deps.sites, message.site)
    context = PageContext(site, _theme(message, site, deps), deps, is_preview=message.preview is not None)
    was_complete = deps.index.complete_until(site) is not None
    batch, pages, started = _PageBatch(message, context), list[_Page](), 0
    for batch_slice in slices(message.items, size=_SLICE_ARTICLES, seconds=_SLICE_SECONDS):
        started += len(batch_slice)
        pages += batch.render(batch_slice)
    # Checked before and after the reads: Redis may be emptied, and its restore may end, at any time.
    is_complete = was_complete and deps.index.complete_until(site) is not None
    if message.lane is Lane.BULK and not is_complete:
        raise IndexIncompleteError(site.id)
    if not is_complete:
        pages = [(page.model_copy(update={"lacks_related": True}), body) for page, body in pages]
    rest = message.items[started:]
    if message.preview is not None:
        batch.store_preview(pages, message.preview)
        return Result(rest=rest)
    batch.report_rendered(pages)
    emits: list[Message] = [*_pages_rendered(message, pages, deps)]
    if batch.unenriched:
        emits.append(_accepted(message, batch.unenriched))
    return Result(tuple(emits), batch.items.failed, rest)


class _PageBatch:
    """The rendering of one message's articles; `unenriched` collects the articles that have to be enriched."""

    def __init__(self, message: ArticlesEnriched, context: PageContext) -> None:
        self._message, self._context, self._deps = message, context, context.deps
        self._read_at = context.deps.clock()
        self._skipped: list[str] = []
        self.items = BatchRunner(context.deps.readers)
        self.unenriched: list[str] = []

    def render(self, articles: Sequence[str]) -> list[_Page]:
        """Return the pages of the articles that are visible."""
        found = self.items.each(self._read, articles, name=str)
        self._skipped += [article for article, inputs in found if inputs is None and article not in self.unenriched]
        inputs = [each for _, each in found if each is not None]
        cards = [each.card for each in inputs]
        site = self._context.site
        related = self._deps.index.choose_related_for_all(site, cards) if cards else []
        return [page for each in zip(inputs, related, strict=True) for page in self._render(*each)]

    def _read(self, article: str) -> PageInputs | None:
        try:
            return read_inputs(self._context.site, article, self._read_at, self._deps)
        except NotYetEnrichedError:
            self.unenriched.append(article)
            return None

    def _render(self, inputs: PageInputs, related: RelatedArticles) -> Iterator[_Page]:
        try:
            yield page_of_article(self._message, inputs, related, self._read_at, self._context)
        except Exception as error:  # noqa: BLE001 -- the task retries the item or dead-letters it, with this error
            self.items.failed[inputs.card.article] = error

    def report_rendered(self, pages: Iterable[_Page]) -> None:
        """Note the rendered pages in the receipts, and report skipped articles to the run."""
        message, deps = self._message, self._deps
        for page, _ in () if message.run else pages:  # a rebuild has no receipts
            receipt = receipt_id(message.site, page.article, page.revision)
            deps.receipts.note(receipt, ReceiptStatus.RENDERED, deps.clock())
        deps.runs.report(message.site, message.run, dict.fromkeys(self._skipped, RunOutcome.SKIPPED))

    def store_preview(self, pages: Sequence[_Page], preview: str) -> None:
        """Store the pages of a preview, which are not published; a preview is never retried or dead-lettered."""
        message = self._message
        if pages:
            key = keys.preview_bundle_key(preview, str(message.message_id))
            self._deps.content.put(key, bundled(pages), content_type="application/octet-stream")
        for article, error in self.items.failed.items():
            log.warning("preview.failed", article=article, reason=str(error))
        outcomes = dict.fromkeys((*self._skipped, *self.unenriched), RunOutcome.SKIPPED)
        outcomes |= {page.article: RunOutcome.CHANGED for page, _ in pages}
        outcomes |= dict.fromkeys(self.items.failed, RunOutcome.FAILED)
        self._deps.runs.report(message.site, message.run, outcomes)


def _theme(message: ArticlesEnriched, site: Site, deps: RenderDeps) -> Theme:
    """Return the preview's theme if it has one in the content bucket, else the site's theme."""
    key = keys.preview_theme_key(message.preview) if message.preview is not None else ""
    return deps.preview_theme(key) if key and deps.content.find_head(key) else deps.theme_of(site)


def _pages_rendered(message: ArticlesEnriched, pages: Iterable[_Page], deps: RenderDeps) -> Iterator[PagesRendered]:
    for batch_slice in _in_bundles(pages):
        articles = tuple(ArticleRevision(article=page.article, revision=page.revision) for page, _ in batch_slice)
        orders = ",".join(sorted(page.order for page, _ in batch_slice))
        yield PagesRendered(
            **follow_up(message, f"pages:{_names(articles)}:{orders}"),
            **bundle_fields(batch_slice, deps.content, deps.clock()),
            site=message.site,
            run=message.run,
            articles=articles,
        )


def _in_bundles(pages: Iterable[_Page]) -> Iterator[list[_Page]]:
    """Yield the pages in lists of at most `_MAX_BUNDLE_BYTES`, or of one larger page."""
    batch_slice, size = list[_Page](), 0
    for page, body in pages:
        if batch_slice and size + len(body) > _MAX_BUNDLE_BYTES:
            yield batch_slice
            batch_slice, size = [], 0
        batch_slice.append((page, body))
        size += len(body)
    if batch_slice:
        yield batch_slice


def _accepted(message: ArticlesEnriched, unenriched: Iterable[str]) -> ArticlesAccepted:
    named = message.revisions
    articles = tuple(ArticleRevision(article=each, revision=named[each]) for each in sorted(unenriched))
    envelope = follow_up(message, f"unenriched:{_names(articles)}")
    return ArticlesAccepted(**envelope, site=message.site, run=message.run, articles=articles)


def _names(articles: Iterable[ArticleRevision]) -> str:
    return ",".join(sorted(each.article for each in articles))

"""Pages by the fifty: what a rebuild renders again, handed on together. What is not ordinary goes the ordinary way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import structlog

from services.render.handler.article import Seen, find_seen, page_of_article
from services.render.handler.renderer import Renderer
from shared import keys
from shared.addresses import created_at
from shared.errors import IndexNotWholeError, OutageError, TaskTooSlowError
from shared.history import Shelf, walk_shelves
from shared.messages import ArticleAccepted, Message, PageRendered, PagesRendered, RebuildPages, follow_up
from shared.packs import packed
from shared.rebuilds import Tally
from shared.sites import Site, get_site

log = structlog.get_logger()

_MOST_BYTES = 1024 * 1024  # of a page: fifty of them are held in memory at once
_READERS = 16  # at a time: the store's answers are waited for, not the processor


def render_pages(message: RebuildPages, renderer: Renderer) -> tuple[Message, ...]:
    """Render a piece of a rebuild: whatever of its articles is to be seen now and meant by the run.

    One that cannot be rendered goes the ordinary way, where it is retried and in the end told of with its reason.

    Raises:
        IndexNotWholeError: the pages would lead on to too few others; the same message succeeds once it is.
    """
    site = get_site(renderer.sites, message.site)
    piece = _Piece(message, site, renderer)
    shelves = list(walk_shelves(renderer.content, site.id, after=message.after, upto=message.upto))
    with ThreadPoolExecutor(_READERS) as pool:
        seen = list(pool.map(piece.see, shelves))
    pages = [page for each in seen if each is not None and (page := piece.render(each)) is not None]
    if renderer.index.whole_until(site) is None:  # asked after the reading: Redis may be emptied at any moment
        raise IndexNotWholeError(site.id)
    key = keys.rebuilt_key(site.id, message.run, message.number) if pages else None
    if key:
        renderer.content.put(key, packed(pages), content_type="application/octet-stream")
    handed_over = tuple(piece.handed_over)
    log.info("piece.rendered", run=message.run, piece=message.number, pages=len(pages), handed_over=len(handed_over))
    if message.trial is not None:
        tally = Tally(skipped=len(shelves) - len(handed_over), handed_over=len(handed_over))
        renderer.rebuilds.report(site.id, message.run, message.number, tally)
        return ()
    done = PagesRendered(
        **follow_up(message, "pages"),
        site=site.id,
        run=message.run,
        number=message.number,
        after=message.after,
        upto=message.upto,
        content_key=key,
        skipped=len(shelves) - len(pages) - len(handed_over),
        handed_over=len(handed_over),
    )
    return (*handed_over, done)


class _Piece:
    """A piece of a rebuild while it is rendered; `handed_over` fills with what could not be."""

    def __init__(self, message: RebuildPages, site: Site, renderer: Renderer) -> None:
        self._message, self._site, self._renderer = message, site, renderer
        self._read_at = renderer.clock()
        self._theme = renderer.trial_theme(message.trial) if message.trial else renderer.theme_of(site)
        self.handed_over: list[ArticleAccepted] = []

    def see(self, shelf: Shelf) -> Seen | None:
        """Return what is to be seen of an article, where the run means it."""
        if not (shelf.was_public and shelf.enriched and shelf.revisions):
            return None  # never public: its own message is on its way, or it waits for its time
        try:
            return self._see(shelf)
        except (OutageError, TaskTooSlowError):
            raise
        except Exception as error:  # noqa: BLE001 -- the ordinary way meets it too, retries it and keeps its traceback
            self._hand_over(shelf.article, shelf.revisions[-1], reason=str(error))
            return None

    def _see(self, shelf: Shelf) -> Seen | None:
        enricher = keys.enricher_of(shelf.enriched[-1])
        seen = find_seen(self._site, shelf.article, shelf.since(""), self._read_at, self._renderer, enricher=enricher)
        if seen is None or not self._is_meant(seen):
            return None
        return seen

    def _is_meant(self, seen: Seen) -> bool:
        message, facts = self._message, seen.earliest.facts
        if message.section not in (None, seen.latest.facts.section):
            return False
        if message.since is not None and created_at(facts, seen.earliest.revision) < message.since:
            return False
        if not message.is_by_theme:
            return True
        there = self._renderer.public.find_head(seen.addresses.current)
        return there is None or there.metadata.get("theme") != f"{self._theme.name}-{self._theme.version}"

    def render(self, seen: Seen) -> tuple[PageRendered, bytes] | None:
        """Return an article's page and its bytes; None where it goes the ordinary way."""
        article, revision = seen.latest.article, seen.latest.revision
        try:
            page, body = page_of_article(
                self._message, seen, self._site, self._read_at, self._renderer, theme=self._theme
            )
        except (OutageError, TaskTooSlowError):
            raise
        except Exception as error:  # noqa: BLE001 -- as above
            self._hand_over(article, revision, reason=str(error))
            return None
        if len(body) > _MOST_BYTES:
            self._hand_over(article, revision, reason=f"{len(body)} bytes")
            return None
        return page, body

    def _hand_over(self, article: str, revision: str, *, reason: str) -> None:
        log.warning("page.handed_over", article=article, reason=reason)
        envelope = follow_up(self._message, f"article:{article}")
        self.handed_over.append(ArticleAccepted(**envelope, site=self._site.id, article=article, revision=revision))

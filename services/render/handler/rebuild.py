"""Pages by the piece: what a rebuild renders again, or what many are behind, handed on together.

What is not ordinary goes the ordinary way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice, takewhile

import structlog

from services.render.handler.article import Draft, Seen, draft_of, find_seen, page_of_article
from services.render.handler.renderer import Renderer, page_version
from services.render.handler.texts import Texts
from shared import keys
from shared.errors import IndexNotWholeError, OutageError, TaskTooSlowError
from shared.history import Since
from shared.index import Related
from shared.listings import article_page
from shared.live import LiveRecord, Shelf, Standing, read_record, read_standings
from shared.messages import ArticleAccepted, Message, PagesRendered, RebuildPages, follow_up
from shared.packs import PackedPage, packed
from shared.rebuilds import Tally
from shared.sites import Site, get_site
from shared.storage import Etag

log = structlog.get_logger()

_MOST_BYTES = 512 * 1024  # of a page: over a hundred of them are held in memory at once
_AT_ONCE = 10  # articles are rendered while the next ones are still being read
_IDS = 64  # of articles, in a call: those of a piece, and what came between them since it was cut


@dataclass(frozen=True, slots=True)
class _Live:
    """An article that is live, and the record that says so."""

    draft: Draft
    record: LiveRecord | None  # None: it rests on the piece's shelf, where its publisher reads it
    etag: Etag | None


def render_pages(message: RebuildPages, renderer: Renderer) -> tuple[Message, ...]:
    """Render a piece, of a rebuild or of what is behind: whatever of its articles is live now and meant by the run.

    One that cannot be rendered goes the ordinary way, where it is retried and in the end told of with its reason.

    Raises:
        IndexNotWholeError: the pages would lead on to too few others; the same message succeeds once it is.
    """
    site = get_site(renderer.sites, message.site)
    if message.trial and renderer.content.find_head(message.trial) is None:
        log.info("trial.ended", run=message.run, piece=message.number)  # whoever tried it did not wait for the rest
        return ()
    piece = _Piece(message, site, renderer)
    articles = list(message.articles or _articles(message, renderer))
    pages = list(piece.pages(articles))
    if renderer.index.whole_until(site) is None:  # asked after the reading: Redis may be emptied at any moment
        raise IndexNotWholeError(site.id)
    if not message.run:
        piece.let_go(set(articles) - {page.article for page, _ in pages})
    key = _pack_key(message, renderer) if pages else None
    if key:
        renderer.content.put(key, packed(pages), content_type="application/octet-stream")
    if not message.trial:
        piece.texts.keep()
    handed_over = tuple(piece.handed_over)
    log.info("piece.rendered", run=message.run, piece=message.number, pages=len(pages), handed_over=len(handed_over))
    if message.trial is not None:
        skipped = len(articles) - len(handed_over)
        tally = Tally(skipped=skipped, handed_over=len(handed_over), unrendered=piece.unrendered)
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
        skipped=len(articles) - len(pages) - len(handed_over),
        handed_over=len(handed_over),
        unrendered=piece.unrendered,
        shelf=message.shelf,
    )
    return (*handed_over, done)


def _pack_key(message: RebuildPages, renderer: Renderer) -> str:
    """Return where a piece's pages wait; a repetition puts them at the same place."""
    if message.run:
        return keys.rebuilt_key(message.site, message.run, message.number)
    return keys.behind_key(message.site, message.begun_at or renderer.clock(), str(message.message_id))


def _articles(message: RebuildPages, renderer: Renderer) -> Iterator[str]:
    """Yield the ids of a piece that names none: a desk of an older release sent it."""
    found = renderer.content.list_folders(keys.articles_prefix(message.site), start_after=message.after, at_once=_IDS)
    return takewhile(lambda article: article <= message.upto, found)


class _Piece:
    """A piece while it is rendered; `handed_over` fills with what could not be."""

    def __init__(self, message: RebuildPages, site: Site, renderer: Renderer) -> None:
        self._message, self._site, self._renderer = message, site, renderer
        self._read_at = renderer.clock()
        self._theme = renderer.trial_theme(message.trial) if message.trial else renderer.theme_of(site)
        self._enricher = ""  # the latest that the first article was enriched by: in all likelihood the others too
        self._resting = read_standings(renderer.content, site.id, message.shelf) if message.shelf else {}
        self._others: dict[str, Shelf] = {}  # shelves that some of the articles lie on instead, by name
        self.texts = Texts(renderer.content, keys.shelved_texts_key(site.id, message.shelf) if message.shelf else "")
        self.handed_over: list[ArticleAccepted] = []
        self._given_up: list[str] = []  # those of them that could not be rendered
        self._version = page_version(self._theme, site)

    @property
    def unrendered(self) -> int:
        """Return how many articles could not be rendered."""
        return len(self._given_up)

    def pages(self, articles: list[str]) -> Iterator[tuple[PackedPage, bytes]]:
        """Yield the pages of what is live of the articles and meant by the run."""
        ahead: deque[tuple[list[_Live], Future[list[Related]]]] = deque()
        found = self._live_ones(articles)
        while (live := list(islice(found, _AT_ONCE))) or ahead:
            if live:
                ahead.append((live, self._renderer.readers.submit(self._relate, live)))
            if len(ahead) > 1 or not live:
                some, related = ahead.popleft()
                yield from filter(None, map(self._render, some, related.result()))

    def _relate(self, live: list[_Live]) -> list[Related]:
        return self._renderer.index.relate_all(self._site, [each.draft.card for each in live])

    def _live_ones(self, articles: list[str]) -> Iterator[_Live]:
        """Yield what is live of the articles and meant by the run, several looked at at a time, all of them ahead.

        What is at hand is looked at while the others are waited for.
        """
        yield from filter(None, map(self._find_live, articles[:1]))
        at_hand = [article for article in articles[1:] if self._is_at_hand(article)]
        others = self._renderer.readers.map(self._find_live, sorted({*articles[1:]} - {*at_hand}))
        yield from filter(None, map(self._find_live, at_hand))
        yield from filter(None, others)

    def _is_at_hand(self, article: str) -> bool:
        """Tell whether looking at an article asks the store nothing: those that do are looked at side by side."""
        resting = self._resting.get(article)
        if resting is None or resting.revision is None:
            return resting is not None
        is_asked = self._message.is_by_theme or resting.revisions_seen != 1  # whose theme it is; what came since
        key = keys.enriched_key(self._site.id, article, resting.revision, self._enricher)
        return not is_asked and self.texts.is_at_hand(key)

    def _find_live(self, article: str) -> _Live | None:
        record: LiveRecord | None = None
        etag: Etag | None = None
        standing = self._resting.get(article)
        if standing is not None and standing.revision is None and not self._message.is_by_theme:
            return None  # taken down
        if standing is None or standing.revision is None:
            record, etag = read_record(self._renderer.content, self._site.id, article, shelves=self._others)
            standing = record
            if record.revision is None:
                self._renew_gone(record)
                return None  # never public, or taken down: other messages bring it up to date
        try:
            seen = self._see(article, standing)
            if seen is None or not self._is_meant(seen):
                return None
            draft = draft_of(seen, self._site, self._read_at, self._renderer)
            return _Live(draft, record, etag)
        except (OutageError, TaskTooSlowError):
            raise
        except Exception as error:  # noqa: BLE001 -- the ordinary way meets it too, retries it and keeps its traceback
            self._give_up(article, standing.revision or "", reason=str(error))
            return None

    def _renew_gone(self, record: LiveRecord) -> None:
        """Have the 410 pages of a removed article put again where one carries another version.

        The removal itself puts them, from the site's own 410 page, so that one has to be renewed first.
        """
        message = self._message
        is_of_every_page = message.section is None and message.since is None and message.trial is None
        if not message.is_by_theme or not is_of_every_page or record.removed_by is None:
            return
        if any(self._carries_another_version(path, record.article) for path in record.claimed):
            self._hand_over(record.article, record.removed_by, reason="its 410 page carries another version")

    def _carries_another_version(self, path: str, article: str) -> bool:
        head = self._renderer.public.find_head(path)
        return head is None or (head.metadata.get("article") == article and head.metadata.get("theme") != self._version)

    def _see(self, article: str, standing: Standing) -> Seen | None:
        """Return what is to be seen: of the one revision that there was when it went live, the record says so itself.

        A later one has a message of its own; its publisher finds the record changed, or changes it before ours.
        """
        since = (
            Since((standing.revision or "",))
            if standing.revisions_seen == 1
            else self._renderer.revisions.since(self._site.id, article, "")
        )
        seen = find_seen(
            self._site, article, since, self._read_at, self._renderer, enricher=self._enricher, texts=self.texts
        )
        if seen is not None:
            self._enricher = seen.latest.enricher
        return seen

    def _is_meant(self, seen: Seen) -> bool:
        message = self._message
        if message.section not in (None, seen.latest.facts.section):
            return False
        if message.since is not None and seen.published_at < message.since:
            return False
        if not message.is_by_theme:
            return True
        there = self._renderer.public.find_head(seen.addresses.current)
        return there is None or there.metadata.get("theme") != self._version

    def _render(self, live: _Live, related: Related) -> tuple[PackedPage, bytes] | None:
        """Return an article's page and its bytes; None where it goes the ordinary way."""
        latest = live.draft.seen.latest
        try:
            page, body = page_of_article(
                self._message, live.draft, related, self._theme, self._site, self._read_at, self._renderer
            )
        except (OutageError, TaskTooSlowError):
            raise
        except Exception as error:  # noqa: BLE001 -- as above
            self._give_up(latest.article, latest.revision, reason=str(error))
            return None
        if len(body) > _MOST_BYTES:
            self._hand_over(latest.article, latest.revision, reason=f"{len(body)} bytes")
            return None
        return PackedPage.model_construct(**dict(page), record=live.record, etag=live.etag), body

    def let_go(self, articles: Iterable[str]) -> None:
        """End the turns of a piece's articles whose pages are not rendered, nor handed over: none is to be seen.

        What is behind of one all the same goes the ordinary way, which tells the index.
        """
        index, site = self._renderer.index, self._site
        left = sorted(set(articles) - {each.article for each in self.handed_over})
        behind = index.behind(site, map(article_page, left))
        revisions = index.revisions(site, left)
        for article in left:
            page = article_page(article)
            if page in behind:
                self._hand_over(article, revisions.get(article, ""), reason="it is not live")
            else:
                index.end_turn(site, page)

    def _give_up(self, article: str, revision: str, *, reason: str) -> None:
        self._given_up.append(article)
        self._hand_over(article, revision, reason=reason)

    def _hand_over(self, article: str, revision: str, *, reason: str) -> None:
        log.warning("page.handed_over", article=article, reason=reason)
        envelope = follow_up(self._message, f"article:{article}")
        self.handed_over.append(ArticleAccepted(**envelope, site=self._site.id, article=article, revision=revision))

"""What each kind of listing is made by: a page of the theme's, or a file for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.render.domain import machines
from services.render.domain.view import cards_view, days_view, front_view, notice_view, rail_view, search_view
from services.render.handler.renderer import Renderer
from services.render.ports import Theme
from shared import keys
from shared.article import EnrichedArticle, SafeHtml
from shared.card import Card
from shared.index import Snapshot
from shared.listings import Kind, Listing
from shared.sites import Site

_NEWS_LASTS = timedelta(days=2)  # Google News takes no older ones into its sitemap
_MOST_TEXTS = 2000


@dataclass(frozen=True, slots=True)
class Copy:
    """A listing about to be rendered: what was read for it, and with what."""

    site: Site
    listing: Listing
    snapshot: Snapshot
    theme: Theme
    renderer: Renderer

    @property
    def cards(self) -> tuple[Card, ...]:
        """Return the cards that it lists."""
        return self.snapshot.cards


def body_of(copy: Copy) -> bytes:
    """Return a listing's bytes."""
    return _MADE_BY[copy.listing.kind](copy)


def _front(copy: Copy) -> bytes:
    view = front_view(copy.site, copy.cards, section=copy.listing.section, pins=copy.snapshot.pins)
    return copy.theme.front(view)


def _cards(copy: Copy) -> bytes:
    return copy.theme.cards(cards_view(copy.site, copy.listing, copy.cards, parts=copy.snapshot.parts))


def _days(copy: Copy) -> bytes:
    return copy.theme.days(days_view(copy.site, copy.listing, copy.snapshot.days))


def _rail(copy: Copy) -> bytes:
    return copy.theme.rail(rail_view(copy.site, copy.listing, copy.cards, days=copy.snapshot.days))


def _news(copy: Copy) -> bytes:
    """Return the sitemap of the last 48 hours; it is rendered again when the oldest of its articles leaves it."""
    since = copy.renderer.clock() - _NEWS_LASTS
    news = [card for card in copy.cards if card.created_at > since]
    if news:
        leaves_at = min(card.created_at for card in news) + _NEWS_LASTS
        copy.renderer.index.touch_at(copy.site, copy.listing.name, leaves_at)
    return machines.sitemap_news(copy.site, news)


def _texts(copy: Copy) -> Mapping[str, SafeHtml]:
    """Return the articles' texts, where the site's feeds bring them."""
    if copy.site.feed_text != "full":
        return {}
    revisions = copy.snapshot.revisions.items()
    return {article: _text(copy.site, article, revision, copy.renderer) for article, revision in revisions}


def _text(site: Site, article: str, revision: str, renderer: Renderer) -> SafeHtml:
    if (article, revision) not in renderer.texts:
        if len(renderer.texts) > _MOST_TEXTS:
            renderer.texts.clear()
        found = list(renderer.content.list_keys(keys.enriched_prefix(site.id, article, revision)))
        enriched = EnrichedArticle.model_validate_json(renderer.content.get(found[-1]).body) if found else None
        renderer.texts[article, revision] = enriched.body if enriched else SafeHtml("")
    return renderer.texts[article, revision]


_MADE_BY: Mapping[Kind, Callable[[Copy], bytes]] = {
    Kind.HOME: _front,
    Kind.SECTION: _front,
    Kind.TOPIC: _cards,
    Kind.AUTHOR: _cards,
    Kind.DAY: _cards,
    Kind.ARCHIVE: _days,
    Kind.MONTH: _days,
    Kind.RAIL: _rail,
    Kind.RSS: lambda copy: machines.rss(copy.site, copy.listing, copy.cards, _texts(copy)),
    Kind.ATOM: lambda copy: machines.atom(copy.site, copy.listing, copy.cards, _texts(copy)),
    Kind.JSON_FEED: lambda copy: machines.json_feed(copy.site, copy.listing, copy.cards, _texts(copy)),
    Kind.SITEMAP_INDEX: lambda copy: machines.sitemap_index(copy.site, copy.snapshot.days),
    Kind.SITEMAP: lambda copy: machines.sitemap_day(copy.site, copy.listing, copy.cards),
    Kind.SITEMAP_FRONTS: lambda copy: machines.sitemap_fronts(copy.site, copy.snapshot.days),
    Kind.SITEMAP_NEWS: _news,
    Kind.ROBOTS: lambda copy: machines.robots(copy.site),
    Kind.LLMS: lambda copy: machines.llms(copy.site),
    Kind.OPEN_SEARCH: lambda copy: machines.open_search(copy.site),
    Kind.MANIFEST: lambda copy: machines.manifest(copy.site, copy.theme.icons, copy.theme.paper),
    Kind.SEARCH: lambda copy: copy.theme.search(search_view(copy.site)),
    Kind.RECENT: lambda copy: machines.recent(copy.site, copy.cards),
    Kind.NOT_FOUND: lambda copy: copy.theme.not_found(notice_view(copy.site, is_gone=False)),
    Kind.GONE: lambda copy: copy.theme.gone(notice_view(copy.site, is_gone=True)),
}

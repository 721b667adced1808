"""The renderers of listings: pages of the theme, or machine-readable files. A listing's kind names its renderer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.render.domain import machine_readable
from services.render.domain.view import cards_view, days_view, front_view, notice_view, rail_view, search_view
from services.render.handler.deps import PageContext, RenderDeps
from services.render.ports import Theme
from shared.index import Snapshot
from shared.model.article import EnrichedArticle, SafeHtml
from shared.model.card import Card
from shared.site import keys
from shared.site.listings import Listing
from shared.site.sites import Site

_NEWS_MAX_AGE = timedelta(days=2)  # Google News accepts no older articles in its sitemap
_MAX_CACHED_TEXTS = 2000


@dataclass(frozen=True, slots=True)
class ListingInputs:
    """A listing with the inputs of its rendering."""

    listing: Listing
    snapshot: Snapshot
    context: PageContext

    @property
    def site(self) -> Site:
        """Return the listing's site."""
        return self.context.site

    @property
    def theme(self) -> Theme:
        """Return the theme that renders the listing."""
        return self.context.theme

    @property
    def deps(self) -> RenderDeps:
        """Return the ports."""
        return self.context.deps

    @property
    def cards(self) -> tuple[Card, ...]:
        """Return the cards of the listing."""
        return self.snapshot.cards

    @property
    def days(self) -> tuple[str, ...]:
        """Return the days of the listing, newest first."""
        return tuple(self.snapshot.days)


def body_of(inputs: ListingInputs) -> bytes:
    """Return a listing's bytes."""
    if inputs.snapshot.is_killed:
        return inputs.theme.gone(notice_view(inputs.site, is_gone=True))
    return _RENDERERS[inputs.listing.definition.renderer](inputs)


def _front(inputs: ListingInputs) -> bytes:
    view = front_view(inputs.site, inputs.cards, section=inputs.listing.section, pins=inputs.snapshot.pins)
    return inputs.theme.front(view)


def _cards(inputs: ListingInputs) -> bytes:
    return inputs.theme.cards(cards_view(inputs.site, inputs.listing, inputs.cards, parts=inputs.snapshot.parts))


def _days(inputs: ListingInputs) -> bytes:
    return inputs.theme.days(days_view(inputs.site, inputs.listing, inputs.days))


def _rail(inputs: ListingInputs) -> bytes:
    return inputs.theme.rail(rail_view(inputs.site, inputs.listing, inputs.cards, days=inputs.days))


def _news(inputs: ListingInputs) -> bytes:
    """Return the sitemap of the last 48 hours; schedule a new rendering for the time when its oldest article leaves."""
    since = inputs.deps.clock() - _NEWS_MAX_AGE
    news = [card for card in inputs.cards if card.created_at > since]
    if news:
        leaves_at = min(card.created_at for card in news) + _NEWS_MAX_AGE
        inputs.deps.index.mark_stale_at(inputs.site, inputs.listing.name, leaves_at)
    return machine_readable.sitemap_news(inputs.site, news)


def _texts(inputs: ListingInputs) -> Mapping[str, SafeHtml]:
    """Return the articles' texts if the site's feeds contain full texts, else none."""
    if inputs.site.feed_text != "full":
        return {}
    revisions = inputs.snapshot.revisions.items()
    return {article: _text(inputs.site, article, revision, inputs.deps) for article, revision in revisions}


def _text(site: Site, article: str, revision: str, deps: RenderDeps) -> SafeHtml:
    if (article, revision) not in deps.texts:
        if len(deps.texts) > _MAX_CACHED_TEXTS:
            deps.texts.clear()
        prefix = keys.enriched_prefix(site.id, article, revision)
        found = keys.latest_enriched(deps.content.list_keys(prefix), prefix)
        enriched = EnrichedArticle.model_validate_json(deps.content.get(found).body) if found else None
        deps.texts[article, revision] = enriched.body if enriched else SafeHtml("")
    return deps.texts[article, revision]


_RENDERERS: Mapping[str, Callable[[ListingInputs], bytes]] = {
    "front": _front,
    "cards": _cards,
    "days": _days,
    "rail": _rail,
    "feed.rss": lambda inputs: machine_readable.rss(inputs.site, inputs.listing, inputs.cards, _texts(inputs)),
    "feed.atom": lambda inputs: machine_readable.atom(inputs.site, inputs.listing, inputs.cards, _texts(inputs)),
    "feed.json": lambda inputs: machine_readable.json_feed(inputs.site, inputs.listing, inputs.cards, _texts(inputs)),
    "sitemap.index": lambda inputs: machine_readable.sitemap_index(inputs.site, inputs.snapshot.days),
    "sitemap.day": lambda inputs: machine_readable.sitemap_day(inputs.site, inputs.listing, inputs.cards),
    "sitemap.fronts": lambda inputs: machine_readable.sitemap_fronts(inputs.site, inputs.days),
    "sitemap.news": _news,
    "robots": lambda inputs: machine_readable.robots(inputs.site),
    "llms": lambda inputs: machine_readable.llms(inputs.site),
    "open-search": lambda inputs: machine_readable.open_search(inputs.site),
    "manifest": lambda inputs: machine_readable.manifest(inputs.site, inputs.theme.icons, inputs.theme.theme_color),
    "search": lambda inputs: inputs.theme.search(search_view(inputs.site)),
    "recent": lambda inputs: machine_readable.recent(inputs.site, inputs.cards),
    "not-found": lambda inputs: inputs.theme.not_found(notice_view(inputs.site, is_gone=False)),
    "gone": lambda inputs: inputs.theme.gone(notice_view(inputs.site, is_gone=True)),
}

"""The view of an article in a listing."""

from __future__ import annotations

from dataclasses import dataclass

from services.render.domain.dates import Moment, moment_of
from services.render.domain.view.shell import PictureView, picture_view
from shared.model.card import Card
from shared.site.keys import url_path
from shared.site.sites import Site


@dataclass(frozen=True, slots=True)
class CardView:
    """An article in a listing. `language` is None if it is the language of the page."""

    article: str
    url: str
    section: str
    kicker: str
    headline: str
    standfirst: str | None
    byline: str | None
    published: Moment
    picture: PictureView | None
    language: str | None
    direction: str


def card_view(card: Card, site: Site, *, language: str | None = None) -> CardView:
    """Return an article's view for a page in `language`, else in the site's language."""
    page_language = language or site.language
    return CardView(
        article=card.article,
        url=url_path(card.path),
        section=card.section,
        kicker=card.kicker or site.section_name(card.section),
        headline=card.headline,
        standfirst=card.standfirst,
        byline=card.byline,
        published=moment_of(card.created_at, zone=site.zone, language=page_language),
        picture=picture_view(card.picture, site) if card.picture else None,
        language=card.language if card.language != page_language else None,
        direction=card.direction.value,
    )

"""What a page shows, in the words it shows it in: the only thing that a theme sees.

A view is made by a pure function of an article or of cards. It holds no clock, no set and no build stamp, so the same
input gives the same bytes. Every time and every label is ready to print; a template only places them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from babel.lists import format_list

from services.render.domain.dates import Moment, day_of, moment_of
from services.render.domain.jsonld import news_article
from services.render.domain.labels import Labels, labels_for
from services.render.domain.languages import direction_of, locale_for, primary_language
from services.render.domain.share import ShareLink, share_links
from shared.article import ArticleFacts, EnrichedArticle, SafeHtml
from shared.card import Card, CardPicture
from shared.keys import url_path
from shared.sites import Site

LATEST_RAIL = "latest"
SECONDS = 3
SECTION_HEADLINES = 4
OUTLINE_FROM_MINUTES = 5  # a shorter text is read sooner than its contents
OUTLINE_FROM_ENTRIES = 3


@dataclass(frozen=True, slots=True)
class SectionLink:
    """A section by its id, its name and where the reader finds it."""

    id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ShellView:
    """What surrounds every page. Links are relative to the site's root; only `site_url` is absolute."""

    site_name: str
    tagline: str
    site_url: str
    site_language: str
    site_direction: str
    language: str
    direction: str
    labels: Labels
    label_language: str | None  # given only where the labels are not in the page's language
    sections: tuple[SectionLink, ...]


@dataclass(frozen=True, slots=True)
class PictureView:
    """A picture that is public. `src` is relative to the site's root, `url` is absolute; sizes in pixels."""

    src: str
    url: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, slots=True)
class FigureView:
    """The lead picture and its words; without `picture` a quiet panel stands in for it."""

    picture: PictureView | None
    caption: str | None
    credit: str | None


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A sub-head that the table of contents leads to."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class ArticleView:
    """Everything that the page of an article says."""

    shell: ShellView
    article: str
    revision: str
    section: SectionLink
    kicker: str
    headline: str
    standfirst: str | None
    byline: str | None
    dateline: str | None
    published: Moment
    updated: Moment | None
    reading_time: str
    figure: FigureView | None
    outline: tuple[OutlineEntry, ...]
    body: SafeHtml
    correction: str | None
    rights: str | None
    topics: tuple[str, ...]
    entities: tuple[str, ...]
    url: str
    canonical_url: str
    description: str
    share: tuple[ShareLink, ...]
    also_rail_url: str
    latest_rail_url: str
    json_ld: str


@dataclass(frozen=True, slots=True)
class CardView:
    """An article in a listing. `language` is given only where it is not the site's."""

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


@dataclass(frozen=True, slots=True)
class SectionBlock:
    """A section's newest cards on the front page; none where nothing new is in it."""

    section: SectionLink
    cards: tuple[CardView, ...]


@dataclass(frozen=True, slots=True)
class FrontView:
    """The front page by rank: one lead, a few seconds, then the river; and the same cards by section."""

    shell: ShellView
    lead: CardView | None
    seconds: tuple[CardView, ...]
    river: tuple[CardView, ...]
    blocks: tuple[SectionBlock, ...]
    newest: Moment | None


@dataclass(frozen=True, slots=True)
class RailView:
    """A fragment that many article pages take in."""

    name: str
    language: str
    direction: str
    has_pictures: bool
    cards: tuple[CardView, ...]


def also_rail(section: str) -> str:
    """Return the name of the rail that shows a section's newest articles."""
    return f"also-{section}"


def rail_url(name: str) -> str:
    """Return the path of the URL at which article pages find a rail."""
    return f"/_rail/{name}.html"


def section_link(site: Site, section: str) -> SectionLink:
    """Return where the front page shows a section; sections have no page of their own yet."""
    return SectionLink(id=section, name=site.section_name(section), url=f"/#section-{section}")


def shell_view(site: Site, *, language: str | None = None, direction: str | None = None) -> ShellView:
    """Return what surrounds a page in `language`; in the site's own where none is given."""
    spoken = language or site.language
    labels = labels_for(spoken)
    return ShellView(
        site_name=site.name,
        tagline=site.tagline,
        site_url=site.base_url,
        site_language=site.language,
        site_direction=direction_of(site.language),
        language=spoken,
        direction=direction or direction_of(spoken),
        labels=labels,
        label_language=labels.language if labels.language != primary_language(spoken) else None,
        sections=tuple(section_link(site, section.id) for section in site.sections),
    )


def article_view(
    article: EnrichedArticle,
    *,
    site: Site,
    path: str,
    created_at: datetime,
    updated_at: datetime | None,
    picture: CardPicture | None,
) -> ArticleView:
    """Return what the page of an article says.

    `path` is the page's key in the public bucket; `picture` is the lead picture once it has a public path. Without it
    the words of `facts.picture` still show.
    """
    facts = article.facts
    shell = shell_view(site, language=facts.language, direction=article.direction.value)
    url = site.base_url + url_path(path)
    canonical_url = facts.canonical_url or url
    section = section_link(site, facts.section)
    figure = _figure(facts, picture, site)
    return ArticleView(
        shell=shell,
        article=article.article,
        revision=article.revision,
        section=section,
        kicker=facts.kicker or section.name,
        headline=facts.headline,
        standfirst=facts.standfirst,
        byline=byline_of(facts),
        dateline=facts.dateline,
        published=moment_of(created_at, zone=site.zone, language=facts.language),
        updated=moment_of(updated_at, zone=site.zone, language=facts.language) if updated_at else None,
        reading_time=shell.labels.reading_time.format(minutes=max(1, article.reading_minutes)),
        figure=figure,
        outline=_outline(article),
        body=article.body,
        correction=facts.correction_note,
        rights=facts.rights.notice if facts.rights else None,
        topics=tuple(topic.name for topic in facts.topics),
        entities=tuple(entity.name for entity in facts.entities),
        url=url,
        canonical_url=canonical_url,
        description=article.description,
        share=share_links(facts.headline, url, shell.labels),
        also_rail_url=rail_url(also_rail(facts.section)),
        latest_rail_url=rail_url(LATEST_RAIL),
        json_ld=news_article(
            article,
            site=site,
            url=url,
            canonical_url=canonical_url,
            created_at=created_at,
            updated_at=updated_at,
            picture=picture,
        ),
    )


def card_view(card: Card, site: Site) -> CardView:
    """Return an article as a listing in the site's language shows it."""
    return CardView(
        article=card.article,
        url=url_path(card.path),
        section=card.section,
        kicker=card.kicker or site.section_name(card.section),
        headline=card.headline,
        standfirst=card.standfirst,
        byline=card.byline,
        published=moment_of(card.created_at, zone=site.zone, language=site.language),
        picture=_picture(card.picture, site) if card.picture else None,
        language=card.language if card.language != site.language else None,
        direction=card.direction.value,
    )


def front_view(site: Site, cards: tuple[Card, ...]) -> FrontView:
    """Return the front page of cards that come newest first: the first one leads."""
    shown = tuple(card_view(card, site) for card in cards)
    newest = max((card.created_at for card in cards), default=None)
    return FrontView(
        shell=shell_view(site),
        lead=shown[0] if shown else None,
        seconds=shown[1 : 1 + SECONDS],
        river=shown[1 + SECONDS :],
        blocks=tuple(
            SectionBlock(
                section=section_link(site, section.id),
                cards=tuple(card for card in shown if card.section == section.id)[:SECTION_HEADLINES],
            )
            for section in site.sections
        ),
        newest=day_of(newest, zone=site.zone, language=site.language) if newest else None,
    )


def rail_view(site: Site, name: str, cards: tuple[Card, ...]) -> RailView:
    """Return a rail of cards that come newest first."""
    return RailView(
        name=name,
        language=site.language,
        direction=direction_of(site.language),
        has_pictures=name != LATEST_RAIL,
        cards=tuple(card_view(card, site) for card in cards),
    )


def byline_of(facts: ArticleFacts) -> str | None:
    """Return the byline as the sender wrote it, else the authors' names joined as their language joins them."""
    if facts.byline:
        return facts.byline
    names = [author.name for author in facts.authors]
    return format_list(names, locale=locale_for(facts.language)) if names else None


def _figure(facts: ArticleFacts, picture: CardPicture | None, site: Site) -> FigureView | None:
    words = facts.picture
    caption = words.caption if words else None
    if picture is None and not caption:
        return None
    return FigureView(
        picture=_picture(picture, site) if picture else None,
        caption=caption,
        credit=words.credit if words else None,
    )


def _picture(picture: CardPicture, site: Site) -> PictureView:
    src = url_path(picture.path)
    return PictureView(src=src, url=site.base_url + src, width=picture.width, height=picture.height, alt=picture.alt)


def _outline(article: EnrichedArticle) -> tuple[OutlineEntry, ...]:
    entries = tuple(OutlineEntry(text=head.text, anchor=head.anchor) for head in article.outline if head.level == 2)  # noqa: PLR2004 - h2
    is_long = article.reading_minutes >= OUTLINE_FROM_MINUTES and len(entries) >= OUTLINE_FROM_ENTRIES
    return entries if is_long else ()

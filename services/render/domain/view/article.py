"""The page of one article."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urlsplit

from services.render.domain.dates import Moment, moment_of
from services.render.domain.jsonld import article_json_ld
from services.render.domain.open_graph import article_share_tags
from services.render.domain.share import ShareLink, share_links
from services.render.domain.view.byline import byline_of
from services.render.domain.view.cards import CardView, card_view
from services.render.domain.view.shell import (
    HeadView,
    Link,
    PictureView,
    SectionLink,
    ShellView,
    card_picture,
    feed_links,
    picture_view,
    section_link,
    shell_view,
)
from shared.model.addresses import is_showable, picture_path
from shared.model.article import Embed, EnrichedArticle, Picture, Rights, SafeHtml
from shared.model.card import Card, CardPicture
from shared.site.keys import url_path
from shared.site.memberships import topics_of
from shared.site.sites import Site

LATEST_RAIL_URL = "/_rail/latest.html"
OUTLINE_FROM_MINUTES = 5  # a shorter text needs no table of contents
OUTLINE_FROM_ENTRIES = 3


@dataclass(frozen=True, slots=True)
class FigureView:
    """A picture with caption and credit; without `picture` a theme shows a plain panel."""

    picture: PictureView | None
    caption: str | None
    credit: str | None


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """An entry of the table of contents: a sub-head."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class ArticleView:
    """The view of an article's page. The byline is in parts: an author's name is a link."""

    shell: ShellView
    article: str
    revision: str
    section: SectionLink
    kicker: str
    headline: str
    standfirst: str | None
    byline: tuple[Link, ...]
    dateline: str | None
    published: Moment
    updated: Moment | None
    reading_time: str
    figure: FigureView | None
    outline: tuple[OutlineEntry, ...]
    body: SafeHtml
    gallery: tuple[FigureView, ...]
    embeds: tuple[Link, ...]
    links: tuple[Link, ...]
    correction: str | None
    corrected: Moment | None
    rights: tuple[str, ...]
    topics: tuple[Link, ...]
    entities: tuple[str, ...]
    url: str
    share: tuple[ShareLink, ...]
    related: tuple[CardView, ...]
    latest_rail_url: str


def article_view(  # noqa: PLR0913 -- each time is a fact of its own
    article: EnrichedArticle,
    *,
    site: Site,
    path: str,
    created_at: datetime,
    updated_at: datetime | None,
    picture: CardPicture | None,
    related: tuple[Card, ...] = (),
    canonical_url: str | None = None,
    corrected_at: datetime | None = None,
) -> ArticleView:
    """Return the view of an article's page.

    `path` is the page's key in the public bucket; `picture` is the lead picture if it has a public path. Without it,
    caption and credit of `facts.picture` still show. `canonical_url` is the article's canonical address, if elsewhere.
    `corrected_at`: the time of the correction note; None: since the publication.
    """
    facts = article.facts
    noted_at = (corrected_at or created_at) if facts.correction_note else None
    url = site.base_url + url_path(path)
    section = section_link(site, facts.section)
    head = HeadView(
        title=f"{facts.headline} | {site.name}",
        description=article.description,
        canonical_url=facts.canonical_url or canonical_url or url,
        share=article_share_tags(
            article,
            site=site,
            url=facts.canonical_url or canonical_url or url,
            created_at=created_at,
            updated_at=updated_at,
            picture=picture,
        ),
        json_ld=article_json_ld(
            article,
            site=site,
            url=url,
            canonical_url=facts.canonical_url or canonical_url or url,
            created_at=created_at,
            updated_at=updated_at,
            picture=picture,
            corrected_at=noted_at,
        ),
        feeds=feed_links(site, facts.section),
    )
    shell = shell_view(site, head, language=facts.language, direction=article.direction.value, here=facts.section)
    return ArticleView(
        shell=shell,
        article=article.article,
        revision=article.revision,
        section=section,
        kicker=facts.kicker or section.name,
        headline=facts.headline,
        standfirst=facts.standfirst,
        byline=byline_of(site, facts),
        dateline=facts.dateline,
        published=moment_of(created_at, zone=site.zone, language=facts.language),
        updated=moment_of(updated_at, zone=site.zone, language=facts.language) if updated_at else None,
        reading_time=shell.labels.reading_time.format(minutes=max(1, article.reading_minutes)),
        figure=_figure(facts.picture, picture, site),
        outline=_outline(article),
        body=article.body,
        gallery=_gallery(article, site),
        embeds=_embeds(article),
        links=tuple(Link(each.title or host_of(each.url), each.url) for each in facts.related if each.url),
        correction=facts.correction_note,
        corrected=moment_of(noted_at, zone=site.zone, language=facts.language) if noted_at else None,
        rights=_rights(facts.rights),
        topics=tuple(Link(topic.name, url_path(topic.path) if topic.path else "") for topic in topics_of(site, facts)),
        entities=tuple(entity.name for entity in facts.entities),
        url=url,
        share=share_links(facts.headline, url, shell.labels),
        related=tuple(card_view(card, site, language=facts.language) for card in related),
        latest_rail_url=LATEST_RAIL_URL,
    )


def _figure(metadata: Picture | None, picture: CardPicture | None, site: Site) -> FigureView | None:
    caption, credit = (metadata.caption, metadata.credit) if metadata else (None, None)
    if picture is None and not caption and not credit:
        return None
    return FigureView(picture=picture_view(picture, site) if picture else None, caption=caption, credit=credit)


def _gallery(article: EnrichedArticle, site: Site) -> tuple[FigureView, ...]:
    """Return the pictures that are not in the body with their caption and credit."""
    figures = (
        _figure(picture, card_picture(picture), site)
        for picture in article.facts.pictures
        if not _is_in_body(picture, article)
    )
    return tuple(figure for figure in figures if figure)


def _is_in_body(picture: Picture, article: EnrichedArticle) -> bool:
    """Tell whether the body shows a picture, with its caption and credit if it has any."""
    if not is_showable(picture) or f'src="{url_path(picture_path(picture))}"' not in article.body:
        return False
    return all(" ".join(metadata.split()) in article.text for metadata in (picture.caption, picture.credit) if metadata)


def _embeds(article: EnrichedArticle) -> tuple[Link, ...]:
    """Return the embeds that the body does not link to."""
    return tuple(
        Link(_embed_text(each), each.url)
        for each in article.facts.embeds
        if f'"{escape(each.url, quote=False)}"' not in article.body
    )


def _embed_text(embed: Embed) -> str:
    provider = embed.provider or host_of(embed.url)
    return f"{embed.title} ({provider})" if embed.title and embed.provider else embed.title or provider


def _rights(rights: Rights | None) -> tuple[str, ...]:
    """Return the lines about the rights: the notice, the holder if the notice does not name it, and the terms."""
    if rights is None:
        return ()
    holder = None if rights.holder and rights.holder in (rights.notice or "") else rights.holder
    return tuple(filter(None, (rights.notice, holder, rights.usage_terms)))


def host_of(url: str) -> str:
    """Return the host name of an address without `www.`, or the address."""
    try:
        return (urlsplit(url).hostname or url).removeprefix("www.")
    except ValueError:  # for example a broken IPv6 address
        return url


def _outline(article: EnrichedArticle) -> tuple[OutlineEntry, ...]:
    entries = tuple(OutlineEntry(text=head.text, anchor=head.anchor) for head in article.outline if head.level == 2)  # noqa: PLR2004 - h2
    is_long = article.reading_minutes >= OUTLINE_FROM_MINUTES and len(entries) >= OUTLINE_FROM_ENTRIES
    return entries if is_long else ()

"""The metadata of a shared page: OpenGraph (ogp.me), and the same values as X's properties."""

from __future__ import annotations

from datetime import datetime

from services.render.domain.dates import machine_time
from services.render.domain.jsonld import absolute
from services.render.domain.languages import find_locale
from services.render.domain.people import people_of
from shared.model.article import EnrichedArticle
from shared.model.card import CardPicture
from shared.site.keys import url_path
from shared.site.memberships import MAX_NAMES_PER_KIND, topics_of
from shared.site.sites import Site

Tags = tuple[tuple[str, str], ...]
"""(property, content) pairs in the order of a page's head; a property may occur several times."""
_X_PROPERTIES = {"og:image": "twitter:image", "og:image:alt": "twitter:image:alt"}


def share_tags(
    site: Site,
    *,
    title: str,
    description: str,
    url: str,
    language: str,
    picture: CardPicture | None = None,
    kind: str = "website",
) -> Tags:
    """Return the tags of a shared page, with its picture, else with the site's picture for sharing.

    All tags are `<meta property>`, which X reads too. X would fall back on OpenGraph's values; validators of X's cards
    do not.
    """
    picture_tags = _picture(site, picture)
    x_tags = tuple((_X_PROPERTIES[name], value) for name, value in picture_tags if name in _X_PROPERTIES)
    locale = find_locale(language)
    locale_tags = (("og:locale", f"{locale.language}_{locale.territory}"),) if locale and locale.territory else ()
    return (
        ("og:type", kind),
        ("og:site_name", site.name),
        ("og:title", title),
        ("og:description", description),
        ("og:url", url),
        *locale_tags,
        *picture_tags,
        ("twitter:card", "summary_large_image" if picture_tags else "summary"),
        ("twitter:title", title),
        ("twitter:description", description),
        *x_tags,
    )


def article_share_tags(
    article: EnrichedArticle,
    *,
    site: Site,
    url: str,
    created_at: datetime,
    updated_at: datetime | None,
    picture: CardPicture | None,
) -> Tags:
    """Return the tags of a shared article; `url` is its canonical address."""
    facts = article.facts
    tags = share_tags(
        site,
        title=facts.headline,
        description=article.description,
        url=url,
        language=facts.language,
        picture=picture,
        kind="article",
    )
    writers = (person for person in people_of(site, facts) if person.is_writer and person.path)
    authors = (site.base_url + url_path(person.path) for person in writers)
    modified = (("article:modified_time", machine_time(updated_at, zone=site.zone)),) if updated_at else ()
    return (
        *tags,
        ("article:published_time", machine_time(created_at, zone=site.zone)),
        *modified,
        ("article:section", site.section_name(facts.section)),
        *(("article:author", address) for address in authors),
        *(("article:tag", topic.name) for topic in topics_of(site, facts)[:MAX_NAMES_PER_KIND]),
    )


def _picture(site: Site, picture: CardPicture | None) -> Tags:
    if picture is None:
        return (("og:image", absolute(site, site.share_picture_url)),) if site.share_picture_url else ()
    size = (("og:image:width", str(picture.width)), ("og:image:height", str(picture.height)))
    return (
        ("og:image", site.base_url + url_path(picture.path)),
        *(size if picture.width and picture.height else ()),
        *((("og:image:alt", picture.alt),) if picture.alt else ()),
    )

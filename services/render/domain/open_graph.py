"""What a page tells those who share it: OpenGraph (ogp.me), and the same once more in X's words."""

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
"""(property, content) pairs in the order of a page's head; a property may come several times."""
_AT_X = {"og:image": "twitter:image", "og:image:alt": "twitter:image:alt"}


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
    """Return how a page looks where it is shared: with its picture, else the site's if it has one for that.

    All as `<meta property>`, where X looks too. It would fall back on OpenGraph's words; checkers of its cards do not.
    """
    shown = _picture(site, picture)
    again = tuple((_AT_X[name], value) for name, value in shown if name in _AT_X)
    locale = find_locale(language)
    place = (("og:locale", f"{locale.language}_{locale.territory}"),) if locale and locale.territory else ()
    return (
        ("og:type", kind),
        ("og:site_name", site.name),
        ("og:title", title),
        ("og:description", description),
        ("og:url", url),
        *place,
        *shown,
        ("twitter:card", "summary_large_image" if shown else "summary"),
        ("twitter:title", title),
        ("twitter:description", description),
        *again,
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
    """Return how an article looks where it is shared; `url` is where it lives."""
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

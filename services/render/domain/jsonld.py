"""A page as schema.org in JSON-LD (Google's Article, Breadcrumb and ItemList guidelines)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from services.render.domain.dates import machine_time
from services.render.domain.people import people_in, people_of
from shared.model.article import ArticleFacts, EnrichedArticle
from shared.model.card import Card, CardPicture
from shared.site.keys import url_path
from shared.site.listings import Listing, ListingKind
from shared.site.memberships import topics_of
from shared.site.sites import Site

# Inside <script> the HTML parser looks for `</script` and `<!--`; older JavaScript ends lines at U+2028 and U+2029.
# JSON escapes make these characters harmless.
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_MAX_LISTED_ITEMS = 100


def article_json_ld(
    article: EnrichedArticle,
    *,
    site: Site,
    url: str,
    canonical_url: str,
    created_at: datetime,
    updated_at: datetime | None,
    picture: CardPicture | None,
    corrected_at: datetime | None = None,
) -> tuple[str, ...]:
    """Return an article's NewsArticle and its breadcrumbs, each safe inside a `<script>`.

    The properties are those that Google's Article guide requires and recommends. The headline is not cut: the guide no
    longer has a limit of 110 characters. There is no image if the article has none: a general picture of the site would
    not describe the article.
    """
    facts = article.facts
    authors, contributors = _people(facts, site)
    described: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": facts.headline,
        "description": article.description,
        "url": url,
        "mainEntityOfPage": {"@type": "WebPage", "@id": canonical_url},
        "datePublished": machine_time(created_at, zone=site.zone),
        "dateModified": machine_time(updated_at or created_at, zone=site.zone),
        "author": authors or [_publisher(site)],
        "publisher": _publisher(site),
        "articleSection": site.section_name(facts.section),
        "inLanguage": facts.language,
        "isAccessibleForFree": True,
        "wordCount": article.word_count,
    }
    if contributors:
        described["contributor"] = contributors
    words = (*(topic.name for topic in topics_of(site, facts)), *facts.keywords)
    if words:
        described["keywords"] = list(dict.fromkeys(words))
    if facts.dateline:
        described["dateline"] = facts.dateline
    if facts.correction_note:
        described["correction"] = {
            "@type": "CorrectionComment",
            "text": facts.correction_note,
            "datePublished": machine_time(corrected_at or created_at, zone=site.zone),
        }
    if facts.rights and facts.rights.notice:
        described["copyrightNotice"] = facts.rights.notice
    if facts.rights and facts.rights.holder:
        described["copyrightHolder"] = {"@type": "Organization", "name": facts.rights.holder}
    if picture:
        described["image"] = [_image(picture, facts, site)]
    crumbs = [(site.name, f"{site.base_url}/")]
    if site.has_section(facts.section):
        crumbs.append((site.section_name(facts.section), f"{site.base_url}/{facts.section}/"))
    return (json_for_script(described), _breadcrumbs((*crumbs, (facts.headline, url))))


def front_json_ld(site: Site, cards: Iterable[Card], *, section: str | None = None) -> tuple[str, ...]:
    """Return a front's JSON-LD: the site and its publisher, or a section's breadcrumbs; then the list of articles."""
    listed = _item_list(site, cards)
    if section:
        home, own = (site.name, f"{site.base_url}/"), (site.section_name(section), f"{site.base_url}/{section}/")
        return (_breadcrumbs((home, own)), *listed)
    search = {
        "@type": "SearchAction",
        "target": {"@type": "EntryPoint", "urlTemplate": f"{site.base_url}/search/?q={{search_term_string}}"},
        "query-input": "required name=search_term_string",
    }
    described = {
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": site.name,
        "description": site.tagline,
        "url": f"{site.base_url}/",
        "inLanguage": site.language,
        "publisher": _publisher(site),
        "potentialAction": search,
    }
    return (
        json_for_script(described),
        json_for_script({"@context": "https://schema.org", **_publisher(site)}),
        *listed,
    )


def list_json_ld(
    site: Site, listing: Listing, title: str, cards: Iterable[Card], *, crumbs: Iterable[tuple[str, str]]
) -> tuple[str, ...]:
    """Return a list's breadcrumbs and its articles; `crumbs` are (name, address) as the page shows them."""
    shown = ((name, absolute(site, url)) for name, url in crumbs)
    own = (title, site.base_url + url_path(listing.path))
    # A day may have hundreds of articles.
    listed = _item_list(site, cards) if listing.kind is not ListingKind.DAY else ()
    return (_breadcrumbs((*shown, own)), *listed)


def json_for_script(value: object) -> str:
    """Return JSON that cannot end the `<script>` around it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)


def _publisher(site: Site) -> dict[str, Any]:
    house: dict[str, Any] = {"@type": "NewsMediaOrganization", "name": site.name, "url": f"{site.base_url}/"}
    if site.logo_url:
        house["logo"] = {"@type": "ImageObject", "url": absolute(site, site.logo_url)}
    if site.principles_url:
        house["publishingPrinciples"] = absolute(site, site.principles_url)
    if site.corrections_url:
        house["correctionsPolicy"] = absolute(site, site.corrections_url)
    if site.social_urls:
        house["sameAs"] = list(site.social_urls)
    return house


def absolute(site: Site, url: str) -> str:
    """Return an address of a site's settings as an absolute address: `/logo.png` is on the site itself."""
    return f"{site.base_url}{url}" if url.startswith("/") else url


def _breadcrumbs(crumbs: Iterable[tuple[str, str]]) -> str:
    items = [
        {"@type": "ListItem", "position": place, "name": name, "item": url}
        for place, (name, url) in enumerate(crumbs, start=1)
    ]
    return json_for_script({"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": items})


def _item_list(site: Site, cards: Iterable[Card]) -> tuple[str, ...]:
    items = [
        {"@type": "ListItem", "position": place, "url": site.base_url + url_path(card.path)}
        for place, card in enumerate(list(cards)[:_MAX_LISTED_ITEMS], start=1)
    ]
    described = {"@context": "https://schema.org", "@type": "ItemList", "itemListElement": items}
    return (json_for_script(described),) if items else ()


def _people(facts: ArticleFacts, site: Site) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return an article's authors and its other contributors."""
    people = people_of(site, facts) or (people_in(facts.byline, facts.language, site.name) if facts.byline else ())
    described_people = [
        {"@type": "Organization" if person.is_organisation else "Person", "name": person.name}
        | ({"url": site.base_url + url_path(person.path)} if person.path else {})
        for person in people
    ]
    authors = [each for each, person in zip(described_people, people, strict=True) if person.is_writer]
    return authors, [each for each, person in zip(described_people, people, strict=True) if not person.is_writer]


def _image(picture: CardPicture, facts: ArticleFacts, site: Site) -> dict[str, Any]:
    image: dict[str, Any] = {
        "@type": "ImageObject",
        "url": site.base_url + url_path(picture.path),
    }
    if picture.width and picture.height:
        image |= {"width": picture.width, "height": picture.height}
    words = facts.picture
    if words and words.caption:
        image["caption"] = words.caption
    if words and words.credit:
        image["creditText"] = words.credit
    return image

"""The small files: robots.txt, llms.txt, OpenSearch, the web manifest, and the search page's data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from services.render.domain.languages import direction_of
from services.render.domain.machine_readable.xml import Tree
from shared.model.card import Card
from shared.model.text import cut_text
from shared.site.keys import url_path
from shared.site.sites import Site, local_time

_MAX_SHORT_NAME_CHARS = 16
_MAX_DESCRIPTION_CHARS = 1024
_MAX_STANDFIRST_CHARS = 160


def robots(site: Site) -> bytes:
    """Return robots.txt: all crawlers may read all pages but the fragments; the sitemaps are named.

    The search page is allowed, because a crawler must read the page to see its `noindex`. No crawler for AI answers or
    training is named: that is a newsroom's decision.
    """
    lines = (
        "User-agent: *",
        "Disallow: /_rail/",
        "",
        f"Sitemap: {site.base_url}/sitemap.xml",
        f"Sitemap: {site.base_url}/sitemap-news.xml",
    )
    return "\n".join((*lines, "")).encode()


def llms(site: Site) -> bytes:
    """Return llms.txt: a description of the site and the addresses of its texts, in Markdown."""
    sections = (
        f"- [{site.section_name(each.id)}]({site.base_url}/{each.id}/feed.json): the newest stories"
        for each in site.sections
    )
    lines = (
        f"# {site.name}",
        "",
        f"> {site.tagline}",
        "",
        "## Feeds",
        "",
        f"- [All stories]({site.base_url}/feed.json): the newest stories",
        *sections,
        "",
        "## Archive",
        "",
        f"- [By month]({site.base_url}/archive/): every story, by its day of publication",
        f"- [Sitemap]({site.base_url}/sitemap.xml)",
    )
    return "\n".join((*lines, "")).encode()


def open_search(site: Site) -> bytes:
    """Return the OpenSearch 1.1 description, with which a browser offers the site's search.

    The standard limits the lengths of both texts (4.2.2.2 and 4.2.2.4).
    """
    tree = Tree("OpenSearchDescription", {"": "http://a9.com/-/spec/opensearch/1.1/"})
    tree.add(tree.root, "ShortName", cut_text(site.name, _MAX_SHORT_NAME_CHARS))
    tree.add(tree.root, "Description", cut_text(f"{site.name}: {site.tagline}", _MAX_DESCRIPTION_CHARS))
    tree.add(tree.root, "InputEncoding", "UTF-8")
    template = f"{site.base_url}/search/?q={{searchTerms}}"
    tree.add(tree.root, "Url", attributes={"type": "text/html", "template": template})
    return tree.body()


@dataclass(frozen=True, slots=True)
class Icon:
    """An icon of the installed site; `sizes` and `purpose` have the web manifest's values."""

    url: str
    sizes: str
    media_type: str
    purpose: str = "any"


def manifest(site: Site, icons: Iterable[Icon], theme_color: str | None) -> bytes:
    """Return the web manifest (W3C); `theme_color` is the background colour of the theme's pages, in CSS."""
    described = {
        "name": f"{site.name}: {site.tagline}",
        "short_name": site.name,
        "lang": site.language,
        "dir": direction_of(site.language),
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "minimal-ui",
        **({"background_color": theme_color, "theme_color": theme_color} if theme_color else {}),
        "icons": [
            {"src": icon.url, "sizes": icon.sizes, "type": icon.media_type, "purpose": icon.purpose} for icon in icons
        ],
    }
    return json.dumps(described, ensure_ascii=False, indent=1).encode() + b"\n"


def recent(site: Site, cards: Iterable[Card]) -> bytes:
    """Return the search page's data: the newest `search_cards` articles, a number that limits its size.

    An item has u(rl), h(eadline), s(tandfirst, shortened), k(icker: the section's name), t(ime) and p (topics).
    500 items with standfirsts are about 150 KB, 45 KB compressed.
    """
    items = [
        {
            "u": url_path(card.path),
            "h": card.headline,
            **({"s": cut_text(card.standfirst, _MAX_STANDFIRST_CHARS)} if card.standfirst else {}),
            "k": site.section_name(card.section),
            "t": local_time(card.created_at, site.zone).isoformat(timespec="minutes"),
            **({"p": list(card.topics[:5])} if card.topics else {}),
        }
        for card in islice(cards, site.search_cards)
    ]
    return json.dumps({"v": 1, "items": items}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

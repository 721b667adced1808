"""RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1 of the newest cards of the site or of a section.

`texts` holds the bodies by article if the site publishes full texts in feeds; otherwise it is empty.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from lxml import etree
from lxml.html import HtmlElement, fragment_fromstring, tostring

from services.render.domain.machine_readable.xml import Tree, printable
from services.render.domain.people import people_in
from shared.model.article import Direction, SafeHtml
from shared.model.card import Card
from shared.site.keys import url_path
from shared.site.listings import Listing, ListingKind, find_listing
from shared.site.sites import Site

_ATOM = "http://www.w3.org/2005/Atom"
_NAMESPACES = {
    "atom": _ATOM,
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
_UPDATED_OF_EMPTY_FEED = datetime(1970, 1, 1, tzinfo=UTC)  # Atom requires a time, also of an empty feed


def rss(site: Site, listing: Listing, cards: tuple[Card, ...], texts: Mapping[str, SafeHtml]) -> bytes:
    """Return an RSS 2.0 feed.

    Feed readers interpret `description` as HTML (RSS 2.0, "entity-encoded HTML is allowed"), so plain text is escaped
    there: a standfirst that quotes a tag shows the tag and runs nothing.
    """
    tree = Tree("rss", _NAMESPACES, {"version": "2.0"})
    channel = tree.add(tree.root, "channel")
    tree.add(channel, "title", title_of(site, listing))
    tree.add(channel, "link", _home(site, listing))
    tree.add(channel, "description", site.tagline)
    tree.add(channel, "language", site.language)
    if cards:
        tree.add(channel, "lastBuildDate", _mail_date(_newest(cards)))
    own = {"href": _url(site, listing.path), "rel": "self", "type": "application/rss+xml"}
    tree.add(channel, "atom:link", attributes=own)
    if site.hub_url:
        tree.add(channel, "atom:link", attributes={"href": site.hub_url, "rel": "hub"})
    for card in cards:
        _rss_item(tree, channel, site, card, _absolute(texts.get(card.article), site, card))
    return tree.body()


def _rss_item(tree: Tree, channel: etree._Element, site: Site, card: Card, text: str | None) -> None:
    item = tree.add(channel, "item")
    tree.add(item, "title", card.headline)
    tree.add(item, "link", _url(site, card.path))
    tree.add(item, "guid", _id(card), {"isPermaLink": "false"})  # the address may change, the article's id does not
    tree.add(item, "pubDate", _mail_date(card.created_at))
    for author in _authors(site, card):
        tree.add(item, "dc:creator", author)
    for category in _categories(site, card):
        tree.add(item, "category", category)
    if card.standfirst:
        tree.add(item, "description", html.escape(card.standfirst, quote=False))
    if text:
        tree.add(item, "content:encoded", text, is_cdata=True)
    if card.picture:  # media:content, because enclosure requires a length, which a card does not have
        size = {"width": str(card.picture.width), "height": str(card.picture.height)} if card.picture.width else {}
        picture = {"url": _url(site, card.picture.path), "medium": "image", **size}
        media = tree.add(item, "media:content", attributes=picture)
        if card.picture.alt:
            tree.add(media, "media:description", card.picture.alt, {"type": "plain"})


def atom(site: Site, listing: Listing, cards: tuple[Card, ...], texts: Mapping[str, SafeHtml]) -> bytes:
    """Return an Atom feed.

    An entry's `updated` is the publication date. RFC 4287 lets the publisher decide which changes are significant; we
    do not count a corrected text, so that it does not change the feed.
    """
    tree = Tree("feed", {"": _ATOM}, {"{http://www.w3.org/XML/1998/namespace}lang": site.language})
    tree.add(tree.root, "id", _url(site, listing.path))
    tree.add(tree.root, "title", title_of(site, listing))
    tree.add(tree.root, "subtitle", site.tagline)
    tree.add(tree.root, "updated", _stamp(_newest(cards) if cards else _UPDATED_OF_EMPTY_FEED))
    own = {"href": _url(site, listing.path), "rel": "self", "type": "application/atom+xml"}
    tree.add(tree.root, "link", attributes=own)
    if site.hub_url:
        tree.add(tree.root, "link", attributes={"href": site.hub_url, "rel": "hub"})
    tree.add(tree.root, "link", attributes={"href": _home(site, listing), "rel": "alternate", "type": "text/html"})
    _person(tree, tree.root, site.name)
    for card in cards:
        _atom_entry(tree, site, card, _absolute(texts.get(card.article), site, card))
    return tree.body()


def _atom_entry(tree: Tree, site: Site, card: Card, text: str | None) -> None:
    entry = tree.add(tree.root, "entry", attributes={"xml:lang": card.language})
    tree.add(entry, "id", _id(card))
    tree.add(entry, "title", card.headline)
    link = {"href": _url(site, card.path), "rel": "alternate", "type": "text/html"}
    tree.add(entry, "link", attributes=link)
    tree.add(entry, "published", _stamp(card.created_at))
    tree.add(entry, "updated", _stamp(card.created_at))
    for author in _authors(site, card):
        _person(tree, entry, author)
    for name in card.contributors:
        _person(tree, entry, name, "contributor")
    for category in _categories(site, card):
        tree.add(entry, "category", attributes={"term": category})
    if card.standfirst or not text:
        tree.add(entry, "summary", card.standfirst or card.headline)
    if text:
        tree.add(entry, "content", text, {"type": "html"})


def json_feed(site: Site, listing: Listing, cards: tuple[Card, ...], texts: Mapping[str, SafeHtml]) -> bytes:
    """Return a JSON Feed 1.1."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title_of(site, listing),
        "home_page_url": _home(site, listing),
        "feed_url": _url(site, listing.path),
        "description": site.tagline,
        "language": site.language,
        "authors": [{"name": site.name, "url": f"{site.base_url}/"}],
        **({"hubs": [{"type": "WebSub", "url": site.hub_url}]} if site.hub_url else {}),
        "items": [_json_item(site, card, _absolute(texts.get(card.article), site, card)) for card in cards],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode() + b"\n"


def title_of(site: Site, listing: Listing) -> str:
    """Return a feed's title: `EPN: World`."""
    return f"{site.name}: {site.section_name(listing.section)}" if listing.section else site.name


def feeds_of(site: Site, section: str | None) -> tuple[tuple[str, str, str], ...]:
    """Return (media type, title, address) of the feeds that a page names: its section's feeds, then the site's."""
    found = []
    for end in (f".{section}", "") if section and site.has_section(section) else ("",):
        for name, media_type in (
            ("rss", "application/rss+xml"),
            ("atom", "application/atom+xml"),
            ("json", "application/feed+json"),
        ):
            listing = find_listing(site, f"feed.{name}{end}")
            if listing:
                short = {ListingKind.RSS: "RSS", ListingKind.ATOM: "Atom"}.get(listing.kind, "JSON Feed")
                found.append((media_type, f"{title_of(site, listing)} ({short})", url_path(listing.path)))
    return tuple(found)


def _json_item(site: Site, card: Card, text: str | None) -> dict[str, object]:
    item: dict[str, object] = {
        "id": _id(card),
        "url": _url(site, card.path),
        "title": card.headline,
        "date_published": _stamp(card.created_at),
        "language": card.language,
        "authors": [{"name": name} for name in _authors(site, card)],
        "tags": list(_categories(site, card)),
    }
    if card.standfirst:
        item["summary"] = card.standfirst
    if card.picture:
        item["image"] = _url(site, card.picture.path)
    # JSON Feed requires content_html or content_text.
    return item | ({"content_html": text} if text else {"content_text": card.standfirst or card.headline})


def _absolute(text: SafeHtml | None, site: Site, card: Card) -> str | None:
    """Return a body that is valid outside its page: with absolute links, its direction and its language.

    A link that cannot be parsed stays unchanged: one dead link must not stop the feed.
    """
    if not text or not text.strip():
        return None
    root: HtmlElement = fragment_fromstring(printable(text), create_parent="div")
    root.make_links_absolute(_url(site, card.path), resolve_base_href=False, handle_failures="ignore")
    if card.language != site.language or card.direction is Direction.RTL:
        root.set("lang", card.language)
        root.set("dir", card.direction.value)
        return str(tostring(root, encoding="unicode"))
    return str(tostring(root, encoding="unicode")).removeprefix("<div>").removesuffix("</div>")


def _categories(site: Site, card: Card) -> tuple[str, ...]:
    return tuple(dict.fromkeys((site.section_name(card.section), *card.topics)))


def _authors(site: Site, card: Card) -> tuple[str, ...]:
    """Return the names of the article's writers, the same as in its page's JSON-LD."""
    if card.authors:
        return tuple(name for name in card.authors if name not in card.contributors)
    people = people_in(card.byline, card.language, site.name) if card.byline else ()
    return tuple(person.name for person in people if person.is_writer)


def _person(tree: Tree, parent: etree._Element, name: str, role: str = "author") -> None:
    tree.add(tree.add(parent, role), "name", name)


def _id(card: Card) -> str:
    return f"urn:pressline:{card.article}"


def _url(site: Site, path: str) -> str:
    return site.base_url + url_path(path)


def _home(site: Site, listing: Listing) -> str:
    return f"{site.base_url}/{listing.section}/" if listing.section else f"{site.base_url}/"


def _newest(cards: tuple[Card, ...]) -> datetime:
    return max(card.created_at for card in cards)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _mail_date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC).replace(microsecond=0))

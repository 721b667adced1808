"""The facts of an article from JSON-LD or microdata, completed by the page's own metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from services.ingest.adapters.readers.addresses import address_of, is_web_address
from services.ingest.adapters.readers.facts import PictureFile, SentPicture
from services.ingest.adapters.readers.news_pages.access import find_restriction
from services.ingest.adapters.readers.news_pages.json_ld import Graph, Node, same_address
from services.ingest.adapters.readers.news_pages.page import Page
from services.ingest.adapters.readers.syndication.entry import Part, Person, Player, SentEntry
from services.ingest.adapters.readers.syndication.titles import headline_of
from services.ingest.adapters.readers.values import text_of, whole_number
from services.ingest.domain.pointers import pointer

_SEPARATORS = re.compile(r"\s+(?:[-|\u2013\u2014\u00b7\u2022\u00bb:]|::)\s+|\s*\|\s*")
_CUT = re.compile(r"\s*(?:…|\.\.\.)$")
_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")
_USED = frozenset(
    {
        *("@type", "@id", "@context", "headline", "name", "description", "datePublished", "dateModified", "expires"),
        *("author", "creator", "articleSection", "keywords", "about", "inLanguage", "image", "thumbnailUrl", "video"),
        *("audio", "url", "mainEntityOfPage", "articleBody", "isAccessibleForFree", "creativeWorkStatus", "correction"),
        *("copyrightHolder", "copyrightNotice", "license", "dateline", "publisher", "hasPart"),
        *("requiresSubscription", "conditionsOfAccess"),
    }
)
_MAX_VALUES = 100


def entry_of(page: Page, node: Node, graph: Graph) -> SentEntry:
    """Return the entry of a page; `node.data` is empty if only the page's metadata describes the article."""
    entry = SentEntry(node.where or "/html")
    data, where = node.data, node.where
    _read_address(entry, page, node)
    _read_title(entry, page, node, graph)
    for name, parts in (
        ("datePublished", entry.published),
        ("dateModified", entry.updated),
        ("expires", entry.expires),
    ):
        parts += [Part(text[:200], where + pointer(name)) for text in _texts(data.get(name))[:2]]
    for names, parts in (
        (("article:published_time", "og:article:published_time", "parsely-pub-date"), entry.published),
        (("article:modified_time", "og:article:modified_time", "og:updated_time"), entry.updated),
        (("article:expiration_time",), entry.expires),
    ):
        if not parts and (found := page.first_meta(*names)):
            parts.append(found)
    for name in data:
        if "embargo" in name.lower():
            entry.embargo += [Part(text[:200], where + pointer(name)) for text in _texts(data[name])]
    entry.people = [*_people(data, where, graph)] or [*_people_in_head(page)]
    _read_subjects(entry, page, node, graph)
    entry.language = _language(page, node)
    _read_pictures(entry, page, node, graph)
    entry.state = find_restriction(page, node, graph)
    _read_rights(entry, node, graph)
    for name, value in data.items():
        if name not in _USED and value not in (None, "", [], {}) and "embargo" not in name.lower():
            entry.drop(where + pointer(name), "is not used")
    return entry


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for each in values[:_MAX_VALUES] if (text := text_of(each))]


def _objects(value: object, graph: Graph) -> Iterator[object]:
    """Yield each value of a property: of a list, of JSON-LD's `@list`, and of a reference."""
    if isinstance(value, dict) and isinstance(value.get("@list"), list):
        value = value["@list"]
    for each in (value if isinstance(value, list) else [value])[:_MAX_VALUES]:
        yield graph.resolve(each)


def _read_address(entry: SentEntry, page: Page, node: Node) -> None:
    """Read the canonical link, otherwise the address in the data. A canonical link to a home page is an error."""
    given: list[Part] = []
    for name in ("url", "mainEntityOfPage", "@id"):
        value = node.data.get(name)
        text = text_of(value.get("@id") or value.get("url")) if isinstance(value, dict) else text_of(value)
        address = address_of((text or "").partition("#")[0], page.base)
        if is_web_address(address):
            given.append(Part(address, node.where + pointer(name)))
    given += [Part(address_of(each.value, page.base), each.where) for each in page.meta.get("og:url", ())[:1]]
    addresses = [page.canonical] if page.canonical else []
    addresses += [each for each in given if is_web_address(each.value)]
    deep = next((each for each in addresses if _is_deep(each.value)), None)
    if deep is not None and deep is not addresses[0]:
        entry.warnings.append("the canonical link names a home page; the address of the article is used")
    if chosen := deep or next(iter(addresses), None):
        entry.links = [chosen]
        entry.confirmed += [each.where for each in given if same_address(each.value) == same_address(chosen.value)]


def _is_deep(address: str) -> bool:
    return "/" in same_address(address) or "?" in address


def _read_title(entry: SentEntry, page: Page, node: Node, graph: Graph) -> None:
    """Read the headline without the site's name; a headline that was cut is completed from the page's title."""
    sites = _site_names(page, node, graph)
    title = next(
        (
            Part(text, node.where + pointer(name))
            for name in ("headline", "name")
            for text in _texts(node.data.get(name))
        ),
        None,
    )
    others = [*page.meta.get("og:title", ())[:1], *page.meta.get("twitter:title", ())[:1]]
    others += [page.title] if page.title else []
    for other in [title, *others]:
        if other is None or not (line := without_site(headline_of(other.value), sites)):
            continue
        if entry.title is None:
            entry.title = Part(line, other.where)
        elif _CUT.search(entry.title.value) and line.startswith(_CUT.sub("", entry.title.value)):
            entry.title = Part(line, other.where)
            break


def _site_names(page: Page, node: Node, graph: Graph) -> frozenset[str]:
    names = [each.value for each in page.meta.get("og:site_name", ())]
    names += [each.value for each in page.meta.get("application-name", ())]
    for publisher in _objects(node.data.get("publisher"), graph):
        names += _texts(publisher.get("name")) if isinstance(publisher, dict) else _texts(publisher)
    for each in graph.nodes:
        if each.data.get("@type") in ("WebSite", "NewsMediaOrganization", "Organization"):
            names += _texts(each.data.get("name"))
    return frozenset(headline_of(name).casefold() for name in names[:_MAX_VALUES])


def without_site(title: str, sites: frozenset[str]) -> str:
    """Return a title without the site's name before or after it."""
    parts = [(found.start(), found.end()) for found in _SEPARATORS.finditer(title[:500])]
    for start, end in (*reversed(parts), *parts[:1]):
        if title[end:].casefold().strip() in sites:
            return without_site(title[:start].strip(), sites)
        if title[:start].casefold().strip() in sites:
            return title[end:].strip()
    return title


def _people(data: dict[str, Any], where: str, graph: Graph) -> Iterator[Person]:
    for name in ("author", "creator"):
        value = data.get(name)
        for index, each in enumerate(_objects(value, graph)):
            here = where + (pointer(name, index) if isinstance(value, list) else pointer(name))
            if isinstance(each, dict):
                uri = next(
                    (
                        text
                        for key in ("url", "@id", "sameAs")
                        for text in _texts(each.get(key))
                        if is_web_address(text)
                    ),
                    None,
                )
                yield from (Person(text, here, uri[:500] if uri else None) for text in _texts(each.get("name")))
            else:
                yield from (Person(text, here) for text in _texts(each))
        if value:
            return


def _people_in_head(page: Page) -> Iterator[Person]:
    for name in ("author", "article:author", "og:article:author", "dc.creator", "parsely-author", "byl"):
        found = [each for each in page.meta.get(name, ()) if not is_web_address(each.value)]
        if found:
            yield from (Person(each.value, each.where) for each in found[:_MAX_VALUES])
            return


def _read_subjects(entry: SentEntry, page: Page, node: Node, graph: Graph) -> None:
    data, where = node.data, node.where
    entry.categories = [Part(text, where + "/articleSection") for text in _texts(data.get("articleSection"))]
    entry.categories = entry.categories or list(
        next((page.meta[name] for name in ("article:section", "og:article:section") if name in page.meta), ())
    )
    for each in _objects(data.get("about"), graph):
        texts = _texts(each.get("name")) if isinstance(each, dict) else _texts(each)
        entry.keywords += [Part(text.replace(",", " "), where + "/about") for text in texts]
    words = data.get("keywords")
    if found := _texts(words):
        entry.keywords += [Part(text, where + "/keywords") for text in found]
    else:
        tags = next((page.meta[name] for name in ("article:tag", "news_keywords", "keywords") if name in page.meta), [])
        entry.keywords += tags[:_MAX_VALUES]


def _language(page: Page, node: Node) -> Part | None:
    value = node.data.get("inLanguage")
    if isinstance(value, dict):
        value = value.get("alternateName") or value.get("name")
    given = [Part(text, node.where + "/inLanguage") for text in _texts(value)]
    given += [page.language] if page.language else []
    given += page.meta.get("og:locale", [])[:1]
    return next((each for each in given if _LANGUAGE.match(each.value[:35])), None)


def _read_pictures(entry: SentEntry, page: Page, node: Node, graph: Graph) -> None:
    """Read the lead picture; several objects are usually the sizes of one picture."""
    files: list[PictureFile] = []
    caption = credit = None
    where = node.where + "/image"
    for index, each in enumerate(_objects(node.data.get("image"), graph)):
        here = f"{where}/{index}" if isinstance(node.data.get("image"), list) else where
        item = each if isinstance(each, dict) else {"url": each}
        address = address_of(next(iter(_texts(item.get("url")) or _texts(item.get("contentUrl"))), ""), page.base)
        if is_web_address(address):
            files.append(PictureFile(here, address, whole_number(_number(item.get("width"))) or 0))
        caption = caption or next(iter(_texts(item.get("caption"))), None)
        credit = credit or next(iter(_texts(item.get("creditText"))), None)
    if not files and (found := page.first_meta("og:image")):
        files, where = [PictureFile(found.where, address_of(found.value, page.base))], found.where
    alt = page.first_meta("og:image:alt")
    if files or caption:
        entry.pictures = [
            SentPicture(
                where,
                files,
                headline_of(caption) if caption else None,
                headline_of(credit) if credit else None,
                headline_of(alt.value) if alt else None,
            )
        ]
    for name in ("video", "audio"):
        for each in _objects(node.data.get(name), graph):
            if isinstance(each, dict):
                address = next((text for key in ("embedUrl", "contentUrl") for text in _texts(each.get(key))), "")
                title = next(iter(_texts(each.get("name"))), None)
                if address:
                    entry.players.append(
                        Player(
                            address_of(address, page.base),
                            "audio" if name == "audio" else "video",
                            node.where + pointer(name),
                            title,
                        )
                    )


def _number(value: object) -> object:
    if isinstance(value, dict):
        value = value.get("value") or value.get("@value")
    return value.removesuffix("px").strip() if isinstance(value, str) else value


def _read_rights(entry: SentEntry, node: Node, graph: Graph) -> None:
    data, where = node.data, node.where
    for name in ("copyrightNotice",):
        entry.rights = next((Part(text, where + pointer(name)) for text in _texts(data.get(name))), None)
    for each in _objects(data.get("copyrightHolder"), graph):
        texts = _texts(each.get("name")) if isinstance(each, dict) else _texts(each)
        entry.holder = entry.holder or next((Part(text, where + "/copyrightHolder") for text in texts), None)
    entry.usage_terms = next((Part(text, where + "/license") for text in _texts(data.get("license"))), None)
    entry.dateline = next((Part(text, where + "/dateline") for text in _texts(data.get("dateline"))), None)
    for each in _objects(data.get("correction"), graph):
        texts = _texts(each.get("text")) if isinstance(each, dict) else _texts(each)
        if texts and not is_web_address(texts[0]):
            entry.correction = entry.correction or Part(headline_of(texts[0]), where + "/correction")

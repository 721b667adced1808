"""An HTML page: its head, its metadata and its tree, within bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree
from lxml import html as lxml_html

from services.ingest.adapters.readers.addresses import address_of, is_web_address
from services.ingest.adapters.readers.syndication.entry import Part
from services.ingest.domain.refusal import Fault, RefusedError, unacceptable
from services.ingest.ports import Document
from shared.model.text import collapsed

MAX_PAGE_CHARS = 2_000_000
MAX_TAGS = 20_000
_MAX_META, _MAX_VALUES = 1_000, 100
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(slots=True)
class Page:
    """A parsed page. `meta` holds the first 100 values of each name or property, in lower case."""

    root: lxml_html.HtmlElement
    meta: dict[str, list[Part]] = field(default_factory=dict)
    canonical: Part | None = None
    base: str = ""
    language: Part | None = None
    title: Part | None = None

    def first_meta(self, *names: str) -> Part | None:
        """Return the first value of the first name that has one."""
        return next((self.meta[name][0] for name in names if self.meta.get(name)), None)


def parse_page(document: Document) -> Page:
    """Return the page.

    Raises:
        RefusedError: 413 too large, 422 not HTML.
    """
    text = document.text
    tags = text.count("<")
    if len(text) > MAX_PAGE_CHARS or tags > MAX_TAGS:
        detail = (
            f"the page has {len(text)} characters and {tags} tags; a page has at most {MAX_PAGE_CHARS} and {MAX_TAGS}"
        )
        raise RefusedError(413, detail)
    raw = _CONTROLS.sub("", text).encode("utf-8", "replace")
    try:
        root = lxml_html.document_fromstring(raw, parser=lxml_html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise unacceptable([Fault("", "is not an HTML page")]) from error
    return _read_head(Page(root))


def _read_head(page: Page) -> Page:
    _read_metadata(page)
    page.base = next((each.get("href") or "" for each in page.root.iter("base")), "").strip()
    links = (each for each in page.root.iter("link") if "canonical" in (each.get("rel") or "").lower().split())
    addresses = (address_of(each.get("href") or "", page.base) for each in links)
    if address := next((each for each in addresses if is_web_address(each)), None):
        page.canonical = Part(address, "/html/head/link[@rel='canonical']")
    language = page.root.get("lang") or page.root.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    if language.strip():
        page.language = Part(language.strip(), "/html/@lang")
    title = next((collapsed(each.text_content()).strip() for each in page.root.iter("title")), "")
    if title:
        page.title = Part(title[:2_000], "/html/head/title")
    if not is_web_address(page.base):
        page.base = page.canonical.value if page.canonical else ""
    return page


def _read_metadata(page: Page) -> None:
    for element in islice(page.root.iter("meta"), _MAX_META):
        content = (element.get("content") or "").strip()
        name = (element.get("property") or element.get("name") or element.get("itemprop") or "").strip().lower()
        values = page.meta.setdefault(name, []) if name and content else []
        if content and len(values) < _MAX_VALUES:
            values.append(Part(content[:5_000], f"/html/head/meta[@property='{name[:60]}']"))

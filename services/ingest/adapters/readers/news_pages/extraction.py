"""Extracts the article's text from a page, without navigation, newsletter boxes, other stories and cookie banners.

The text is in the element that the page marks as `articleBody`. Otherwise readability (Arc90's scoring) finds it.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree
from lxml import html as lxml_html

from services.ingest.adapters.readers.news_pages.page import Page
from services.ingest.adapters.readers.syndication.links import is_web_address, resolved
from shared.model.text import collapsed

_MAX_ELEMENTS, _MAX_TEXT_CHARS, _MAX_DEPTH = 15_000, 600_000, 150
_MIN_MARKED_WORDS = 40
_REMOVED = (
    *("script", "style", "noscript", "template", "link", "meta", "svg", "canvas", "dialog", "nav", "form", "button"),
    *("input", "select", "textarea", "label", "fieldset"),
)
_BOX_WORDS = re.compile(
    r"(?:^|[\s_-])(?:news-?letters?|subscri(?:be|ption)|sign-?up|cookies?|consent|gdpr|share|sharing|social|related"
    r"|more-?(?:stories|on|from|news)|read-?(?:more|next|also)|recirc\w*|recommend\w*|outbrain|taboola|promos?|advert\w*"
    r"|ads?|ad-?(?:slot|unit|container)|sponsor\w*|pay-?wall|comments?|disqus|breadcrumbs?|tags?|toolbar|print|popup"
    r"|most-?(?:read|popular)|trending|author-?(?:bio|box|card)|byline|dateline|hidden|visually-?hidden|sr-only"
    r"|screen-?reader-?text|off-?screen|story-?footer)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BOX_HEADINGS = re.compile(
    r"^(?:related(?: (?:articles|stories|topics|content))?|more (?:stories|news|on this story|from .{1,40})|read (?:more|next"
    r"|also)|see also|you may also like|recommended(?: for you)?|most read|around the bbc|lire aussi|à lire aussi"
    r"|mehr zum thema|lesen sie auch|lee también|leggi anche|share this (?:story|article)|about sharing)\s*:?$",
    re.IGNORECASE,
)
_LONG_BOX_CHARS = 2_500  # a longer element is the text itself, whatever its class says
_KEPT_ATTRIBUTES = frozenset(
    {
        *("href", "src", "alt", "class", "id", "title", "lang", "dir", "colspan", "rowspan", "cite", "datetime"),
        "data-src",
    }
)
_MAX_ATTRIBUTE_CHARS = 2_000
_EMPTY_BLOCKS = frozenset({"div", "section", "ul", "ol", "table", "p", "span", "aside", "header", "footer", "article"})
_SOCIAL_QUOTES = frozenset(
    {"twitter-tweet", "twitter-video", "instagram-media", "tiktok-embed", "fb-post", "reddit-card"}
)
_PLAYER_SIGN = "\ue000"
_PLAYER = re.compile(f"{_PLAYER_SIGN}(\\d{{1,3}}){_PLAYER_SIGN}")
_MAX_PLAYERS = 100
_NOT_PLAYERS = ("googletagmanager.", "doubleclick.", "amazon-adsystem.", "googlesyndication.", "/recaptcha/")


@dataclass(frozen=True, slots=True)
class Extract:
    """The text's HTML, its plain text, and the name of the rule that found it."""

    markup: str
    text: str
    rule: str


def extract(page: Page, headline: str, names: Sequence[str]) -> Extract | None:
    """Return the article's text, or None if the page is too large to search or has no text.

    `headline` and `names` of authors are removed where they stand above the text.
    """
    body = next(page.root.iter("body"), None)
    if body is None:
        return None
    root = copy.deepcopy(body)
    marked = _marked(root)
    source, rule = (marked, "the element that the page marks as articleBody") if marked is not None else (root, "")
    if not _prune(source, page.base):
        return None
    players = _set_players_aside(source)
    if rule:
        _remove_boxes(source)
        found = source
    else:
        _remove_boxes(source)
        if not _is_small(source):
            return None
        found = _by_readability(source)
        rule = "the part of the page with most text"
    if found is None:
        return None
    _remove_boxes(found)
    _remove_head_lines(found, headline, names)
    _put_players_back(found, players)
    _remove_empty(found)
    text = collapsed("".join(found.itertext())).strip()
    markup = _inner_html(found)
    return Extract(markup, text, rule) if text or players else None


def _marked(root: etree._Element) -> etree._Element | None:
    """Return the innermost single element that is marked as the article's text."""
    found = root.xpath(".//*[@itemprop='articleBody' or @property='articleBody' or @property='schema:articleBody']")
    texts = [each for each in found if each.tag not in ("meta", "script", "p", "span")]
    if len(texts) != 1 or len("".join(texts[0].itertext()).split()) < _MIN_MARKED_WORDS:
        return None
    return texts[0]


def _prune(root: etree._Element, base: str) -> bool:
    """Remove elements that are never text, comments and attributes; return False if the rest is too deep."""
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element.tag in _REMOVED or _is_hidden(element):
            if element is not root:
                _remove(element)
            continue
        source = element.get("src") or ""
        if element.tag == "img" and (not source or source.startswith("data:")):
            element.set("src", element.get("data-src") or element.get("data-original") or "")
        for name, value in list(element.attrib.items()):
            if name not in _KEPT_ATTRIBUTES or len(value) > _MAX_ATTRIBUTE_CHARS:
                del element.attrib[name]
            elif name in ("href", "src", "cite") and not value.startswith("#"):
                element.set(name, resolved(value.strip(), base))
    return _depth(root) <= _MAX_DEPTH


def _is_hidden(element: etree._Element) -> bool:
    style = (element.get("style") or "")[:200].replace(" ", "").lower()
    return element.get("hidden") is not None or "display:none" in style or "visibility:hidden" in style


def _depth(root: etree._Element) -> int:
    deepest = depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _is_small(root: etree._Element) -> bool:
    """Remove empty blocks, and return whether the rest can be searched in well under a second."""
    _remove_empty(root)
    count = sum(1 for _ in root.iter())
    return count <= _MAX_ELEMENTS and sum(len(each) for each in root.itertext()) <= _MAX_TEXT_CHARS


def _remove_boxes(root: etree._Element) -> None:
    """Remove boxes by their class or id, and lists of links under headings such as `More stories`."""
    for element in list(root.iter("div", "section", "aside", "ul", "ol", "p", "footer", "header", "span", "figure")):
        names = f"{element.get('class') or ''} {element.get('id') or ''}"[:500]
        if element is not root and element.getparent() is not None and _BOX_WORDS.search(names) and _is_box(element):
            _remove(element)
    for heading in list(root.iter("h1", "h2", "h3", "h4", "h5", "h6", "p", "strong")):
        if heading.getparent() is None or not _BOX_HEADINGS.match(_line(heading)):
            continue
        following = heading.getnext()
        if following is not None and _is_list_of_links(following):
            _remove(following)
            _remove(heading)
        elif heading.tag != "strong":
            _remove(heading)


def _is_box(element: etree._Element) -> bool:
    """Return whether an element is short enough for a box; a figure is one only if it has no picture."""
    if _PLAYER_SIGN in "".join(element.itertext()) or element.tag == "figure":
        return False
    return len(_line(element)) <= _LONG_BOX_CHARS


def _is_list_of_links(element: etree._Element) -> bool:
    text = len(_line(element))
    linked = sum(len(_line(each)) for each in element.iter("a"))
    return text > 0 and linked / text > 0.7  # noqa: PLR2004 -- nearly all of its text


def _set_players_aside(root: etree._Element) -> list[etree._Element]:
    """Replace players and quoted posts by signs, because the search for the text would drop them."""
    for element in root.iter(etree.Element):
        for attribute in ("text", "tail"):
            value = getattr(element, attribute)
            if value and _PLAYER_SIGN in value:
                setattr(element, attribute, value.replace(_PLAYER_SIGN, ""))
    players: list[etree._Element] = []
    for element in list(root.iter("iframe", "video", "audio", "embed", "object", "blockquote")):
        if element is root or element.getparent() is None or root not in element.iterancestors():
            continue
        if element.tag == "blockquote" and _SOCIAL_QUOTES.isdisjoint((element.get("class") or "").split()):
            continue
        if element.tag == "iframe" and not _is_player(element):
            _remove(element)
        elif len(players) < _MAX_PLAYERS:
            sign = etree.Element("p")
            sign.text, sign.tail = f"{_PLAYER_SIGN}{len(players)}{_PLAYER_SIGN}", element.tail
            element.getparent().replace(element, sign)
            element.tail = None
            players.append(element)
    return players


def _is_player(frame: etree._Element) -> bool:
    source = frame.get("src") or frame.get("data-src") or ""
    return is_web_address(source) and not any(word in source for word in _NOT_PLAYERS)


def _put_players_back(root: etree._Element, players: Sequence[etree._Element]) -> None:
    for element in list(root.iter(etree.Element)):
        for attribute in ("text", "tail"):
            value = getattr(element, attribute)
            while value and (found := _PLAYER.search(value)):
                player = players[int(found[1])] if int(found[1]) < len(players) else None
                before, after = value[: found.start()], value[found.end() :]
                if player is None or player.getparent() is not None:
                    value = before + after
                    setattr(element, attribute, value)
                    continue
                player.tail = after
                setattr(element, attribute, before)
                if attribute == "text":
                    element.insert(0, player)
                elif element.getparent() is not None:
                    element.addnext(player)
                    player.tail = after
                break


def _by_readability(root: etree._Element) -> etree._Element | None:
    """Return the part of the page with most text. The library is imported here: most workers never need it."""
    from readability import Document  # noqa: PLC0415
    from readability.readability import Unparseable  # noqa: PLC0415

    logging.getLogger("readability").setLevel(logging.CRITICAL)

    class _Search(Document):  # type: ignore[misc]  # the library has no types
        def get_clean_html(self) -> str:
            """Return the text's HTML; the library's own cleaning takes quadratic time, and ours follows."""
            return str(etree.tostring(self.html, method="html", encoding="unicode"))

    page = lxml_html.Element("html")
    page.append(root)
    try:
        markup = _Search(etree.tostring(page, method="html", encoding="unicode")).summary(
            html_partial=True, keep_all_images=True
        )
        return lxml_html.fragment_fromstring(markup, create_parent="div")
    except (Unparseable, etree.ParserError, ValueError):
        return None


def _remove_head_lines(root: etree._Element, headline: str, names: Sequence[str]) -> None:
    """Remove the headline, and the lines above the text that repeat an author's name or a date."""
    wanted = _words(headline)
    for element in list(root.iter("h1", "h2")):
        if element.tag == "h1" or (wanted and _words(_line(element)) == wanted):
            _remove(element)
    known = {_words(name) for name in names}
    for element in list(_first_blocks(root)):
        line = _line(element)
        words = _words(re.sub(r"^(?:by|von|par|por|di)\s+", "", line, flags=re.IGNORECASE))
        is_date = len(element) == 1 and element[0].tag == "time" and _line(element[0]) == line
        if line and _PLAYER_SIGN not in line and (words in known or is_date or element.tag == "time"):
            _remove(element)


def _first_blocks(root: etree._Element, count: int = 6) -> Iterator[etree._Element]:
    for element in root.iter("p", "div", "span", "time", "address"):
        if count and not any(isinstance(each.tag, str) and each.tag in ("p", "div") for each in element):
            count -= 1
            yield element


def _remove_empty(root: etree._Element) -> None:
    for element in reversed(list(root.iter(*_EMPTY_BLOCKS))):
        is_empty = not len(element) and not (element.text or "").strip()
        if element is not root and element.getparent() is not None and is_empty:
            _remove(element)


def _remove(element: etree._Element) -> None:
    """Remove an element; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        return
    previous, tail = element.getprevious(), element.tail or ""
    if previous is not None:
        previous.tail = (previous.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def _line(element: etree._Element) -> str:
    return collapsed("".join(element.itertext())).strip()


def _words(text: str) -> str:
    return "".join(each for each in text.casefold() if each.isalnum())


def _inner_html(root: etree._Element) -> str:
    html = etree.tostring(root, method="html", encoding="unicode", with_tail=False)
    return html.partition(">")[2].rpartition("<")[0].strip()

"""Prepares the HTML of a feed's entry: absolute links, without counters, share buttons and notes of feed software."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from services.ingest.adapters.readers.addresses import host_of, resolved
from services.ingest.adapters.readers.elements import remove
from services.ingest.adapters.readers.trees import inner_html, line_in_tree, parsed_fragment, text_in_tree
from services.ingest.domain import prose
from shared.model.text import collapsed

_ADDRESSES = ("href", "src", "poster", "cite", "data-src")
_BUTTON_CLASSES = frozenset({"feedflare", "wp-block-jetpack-sharing", "sharedaddy", "addtoany_share_save_container"})
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_PICTURE_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)(?:$|[?#])", re.IGNORECASE)
_NOTE_START = "The post "
_NOTE_WORDS = ("appeared first on", "first appeared on")
_MAX_NOTE_CHARS = 1_000
_PLAYERS = frozenset({"iframe", "video", "audio", "embed", "object"})

_PIXELS = frozenset({"0", "1", "0px", "1px"})
_ESCAPED_TAG = re.compile(r"^\s*&lt;(?:p|div|h[1-6]|ul|ol|table|figure|blockquote|br|img|a|strong|em)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body:
    """Prepared markup, its plain text, its numbers of pictures and players, and the reasons for parts left out."""

    markup: str
    text: str
    pictures: int = 0
    players: int = 0
    left_out: tuple[str, ...] = ()
    is_html: bool = True

    @property
    def words(self) -> int:
        """Return the number of words."""
        return len(self.text.split())


def decoded_markup(text: str) -> tuple[str, bool]:
    """Return the text with its tags, and whether it was escaped once too often."""
    if not prose.has_tags(text) and _ESCAPED_TAG.match(text):
        return prose.unescaped(text), True
    return text, False


def prepared(markup: str, base: str, home: str = "") -> Body:
    """Return the body with absolute links; `home` is the entry's own address.

    Markup that is hostile to parsers is returned unchanged; the builder refuses it.
    """
    clean = prose.without_controls(markup)
    if not prose.has_tags(clean):
        return Body(markup, collapsed(prose.unescaped(clean)).strip())
    root = parsed_fragment(clean)
    if root is None:
        return Body(markup, collapsed(prose.unescaped(clean)).strip())
    left_out = tuple(dict.fromkeys(_clean(root, base, home)))
    # a no-break space alone is white space, so that an empty paragraph is no text
    text = collapsed(" ".join(_texts(root))).strip()
    return Body(inner_html(root), text, _count(root, frozenset({"img"})), _count(root, _PLAYERS), left_out)


def without_software_note(text: str) -> str:
    """Return the text without the note at its end that WordPress adds: `The post X appeared first on Y.`."""
    start = text.rfind(_NOTE_START)
    note = text[start:] if start >= 0 else ""
    if note and len(note) <= _MAX_NOTE_CHARS and any(words in note for words in _NOTE_WORDS):
        return text[:start].rstrip()
    return text


def _texts(root: etree._Element) -> Iterator[str]:
    for element in root.iter():
        is_text = isinstance(element.tag, str) and element.tag not in ("script", "style", "iframe")
        if is_text and element.text:
            yield element.text
        if element.tail and element is not root:
            yield element.tail


def _count(root: etree._Element, names: frozenset[str]) -> int:
    return sum(1 for each in root.iter() if each.tag in names)


def _clean(root: etree._Element, base: str, home: str) -> Iterator[str]:
    """Change the tree, and yield the reason for each removed part."""
    for element in list(root.iter(etree.Element)):
        for name in _ADDRESSES:
            value = element.get(name)
            if value and not value.startswith("#"):
                element.set(name, resolved(value.strip(), base))
        if element.tag == "img" and _is_counter(element):
            remove(element)
            yield "an invisible picture counts readers"
        elif not _BUTTON_CLASSES.isdisjoint((element.get("class") or "").split()):
            remove(element)
            yield "buttons of feed software are no text"
    for link in list(root.iter("a")):
        if _is_button(link, home):
            remove(link)
            yield "a link to another site that shows only a picture is a button or an advertisement"
    last = _last_block(root)
    note = line_in_tree(last) if last is not None else ""
    if last is not None and note and not without_software_note(note):
        remove(last)
        yield "the note of the sender's software about the first publication is no text"


def _is_counter(picture: etree._Element) -> bool:
    if picture.get("width") in _PIXELS or picture.get("height") in _PIXELS:
        return True
    return _HIDDEN.search(picture.get("style") or "") is not None


def _is_button(link: etree._Element, home: str) -> bool:
    """Return whether a link shows nothing or only pictures, and goes to another site than the entry."""
    address = link.get("href") or ""
    if text_in_tree(link).strip() or not host_of(address) or _PICTURE_FILE.search(address):
        return False
    if not any(True for _ in link.iter("img")):
        return len(link) == 0
    return bool(home) and host_of(address) != host_of(home)


def _last_block(root: etree._Element) -> etree._Element | None:
    last = root[-1] if len(root) else None
    return last if last is not None and isinstance(last.tag, str) else None

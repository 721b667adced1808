"""Removes the boxes of a page that are no part of the article's text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from services.ingest.adapters.readers.elements import remove
from services.ingest.adapters.readers.news_pages.players import PLAYER_SIGN
from services.ingest.adapters.readers.trees import letters_of, line_in_tree, text_in_tree

_BOX_WORDS = re.compile(
    r"(?:^|[\s_-])(?:news-?letters?|subscri(?:be|ption)|sign-?up|cookies?|consent|gdpr|share|sharing|social|related"
    r"|more-?(?:stories|on|from|news)|read-?(?:more|next|also)|recirc\w*|recommend\w*|outbrain|taboola|promos?|advert\w*"
    r"|ads?|ad-?(?:slot|unit|container)|sponsor\w*|pay-?wall|comments?|disqus|breadcrumbs?|tags?|toolbar|print|popup"
    r"|most-?(?:read|popular)|trending|author-?(?:bio|box|card)|byline|dateline|hidden|visually-?hidden|sr-only"
    r"|screen-?reader-?text|off-?screen|story-?footer)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BOX_HEADINGS = re.compile(
    r"^(?:related(?: (?:articles|stories|topics|content))?|more (?:stories|news|on this story|from .{1,40})"
    r"|read (?:more|next|also)|see also|you may also like|recommended(?: for you)?|most read|around the bbc"
    r"|lire aussi|à lire aussi|mehr zum thema|lesen sie auch|lee también|leggi anche|share this (?:story|article)"
    r"|about sharing)\s*:?$",
    re.IGNORECASE,
)
_LABELS = frozenset({"advertisement", "anzeige", "publicité", "publicidad", "pubblicità", "werbung", "advertisment"})
_LONG_BOX_CHARS = 2_500  # a longer element is the text itself, whatever its class says
_MAX_LABEL_CHARS = 60
_EMPTY_BLOCKS = ("div", "section", "ul", "ol", "table", "p", "span", "aside", "header", "footer", "article")
_BY = re.compile(r"^(?:by|von|par|por|di)\s+", re.IGNORECASE)


def remove_boxes(root: etree._Element) -> None:
    """Remove boxes by their class or id, and lists of links under headings such as `More stories`."""
    for element in list(root.iter("div", "section", "aside", "ul", "ol", "p", "footer", "header", "span")):
        names = f"{element.get('class') or ''} {element.get('id') or ''}"[:500]
        if element is root or element.getparent() is None:
            continue
        if _BOX_WORDS.search(names) and _is_box(element):
            remove(element)
    for heading in list(root.iter("h1", "h2", "h3", "h4", "h5", "h6", "p", "strong", "div", "span")):
        is_line = len(heading) <= 2 and len(heading.text or "") <= 2 * _MAX_LABEL_CHARS  # noqa: PLR2004 -- with its link
        if heading is root or heading.getparent() is None or not is_line:
            continue
        line = line_in_tree(heading)
        if len(line) > _MAX_LABEL_CHARS:
            continue
        if line.casefold() in _LABELS:
            remove(heading)
        elif _BOX_HEADINGS.match(line):
            _remove_list_under(heading)


def _remove_list_under(heading: etree._Element) -> None:
    following = heading.getnext()
    if following is not None and isinstance(following.tag, str) and _is_list_of_links(following):
        remove(following)
        remove(heading)
    elif heading.tag not in ("strong", "span"):
        remove(heading)


def _is_box(element: etree._Element) -> bool:
    """Return whether an element is short enough for a box, and has no player."""
    text = text_in_tree(element)
    return (
        PLAYER_SIGN not in text and len(text) <= 2 * _LONG_BOX_CHARS and len(line_in_tree(element)) <= _LONG_BOX_CHARS
    )


def _is_list_of_links(element: etree._Element) -> bool:
    text = len(line_in_tree(element))
    linked = sum(len(line_in_tree(each)) for each in element.iter("a"))
    return text > 0 and linked / text > 0.7  # noqa: PLR2004 -- nearly all of its text


def remove_head_lines(root: etree._Element, headline: str, names: Sequence[str]) -> None:
    """Remove the headline, and the lines above the text that repeat an author's name or a date."""
    wanted = letters_of(headline)
    for element in list(root.iter("h1", "h2")):
        if element.tag == "h1" or (wanted and letters_of(line_in_tree(element)) == wanted):
            remove(element)
    known = {letters_of(name) for name in names}
    for element in _first_blocks(root):
        line = line_in_tree(element)
        is_date = len(element) == 1 and element[0].tag == "time" and line_in_tree(element[0]) == line
        is_name = letters_of(_BY.sub("", line)) in known
        if line and PLAYER_SIGN not in line and (is_name or is_date or element.tag == "time"):
            remove(element)


def _first_blocks(root: etree._Element, count: int = 6) -> list[etree._Element]:
    """Return the first innermost blocks."""
    found: list[etree._Element] = []
    for element in root.iter("p", "div", "span", "time", "address"):
        if len(found) == count:
            break
        if element is not root and not any(each.tag in ("p", "div") for each in element):
            found.append(element)
    return found


def remove_empty(root: etree._Element) -> None:
    """Remove the blocks without content, the inner ones first."""
    for element in reversed(list(root.iter(*_EMPTY_BLOCKS))):
        is_empty = not len(element) and not (element.text or "").strip()
        if is_empty and element is not root and element.getparent() is not None:
            remove(element)

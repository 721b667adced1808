"""What can be read off the text: its words, how long they take, and the line that stands for it elsewhere."""

from __future__ import annotations

import re

from services.enrich.domain import tree
from shared.article import SafeHtml

WORDS_PER_MINUTE = 230  # silent reading of English non-fiction: 238 (Brysbaert 2019, 190 studies); names slow it
MAX_DESCRIPTION_CHARS = 160
_SHORTEST_SENTENCE_CUT = 80

_BLOCKS = frozenset(("dd", "dt", "figcaption", "h2", "h3", "h4", "li", "p", "pre", "td", "th", "tr", "caption"))
_HEADINGS = frozenset(("h2", "h3", "h4"))

# Scripts that put no space between words, and how many of their characters take as long as an English word does:
# Chinese and Japanese are read at some 500 characters a minute; Thai, Lao, Khmer and Burmese words average five.
_IDEOGRAPHS = re.compile("[\u3005\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_IDEOGRAPHS_A_WORD = 2
_UNSPACED = re.compile("[\u0e01-\u0e4e\u0e81-\u0ecd\u1000-\u103f\u1780-\u17d3]")
_UNSPACED_A_WORD = 5
_SENTENCE_END = re.compile("(?<=[.!?\u061f\u0964])[\"'\u2019\u201d\u00bb)]*(?=\\s)|[\u3002\uff01\uff1f]")


def text_of(body: SafeHtml) -> str:
    """Return what a reader would hear: one block a paragraph, blank lines between, cells of a row apart by tabs."""
    return "\n\n".join(text for _, text in _blocks(body))


def word_count(text: str) -> int:
    """Return how many words a text has; in scripts without spaces, how many English words take as long to read."""
    rest, ideographs = _IDEOGRAPHS.subn(" ", text)
    rest, unspaced = _UNSPACED.subn(" ", rest)
    spaced = sum(word[0].isalnum() or any(letter.isalnum() for letter in word) for word in rest.split())
    return spaced + -(-ideographs // _IDEOGRAPHS_A_WORD) + -(-unspaced // _UNSPACED_A_WORD)


def reading_minutes(words: int) -> int:
    """Return how many minutes a text takes to read, at least one."""
    return max(1, round(words / WORDS_PER_MINUTE))


def description_of(standfirst: str | None, body: SafeHtml, headline: str) -> str:
    """Return what a search engine or a chat shows beneath the headline: at most 160 characters, cut between words.

    The standfirst, else the text's own beginning, else the headline.
    """
    if standfirst:
        return _cut(standfirst)
    paragraphs = [text for tag, text in _blocks(body) if tag not in _HEADINGS]
    return _cut(" ".join(" ".join(paragraphs[:3]).split())) or _cut(headline)


def _cut(text: str) -> str:
    if len(text) <= MAX_DESCRIPTION_CHARS:
        return text
    head = text[: MAX_DESCRIPTION_CHARS + 1]
    ends = [found.end() for found in _SENTENCE_END.finditer(head)]
    if ends and ends[-1] >= _SHORTEST_SENTENCE_CUT:
        return head[: ends[-1]].strip()
    head = head[:MAX_DESCRIPTION_CHARS]
    words, space, _ = head.rpartition(" ")
    is_cut_by_word = bool(space) and len(words) >= _SHORTEST_SENTENCE_CUT
    return (words if is_cut_by_word else head[:-1]).rstrip(" ,;:-\u2013\u2014(\"'\u201c\u2018") + "\u2026"


def _blocks(body: SafeHtml) -> list[tuple[str, str]]:
    """Return the innermost blocks of a body with their text; a table's row is one."""
    found: list[tuple[str, str]] = []
    for element in tree.parse(body).iter(*_BLOCKS):
        if element.tag == "tr":
            text = "\t".join(tree.text_of(cell) for cell in element)
        elif next(element.iterancestors("tr"), None) is not None or _holds_blocks(element):
            continue
        else:
            text = "\n".join(line.strip() for line in _lines_of(element))
        if text.strip():
            found.append((str(element.tag), text))
    return found


def _holds_blocks(element: tree.Element) -> bool:
    return any(inner.tag in _BLOCKS for inner in element.iterdescendants())


def _lines_of(element: tree.Element) -> list[str]:
    if element.tag == "pre":
        return tree.raw_text_of(element).split("\n")
    parts = [element.text or ""]
    for inner in element.iterdescendants():
        parts.append("\n" if inner.tag == "br" else inner.text or "")
        parts.append(inner.tail or "")
    return [" ".join(line.split()) for line in "".join(_collapsed(parts)).split("\n")]


def _collapsed(parts: list[str]) -> list[str]:
    """Return the parts with line feeds of the source as spaces; a line break's own stays."""
    return [part if part == "\n" else part.replace("\n", " ") for part in parts]

"""Derives the plain text, the word count, the reading time and the description from a body."""

from __future__ import annotations

import re

from services.enrich.domain import tree
from services.enrich.domain.numbers import numbers_of
from shared.model.article import SafeHtml
from shared.model.text import cluster_ends, collapsed, cut_text

WORDS_PER_MINUTE = 230  # English non-fiction, silently: 238 (Brysbaert 2019, 190 studies); names slow readers down
MAX_DESCRIPTION_CHARS = 160
_MIN_SENTENCE_CHARS = 80

_BLOCKS = frozenset(("dd", "dt", "figcaption", "h2", "h3", "h4", "li", "p", "pre", "td", "th", "tr", "caption"))
_CELLS = frozenset(("td", "th"))
_HEADINGS = frozenset(("h2", "h3", "h4"))

# Scripts without spaces between words, and the number of characters that take as long to read as an English word:
# readers of Chinese and Japanese read some 500 characters a minute; Thai, Lao, Khmer and Burmese words average five.
_IDEOGRAPHS = re.compile("[\u3005\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_IDEOGRAPHS_PER_WORD = 2
_UNSPACED = re.compile("[\u0e01-\u0e4e\u0e81-\u0ecd\u1000-\u103f\u1780-\u17d3]")
_UNSPACED_CHARS_PER_WORD = 5
_ITEM_NUMBER = re.compile(r"^-?[0-9]+\. ", re.MULTILINE)  # of a list item; not a word
_SENTENCE_END = re.compile("(?<=[.!?\u061f\u0964])[\"'\u2019\u201d\u00bb)]*(?=[ \t\n])|[\u3002\uff01\uff1f]")


def text_of(body: SafeHtml) -> str:
    """Return the body as plain text: blank lines between blocks, tabs between the cells of a row."""
    return "\n\n".join(text for _, text in _blocks(body))


def word_count(text: str) -> int:
    """Return the number of words; in scripts without spaces, the number of English words that take as long to read."""
    rest, ideographs = _IDEOGRAPHS.subn(" ", _ITEM_NUMBER.sub("", text))
    rest, unspaced = _UNSPACED.subn(" ", rest)
    spaced = sum(word[0].isalnum() or any(letter.isalnum() for letter in word) for word in rest.split())
    return spaced + -(-ideographs // _IDEOGRAPHS_PER_WORD) + -(-unspaced // _UNSPACED_CHARS_PER_WORD)


def reading_minutes(words: int) -> int:
    """Return the reading time in minutes, at least one."""
    return max(1, round(words / WORDS_PER_MINUTE))


def description_of(standfirst: str | None, body: SafeHtml, headline: str) -> str:
    """Return the description for search engines and link previews: at most 160 characters, cut between words.

    The source is the standfirst, else the beginning of the text, else the headline.
    """
    if standfirst:
        return _cut(standfirst)
    paragraphs = [text for is_heading, text in _blocks(body) if not is_heading]
    return _cut(collapsed(" ".join(paragraphs[:3])).strip()) or _cut(headline)


def _cut(text: str) -> str:
    if len(text) <= MAX_DESCRIPTION_CHARS:
        return text
    clusters = set(cluster_ends(text, MAX_DESCRIPTION_CHARS))
    ends = [found.end() for found in _SENTENCE_END.finditer(text[: MAX_DESCRIPTION_CHARS + 1])]
    ends = [end for end in ends if end >= _MIN_SENTENCE_CHARS and end in clusters]
    return text[: ends[-1]].strip() if ends else cut_text(text, MAX_DESCRIPTION_CHARS)


# Non-characters, which no body contains, separate the parts of a text while it is read.
_PART, _HEADING, _CELL, _PRE, _LINE, _NUMBER = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3", "\ufdd4", "\ufdd5"


def _blocks(body: SafeHtml) -> list[tuple[bool, str]]:
    """Return (is a sub-head, text) of each block in reading order; a table's row is one block.

    Items of an ordered list begin with their numbers.
    """
    root = tree.parse(body)
    numbers = {item: number for each in root.iter("ol") for item, number in numbers_of(each)}

    def mark_of(element: tree.Element, is_start: bool) -> str:  # noqa: FBT001 -- a Mark
        tag = str(element.tag)
        if tag == "br":
            return _LINE if is_start else ""
        if tag in _BLOCKS and tag not in _CELLS and next(element.iterancestors(*_CELLS), None) is not None:
            return " "
        if tag in _CELLS:
            return "" if is_start else _CELL
        if tag not in _BLOCKS:
            return tree.inline_mark(element, is_start)
        if not is_start:
            return _PART
        number = f"{numbers[element]}. {_NUMBER}" if element in numbers else ""
        kind = _HEADING if tag in _HEADINGS else _PRE if tag == "pre" else ""
        return f"{_PART}{number}{kind}"

    found: list[tuple[bool, str]] = []
    number = ""
    for part in "".join(tree.text_parts(root, mark_of)).split(_PART):
        before, is_numbered, rest = part.rpartition(_NUMBER)
        number = before if is_numbered else number
        text = _text_of_part(rest)
        if text.strip():
            found.append((_HEADING in rest, number + text))
            number = ""
    return found


def _text_of_part(part: str) -> str:
    if _PRE in part:
        return part.replace(_PRE, "").replace(_LINE, "\n")
    if _CELL in part:
        return "\t".join(collapsed(cell.replace(_LINE, " ")).strip() for cell in part.split(_CELL)[:-1])
    return "\n".join(collapsed(line).strip() for line in part.replace(_HEADING, "").split(_LINE))

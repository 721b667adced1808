"""Plain text: Unicode normal form, white space, invisible characters, and cuts at words and grapheme clusters."""

from __future__ import annotations

import unicodedata

import regex

_ORDINARY_SPACE = regex.compile("[ \t\r\n\f\v\u0085\u2028\u2029]+")
_VISIBLE = regex.compile(r"[[\p{L}\p{N}\p{P}\p{S}]--[\p{Default_Ignorable_Code_Point}\u2800]]", regex.V1)
_MARKUP_BEFORE_MARK = regex.compile(r"(?<=[<>=])(?=\p{M})", regex.V1)

# Khmer, Thai, Lao, Burmese and Tibetan text marks the ends of words with U+200B, so that lines can break there.
_UNSPACED = r"[\p{Khmer}\p{Thai}\p{Lao}\p{Myanmar}\p{Tibetan}]"
# U+2066 to U+2069 isolate a direction; a cut could take the end of one away, and the rest would read backwards.
_STRAY_SPACE = regex.compile(rf"[\uFEFF\u2060\u2066-\u2069]|(?<!{_UNSPACED})\u200B|\u200B(?!{_UNSPACED})")
# Arabic and Indic scripts choose the forms of letters by joiners; emoji sequences are joined by U+200D.
_JOINS = (
    r"[[\p{L}\p{M}\u064B-\u065F\u0670]--[\p{Latin}\p{Greek}\p{Cyrillic}\p{Armenian}\p{Georgian}\p{Han}\p{Hiragana}"
    r"\p{Katakana}\p{Hangul}\p{Bopomofo}]--[[\p{Inherited}\p{Common}]--[\u064B-\u065F\u0670]]]"
)
_EMOJI = r"[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0E\uFE0F]"
_STRAY_JOINER = regex.compile(
    rf"(?:(?<={_EMOJI})\u200D(?=\p{{Extended_Pictographic}})|(?<={_JOINS})\u200D|(?<=\p{{ccc=9}})\u200C"
    rf"|(?<={_JOINS})\u200C(?=[\p{{L}}\p{{M}}\p{{N}}]))(*SKIP)(*FAIL)|[\u200C\u200D]",
    regex.V1,
)
_STRAY_HYPHEN = regex.compile(r"(?<![\p{L}\p{M}\p{N}])\u00AD|\u00AD(?![\p{L}\p{M}\p{N}])")
_STRAY_SELECTOR = regex.compile(r"(?<!\S)[\uFE00-\uFE0F\U000E0100-\U000E01EF]+")
_STRAY_TAG = regex.compile(
    r"\U0001F3F4[\U000E0020-\U000E007E]+\U000E007F(*SKIP)(*FAIL)|[\U000E0000-\U000E007F]"  # a flag is a tag sequence
)

_CLUSTER = regex.compile(r"\X")
_WORD_BOUNDARY = regex.compile(r"\b", regex.WORD)  # UAX 29: in text without spaces, each ideograph is a word
_SPACES = frozenset(" \t\r\n\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u205f\u3000")
_NO_BREAK = frozenset("\u00a0\u2007\u202f")
_LOOK_AHEAD_CHARS = 64  # beyond the cut, so that its cluster is complete
_NEVER_LAST = " \t\r\n\u00a0\u202f\u3000,;:-\u2013\u2014([{\"'\u201c\u2018\u201e\u201a\u00ab\u2039\u00bf\u00a1"
_ELLIPSIS = "\u2026"


def collapsed(text: str) -> str:
    """Return the text with line ends, tabs and runs of ordinary spaces as one space; no-break spaces stay."""
    return str(_ORDINARY_SPACE.sub(" ", text))


def one_line(text: str) -> str:
    """Return the text in NFC on one line, without stray invisible characters; "" if no character is visible.

    Byte order marks and zero-width characters are removed unless a script or an emoji sequence needs them.
    """
    text = unicodedata.normalize("NFC", text)
    for stray in (_STRAY_SPACE, _STRAY_JOINER, _STRAY_HYPHEN, _STRAY_TAG, _STRAY_SELECTOR):
        text = str(stray.sub("", text))
    # NFC once more: a stray character may have separated a letter from its accent.
    text = unicodedata.normalize("NFC", collapsed(text)).strip()
    return text if is_visible(text) else ""


def is_visible(text: str) -> bool:
    """Tell whether the text has a visible character: a letter, digit, sign or punctuation mark."""
    return _VISIBLE.search(text) is not None


def composed_markup(markup: str) -> str:
    """Return the markup in NFC; a combining mark never joins a `<`, `>` or `=` before it."""
    if markup.isascii() or unicodedata.is_normalized("NFC", markup):
        return markup
    return "".join(unicodedata.normalize("NFC", part) for part in _MARKUP_BEFORE_MARK.split(markup))


def cut_text(text: str, max_chars: int) -> str:
    """Return at most `max_chars` of the text; a cut text ends with a whole word and an ellipsis.

    A cut never divides a grapheme cluster (UAX 29) and never falls on a no-break space. It prefers, in this order: a
    space in the second half, a word boundary (UAX 29), an earlier space, the end of a cluster.
    """
    if len(text) <= max_chars:
        return text
    room = max_chars - len(_ELLIPSIS)
    ends = cluster_ends(text, room)
    at_spaces = [end for end in ends if text[end] in _SPACES]
    end = (at_spaces or [0])[-1]
    if end < room // 2:
        boundaries = {found.start() for found in _WORD_BOUNDARY.finditer(text[: room + _LOOK_AHEAD_CHARS])}
        at_words = [end for end in ends if end in boundaries and _NO_BREAK.isdisjoint(text[end - 1 : end + 1])]
        end = next((each for each in reversed(at_words) if each >= room // 2), end) or (ends or [room])[-1]
    return text[:end].rstrip(_NEVER_LAST) + _ELLIPSIS


def cluster_ends(text: str, max_chars: int) -> list[int]:
    """Return the ends of the grapheme clusters within the first `max_chars`."""
    window = text[: max_chars + _LOOK_AHEAD_CHARS]
    return [found.end() for found in _CLUSTER.finditer(window) if found.end() <= max_chars]

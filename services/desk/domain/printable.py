"""Text of strangers on an operator's terminal: nothing of it may steer the terminal or hide."""

from __future__ import annotations

import unicodedata

_LAYOUT = {"\n", "\t"}


def printable(text: str) -> str:
    """Return the text with every control and invisible character (escape, bidi override, lone surrogate) spelt out."""
    return "".join(each if _is_harmless(each) else _spelt(each) for each in text)


def in_one_line(text: str, most: int) -> str:
    """Return the text as one line of at most so many characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _is_harmless(character: str) -> bool:
    return character in _LAYOUT or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _spelt(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode()

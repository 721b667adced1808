"""Untrusted text on an operator's terminal: control and invisible characters are escaped."""

from __future__ import annotations

import unicodedata

_LAYOUT = {"\n", "\t"}


def printable(text: str) -> str:
    """Return the text with each control and invisible character (bidi override, lone surrogate) as an escape."""
    return "".join(each if _is_harmless(each) else _escaped(each) for each in text)


def in_one_line(text: str, max_chars: int) -> str:
    """Return the text as one line of at most `max_chars` characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= max_chars else f"{line[: max_chars - 1]}…"


def _is_harmless(character: str) -> bool:
    return character in _LAYOUT or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode()

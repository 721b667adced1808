from __future__ import annotations

import pytest

from services.desk.domain.printable import in_one_line, printable


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "\x1b]0;owned\x07", "\r", "\x9b31m", "\u202egnp.exe", "\u200b", "\ud800", "\u2028", "\x00"]
)
def test_control_and_invisible_characters_are_escaped(hostile: str) -> None:
    shown = printable(hostile)

    assert shown.isprintable()
    assert shown.startswith("\\") or shown.isascii()


def test_letters_of_all_scripts_tabs_and_line_breaks_stay() -> None:
    text = "Fähre\n\tनौका 渡し船 ☂"

    assert printable(text) == text


def test_a_text_becomes_one_line_of_limited_length() -> None:
    assert in_one_line("a\nb   c", 20) == "a b c"
    assert in_one_line("x" * 50, 10) == "x" * 9 + "…"

"""Lines of text: normal form, white space, invisible characters, cuts."""

from __future__ import annotations

import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from shared.model.text import composed_markup, cut_text, is_visible, one_line

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
tricky = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("e\u0301\u0323\u0338\u200b\u200c\u200d\ufeff\u00ad\u094d\u0915 \u00a0"),
    )
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\ufeffFerry", "Ferry"),
        ("Fer\u200bry \u2060runs\u200d", "Ferry runs"),
        ("Hel\u200clo", "Hello"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("\u0647\u200d.", "\u0647\u200d."),
        ("\u0639\u0644\u06cc\u200c", "\u0639\u0644\u06cc"),
        ("\u0915\u094d\u200d\u0937 \u0915\u094d\u200c", "\u0915\u094d\u200d\u0937 \u0915\u094d\u200c"),
        (f"{FAMILY} \u200d", FAMILY),
        (f"{ENGLAND} wins\U000e0041", f"{ENGLAND} wins"),
        ("\u1780\u200b\u1781 a\u200bb", "\u1780\u200b\u1781 ab"),
        ("Donau\u00addampf\u00ad \u00adx", "Donau\u00addampf x"),
        ("\ufe0f\u2764\ufe0f", "\u2764\ufe0f"),
        ("e\u200b\u0301", "\u00e9"),
        ("Que\u202f? \u00ab\u00a0Rien\u00a0\u00bb", "Que\u202f? \u00ab\u00a0Rien\u00a0\u00bb"),
        (" a \t\r\n b\u2028c\u3000d ", "a b c\u3000d"),
        ("a \u00a0 b", "a \u00a0 b"),
    ],
)
def test_a_line_loses_stray_characters_and_keeps_those_that_its_script_needs(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " \u00a0\u202f\u3000",
            "\u200b\u200b\u2060",
            "\u00ad\u00ad",
            "\u2800 \u3164",
            "\ufeff",
            "\u115f\u1160\uffa0",
        ),
        *(
            "\ufe0f\ufe0e",
            "\u034f",
            "\U000e0041\U000e0042",
            "\u200d",
            "\u180e\u17b4",
            "\u0301",
            "\ue000",
            "\u0378",
            "\u061c",
        ),
    ],
)
def test_a_text_without_a_visible_character_is_empty(text: str) -> None:
    assert one_line(text) == ""


@pytest.mark.parametrize(
    "text", ["a", "7", "?", "\U0001f600", "\u00a9", "\u65e5", "1\ufe0f\u20e3", "\U0001f1ee\U0001f1f3"]
)
def test_letters_digits_signs_and_punctuation_are_visible(text: str) -> None:
    assert is_visible(text)


@given(tricky)
def test_a_line_is_composed_and_stays_as_it_is(text: str) -> None:
    line = one_line(text)

    assert unicodedata.is_normalized("NFC", line)
    assert one_line(line) == line


@given(tricky.map(lambda text: f"<p>{text}</p>"))
def test_composing_markup_changes_no_tag(markup: str) -> None:
    assert [each for each in composed_markup(markup) if each in "<>="] == [each for each in markup if each in "<>="]


@given(
    st.one_of(
        tricky,
        st.sampled_from(("\u0e01\u0e33\u0e25\u0e31\u0e07", FAMILY, "\u65e5\u672c", "word ")).map(
            lambda unit: unit * 40
        ),
    )
)
def test_a_cut_is_short_enough_and_between_grapheme_clusters(text: str) -> None:
    made = cut_text(text, 40)

    assert len(made) <= 40
    clusters = regex.findall(r"\X", text)
    if made != text and max(map(len, clusters)) < 20:
        kept = made.removesuffix("\u2026")
        assert kept == "".join(clusters[: len(regex.findall(r"\X", kept))])


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("The ferry is back on the river", "The ferry is back\u2026"),
        ("The ferry, (back) on the river", "The ferry, (back)\u2026"),
        ("The ferry costs 12\u00a0000\u00a0\u20ac now", "The ferry costs\u2026"),
        ("Donaudampfschifffahrtsgesellschaft", "Donaudampfschifffah\u2026"),
        ("short", "short"),
    ],
)
def test_a_cut_ends_with_a_word_where_there_is_one(text: str, cut: str) -> None:
    assert cut_text(text, 20) == cut

"""Words, minutes, descriptions, languages, directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain.language import direction_of, language_warning
from services.enrich.domain.sanitise import sanitise
from services.enrich.domain.text import description_of, reading_minutes, text_of, word_count
from shared.model.article import Direction, SafeHtml

ENGLISH = "The council voted on Tuesday to rebuild the old harbour bridge, which has been closed since last spring. "
GERMAN = (
    "Der Stadtrat hat am Dienstag beschlossen, die alte Hafenbrücke neu zu bauen, die seit dem Frühjahr gesperrt ist. "
)


def test_the_plain_text_separates_paragraphs_rows_and_lines() -> None:
    body = sanitise(
        "<h2>Head</h2><p>One<br>two &amp; <b>three</b></p><ul><li>a<li>b</ul><table><tr><td>1<td>2</table>"
    ).body

    assert text_of(body) == "Head\n\nOne\ntwo & three\n\na\n\nb\n\n1\t2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("One two — three's 4,000 …", 4),
        ("यह एक समाचार है", 4),
        ("这是一条新闻", 3),
        ("東京でG7 summitが始まる", 6),
        ("ข่าววันนี้", 2),
    ],
)
def test_words_are_counted_in_scripts_with_and_without_spaces(text: str, words: int) -> None:
    assert word_count(text) == words


def test_reading_takes_a_minute_at_least() -> None:
    assert [reading_minutes(words) for words in (0, 100, 345, 1_150)] == [1, 1, 2, 5]


def test_the_standfirst_describes_the_article_else_its_beginning_else_its_headline() -> None:
    body = SafeHtml("<h2>Sub</h2>\n<p>First. Second.</p>")

    assert description_of("Standfirst.", body, "Headline") == "Standfirst."
    assert description_of(None, body, "Headline") == "First. Second."
    assert description_of(None, SafeHtml(""), "Headline") == "Headline"


def test_a_long_description_ends_with_a_sentence_or_a_word() -> None:
    assert description_of(ENGLISH + ENGLISH, SafeHtml(""), "") == ENGLISH.strip()
    assert description_of("many words " * 40, SafeHtml(""), "").endswith(" many…")


@given(st.text(max_size=600))
def test_a_description_is_never_longer_than_a_search_engine_shows(text: str) -> None:
    assert len(description_of(" ".join(text.split()) or None, SafeHtml(""), "x")) <= 160


def test_a_language_that_differs_from_the_text_gets_a_warning() -> None:
    warning = language_warning("en", GERMAN * 3)

    assert warning == "language is declared as en, but the text looks like de; the declaration was kept"


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("en", ENGLISH * 3),
        ("en-GB", ENGLISH * 3),
        ("de-AT", GERMAN * 3),
        ("en", GERMAN),
        ("xx", GERMAN * 3),
        ("en", ""),
    ],
)
def test_a_matching_or_unclear_language_gets_no_warning(declared: str, text: str) -> None:
    assert language_warning(declared, text) is None


@given(st.text(min_size=150, max_size=400))
def test_no_text_breaks_the_language_check(text: str) -> None:
    language_warning("en", text)


@pytest.mark.parametrize(
    ("declared", "language", "direction"),
    [
        (None, "ar", "rtl"),
        (None, "ur-PK", "rtl"),
        (None, "he", "rtl"),
        (None, "fa", "rtl"),
        (None, "pa-Arab", "rtl"),
        (None, "ur-Latn", "ltr"),
        (None, "en", "ltr"),
        (None, "hi-IN", "ltr"),
        (Direction.LTR, "ar", "ltr"),
        (Direction.RTL, "en", "rtl"),
    ],
)
def test_the_direction_is_the_senders_else_the_scripts(
    declared: Direction | None, language: str, direction: str
) -> None:
    assert direction_of(declared, language) == direction

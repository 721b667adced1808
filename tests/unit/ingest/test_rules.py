from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain import prose
from services.ingest.domain.pointers import origin_of, pointer
from services.ingest.domain.stamps import stamp_for
from services.ingest.endpoint.preferences import Preferences, parse_prefer

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_an_article_is_ordered_by_its_senders_stamp() -> None:
    assert stamp_for(NOW - HOUR, NOW, NOW + HOUR) == NOW - HOUR


def test_an_unstamped_article_comes_after_all_revisions() -> None:
    assert stamp_for(None, NOW, None) == NOW
    assert stamp_for(None, NOW, NOW - HOUR) == NOW
    assert stamp_for(None, NOW, NOW + HOUR) == NOW + HOUR + timedelta(microseconds=1)


def test_pointers_are_escaped_and_short() -> None:
    assert pointer("a/b", 0, "c~d") == "/a~1b/0/c~0d"
    assert len(pointer("x" * 10_000)) == 200


def test_a_pointer_into_the_article_maps_to_the_document() -> None:
    origins = {"/headline": "/headlines/2", "/topics/0": "/subjects/3", "/body": "/body"}

    assert origin_of("/headline", origins) == "/headlines/2"
    assert origin_of("/topics/0/name", origins) == "/subjects/3"
    assert origin_of("/body", origins) == "/body"
    assert origin_of("/slug", origins) == "/slug"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("<p>a</p>", "<p>a</p>"),
        ('<p>a</p><section class="np-nonpublic">b</section><p>c</p>', "<p>a</p><p>c</p>"),
        ('<div class="x nonPublic"><div>b</div>c</div>d', "d"),
        ('<p>a</p><section class="np-nonpublic">never closed', "<p>a</p>"),
        ('<p class="np-nonpublic">a</p>b<p class="np-nonpublic">c</p>', "b"),
        ("<p>the word nonpublic is no mark</p>", "<p>the word nonpublic is no mark</p>"),
    ],
)
def test_parts_marked_as_not_public_are_removed(body: str, kept: str) -> None:
    assert prose.without_notes(body)[0] == kept


@given(text=st.text(max_size=200))
def test_paragraphs_of_any_text_hold_no_markup_of_its_own(text: str) -> None:
    markup = prose.paragraphs(text)

    assert markup.replace("<p>", "").replace("</p>", "").count("<") == 0


@pytest.mark.parametrize(
    "piece", ["<", "<p", "<p class='nonpublic", "<p class=nonpublic>", "&", "\n \n", "<!--", "</p"]
)
@pytest.mark.timeout(30)  # quadratic time would be hours
def test_a_million_characters_are_processed_in_linear_time(piece: str) -> None:
    text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]

    prose.without_notes(text)
    prose.is_blank(text)
    prose.has_tags(text)
    prose.paragraphs(text)
    prose.plain(text)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Preferences()),
        (["wait=5"], Preferences(wait_seconds=5)),
        (["Wait = 5 ; x=1, RESPOND-ASYNC"], Preferences(is_async=True, wait_seconds=5)),
        (["respond-async", 'wait="7"'], Preferences(is_async=True, wait_seconds=7)),
        (["wait=5, wait=9"], Preferences(wait_seconds=5)),
        (["wait=9999"], Preferences(wait_seconds=30)),
        (["wait=-1, wait=x, wait, handling=lenient"], Preferences()),
        (["wait=²"], Preferences()),
    ],
)
def test_known_preferences_are_parsed(headers: list[str], expected: Preferences) -> None:
    assert parse_prefer(headers, wait_limit_seconds=30) == expected

"""What the words of each language promise."""

from __future__ import annotations

import re
from dataclasses import asdict

import pytest

from services.render.domain.labels import labels_for

LANGUAGES = ("hi", "ar", "de", "fr", "es")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_of_its_own_with_the_same_places_to_fill(language: str) -> None:
    english, own = asdict(labels_for("en")), asdict(labels_for(language))

    assert own["language"] == language
    for name, words in own.items():
        assert words.strip() == words != "", name
        assert sorted(re.findall(r"{\w+}", words)) == sorted(re.findall(r"{\w+}", english[name])), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_hardly_a_word_is_left_in_english(language: str) -> None:
    english, own = asdict(labels_for("en")), asdict(labels_for(language))

    # Some are the same: "Email", "Feeds", "Contact".
    assert sum(own[name] == english[name] for name in own) <= 3

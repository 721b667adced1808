"""The labels of each language."""

from __future__ import annotations

import re
from dataclasses import asdict

import pytest

from services.render.domain.labels import labels_for

LANGUAGES = ("hi", "ar", "de", "fr", "es")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_own_labels_with_the_same_placeholders(language: str) -> None:
    english, own = asdict(labels_for("en")), asdict(labels_for(language))

    assert own["language"] == language
    for name, words in own.items():
        assert words.strip() == words != "", name
        assert sorted(re.findall(r"{\w+}", words)) == sorted(re.findall(r"{\w+}", english[name])), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_few_labels_are_the_same_as_in_english(language: str) -> None:
    english, own = asdict(labels_for("en")), asdict(labels_for(language))

    # Some are the same: "Email", "Feeds", "Contact".
    assert sum(own[name] == english[name] for name in own) <= 3

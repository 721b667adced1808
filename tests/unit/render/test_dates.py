"""Dates and directions in each language."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.render.domain.dates import moment_of
from services.render.domain.languages import direction_of

AT = datetime(2025, 2, 13, 0, 44, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "13 February 2025 06:14"),
        ("en-US", "13 February 2025 06:14"),
        ("de", "13. Februar 2025 06:14"),
        ("hi", "13 फ़रवरी 2025 06:14"),
        ("ar", "13 فبراير 2025 06:14"),
        ("fr-CA", "13 février 2025 06:14"),
        ("zz", "13 February 2025 06:14"),
        ("i-x-not-a-locale", "13 February 2025 06:14"),
    ],
)
def test_a_time_has_the_form_of_its_language(language: str, text: str) -> None:
    assert moment_of(AT, zone="Asia/Kolkata", language=language).text == text


def test_a_machine_readable_time_has_its_offset() -> None:
    assert moment_of(AT, zone="Asia/Kolkata", language="en").machine == "2025-02-13T06:14:59+05:30"


@pytest.mark.parametrize(
    ("language", "direction"), [("ar", "rtl"), ("ur-PK", "rtl"), ("he", "rtl"), ("en", "ltr"), ("zz", "ltr")]
)
def test_each_language_has_its_direction(language: str, direction: str) -> None:
    assert direction_of(language) == direction

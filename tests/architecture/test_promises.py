"""The table of cases that others met, in `tests/functional/README.md`, names existing tests."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def names_in(pattern: str) -> set[str]:
    sources = (path.read_text(encoding="utf-8") for path in TESTS.rglob(pattern))
    return {name for source in sources for name in re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE)}


def names_in_the_table() -> set[str]:
    table = (TESTS / "functional" / "README.md").read_text(encoding="utf-8")
    return set(re.findall(r"`(test_\w+)`", table))


def test_every_test_that_the_table_names_exists() -> None:
    assert names_in_the_table() - names_in("test_*.py") == set()


def test_the_table_has_every_test_of_a_case_that_others_met() -> None:
    assert names_in("test_what_others_*.py") - names_in_the_table() == set()

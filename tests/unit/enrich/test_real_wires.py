"""Sanitises every body of the real wires beside the project. The repository contains none of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.enrich.domain.sanitise import sanitise
from services.enrich.domain.text import text_of
from shared.runtime.errors import HostileMarkupError
from tests.unit.enrich.test_sanitise import faults_of

INPUTS = Path(__file__).resolve().parents[3].parent / "shared" / "inputs"
MIN_BODY_CHARS = 80


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _bodies(path: Path) -> Iterator[str]:
    raw = path.read_bytes().decode("utf-8", errors="replace")
    if path.suffix == ".json":
        try:
            yield from (text for text in _strings(json.loads(raw)) if len(text) >= MIN_BODY_CHARS)
        except ValueError:
            return
    elif path.suffix in {".html", ".htm", ".xml", ".rss", ".atom"}:
        yield raw


@pytest.mark.skipif(not INPUTS.is_dir(), reason="the real wires (../shared/inputs) are not here")
def test_every_real_body_becomes_safe_and_stable() -> None:
    refused: list[str] = []
    checked = 0
    for path in sorted(INPUTS.glob("g*/*")) + sorted(INPUTS.glob("seed/*.json")):
        for html in _bodies(path):
            try:
                sanitised = sanitise(html)
            except HostileMarkupError as error:
                refused.append(f"{path.name}: {error}")
                continue
            checked += 1
            assert faults_of(sanitised.body) == [], path.name
            assert sanitise(sanitised.body or "<p></p>").body == sanitised.body, path.name
            assert sanitised.body == "" or text_of(sanitised.body) or "<hr>" in sanitised.body, path.name
    assert checked
    # Whole web pages and documents of another format may be refused; an article's body may not.
    assert not [each for each in refused if ".json: " in each]

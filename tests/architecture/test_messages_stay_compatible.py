"""A rolling deploy mixes versions: every message that was ever sent can still be read (golden files, only added to)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from shared import messages
from shared.bundles import ArticlePage, ListingPage
from shared.live import LiveRecord
from shared.pins import Pins
from shared.pipeline import PIPELINE
from shared.revision import Revision

GOLDEN = sorted((Path(__file__).resolve().parents[1] / "contract" / "messages").glob("*.json"))
KINDS: dict[str, type[BaseModel]] = {
    **{step.consumes.__name__: step.consumes for step in PIPELINE},
    "Revision": Revision,
    "LiveRecord": LiveRecord,
    "ArticlePage": ArticlePage,
    "ListingPage": ListingPage,
    "Pins": Pins,
}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_was_once_written_is_still_read(path: Path) -> None:
    kind, written = KINDS[path.stem.split("-")[0]], json.loads(path.read_text(encoding="utf-8"))

    read = kind.model_validate(written).model_dump(mode="json")

    assert _as_written(read, written) == written


def _as_written(read: Any, written: Any) -> Any:
    """Return what was read without the fields that nobody knew when it was written."""
    if isinstance(written, dict):
        return {name: _as_written(read[name], value) for name, value in written.items()}
    if isinstance(written, list):
        return [_as_written(*pair) for pair in zip(read, written, strict=True)]
    return read


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_has_a_golden_file(kind: type) -> None:
    assert any(path.stem.split("-")[0] == kind.__name__ for path in GOLDEN)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_field_of_tomorrow_is_ignored(path: Path) -> None:
    kind, written = KINDS[path.stem.split("-")[0]], json.loads(path.read_text(encoding="utf-8"))

    assert kind.model_validate(written | {"a_field_of_tomorrow": 1}) == kind.model_validate(written)


def test_a_follow_up_has_the_same_id_however_often_its_cause_is_handled() -> None:
    path = next(each for each in GOLDEN if each.stem.startswith("ListingsStale"))
    cause = messages.ListingsStale.model_validate_json(path.read_bytes())

    assert messages.follow_up(cause, "page") == messages.follow_up(cause, "page")
    assert messages.follow_up(cause, "page")["message_id"] != messages.follow_up(cause, "other")["message_id"]

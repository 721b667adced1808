"""A rolling deploy mixes releases: every released form of a message can still be read.

The golden files begin with version 1.0. Files are only added: a new field has a file of its own
(`LiveRecord-1.1.json`) and a line in `SHA256SUMS`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from shared.messaging import messages
from shared.messaging.page_bundle import ArticlePage, ListingPage
from shared.messaging.pipeline import PIPELINE
from shared.model.article import EnrichedArticle
from shared.model.live_record import LiveRecord
from shared.model.revision import Revision
from shared.runtime.audit import AuditEntry
from shared.runtime.dead_letters import DeadLetter
from shared.runtime.tokens import TokenRecord
from shared.site.pins import Pins

FOLDER = Path(__file__).resolve().parents[1] / "contract" / "messages"
GOLDEN = sorted(FOLDER.glob("*.json"))
KINDS: dict[str, type[BaseModel]] = {
    **{step.consumes.__name__: step.consumes for step in PIPELINE},
    **{
        kind.__name__: kind
        for kind in (
            ArticlePage,
            AuditEntry,
            DeadLetter,
            EnrichedArticle,
            ListingPage,
            LiveRecord,
            Pins,
            Revision,
            TokenRecord,
        )
    },
}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_golden_file_is_still_read(path: Path) -> None:
    kind, written = KINDS[path.stem.split("-")[0]], json.loads(path.read_text(encoding="utf-8"))

    read = kind.model_validate(written).model_dump(mode="json")

    assert _as_written(read, written) == written


def _as_written(read: Any, written: Any) -> Any:
    """Return the read values without fields that are newer than the golden file."""
    if isinstance(written, dict):
        return {name: _as_written(read[name], value) for name, value in written.items()}
    if isinstance(written, list):
        return [_as_written(*pair) for pair in zip(read, written, strict=True)]
    return read


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_field_of_every_kind_is_in_a_golden_file(kind: type[BaseModel]) -> None:
    written = [json.loads(path.read_bytes()) for path in GOLDEN if path.stem.split("-")[0] == kind.__name__]

    assert {name for each in written for name in each} == kind.model_fields.keys()


def test_no_golden_file_was_edited_or_removed() -> None:
    known = dict(line.split()[::-1] for line in (FOLDER / "SHA256SUMS").read_text(encoding="ascii").splitlines())

    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in GOLDEN} == known


@pytest.mark.parametrize("kind", [step.consumes for step in PIPELINE], ids=lambda kind: kind.__name__)
def test_every_message_has_a_schema_version(kind: type[messages.Message]) -> None:
    assert kind.model_fields["schema_version"].default == 1


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_an_unknown_field_is_ignored(path: Path) -> None:
    kind, written = KINDS[path.stem.split("-")[0]], json.loads(path.read_text(encoding="utf-8"))

    assert kind.model_validate(written | {"unknown_field": 1}) == kind.model_validate(written)


def test_a_follow_up_has_the_same_id_each_time_its_cause_is_handled() -> None:
    path = next(each for each in GOLDEN if each.stem.startswith("ListingsStale"))
    cause = messages.ListingsStale.model_validate_json(path.read_bytes())

    assert messages.follow_up(cause, "page") == messages.follow_up(cause, "page")
    assert messages.follow_up(cause, "page")["message_id"] != messages.follow_up(cause, "other")["message_id"]

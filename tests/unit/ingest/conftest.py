"""Fixtures of ingest's unit tests: a site, a time and readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.adapters.readers import read_document
from services.ingest.ports import Entry, Reading, ReadingContext, RefusedError
from shared.site.sites import Feed, Section, Site

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
INPUTS = Path(__file__).resolve().parents[4] / "shared" / "inputs"

Read = Callable[..., Reading]
ReadAll = Callable[..., Sequence[Entry]]
Refuse = Callable[..., RefusedError]


def _bytes_of(document: object) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


@pytest.fixture(scope="session")
def context() -> ReadingContext:
    site = Site(
        id="epn",
        name="EPN",
        tagline="",
        base_url="https://epn.example",
        zone="Asia/Kolkata",
        language="en",
        theme="epn",
        default_section="news",
        sections=(Section(id="news", name="News"), Section(id="world", name="World")),
    )
    return ReadingContext(site=site, feed=Feed(id="agency", name="Agency", source="agency"), received_at=NOW)


@pytest.fixture(scope="session")
def read(context: ReadingContext) -> Read:
    def call(document: object, content_type: str | None = "application/json") -> Reading:
        (entry,) = read_document(_bytes_of(document), content_type, context)
        assert isinstance(entry, Reading)
        return entry

    return call


@pytest.fixture(scope="session")
def read_all(context: ReadingContext) -> ReadAll:
    def call(document: object, content_type: str | None = None) -> Sequence[Entry]:
        return read_document(_bytes_of(document), content_type, context)

    return call


@pytest.fixture(scope="session")
def refuse(context: ReadingContext) -> Refuse:
    def call(document: object, content_type: str | None = "application/json") -> RefusedError:
        with pytest.raises(RefusedError) as refused:
            read_document(_bytes_of(document), content_type, context)
        return refused.value

    return call


@pytest.fixture
def own() -> dict[str, Any]:
    return {"source_id": "a-1", "headline": "Bridge reopens", "body": "<p>It is open.</p>"}


@pytest.fixture
def ninjs() -> dict[str, Any]:
    return {
        "standard": {"name": "ninjs", "version": "3.0"},
        "uri": "urn:example:1",
        "type": "text",
        "versionCreated": "2026-11-22T09:00:00Z",
        "language": "en",
        "headlines": [{"role": "main", "value": "Bridge reopens"}],
        "bodies": [{"role": "main", "contentType": "text/html", "value": "<p>It is open.</p>"}],
        "subjects": [{"uri": "epn:section:world", "name": "World"}],
    }


@pytest.fixture
def wire() -> Callable[[str], bytes]:
    def call(path: str) -> bytes:
        file = INPUTS / path
        if not file.is_file():
            pytest.skip(f"the real item {path} is not on this machine")
        return file.read_bytes()

    return call

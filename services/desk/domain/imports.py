"""The progress of an import, its lines and their results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

MAX_CHUNK_LINES = 200  # of one request: sent again after a lost reply; progress is saved after each
MAX_CHUNK_BYTES = 4 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024  # the upper bound of the endpoint's setting


class FileFingerprint(BaseModel):
    """Shows whether a file has changed; `head_sha256` is the digest of its first bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    size_bytes: int
    modified_ns: int
    head_sha256: str


class ImportState(BaseModel):
    """The progress: each line before byte `offset` has a receipt or a refusal. `line` counts them, with blank ones.

    Of a file that is split into items (`kind`), `line` counts the items, and `offset` only shows the progress.

    `receipts_bytes`, `refused_bytes`: the lengths of the two lists that belong to these lines.
    """

    model_config = ConfigDict(extra="ignore")

    schema_version: Literal[1] = 1
    file: FileFingerprint | None = None  # None: standard input, which cannot be read again
    kind: str = "ndjson"
    site: str | None = None
    feed: str | None = None
    offset: int = 0
    line: int = 0
    accepted: int = 0
    refused: int = 0
    receipts_bytes: int = 0
    refused_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A line of the file or an item of an export, up to byte `end`.

    `raw` is None if it is longer than `MAX_LINE_BYTES`, and empty if there is nothing to send.
    """

    number: int
    end: int
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stored line; its receipt shows the further status."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that the endpoint refused, or an article that failed later."""

    reason: str
    receipt: str | None = None


@dataclass(slots=True)
class FinalStatuses:
    """The number of accepted articles with a final status, and how many have each status."""

    count: int = 0
    by_status: Counter[str] = field(default_factory=Counter)


def in_chunks(lines: Iterable[ImportLine]) -> Iterator[list[ImportLine]]:
    """Yield the lines in chunks, one chunk for each request."""
    chunk: list[ImportLine] = []
    size_bytes = 0
    for line in lines:
        chunk.append(line)
        size_bytes += len(line.raw or b"")
        if len(chunk) >= MAX_CHUNK_LINES or size_bytes >= MAX_CHUNK_BYTES:
            yield chunk
            chunk, size_bytes = [], 0
    if chunk:
        yield chunk

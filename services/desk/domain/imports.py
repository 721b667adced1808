"""How far an import has come, and what there is to know of its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

CHUNK_LINES = 200  # of one request: what is sent again where an answer was lost, and how often progress is kept
CHUNK_BYTES = 4 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024  # no endpoint can be set to take more


class FileMark(BaseModel):
    """By what a file is known to be the same as before; `head_sha256`: of its first bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    size_bytes: int
    modified_ns: int
    head_sha256: str


class ImportState(BaseModel):
    """All lines before byte `offset` have their receipt, or were refused; `line` of them, blank ones too.

    `receipts_bytes`, `refused_bytes`: how much of the two lists beside the file belongs to them.
    """

    model_config = ConfigDict(extra="ignore")

    schema_version: Literal[1] = 1
    file: FileMark | None = None  # None: standard input, which cannot be read again
    site: str | None = None
    offset: int = 0
    line: int = 0
    accepted: int = 0
    refused: int = 0
    receipts_bytes: int = 0
    refused_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A line of the file, from byte `start` up to `end`; `raw` is None for one that is longer than any is taken."""

    number: int
    end: int
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A line that is stored; the receipt tells what becomes of it."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not taken as it is, or an article that did not become live."""

    reason: str
    receipt: str | None = None


@dataclass(slots=True)
class Ends:
    """How many accepted articles have come to which end."""

    watched: int = 0
    by_outcome: Counter[str] = field(default_factory=Counter)


def in_chunks(lines: Iterable[ImportLine]) -> Iterator[list[ImportLine]]:
    """Yield the lines in the portions that go into one request each."""
    chunk: list[ImportLine] = []
    size_bytes = 0
    for line in lines:
        chunk.append(line)
        size_bytes += len(line.raw or b"")
        if len(chunk) >= CHUNK_LINES or size_bytes >= CHUNK_BYTES:
            yield chunk
            chunk, size_bytes = [], 0
    if chunk:
        yield chunk

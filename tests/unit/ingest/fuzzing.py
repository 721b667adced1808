"""Mutates documents: each mutation is read, or refused, in under a second.

`TEST_FUZZ_EXAMPLES` raises the number of mutations per call; 10,000 take about a minute.
"""

from __future__ import annotations

import copy
import json
import os
import random
import time
from collections.abc import Callable, Sequence

from services.ingest.adapters.readers import read_document
from services.ingest.ports import Reading, ReadingContext, RefusedError
from tests.unit.ingest.xml_mutations import mutated_xml

MAX_SECONDS = 1.0
_WORST_SHOWN_CHARS = 300
_MAX_MUTATIONS = 4
_HOSTILE_VALUES: tuple[object, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**30,
        "",
        " ",
        "\x00",
        "<",
        "&lt;",
        "<b",
        "]]>",
        "0001-01-01T00:00:00",
        "\ud83d",
    ),
    *("2026-11-22T09:00:00Z", "2026-11-22", "canceled", "usable", "draft", "javascript:alert(1)", "\u202e", "media:x"),
    *([], {}, [[]], [None], [{}], {"": ""}, {"type": "text"}, {"type": {}}, "a" * 5_000, "<div>" * 500, "é" * 700),
)
_HOSTILE_BYTES: tuple[bytes, ...] = (
    *(
        b"<",
        b">",
        b"&",
        b'"',
        b"'",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"0",
        b"-",
        b"  ",
        b"\\u0000",
        b"\xff",
        b"\x00",
    ),
    *(b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&x;", b"<!DOCTYPE a>", b"\xe2\x80\xae"),
)


def assert_survives(raws: Sequence[bytes], context: ReadingContext, count: int = 200, seed: int = 1) -> float:
    """Read `count` mutations of the documents, and return the longest time of one (seconds of this process).

    Raises:
        AssertionError: a reader failed in another way than by a refusal, or took over a second.
    """
    count = max(count, int(os.environ.get("TEST_FUZZ_EXAMPLES", "0")))
    chance = random.Random(seed)  # noqa: S311 -- mutations need no secret
    slowest = 0.0
    for number in range(count):
        raw = mutated(chance.choice(raws), chance)
        started = time.process_time()
        _read(raw, context, f"mutation {number} of seed {seed}")
        slowest = max(slowest, time.process_time() - started)
        assert slowest < MAX_SECONDS, f"mutation {number} of seed {seed} took {slowest:.2f} s: {_shown(raw)}"
    return slowest


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """Return a document with a few changes: of its bytes, of the values of its JSON, or of its XML elements."""
    if raw.lstrip()[:1] == b"<" and chance.random() < 0.9:
        return mutated_xml(raw, chance)
    try:
        document = json.loads(raw)
    except ValueError:
        document = None
    for _ in range(chance.randint(1, _MAX_MUTATIONS)):
        if isinstance(document, dict | list) and document and chance.random() < 0.8:
            _change_value(document, chance)
        else:
            raw, document = _changed_bytes(_bytes_of(document, raw), chance), None
    return _bytes_of(document, raw)


def _read(raw: bytes, context: ReadingContext, name: str) -> None:
    try:
        entries = read_document(raw, None, context)
    except RefusedError as error:
        if not error.detail:
            raise AssertionError(f"{name} is refused without a reason: {_shown(raw)}") from error
        return
    except Exception as error:
        raise AssertionError(f"{name} raises {type(error).__name__}: {error}: {_shown(raw)}") from error
    assert entries, f"{name} has no entries: {_shown(raw)}"
    for entry in entries:
        assert entry.report.model_dump_json()
        assert not isinstance(entry, Reading) or entry.article.model_dump_json()


def _bytes_of(document: object, raw: bytes) -> bytes:
    return raw if document is None else json.dumps(document).encode("utf-8", "surrogatepass")


def _change_value(document: dict[str, object] | list[object], chance: random.Random) -> None:
    """Change, copy or remove one value at any depth."""
    node: object = document
    while True:
        assert isinstance(node, dict | list)
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        value = node[key]
        if not (isinstance(value, dict | list) and value and chance.random() < 0.85):
            break
        node = value
    changes: tuple[Callable[[], None], ...] = (
        lambda: _put(node, key, chance.choice(_HOSTILE_VALUES)),
        lambda: _put(node, key, [value, value]),
        lambda: _put(node, key, {"type": value, "value": value}),
        lambda: _put(node, key, str(value)[::-1]),
        lambda: _remove(node, key),
        lambda: _put(node, key, [chance.choice(_HOSTILE_VALUES)] * chance.choice((1, 3, 300))),
    )
    chance.choice(changes)()


def _put(node: object, key: object, value: object) -> None:
    node[key] = copy.deepcopy(value)  # type: ignore[index]  # a dictionary or list


def _remove(node: object, key: object) -> None:
    if len(node) > 1:  # type: ignore[arg-type]  # a dictionary or list
        del node[key]  # type: ignore[attr-defined]  # a dictionary or list


def _changed_bytes(raw: bytes, chance: random.Random) -> bytes:
    """Change, remove, copy or insert some bytes."""
    start = chance.randrange(len(raw) + 1)
    end = min(len(raw), start + chance.choice((1, 1, 2, 8, 60, 2_000)))
    change = chance.randrange(5)
    if change == 0:
        return raw[:start] + chance.choice(_HOSTILE_BYTES) + raw[end:]
    if change == 1:
        return raw[:start] + raw[end:]
    if change == 2:
        return raw[:end] + raw[start:end] * chance.choice((1, 2, 50)) + raw[end:]
    if change == 3:
        return raw[:start] + chance.choice(_HOSTILE_BYTES) * chance.choice((1, 3, 200)) + raw[start:]
    return raw[:start]


def _shown(raw: bytes) -> str:
    return repr(raw[:_WORST_SHOWN_CHARS])

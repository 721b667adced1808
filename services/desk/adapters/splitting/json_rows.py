"""Reads rows of a large JSON file one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import ijson
from ijson.common import ObjectBuilder

from services.desk.adapters.splitting.files import CHUNK_BYTES, CountedFile
from services.desk.ports import ImportFileError

_STARTS = frozenset({"start_map", "start_array"})
_ENDS = frozenset({"end_map", "end_array"})


def json_rows(stream: CountedFile, path: Path, prefixes: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield (prefix, row) for each value at one of the prefixes (`db.item.data.posts.item`).

    Raises:
        ImportFileError: the file is not JSON.
    """
    builder: ObjectBuilder | None = None
    depth, found = 0, ""
    for prefix, event, value in _events(stream, path):
        if builder is None:
            if prefix not in prefixes or event in _ENDS or event == "map_key":
                continue
            builder, depth, found = ObjectBuilder(), 0, prefix
        builder.event(event, value)
        depth += (event in _STARTS) - (event in _ENDS)
        if depth == 0 and event != "map_key":
            yield found, builder.value
            builder = None


def top_level_values(path: Path, *, without: str) -> dict[str, Any]:
    """Return the fields of the outermost object; the large field `without` is None."""
    found: dict[str, Any] = {}
    key, builder, depth = "", None, 0
    with CountedFile(path) as stream:
        for prefix, event, value in _events(stream, path):
            if prefix == "" and event == "map_key":
                key = str(value)
                continue
            if not key or prefix == "":
                continue
            if key == without:
                found[key] = None
                continue
            builder = builder or ObjectBuilder()
            builder.event(event, value)
            depth += (event in _STARTS) - (event in _ENDS)
            if depth == 0 and event != "map_key":
                found[key], builder = builder.value, None
    return found


def _events(stream: CountedFile, path: Path) -> Iterator[tuple[str, str, Any]]:
    try:
        yield from ijson.parse(stream, use_float=True, buf_size=CHUNK_BYTES)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise ImportFileError(f"{path} is not JSON: {error}") from error

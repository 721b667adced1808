"""Splits a feed: one entry with the facts of its feed. RSS, Atom and JSON Feed have the same rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from lxml import etree

from services.desk.adapters.splitting.files import CleanXml, CountedFile, elements_of, line_of, local_name, same_element
from services.desk.adapters.splitting.json_rows import json_rows, top_level_values
from services.desk.domain.imports import MAX_LINE_BYTES, ImportLine
from services.desk.ports import ImportFileError

_ENTRIES = ("item", "entry")
_MAX_HEADER_ELEMENTS = 200
_START_BYTES = 1_000
_JSON_START = b"{"


def split_feed(path: Path) -> Iterator[ImportLine]:
    """Yield the entries of a feed.

    Raises:
        ImportFileError: the file cannot be read, or is neither XML nor JSON.
    """
    with CountedFile(path) as stream:
        start = stream.read(_START_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    return _split_json(path) if start.startswith(_JSON_START) else _split_xml(path)


def _split_xml(path: Path) -> Iterator[ImportLine]:
    with CleanXml(path) as stream:
        frame: list[etree._Element] | None = None
        for number, entry in enumerate(elements_of(stream, path, *_ENTRIES), 1):
            frame = frame or _frame_of(entry)
            raw = line_of(_part(frame, entry))
            yield ImportLine(number, stream.position, raw if len(raw) <= MAX_LINE_BYTES else None)


def _frame_of(entry: etree._Element) -> list[etree._Element]:
    """Return copies of the elements around the first entry, the outermost first, with the facts before the entry."""
    frame: list[etree._Element] = []
    inner = entry
    for ancestor in entry.iterancestors():
        copy = same_element(ancestor)
        before = [each for each in ancestor if each is not inner and local_name(each) not in _ENTRIES]
        copy.extend(deepcopy(each) for each in before[:_MAX_HEADER_ELEMENTS])
        frame.insert(0, copy)
        inner = ancestor
    return frame


def _part(frame: list[etree._Element], entry: etree._Element) -> etree._Element:
    outermost, *inner = [deepcopy(each) for each in frame] or [etree.Element("rss")]
    parent = outermost
    for each in inner:
        parent.append(each)
        parent = each
    copy = deepcopy(entry)
    copy.tail = None
    parent.append(copy)
    return outermost


def _split_json(path: Path) -> Iterator[ImportLine]:
    header: dict[str, Any] = top_level_values(path, without="items")
    if "items" not in header:
        raise ImportFileError(f"{path} is no feed: it has no items")
    del header["items"]
    with CountedFile(path) as stream:
        for number, (_, entry) in enumerate(json_rows(stream, path, {"items.item"}), 1):
            raw = json.dumps(header | {"items": [entry]}, ensure_ascii=False).encode("utf-8", "replace")
            yield ImportLine(number, stream.position, raw if len(raw) <= MAX_LINE_BYTES else None)

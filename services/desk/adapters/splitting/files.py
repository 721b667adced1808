"""Files that are read as a stream: their position, and XML that its sender did not escape well."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from html.entities import html5
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from lxml import etree

from services.desk.ports import ImportFileError

CHUNK_BYTES = 64 * 1024
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_REFERENCE = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_OPEN_REFERENCE = re.compile(rb"&[A-Za-z0-9]{0,32}$")
_XML_REFERENCES = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAX_ATTRIBUTES = 50


class CountedFile:
    """A file for reading; `position` is the number of bytes read."""

    def __init__(self, path: Path) -> None:
        self.position = 0
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._file = self._path.open("rb")
        except OSError as error:
            raise ImportFileError(f"{self._path} cannot be read: {error.strerror}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """Return the next bytes; empty at the end of the file."""
        if self._file is None:
            return b""
        data = self._file.read(size)
        self.position += len(data)
        return data


class CleanXml(CountedFile):
    """An XML file without control characters, and with numbers instead of HTML's named characters (`&nbsp;`).

    Exports contain both, and an XML parser refuses them. A UTF-16 file is passed unchanged.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._rest = b""
        self._is_wide = False

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """Return the next clean bytes."""
        while True:
            is_first = self.position == 0
            data = super().read(size)
            if is_first:
                self._is_wide = data.startswith(_WIDE_MARKS)
            if self._is_wide:
                return data
            text, self._rest = self._rest + data, b""
            if data and (open_end := _OPEN_REFERENCE.search(text, max(0, len(text) - 40))):
                text, self._rest = text[: open_end.start()], text[open_end.start() :]
            clean = _REFERENCE.sub(_numeric, _CONTROLS.sub(b"", text))
            if clean or not data:
                return clean


def _numeric(reference: re.Match[bytes]) -> bytes:
    characters = "" if reference[1] in _XML_REFERENCES else html5.get(f"{reference[1].decode()};", "")
    return "".join(f"&#{ord(each)};" for each in characters).encode() or reference[0]


def elements_of(stream: CountedFile, path: Path, *names: str) -> Iterator[etree._Element]:
    """Yield the elements with one of the local names as they end; each is forgotten after its turn.

    Raises:
        ImportFileError: the file is not well-formed XML; the text has the line.
    """
    tags = tuple(f"{{*}}{name}" for name in names)
    events = etree.iterparse(
        stream,
        events=("end",),
        tag=tags,
        huge_tree=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_pis=True,
    )
    try:
        for _, element in events:
            if next(element.iterancestors(*tags), None) is None:  # else it is a part of another one
                yield element
                _forget(element)
    except etree.XMLSyntaxError as error:
        raise ImportFileError(f"{path} is not well-formed XML: {error}") from error


def _forget(element: etree._Element) -> None:
    """Remove an element's content and everything before it, so that the tree does not grow."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while parent[0] is not element:
            del parent[0]


def local_name(element: etree._Element) -> str:
    """Return the name without its namespace; empty for a comment."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def child_text(element: etree._Element, name: str) -> str:
    """Return the text of the first child with a local name; empty if there is none."""
    for child in element:
        if local_name(child) == name:
            return (child.text or "").strip()
    return ""


def same_element(element: etree._Element) -> etree._Element:
    """Return a new element with the same name, namespaces and attributes, without content."""
    attributes = {str(name): str(value) for name, value in list(element.attrib.items())[:_MAX_ATTRIBUTES]}
    return etree.Element(element.tag, attributes, nsmap=element.nsmap)  # type: ignore[arg-type]  # the stubs forget None


def line_of(document: etree._Element) -> bytes:
    """Return a document as one line of a batch: a JSON string."""
    return json.dumps(etree.tostring(document, encoding="unicode"), ensure_ascii=False).encode("utf-8", "replace")

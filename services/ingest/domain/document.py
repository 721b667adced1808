"""The bytes of a submission and their declared media type; each form (text, JSON, XML) is parsed at most once."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from functools import cached_property
from html.entities import html5

import pydantic_core
from lxml import etree

from services.ingest.domain.refusal import RefusedError

_XML_START = re.compile(rb"\s*<")
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE | re.DOTALL
)
_XML_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>")
_DECLARED_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_HTML_CHARSET = re.compile(rb"""<meta[^>]*\bcharset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_NAMED_REFERENCE = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_REFERENCE = re.compile(r"&([A-Za-z_][\w.-]{0,60});")
_XML_REFERENCES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_NO_XML_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks and their encodings; the UTF-32 mark begins with the UTF-16 mark."""
_START_BYTES = 1_000
_DOCTYPE = re.compile(r"<!DOCTYPE\b[^\[>]*(?:\[[^\]]*\]\s*)?>")
_OUTSIDE_ENTITY = re.compile(r"<!ENTITY\s+(?:%|[\w.-]+\s+(?:SYSTEM|PUBLIC))[^>]*>|%[\w.-]+;")
_DECLARED_ENTITY = re.compile(r"<!ENTITY\s+([\w.-]+)\s")
_MAX_DOCTYPE_CHARS = 20_000


class Document:
    """The sent bytes: `raw` without a UTF-8 byte order mark, `media_type` in lower case without parameters.

    Error texts name the document by `name`. `warnings` states the corrections of the encoding and of the mark-up; read
    it after `text` or `xml()`.
    """

    def __init__(self, raw: bytes, content_type: str | None = None, *, name: str = "the body") -> None:
        self._name = name
        self._content_type = content_type or ""
        self.raw = raw.removeprefix(codecs.BOM_UTF8)
        self.media_type = self._content_type.partition(";")[0].strip().lower() or None
        self.warnings: list[str] = []

    @property
    def looks_like_xml(self) -> bool:
        """Return whether the first visible character opens a tag."""
        return _XML_START.match(self._start) is not None

    @property
    def looks_like_html(self) -> bool:
        """Return whether the document begins as an HTML page."""
        return _HTML_START.match(self._start) is not None

    @cached_property
    def text(self) -> str:
        """Return the document as text; each line end is one line feed.

        The encoding comes from a byte order mark, otherwise from the document's own declaration, otherwise from the
        Content-Type. A declaration that does not fit the bytes gives way to UTF-8, then to Windows-1252.
        """
        for mark, encoding in _MARKS:
            if self.raw.startswith(mark):
                return self._decoded(self.raw.removeprefix(mark), encoding)
        declared = self._declared_encoding
        if self._is_utf8:
            if declared and declared != "utf-8" and not self.raw.isascii():
                self.warnings.append(f"the document declares {declared} and is UTF-8")
            return self._decoded(self.raw, "utf-8")
        if declared in (None, "utf-8"):
            self.warnings.append("the document is not UTF-8; it was read as Windows-1252")
            return self._decoded(self.raw, "cp1252")
        return self._decoded(self.raw, declared)

    def json(self) -> object:
        """Return the document as JSON.

        Raises:
            RefusedError: 400, the document is not JSON; the text has line and column.
        """
        if isinstance(self._json, RefusedError):
            raise self._json
        return self._json

    @property
    def is_json(self) -> bool:
        """Return whether the document is JSON of any type."""
        return not isinstance(self._json, RefusedError)

    def find_json_object(self) -> dict[str, object] | None:
        """Return the document if it is a JSON object, otherwise None."""
        return self._json if isinstance(self._json, dict) else None

    def xml(self) -> etree._Element:
        """Return the root element. No network, no external entity, no tree deeper than 255 elements.

        A DOCTYPE is allowed, because normal wire copy has one. HTML's named characters (`&nbsp;`) need no declaration.

        Raises:
            RefusedError: 400, the document is not well-formed XML; the text has line and column.
        """
        if isinstance(self._xml, RefusedError):
            raise self._xml
        return self._xml

    def find_xml(self) -> etree._Element | None:
        """Return the root element if the document is well-formed XML, otherwise None."""
        return None if not self.looks_like_xml or isinstance(self._xml, RefusedError) else self._xml

    @property
    def root_name(self) -> str:
        """Return the root element's name without its namespace, in lower case; empty if this is no XML."""
        root = self.find_xml()
        return etree.QName(root).localname.lower() if root is not None else ""

    @property
    def _start(self) -> bytes:
        if self.raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return self.raw[: 2 * _START_BYTES].decode("utf-16", "ignore").encode()
        return self.raw[:_START_BYTES]

    @cached_property
    def _is_utf8(self) -> bool:
        try:
            self.raw.decode()
        except UnicodeDecodeError:
            return False
        return True

    @property
    def _declared_encoding(self) -> str | None:
        found = _DECLARED_ENCODING.match(self.raw) or (self.looks_like_html and _HTML_CHARSET.search(self.raw[:4_096]))
        name = found[1].decode("ascii") if found else None
        if name is None and (parameter := _CHARSET.search(self._content_type)):
            name = parameter[1]
        if name is None:
            return None
        try:
            b" ".decode(name)  # a LookupError too for an encoding of bytes, such as zlib
        except (LookupError, UnicodeError):
            self.warnings.append(f"the document declares the unknown encoding {name!a}")
            return None
        encoding = codecs.lookup(name).name
        # HTML reads Latin-1 as Windows-1252, which has the quotation marks and dashes of news copy.
        return "cp1252" if encoding in ("iso8859-1", "ascii") else encoding

    def _decoded(self, raw: bytes, encoding: str) -> str:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            self.warnings.append(f"some bytes are not {encoding}; each became the replacement character")
            text = raw.decode(encoding, "replace")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    @cached_property
    def _json(self) -> object:
        if not self.raw.strip():
            return RefusedError(400, f"{self._name} is empty; an article was expected")
        try:
            return pydantic_core.from_json(self.raw, allow_inf_nan=False)
        except (ValueError, RecursionError) as error:
            return RefusedError(400, f"{self._name} is not JSON: {error}")

    @cached_property
    def _xml(self) -> etree._Element | RefusedError:
        if not self.raw.strip():
            return RefusedError(400, f"{self._name} is empty; an article was expected")
        declaration = _XML_DECLARATION.match(self.text)  # a search at every place takes quadratic time
        text = self.text[declaration.end() :] if declaration else self.text
        clean = _NO_XML_CHARACTERS.sub("", text)
        if len(clean) != len(text):
            self.warnings.append("control characters were removed")
        clean = _NAMED_REFERENCE.sub(_numeric_reference, clean)
        try:
            return _parsed(clean)
        except (etree.XMLSyntaxError, ValueError) as error:
            without = _without_entities(clean)
            if without != clean:
                with suppress(etree.XMLSyntaxError, ValueError):
                    root = _parsed(without)
                    self.warnings.append("references to entities outside of the document were removed")
                    return root
            return RefusedError(400, f"{self._name} is not well-formed XML: {error}")


def _parsed(text: str) -> etree._Element:
    return etree.fromstring(
        text.encode(),
        etree.XMLParser(
            encoding="utf-8",
            resolve_entities="internal",  # type: ignore[arg-type]  # the stubs know lxml 4
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=False,
            remove_comments=False,
            remove_pis=True,
        ),
    )


def _without_entities(text: str) -> str:
    """Return XML without external and parameter entities, and without references to undeclared entities."""
    found = _DOCTYPE.search(text, 0, _MAX_DOCTYPE_CHARS)
    if found is None and "<!DOCTYPE" in text[:_MAX_DOCTYPE_CHARS]:
        return text  # too long a declaration to be a wire's
    doctype = _OUTSIDE_ENTITY.sub("", found[0]) if found else ""
    declared = {*_DECLARED_ENTITY.findall(doctype), *_XML_REFERENCES}
    rest = text[found.end() :] if found else text
    known = _REFERENCE.sub(lambda each: each[0] if each[1] in declared else "", rest)
    return (text[: found.start()] + doctype if found else "") + known


def _numeric_reference(reference: re.Match[str]) -> str:
    """Return an HTML name of a character as a number, which XML knows without a DTD."""
    name = reference[1]
    characters = "" if name in _XML_REFERENCES else html5.get(f"{name};", "")
    return "".join(f"&#{ord(each)};" for each in characters) or reference[0]

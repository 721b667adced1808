"""XML that is valid for any text: built as a tree, never concatenated from strings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

# The characters that XML 1.0 (5th edition, 2.2) cannot contain, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """Return text without the characters that XML 1.0 forbids."""
    return _FORBIDDEN.sub("", text)


class Tree:
    """A document under construction; `namespaces` by prefix, "" for the default namespace."""

    def __init__(self, root: str, namespaces: Mapping[str, str], attributes: Mapping[str, str] | None = None) -> None:
        self._namespaces = dict(namespaces)
        nsmap = {prefix or None: uri for prefix, uri in namespaces.items()}
        self.root = etree.Element(self._name(root), dict(attributes or {}), nsmap=nsmap)  # type: ignore[arg-type] # the stubs know no default namespace

    def add(
        self,
        parent: etree._Element,
        name: str,
        text: str | None = None,
        attributes: Mapping[str, str] | None = None,
        *,
        is_cdata: bool = False,
    ) -> etree._Element:
        """Append an element; its text is escaped, or in CDATA if `is_cdata` and CDATA can represent the text.

        A parser reads a carriage return in CDATA as a line feed (XML 1.0, 2.11). At `]]>` libxml2 begins a new section.
        """
        values = {self._attribute(key): printable(value) for key, value in (attributes or {}).items()}
        element = etree.SubElement(parent, self._name(name), values)
        if text is not None:
            clean = printable(text)
            element.text = etree.CDATA(clean) if is_cdata and "\r" not in clean else clean
        return element

    def body(self) -> bytes:
        """Return the document in UTF-8, indented, with its XML declaration."""
        etree.indent(self.root, space=" ")
        return etree.tostring(self.root, xml_declaration=True, encoding="utf-8") + b"\n"

    def _name(self, name: str) -> str:
        prefix, colon, local = name.rpartition(":")
        namespace = self._namespaces.get(prefix if colon else "")
        return f"{{{namespace}}}{local}" if namespace else local

    def _attribute(self, name: str) -> str:
        if name.startswith("xml:"):
            return f"{{http://www.w3.org/XML/1998/namespace}}{name.removeprefix('xml:')}"
        return name

"""The rights of a picture: read from the metadata of its file, and written as the public file's only metadata.

IPTC's guide for publishers: copyright notice, credit line and terms of use stay with a picture. Names of creator and
camera owner, places, times and devices do not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

MAX_RIGHTS_CHARS = 2_000
_RDF, _DC = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://purl.org/dc/elements/1.1/}"
_PHOTOSHOP, _TERMS = "{http://ns.adobe.com/photoshop/1.0/}", "{http://ns.adobe.com/xap/1.0/rights/}"
_ORIENTATION_TAG, _COPYRIGHT_TAG = 0x0112, 0x8298
_ASCII, _SHORT = 2, 3
_MAX_TIFF_ENTRIES = 1_000
_CREDIT_RECORD, _NOTICE_RECORD = 110, 116
_IPTC_RESOURCE = b"8BIM\x04\x04"
_INLINE_BYTES = 4


@dataclass(frozen=True, slots=True)
class PictureRights:
    """The rights that a picture's file states."""

    notice: str = ""
    credit: str = ""
    usage_terms: str = ""
    statement_url: str = ""

    def __bool__(self) -> bool:
        """Return whether any right is stated."""
        return bool(self.notice or self.credit or self.usage_terms or self.statement_url)

    def or_else(self, other: PictureRights) -> PictureRights:
        """Return these rights, with missing fields from `other`."""
        return PictureRights(
            self.notice or other.notice,
            self.credit or other.credit,
            self.usage_terms or other.usage_terms,
            self.statement_url or other.statement_url,
        )


def metadata_text(raw: bytes) -> str:
    """Return a text of a picture's metadata as one line; it is decoded as UTF-8, otherwise as Latin-1."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    printable = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.split())[:MAX_RIGHTS_CHARS]


def read_exif(exif: bytes) -> tuple[int, str]:
    """Return the orientation (1: upright) and the copyright notice of a TIFF structure; (1, "") if it is broken.

    Only the first directory is read; the others hold private data.
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    orientation, notice = 1, b""
    try:
        start = struct.unpack_from(f"{order}I", exif, 4)[0]
        count = struct.unpack_from(f"{order}H", exif, start)[0] if order else 0
        for index in range(min(count, _MAX_TIFF_ENTRIES)):
            at = start + 2 + 12 * index
            tag, kind, length = struct.unpack_from(f"{order}HHI", exif, at)
            if (tag, kind) == (_ORIENTATION_TAG, _SHORT):
                orientation = struct.unpack_from(f"{order}H", exif, at + 8)[0]
            elif (tag, kind) == (_COPYRIGHT_TAG, _ASCII):
                where = at + 8 if length <= _INLINE_BYTES else struct.unpack_from(f"{order}I", exif, at + 8)[0]
                notice = exif[where : where + length]
    except struct.error:
        pass  # keep the values read so far
    return orientation, metadata_text(notice)


def rights_of_xmp(xmp: bytes) -> PictureRights:
    """Return the rights of an XMP packet; none if the packet is broken."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(xmp.strip(b"\0 \r\n\t"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return PictureRights()
    if root is None:
        return PictureRights()

    def find(name: str) -> str:
        for element in root.iter(f"{_RDF}Description"):
            if value := element.get(name):
                return metadata_text(value.encode())
        for element in root.iter(name):
            item = next(element.iter(f"{_RDF}li"), element)
            return metadata_text("".join(map(str, item.itertext())).encode())
        return ""

    return PictureRights(
        notice=find(f"{_DC}rights"),
        credit=find(f"{_PHOTOSHOP}Credit"),
        usage_terms=find(f"{_TERMS}UsageTerms"),
        statement_url=find(f"{_TERMS}WebStatement"),
    )


def rights_of_iptc(resources: bytes) -> PictureRights:
    """Return the rights in the IPTC records (IIM 4.2) of Photoshop's image resources."""
    _, _, after_marker = resources.partition(_IPTC_RESOURCE)
    if not after_marker:
        return PictureRights()
    name_bytes = 1 + after_marker[0]
    start = name_bytes + name_bytes % 2
    length = int.from_bytes(after_marker[start : start + 4])
    records, position = after_marker[start + 4 : start + 4 + length], 0
    found: dict[int, str] = {}
    while records[position : position + 1] == b"\x1c" and position + 5 <= len(records):
        record, dataset, size = struct.unpack_from(">BBH", records, position + 1)
        if record == 2:  # noqa: PLR2004 -- IPTC's application record
            found.setdefault(dataset, metadata_text(records[position + 5 : position + 5 + size]))
        position += 5 + size
    return PictureRights(notice=found.get(_NOTICE_RECORD, ""), credit=found.get(_CREDIT_RECORD, ""))


def exif_of(rights: PictureRights) -> bytes:
    """Return an EXIF block (a TIFF structure) with only the copyright notice."""
    text = rights.notice.encode() + b"\0"
    value = struct.pack(">I", 26) if len(text) > _INLINE_BYTES else text.ljust(_INLINE_BYTES, b"\0")
    entry = struct.pack(">HHI", _COPYRIGHT_TAG, _ASCII, len(text)) + value
    return b"MM\0*\0\0\0\x08\0\x01" + entry + b"\0\0\0\0" + (text if len(text) > _INLINE_BYTES else b"")


def xmp_of(rights: PictureRights) -> bytes:
    """Return an XMP packet with only the rights."""

    def alternatives(name: str, text: str) -> str:
        item = f'<rdf:Alt><rdf:li xml:lang="x-default">{escape(text)}</rdf:li></rdf:Alt>'
        return f"<{name}>{item}</{name}>" if text else ""

    def plain(name: str, text: str) -> str:
        return f"<{name}>{escape(text)}</{name}>" if text else ""

    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/">'
        + alternatives("dc:rights", rights.notice)
        + plain("photoshop:Credit", rights.credit)
        + alternatives("xmpRights:UsageTerms", rights.usage_terms)
        + plain("xmpRights:WebStatement", rights.statement_url)
        + "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    return packet.encode()

"""A document's text, JSON and XML: declared encodings may be wrong, and no parser leaves this machine."""

from __future__ import annotations

import codecs

import pytest

from services.ingest.adapters.readers.elements import find, find_all, line_in, markup_in, place_of
from services.ingest.domain.document import Document
from services.ingest.domain.refusal import RefusedError


@pytest.mark.parametrize(
    ("raw", "content_type", "text", "warns"),
    [
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>Zoë</a>'.encode(), None, "Zoë", True),
        ('<?xml version="1.0" encoding="iso-8859-15"?><a>5 €</a>'.encode("iso-8859-15"), None, "5 €", False),
        ('<?xml version="1.0" encoding="windows-1251"?><a>Мост</a>'.encode("cp1251"), None, "Мост", False),
        ('<?xml version="1.0" encoding="UTF-16"?><a>Zoë</a>'.encode("utf-16"), None, "Zoë", False),
        (codecs.BOM_UTF8 + "<a>Zoë</a>\r\n".encode(), None, "Zoë", False),
        ("<a>Zoë</a>".encode("latin-1"), "text/xml; charset=iso-8859-1", "Zoë", False),
        ("<a>Zoë</a>".encode("latin-1"), None, "Zoë", True),
        (b'<?xml version="1.0" encoding="klingon"?><a>Zo\xc3\xab</a>', None, "Zoë", True),
        (b"<a>Zo\x01\xc3\xab</a>", None, "Zoë", True),
    ],
)
def test_the_encoding_of_xml_is_found(raw: bytes, content_type: str | None, text: str, *, warns: bool) -> None:
    document = Document(raw, content_type)

    assert document.xml().text == text
    assert bool(document.warnings) is warns


def test_a_doctype_with_an_external_entity_is_read_without_it() -> None:
    raw = b"""<!DOCTYPE nitf SYSTEM "http://127.0.0.1:9/nitf.dtd" [<!ENTITY x SYSTEM "file:///etc/hostname">
    <!ENTITY % more SYSTEM "http://127.0.0.1:9/more.dtd"> %more; <!ENTITY who "the council">]>
    <nitf><p>a&nbsp;b &who; &x;</p></nitf>"""

    line = line_in(Document(raw).xml(), "p")

    assert line is not None
    assert line.startswith("a\u00a0b the council")
    assert "/" not in line


@pytest.mark.parametrize(
    "raw",
    [
        b"<a><b></a>",
        b"<a>" * 100_000,
        b"<!DOCTYPE a [<!ENTITY b '"
        + b"x" * 5_000
        + b"'><!ENTITY c '"
        + b"&b;" * 5_000
        + b"'>]><a>"
        + b"&c;" * 99
        + b"</a>",
    ],
)
def test_broken_deep_or_growing_xml_is_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError, match="not well-formed XML"):
        Document(raw).xml()


def test_elements_are_found_by_local_name_and_have_places() -> None:
    root = Document(b'<n:nitf xmlns:n="urn:n"><n:p>one</n:p><n:p>t<!-- no -->w<b>o</b></n:p></n:nitf>').xml()

    second = find_all(root, "p")[1]

    assert line_in(second) == "two"
    assert place_of(second, "class") == "/nitf/p[2]/@class"
    assert place_of(root) == "/nitf"
    assert markup_in(second) == "tw<b>o</b>"
    assert find(root, "head", "title") is None

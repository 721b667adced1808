"""The formats that are read. A further one is a module with a `Reader` and a line in `READERS`."""

from __future__ import annotations

from services.ingest.adapters.readers.ninjs import NinjsReader
from services.ingest.adapters.readers.own import PresslineReader
from services.ingest.ports import Document, Reader, Reading, ReadingContext, RefusedError

READERS: tuple[Reader, ...] = (NinjsReader(), PresslineReader())
"""In the order in which they are asked whether the bytes are theirs."""

# Media types that say what the bytes are made of, or nothing at all, but not which format they are in; the last but
# one is what curl sends unless told otherwise.
_SAY_LITTLE = frozenset(
    {
        "application/json",
        "text/json",
        "application/xml",
        "text/xml",
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "",
    }
)


def read_article(raw: bytes, content_type: str | None, context: ReadingContext) -> Reading:
    """Return the article that the bytes hold, read by their Content-Type or else by what they look like.

    Raises:
        RefusedError: 400 not readable, 415 no reader knows the format or the feed does not accept it, 422 it breaks a
            rule.
    """
    document = Document(raw, content_type)
    reader, feed = _reader_for(document), context.feed
    if feed.formats and reader.name not in feed.formats:
        accepted = ", ".join(feed.formats)
        raise RefusedError(415, f"feed {feed.id} accepts {accepted}; the document is {reader.format}")
    return reader.read(document, context)


def _reader_for(document: Document) -> Reader:
    declared = document.media_type or ""
    for reader in READERS:
        if declared in reader.media_types:
            return reader
    known = ", ".join(reader.format for reader in READERS)
    if declared not in _SAY_LITTLE and not declared.endswith(("+json", "+xml")):
        raise RefusedError(415, f"Content-Type {declared[:100]!a} is not an article; formats read are {known}")
    for reader in READERS:
        if reader.recognises(document):
            return reader
    if not document.looks_like_xml:
        document.json()  # says where it is broken, if that is why nobody knows it
    raise RefusedError(415, f"no reader recognises the document; formats read are {known}")

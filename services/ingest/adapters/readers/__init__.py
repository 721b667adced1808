"""The supported formats. A new format is a module with a `Reader`, and a line in `READERS`."""

from __future__ import annotations

from services.ingest.adapters.readers.ninjs import NinjsReader
from services.ingest.adapters.readers.own import PresslineReader
from services.ingest.ports import Document, Reader, Reading, ReadingContext, RefusedError

READERS: tuple[Reader, ...] = (NinjsReader(), PresslineReader())
"""In the order in which they are tried."""

# Media types that do not identify a format. curl sends application/x-www-form-urlencoded by default.
_GENERIC_MEDIA_TYPES = frozenset(
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
    """Return the article; its format comes from the Content-Type, otherwise from the content.

    Raises:
        RefusedError: 400 not readable, 415 unknown format or one that the feed does not accept, 422 a rule is broken.
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
    if declared not in _GENERIC_MEDIA_TYPES and not declared.endswith(("+json", "+xml")):
        raise RefusedError(415, f"Content-Type {declared[:100]!a} is not an article; supported formats: {known}")
    for reader in READERS:
        if reader.recognises(document):
            return reader
    if not document.looks_like_xml:
        document.json()  # if broken JSON is the cause, raises with line and column
    raise RefusedError(415, f"no reader recognises the document; supported formats: {known}")

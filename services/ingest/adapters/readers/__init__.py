"""The supported formats. A new format is a module with a `Reader`, and a line in `READERS`."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.adapters.readers.ans import AnsReader
from services.ingest.adapters.readers.ap import ApReader
from services.ingest.adapters.readers.dpa import DpaReader
from services.ingest.adapters.readers.ghost import GhostReader
from services.ingest.adapters.readers.news_pages import HtmlReader
from services.ingest.adapters.readers.newsml import NewsmlReader
from services.ingest.adapters.readers.newsml_g2 import NewsmlG2Reader
from services.ingest.adapters.readers.ninjs import NinjsReader
from services.ingest.adapters.readers.nitf import NitfReader
from services.ingest.adapters.readers.own import PresslineReader
from services.ingest.adapters.readers.syndication import AtomReader, JsonFeedReader, RssReader
from services.ingest.adapters.readers.wordpress import WordpressReader, WxrReader
from services.ingest.ports import Document, Entry, Format, Reader, ReadingContext, RefusedError

READERS: tuple[Reader, ...] = (
    WxrReader(),
    NewsmlG2Reader(),
    NitfReader(),
    RssReader(),
    AtomReader(),
    JsonFeedReader(),
    HtmlReader(),
    WordpressReader(),
    GhostReader(),
    AnsReader(),
    DpaReader(),
    ApReader(),
    NewsmlReader(),
    NinjsReader(),
    PresslineReader(),
)
"""In the order in which they are tried: a format whose marks are certain comes before one that is guessed."""

FORMATS: tuple[Format, ...] = tuple(reader.format for reader in READERS)

# Media types that do not identify a format. curl sends application/x-www-form-urlencoded by default.
_GENERIC_MEDIA_TYPES = frozenset(
    {
        "application/json",
        "text/json",
        "application/xml",
        "text/xml",
        "text/plain",
        "text/html",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "",
    }
)


def read_document(raw: bytes, content_type: str | None, context: ReadingContext) -> Sequence[Entry]:
    """Return the entries; the document's format comes from the Content-Type, otherwise from the content.

    Raises:
        RefusedError: 400 not readable, 415 unknown format or one that the feed does not accept, 422 a rule is broken.
    """
    document = Document(raw, content_type)
    reader, feed = _reader_for(document), context.feed
    if feed.formats and reader.format.name not in feed.formats:
        accepted = ", ".join(feed.formats)
        raise RefusedError(415, f"feed {feed.id} accepts {accepted}; the document is {reader.format.title}")
    return reader.read(document, context)


def _reader_for(document: Document) -> Reader:
    declared = document.media_type or ""
    candidates = [reader for reader in READERS if declared in reader.format.media_types]
    if len(candidates) == 1:
        return candidates[0]
    known = ", ".join(each.title for each in FORMATS)
    is_generic = declared in _GENERIC_MEDIA_TYPES or declared.endswith(("+json", "+xml"))
    if not candidates and not is_generic:
        raise RefusedError(415, f"Content-Type {declared[:100]!a} is not an article; supported formats: {known}")
    for reader in candidates or READERS:
        if reader.recognises(document):
            return reader
    if document.looks_like_xml and not document.looks_like_html:
        document.xml()  # if broken XML is the cause, raises with line and column
    elif not document.looks_like_xml:
        document.json()  # the same for JSON
    raise RefusedError(415, f"no reader recognises the document; supported formats: {known}")

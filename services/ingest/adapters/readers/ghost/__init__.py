"""Reads Ghost's JSON: an export, a webhook, posts of its Content and Admin interfaces, and files for its importer."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.entries import read_each
from services.ingest.adapters.readers.ghost.about import FORMAT
from services.ingest.adapters.readers.ghost.article import deleted, read_post
from services.ingest.adapters.readers.ghost.documents import Part, deleted_in, find_dialect, parts_of
from services.ingest.adapters.readers.values import text_of
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext

__all__ = ["GhostReader"]


class GhostReader:
    """Reads every JSON form of Ghost."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the document is an export, a webhook's body or a post of Ghost."""
        return find_dialect(document.find_json_object()) is not None

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return an entry for each post of the document.

        Raises:
            RefusedError: 400, 413 or 422.
        """
        value = document.json()
        dialect = find_dialect(value if isinstance(value, dict) else None)
        if dialect is None or not isinstance(value, dict):
            raise unacceptable([Fault("", "must be an export, a webhook's body or posts of Ghost")])
        if (removed := deleted_in(value)) is not None:
            return [deleted(removed, ArticleBuilder(dialect.format_name, context))]
        return read_each(
            parts_of(value, dialect),
            lambda part: read_post(part, dialect, context),
            _name_of,
            dialect.format_name,
        )


def _name_of(part: Part) -> str:
    return text_of(part.post.get("title")) or text_of(part.post.get("slug")) or ""

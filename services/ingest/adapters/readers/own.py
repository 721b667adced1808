"""Reads Pressline's own JSON form: the fields of `shared.model.article.Article`. Unknown fields are refused."""

from __future__ import annotations

import json
from typing import Any

import pydantic_core

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.domain.formats import Format
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext
from shared.model.article import Article, Status

_TYPICAL_FIELDS = frozenset({"source_id", "headline", "body", "standfirst", "section"})
_UPLOAD = "upload pictures first: send the file to POST /v1/media, and its digest here as media"
_OPTIONAL_FIELDS = ("site", "source", "language", "section", "status")  # null means absent

_SET_BY_THE_ENDPOINT = {
    "canonical_site": "is set from the sites of the request; name them with ?site=",
    "canonical_article": "is set from the sites of the request; name them with ?site=",
    "old_addresses": "is set by the formats that state it: WordPress and Ghost exports",
    "body_pictures": 'is set from the body; name uploaded pictures there as <img src="media:{digest}">',
}


_VERSION = "pressline-article-1"
_EXAMPLE = {
    "source_id": "harbour-bridge-2026-11-22",
    "version_created": "2026-11-22T09:30:00+05:30",
    "headline": "Harbour bridge reopens after two years of repairs",
    "standfirst": "The first buses crossed at dawn; the toll is gone for good.",
    "byline": "EPN Desk",
    "section": "india",
    "keywords": ["transport", "infrastructure"],
    "body": "<p>The harbour bridge reopened on Sunday.</p>\n<h2>No more tolls</h2>\n<p>Drivers pay nothing.</p>",
}
FORMAT = Format(
    name="pressline",
    title="Pressline's own JSON form",
    media_types=("application/vnd.pressline.article+json",),
    example=json.dumps(_EXAMPLE, ensure_ascii=False, indent=2),
    about="""`source_id` is the sender's id of the article; the same id again is a later revision. Unknown fields are
refused, so that misspelt fields are noticed. A removal (`status` canceled or withheld) needs only `source_id` and
`status`.""",
)


class PresslineReader:
    """Reads Pressline's own JSON form."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the document has typical fields of the form, or is JSON but no object."""
        values = document.find_json_object()
        if values is None:
            return document.is_json
        return not values or not _TYPICAL_FIELDS.isdisjoint(values)

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the article as the only entry.

        Raises:
            RefusedError: 400 or 422.
        """
        given = document.json()
        if not isinstance(given, dict):
            raise unacceptable([Fault("", "must be a JSON object with the fields of an article")])
        builder = ArticleBuilder(_VERSION, context)
        for name, value in given.items():
            if name in _SET_BY_THE_ENDPOINT:
                builder.fault(pointer(name), _SET_BY_THE_ENDPOINT[name])
            elif value is not None or name not in _OPTIONAL_FIELDS:
                builder.set_field(name, value, pointer(name))
        _refuse_file_names(given, builder)
        return [builder.finish(validate=_validate)]


def _validate(values: dict[str, Any]) -> Article:
    """Return the article; validated as JSON, where pydantic's strict mode still accepts dates as text."""
    if values.get("status") in (Status.WITHHELD, Status.CANCELED) and values.get("body") is None:
        values = values | {"body": ""}
    return Article.model_validate_json(
        pydantic_core.to_json(values, inf_nan_mode="constants"), strict=True, extra="forbid"
    )


def _refuse_file_names(given: dict[str, object], builder: ArticleBuilder) -> None:
    """Refuse file names: `pressline post` uploads the files and sends digests instead."""
    pictures = given.get("pictures")
    by_path: list[tuple[tuple[str | int, ...], object]] = [(("picture",), given.get("picture"))]
    if isinstance(pictures, list):
        by_path += [(("pictures", index), picture) for index, picture in enumerate(pictures)]
    for path, picture in by_path:
        if isinstance(picture, dict) and "file" in picture:
            picture.pop("file")
            builder.fault(pointer(*path, "file"), _UPLOAD)

"""Pressline's own JSON form: the fields of `shared.model.article.Article`. A field with another name is refused."""

from __future__ import annotations

from typing import Any

import pydantic_core

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Reading, ReadingContext
from shared.model.article import Article, Status

_MARKS = frozenset({"source_id", "headline", "body", "standfirst", "section"})
_UPLOAD = "pictures come first: send the file with POST /v1/media and its digest here as media"
_OPTIONAL_HERE = ("site", "source", "language", "section", "status")  # null says the same as leaving it out

_NOT_SAID_BY_SENDERS = {
    "canonical_site": "is known from the sites that it is posted to; name them with ?site=",
    "canonical_article": "is known from the sites that it is posted to; name them with ?site=",
    "body_pictures": 'is known from the body; name uploaded pictures there as <img src="media:{digest}">',
}


class PresslineReader:
    """Reads the own JSON form."""

    name = "pressline"
    format = "pressline-article-1"
    media_types = ("application/vnd.pressline.article+json",)

    def recognises(self, document: Document) -> bool:
        """Tell whether the document means to be an article in our own words, or is JSON that is no object at all."""
        values = document.find_json_object()
        if values is None:
            return document.is_json
        return not values or not _MARKS.isdisjoint(values)

    def read(self, document: Document, context: ReadingContext) -> Reading:
        """Return the article.

        Raises:
            RefusedError: 400 or 422.
        """
        given = document.json()
        if not isinstance(given, dict):
            raise unacceptable([Fault("", "must be a JSON object with the fields of an article")])
        builder = ArticleBuilder(self.format, context)
        for name, value in given.items():
            if name in _NOT_SAID_BY_SENDERS:
                builder.fault(pointer(name), _NOT_SAID_BY_SENDERS[name])
            elif value is not None or name not in _OPTIONAL_HERE:
                builder.keep(name, value, pointer(name))
        _point_out_files(given, builder)
        return builder.finish(validate=_validate)


def _validate(values: dict[str, Any]) -> Article:
    """Return the article; as JSON, since only there strict means what a sender understands by it."""
    if values.get("status") in (Status.WITHHELD, Status.CANCELED) and values.get("body") is None:
        values = values | {"body": ""}
    return Article.model_validate_json(
        pydantic_core.to_json(values, inf_nan_mode="constants"), strict=True, extra="forbid"
    )


def _point_out_files(given: dict[str, object], builder: ArticleBuilder) -> None:
    """Refuse names of files: `pressline post` uploads them and sends digests in their stead."""
    pictures = given.get("pictures")
    places: list[tuple[tuple[str | int, ...], object]] = [(("picture",), given.get("picture"))]
    if isinstance(pictures, list):
        places += [(("pictures", index), picture) for index, picture in enumerate(pictures)]
    for path, picture in places:
        if isinstance(picture, dict) and "file" in picture:
            picture.pop("file")
            builder.fault(pointer(*path, "file"), _UPLOAD)

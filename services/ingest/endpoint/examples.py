"""Request and response examples of the API's description; those of articles come from the formats."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from services.ingest.domain.formats import Format

_OWN = "pressline"
_OWN_SCHEMA = {"$ref": "#/components/schemas/ArticleForm"}
_ABOUT_SCHEMA = "The schema has the example only; the reader takes any document of the format."
_JSON = "application/json"
_XML = "application/xml"


def article_body(formats: Sequence[Format]) -> dict[str, Any]:
    """Return the OpenAPI request body of an article: each media type, with an example of each format.

    JSON Schema cannot state the rules of a wire format, and a client that follows the schema must be accepted. So a
    format's schema names its example, and the operation's description and `docs/formats.md` state the rules.
    """
    content: dict[str, Any] = {}
    for each in formats:
        is_json = each.example.lstrip().startswith(("{", "["))
        value = json.loads(each.example) if is_json else each.example
        for media_type in (*each.media_types, _JSON if is_json else _XML):
            body = content.setdefault(media_type, {"schema": {"anyOf": []}, "examples": {}})
            schema = _OWN_SCHEMA if each.name == _OWN else {"description": _ABOUT_SCHEMA, "enum": [value]}
            body["schema"]["anyOf"].append(schema)
            body["examples"][each.name] = {"summary": each.title, "value": value}
    return {"required": True, "content": content}


NDJSON = "application/x-ndjson"
_BATCH_ARTICLES = [
    {"source_id": "bridge-2026-11-22", "headline": "Bridge reopens", "body": "<p>It opened at dawn.</p>"},
    {"source_id": "ferry-2026-11-22", "headline": "Ferry returns", "body": "<p>It left at dawn.</p>"},
]
_BATCH_REPLIES = [
    {"line": 1, "status": "accepted", "receipt": "5f0c7c3f1b0e4a7d9f3f6a1d2c3b4a59"},
    {
        "line": 2,
        "status": "busy",
        "problem": {
            "type": "about:blank",
            "title": "Backlog full",
            "status": 503,
            "detail": "20001 messages wait; the lane bulk accepts no articles from 20000 on; this line was not "
            "accepted: send it again after retry_after_seconds",
            "errors": [],
        },
        "retry_after_seconds": 5,
    },
]


def _lines(objects: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in objects)


BATCH_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        kind: {
            "schema": {"type": "string", "description": "One article a line, as JSON."},
            "examples": {"two": {"summary": "Two articles", "value": _lines(_BATCH_ARTICLES)}},
        }
        for kind in (NDJSON, "text/plain")  # many tools know no NDJSON
    },
}
BATCH_ANSWER: dict[str, Any] = {
    "description": "One `BatchLineReply` for each line of the request, sent as soon as the line is stored or refused.",
    "content": {
        NDJSON: {
            "schema": {"type": "string", "description": "Lines of `#/components/schemas/BatchLineReply`."},
            "examples": {"two": {"summary": "One line stored, one to be sent again", "value": _lines(_BATCH_REPLIES)}},
        }
    },
}

PICTURE_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        kind: {"schema": {"type": "string", "format": "binary"}}
        for kind in ("image/jpeg", "image/png", "image/webp", "image/gif")
    },
}

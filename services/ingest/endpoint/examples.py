"""Request and response examples of the API's description; those of articles come from the formats."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from services.ingest.domain.formats import Format

_SCHEMAS = {"pressline": "ArticleForm", "ninjs": "NinjsItem"}
_JSON = "application/json"
_XML = "application/xml"


def article_body(formats: Sequence[Format]) -> dict[str, Any]:
    """Return the OpenAPI request body of an article: each media type, with an example of each format."""
    content: dict[str, Any] = {
        _JSON: {"schema": {"anyOf": [*_references(formats), {"type": "object"}]}, "examples": {}},
        _XML: {"schema": {"type": "string"}, "examples": {}},
    }
    for each in formats:
        is_json = each.example.lstrip().startswith(("{", "["))
        example = {"summary": each.title, "value": json.loads(each.example) if is_json else each.example}
        schema = _references([each])[0] if each.name in _SCHEMAS else {"type": "object" if is_json else "string"}
        for media_type in each.media_types:
            known = content.setdefault(media_type, {"schema": schema, "examples": {}})
            if known["schema"] != schema:
                known["schema"] = {}  # a type that several formats share
            known["examples"][each.name] = example
        content[_JSON if is_json else _XML]["examples"][each.name] = example
    return {"required": True, "content": {kind: body for kind, body in content.items() if body["examples"]}}


def _references(formats: Sequence[Format]) -> list[dict[str, str]]:
    return [{"$ref": f"#/components/schemas/{_SCHEMAS[each.name]}"} for each in formats if each.name in _SCHEMAS]


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
        NDJSON: {
            "schema": {"type": "string", "description": "One article a line, as JSON."},
            "examples": {"two": {"summary": "Two articles", "value": _lines(_BATCH_ARTICLES)}},
        }
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

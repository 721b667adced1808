"""Request and response examples of the API's description, one for each supported format."""

from __future__ import annotations

import json
from typing import Any

OWN_EXAMPLE: dict[str, Any] = {
    "source_id": "harbour-bridge-2026-11-22",
    "version_created": "2026-11-22T09:30:00+05:30",
    "headline": "Harbour bridge reopens after two years of repairs",
    "standfirst": "The first buses crossed at dawn; the toll is gone for good.",
    "byline": "EPN Desk",
    "section": "india",
    "keywords": ["transport", "infrastructure"],
    "body": "<p>The harbour bridge reopened on Sunday.</p>\n<h2>No more tolls</h2>\n<p>Drivers pay nothing.</p>",
}

NINJS_EXAMPLE: dict[str, Any] = {
    "standard": {"name": "ninjs", "version": "3.0"},
    "uri": "urn:example:2026-11-22:harbour-bridge",
    "type": "text",
    "version": "1",
    "versionCreated": "2026-11-22T09:30:00+05:30",
    "pubStatus": "usable",
    "urgency": 3,
    "language": "en",
    "headlines": [{"role": "main", "value": "Harbour bridge reopens after two years of repairs"}],
    "descriptions": [{"role": "summary", "value": "The first buses crossed at dawn; the toll is gone for good."}],
    "by": "EPN Desk",
    "subjects": [{"name": "India", "uri": "epn:section:india"}],
    "bodies": [{"role": "main", "contentType": "text/html", "value": "<p>The harbour bridge reopened on Sunday.</p>"}],
}

_OWN = {"summary": "Pressline's own JSON form", "value": OWN_EXAMPLE}
_NINJS = {"summary": "IPTC ninjs 3.0", "value": NINJS_EXAMPLE}
_OWN_SCHEMA = {"$ref": "#/components/schemas/ArticleForm"}
_NINJS_SCHEMA = {"$ref": "#/components/schemas/NinjsItem"}

ARTICLE_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"anyOf": [_OWN_SCHEMA, _NINJS_SCHEMA]},
            "examples": {"pressline": _OWN, "ninjs": _NINJS},
        },
        "application/vnd.pressline.article+json": {"schema": _OWN_SCHEMA, "examples": {"pressline": _OWN}},
        "application/vnd.iptc.ninjs+json": {"schema": _NINJS_SCHEMA, "examples": {"ninjs": _NINJS}},
    },
}

NDJSON = "application/x-ndjson"
_BATCH_ARTICLES = [
    OWN_EXAMPLE,
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

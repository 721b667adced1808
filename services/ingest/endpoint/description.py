"""The API's description (OpenAPI 3.1): what FastAPI knows, and the forms of articles that it cannot."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from services.ingest.endpoint.actions import ActionForm
from services.ingest.endpoint.fronts import FrontForm
from services.ingest.endpoint.problems import Problem
from services.ingest.endpoint.replies import BatchLineReply
from shared.model.article import Article

_REF = "#/components/schemas/{model}"
_JSON = "application/json"
_NEEDED = ("source_id", "headline", "body")
_ABOUT_OWN = """Pressline's own JSON form. `source_id` is the sender's name for the article: the same one again is a
later revision. Unknown fields are refused, so that a misspelt one does not go unseen. Of an article that is taken
down (`status` canceled or withheld) only `source_id` and `status` are needed."""
_ABOUT_NINJS = """An item of IPTC ninjs 3.0 with `type` text. Fields that have no place in an article are left out and
named in the report; `edNote` and contact details never are published."""

DESCRIPTION = """
Newsrooms post articles here; a few moments later readers have them.

1. `POST /v1/articles` with the article and a bearer token. The answer 202 is a promise: it is stored.

2. `GET /v1/receipts/{id}` (the answer's `Location`) tells what becomes of it; or post with `Prefer: wait=10` and have
   the address of the page in the answer.

3. An archive goes to `POST /v1/batches`, one article a line; `pressline import ndjson` does it with a progress bar.

4. `POST /v1/articles/{article}/kill`, `withdraw` and `restore` take an article down and bring it back.

5. Pictures come first: `POST /v1/media` answers the digest that the article's `picture.media` refers to.

6. `PUT /v1/fronts/{section}` pins articles to the home page or to a section's front.

Errors are problem documents (RFC 9457) with a JSON pointer for each fault. What was not accepted is answered with 4xx
or 5xx; after a 503, send the same again.
"""


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description, made once."""
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        _forget_fastapis_own_errors(described)
        problem = Problem.model_json_schema(ref_template=_REF)
        schemas |= problem.pop("$defs") | {"Problem": problem}
        schemas |= _article_schemas()
        schemas["BatchLineReply"] = _schema_of(BatchLineReply)
        schemas["FrontForm"] = _schema_of(FrontForm)
        schemas["ActionForm"] = _schema_of(ActionForm)
        app.openapi_schema = described
    return app.openapi_schema


def _forget_fastapis_own_errors(described: dict[str, Any]) -> None:
    """Take out what FastAPI adds for invalid parameters: here every error is a problem document."""
    for operations in described["paths"].values():
        for operation in operations.values():
            responses: dict[str, Any] = operation["responses"]
            if _JSON in responses.get("422", {}).get("content", {}):
                del responses["422"]
    for unused in ("HTTPValidationError", "ValidationError"):
        described["components"]["schemas"].pop(unused, None)


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=_REF)
    schema.pop("$defs", None)  # what they name is among the schemas already
    return schema


def _article_schemas() -> dict[str, Any]:
    own = Article.model_json_schema(ref_template=_REF)
    parts: dict[str, Any] = own.pop("$defs")
    for known_from_the_request in ("canonical_site", "canonical_article"):
        del own["properties"][known_from_the_request]
    own |= {"title": "ArticleForm", "description": _ABOUT_OWN, "required": list(_NEEDED)}
    ninjs = {
        "title": "NinjsItem",
        "description": _ABOUT_NINJS,
        "type": "object",
        "required": ["uri"],
        "properties": {
            "uri": {"type": "string", "description": "The item's identity."},
            "versionCreated": {"type": "string", "format": "date-time"},
            "headlines": {"type": "array", "items": {"type": "object"}},
            "bodies": {"type": "array", "items": {"type": "object"}},
        },
    }
    return parts | {"ArticleForm": own, "NinjsItem": ninjs}

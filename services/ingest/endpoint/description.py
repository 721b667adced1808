"""The API's OpenAPI 3.1 description: FastAPI's own, with the schemas of articles added."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from services.ingest.endpoint.actions import ActionForm
from services.ingest.endpoint.examples import article_body
from services.ingest.endpoint.formats_page import formats_table
from services.ingest.endpoint.fronts import FrontForm
from services.ingest.endpoint.limits import LIMIT_HEADERS, is_limited, status_over_limit
from services.ingest.endpoint.problems import Problem, documented
from services.ingest.endpoint.replies import BatchLineReply
from shared.model.article import Article

_REF = "#/components/schemas/{model}"
_JSON = "application/json"
_REQUIRED = ("source_id", "headline", "body")
_ABOUT_OWN = """Pressline's own JSON form. `source_id` is the sender's id of the article; the same id again is a later
revision. Unknown fields are refused, so that misspelt fields are noticed. A removal (`status` canceled or withheld)
needs only `source_id` and `status`."""
_BODY_OF_ARTICLES = ("postArticle", "postFeedItem")

DESCRIPTION = """
Newsrooms post articles here; readers see them a few moments later.

1. `POST /v1/articles` with the article and a bearer token. The answer 202 is a promise: the article is stored.

2. `GET /v1/receipts/{id}` (the answer's `Location`) returns the article's status. Or post with `Prefer: wait=10`: the
   answer then has the URL of the page.

3. Archives go to `POST /v1/batches`, one article a line; `pressline import ndjson` does this with a progress bar.

4. `POST /v1/articles/{article}/kill` and `withdraw` remove an article, `restore` brings it back.

5. Upload pictures first: `POST /v1/media` returns the digest for the article's `picture.media`.

6. `GET /v1/events` streams the status of all submissions; `pressline webhooks` sends the same events to your server.

7. `PUT /v1/fronts/{section}` pins articles to the home page or to a section's front.

A token may send 6,000 requests in a minute, unless its operator chose another number. `RateLimit` tells the rest. Kill,
withdraw and restore do not count. `Idempotency-Key` makes the answer to a repeated post the same.

Errors are problem documents (RFC 9457) with a JSON pointer for each fault. After an answer 4xx or 5xx nothing is
accepted; after a 503, send the same request again.
"""


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description; it is built once."""
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        _remove_fastapi_errors(described)
        _add_rate_limits(described)
        problem = Problem.model_json_schema(ref_template=_REF)
        schemas |= problem.pop("$defs") | {"Problem": problem}
        schemas |= _article_schemas()
        schemas["BatchLineReply"] = _schema_of(BatchLineReply)
        schemas["FrontForm"] = _schema_of(FrontForm)
        schemas["ActionForm"] = _schema_of(ActionForm)
        body = article_body(app.state.deps.formats)
        for operation in (each for path in described["paths"].values() for each in path.values()):
            if operation["operationId"] in _BODY_OF_ARTICLES:
                operation["requestBody"] = body
                operation["description"] += formats_table(app.state.deps.formats)
        app.openapi_schema = described
    return app.openapi_schema


def _remove_fastapi_errors(described: dict[str, Any]) -> None:
    """Remove FastAPI's own error schemas, because every error here is a problem document."""
    for operations in described["paths"].values():
        for operation in operations.values():
            responses: dict[str, Any] = operation["responses"]
            if _JSON in responses.get("422", {}).get("content", {}):
                del responses["422"]
    for unused in ("HTTPValidationError", "ValidationError"):
        described["components"]["schemas"].pop(unused, None)


def _add_rate_limits(described: dict[str, Any]) -> None:
    """Add the header fields of the rate limit, and its refusal, to each operation that counts."""
    for route, operations in described["paths"].items():
        for operation in operations.values():
            if not operation.get("security") or not is_limited(route):
                continue
            responses: dict[str, Any] = operation["responses"]
            status = status_over_limit(route)
            responses.setdefault(str(status.value), documented(status)[status])
            for response in responses.values():
                response["headers"] = response.get("headers", {}) | LIMIT_HEADERS


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=_REF)
    schema.pop("$defs", None)  # these schemas are in the description already
    return schema


def _article_schemas() -> dict[str, Any]:
    own = Article.model_json_schema(ref_template=_REF)
    parts: dict[str, Any] = own.pop("$defs")
    for set_from_request in ("canonical_site", "canonical_article"):
        del own["properties"][set_from_request]
    for schema in (own, *parts.values()):
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
    own |= {"title": "ArticleForm", "description": _ABOUT_OWN, "required": list(_REQUIRED)}
    return parts | {"ArticleForm": own}

"""The FastAPI application: routes, error handlers and middleware."""

from __future__ import annotations

from functools import partial

from fastapi import Depends, FastAPI

from services.ingest.endpoint import (
    actions,
    articles,
    assets,
    batches,
    docs,
    events,
    fronts,
    health,
    media,
    receipts,
    websub,
    why,
)
from services.ingest.endpoint.deps import EndpointDeps, Threads
from services.ingest.endpoint.description import DESCRIPTION, describe
from services.ingest.endpoint.idempotency import KeepAnswers, RepeatedRequestError, answer_again
from services.ingest.endpoint.parameters import refuse_unknown_parameters
from services.ingest.endpoint.problems import install_problem_handlers
from services.ingest.endpoint.requests import RequestContext

_TAGS = [
    {"name": "articles", "description": "Post articles and read their state."},
    {"name": "fronts", "description": "Pin articles to fronts."},
    {"name": "media", "description": "Upload pictures."},
    {"name": "receipts", "description": "Read the status of a submission."},
    {"name": "events", "description": "Follow the status of all submissions."},
    {"name": "operations", "description": "Health, metrics and diagnosis, for operators."},
]


def create_app(deps: EndpointDeps) -> FastAPI:
    """Return the endpoint's application."""
    app = FastAPI(
        title="Pressline",
        version="1",
        description=DESCRIPTION,
        openapi_tags=_TAGS,
        openapi_url="/openapi.json",
        redirect_slashes=False,  # a redirected POST would lose its body
        docs_url=None,  # FastAPI's page loads its script from a third party; `docs` does not
        redoc_url=None,
        dependencies=[Depends(refuse_unknown_parameters)],
    )
    app.state.deps = deps
    app.state.threads = Threads(deps.settings.api_threads)
    app.state.batch_threads = Threads(max(1, deps.settings.api_threads // 4))
    app.openapi = partial(describe, app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    install_problem_handlers(app)
    app.add_exception_handler(RepeatedRequestError, answer_again)  # type: ignore[arg-type]  # of this error only
    app.add_middleware(KeepAnswers)
    app.add_middleware(RequestContext)
    for module in (articles, assets, batches, actions, fronts, media, receipts, events, websub, why, health, docs):
        app.include_router(module.router)
    return app

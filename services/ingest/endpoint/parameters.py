"""Refuses unknown query parameters, so that a misspelt `dry_run` publishes nothing."""

from __future__ import annotations

import difflib

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from services.ingest.endpoint.problems import ProblemError

_MAX_SHOWN_CHARS = 40
_OPEN_PATHS = ("/v1/websub/",)  # hubs add parameters of their own


async def refuse_unknown_parameters(request: Request) -> None:
    """Compare the query with the parameters of the operation.

    Raises:
        ProblemError: 422, a parameter is unknown; the text names a similar one.
    """
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute) or route.path.startswith(_OPEN_PATHS):
        return
    known = sorted(_names(route.dependant))
    for name in request.query_params:
        if name not in known:
            near = difflib.get_close_matches(name[:_MAX_SHOWN_CHARS], known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(known) or 'none'}"
            raise ProblemError(422, f"this operation has no parameter {name[:_MAX_SHOWN_CHARS]!a}{hint}")


def _names(dependant: Dependant) -> set[str]:
    """Return the query parameters of a route and of its dependencies."""
    own = {each.alias for each in dependant.query_params}
    return own.union(*(_names(each) for each in dependant.dependencies))

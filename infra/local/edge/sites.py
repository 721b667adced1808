"""Several sites behind one edge; the Host header selects the site."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.local.edge.app import RESERVED, Edge
from infra.local.edge.origin import Origin
from infra.local.edge.settings import EdgeSettings

_PORT = re.compile(r":\d*$")
_NOT_FOUND_SECONDS = 5.0  # how long a 404 is believed, unless a purge says otherwise


def edge_of(settings: EdgeSettings, client: httpx.AsyncClient) -> ASGIApp:
    """Return the edge as an ASGI application: one site for every host, or one site per host."""

    def origin(place: str) -> Origin:
        return Origin(client, f"{settings.s3_endpoint.rstrip('/')}/{place}", _NOT_FOUND_SECONDS)

    first = Edge.of(settings, origin(settings.public_bucket))
    if not settings.places:
        return first
    return Sites(first, {host: first.before(origin(place)) for host, place in settings.places.items()})


@dataclass(frozen=True, slots=True)
class Sites:
    """One edge per host. `any_of_them` takes health checks, and purges for all sites under any other host name."""

    any_of_them: Edge
    by_host: Mapping[str, Edge]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(RESERVED):
            await self.any_of_them(scope, receive, send)
            return
        edge = self.by_host.get(_PORT.sub("", Headers(scope=scope).get("host", "").lower()))
        if edge is None and scope["method"] == "PURGE":
            edge = self.any_of_them
        if edge is None:
            headers = self.any_of_them.settings.headers
            await PlainTextResponse("no site of that name is here\n", 421, headers)(scope, receive, send)
            return
        await edge(scope, receive, send)

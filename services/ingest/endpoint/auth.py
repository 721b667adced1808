"""Authentication and authorisation: bearer tokens (RFC 6750) with scopes, bound to sites."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.ingest.domain.author import Author, author
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.endpoint.deps import EndpointDeps, deps_of, threads_of
from services.ingest.endpoint.limits import is_limited, limit_headers, over_limit, status_over_limit
from services.ingest.endpoint.problems import ProblemError
from services.ingest.endpoint.requests import add_answer_headers, name_sender
from services.ingest.ports import Allowance
from shared.runtime.tokens import HASH_BEGINS_CHARS, Scope, TokenRecord, hash_of
from shared.site.sites import Feed, Site

CHALLENGE = 'Bearer realm="pressline"'
BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="A token of this installation, such as `prl_…`.")


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request: a known token with the scope that the operation needs."""

    token: TokenRecord
    sites: dict[str, Site]

    @property
    def name(self) -> str:
        """Return the token's name, for actions and logs."""
        return self.token.name

    @property
    def may_take_down(self) -> bool:
        """Return whether the caller may remove articles."""
        return self.token.allows(Scope.TAKEDOWN)

    def covers(self, site: str) -> bool:
        """Return whether the token is bound to the site."""
        return self.token.covers(site) and site in self.sites

    def site(self, named: str | None) -> Site:
        """Return the named site, otherwise the token's only one.

        Raises:
            ProblemError: 403, the token is not bound to it.
            RefusedError: 422, the token has several sites and the request names none.
        """
        if named is not None:
            if not self.covers(named):
                raise ProblemError(403, "the token is not bound to this site")
            return self.sites[named]
        names = [site for site in self.token.sites if site in self.sites]
        if len(names) == 1:
            return self.sites[names[0]]
        if not names:
            raise ProblemError(403, "the token is bound to no site of this installation")
        raise unacceptable([Fault("", f"name the site with ?site=, one of {', '.join(names)}")])

    def feed(self, site: Site, named: str | None) -> Feed:
        """Return the feed of an item at a site: the named one, otherwise the token's only one there.

        Raises:
            ProblemError: 403, the token does not belong to it.
            RefusedError: 422, the token belongs to several feeds of the site and the request names none.
        """
        own = [feed for feed in site.feeds if feed.id in self.token.feeds] if self.token.feeds else [site.feeds[0]]
        found = [feed for feed in own if feed.id == named] if named is not None else own
        if len(found) == 1:
            return found[0]
        if found:
            raise unacceptable([Fault("", f"name the feed with ?feed=, one of {', '.join(feed.id for feed in own)}")])
        if named is not None:
            raise ProblemError(403, f"the token does not belong to feed {named[:40]!a} of site {site.id}")
        raise ProblemError(403, f"the token belongs to no feed of site {site.id}")

    def named_sites(self, named: list[str] | None) -> tuple[Site, ...]:
        """Return the named sites, the canonical one first; otherwise the token's only site.

        Raises:
            ProblemError: 403, the token is not bound to all of them; the text names the others.
            RefusedError: 422, the token has several sites and the request names none.
        """
        if not named:
            return (self.site(None),)
        names = tuple(dict.fromkeys(named))
        if foreign := [name for name in names if not self.covers(name)]:
            raise ProblemError(403, f"the token is not bound to {', '.join(foreign)}; nothing was accepted")
        return tuple(self.sites[name] for name in names)


def caller_with(*scopes: Scope) -> Any:  # noqa: ANN401 -- FastAPI's Depends returns Any
    """Return a dependency that finds the caller, whose token must have one of the scopes."""

    async def find_caller(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
    ) -> Caller:
        if credentials is None:
            raise ProblemError(
                401, "send a token: Authorization: Bearer prl_…", headers={"WWW-Authenticate": CHALLENGE}
            )
        deps, route = deps_of(request), request.scope["route"].path
        token, allowance = await threads_of(request).run(_identify, deps, credentials.credentials, route)
        if token is None:
            name_sender(f"unknown {hash_of(credentials.credentials)[:HASH_BEGINS_CHARS]}")
            challenge = f'{CHALLENGE}, error="invalid_token"'
            detail = "the token is not known: it never was, was revoked, or has expired"
            raise ProblemError(401, detail, headers={"WWW-Authenticate": challenge})
        note_sender(request, token.name)
        require_allowance(request, allowance, status_over_limit(route))
        if not any(token.allows(scope) for scope in scopes):
            scopes_text = " or ".join(scopes)
            challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{" ".join(scopes)}"'
            raise ProblemError(403, f"the token lacks the scope {scopes_text}", headers={"WWW-Authenticate": challenge})
        return Caller(token, dict(deps.sites))

    return Depends(find_caller)


def note_sender(request: Request, name: str) -> None:
    """Name the sender in the log and, for takedowns, in the audit log."""
    name_sender(name)
    author.set(Author(name, request.scope.get("state", {}).get("request_id")))


def require_allowance(request: Request, allowance: Allowance | None, status: HTTPStatus) -> None:
    """Name the limit in the answer; return if the request is allowed. Without an allowance it is not limited.

    Raises:
        ProblemError: `status`, the sender is over its rate.
    """
    if allowance is None:
        return
    add_answer_headers(request, limit_headers(allowance))
    if not allowance.is_allowed:
        raise over_limit(allowance, status)


def _identify(deps: EndpointDeps, secret: str, route: str) -> tuple[TokenRecord | None, Allowance | None]:
    """Return the token's rights, and the allowance of this request if it is limited: at most one call to Redis."""
    token = deps.find_token(secret)
    if token is None or not is_limited(route):
        return token, None
    own = token.requests_per_minute
    requests_per_minute = deps.settings.rate_limit_per_minute if own is None else own
    return token, deps.rate_limits.take(token.sha256, requests_per_minute) if requests_per_minute else None


RequirePublish = Annotated[Caller, caller_with(Scope.PUBLISH)]
RequireTakedown = Annotated[Caller, caller_with(Scope.TAKEDOWN)]
RequireRead = Annotated[Caller, caller_with(Scope.READ, Scope.PUBLISH)]
"""Tokens that may publish may also read the result."""

"""Who is asking, and what they may do: bearer tokens (RFC 6750) with scopes, bound to sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.problems import ProblemError
from shared.runtime.tokens import Scope, TokenRecord
from shared.site.sites import Feed, Site

_CHALLENGE = 'Bearer realm="pressline"'
_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="A token of this installation, such as `prl_…`."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: a token that is known and has the scope that the operation asks for."""

    token: TokenRecord
    sites: dict[str, Site]

    @property
    def name(self) -> str:
        """Return the token's name, as actions and logs record it."""
        return self.token.name

    @property
    def may_take_down(self) -> bool:
        """Tell whether an item that takes an article down is taken from this caller."""
        return self.token.allows(Scope.TAKEDOWN)

    def covers(self, site: str) -> bool:
        """Tell whether the caller may know of the site."""
        return self.token.covers(site) and site in self.sites

    def site(self, asked: str | None) -> Site:
        """Return the site that is meant: the one asked for, else the token's only one.

        Raises:
            ProblemError: 403, the token is not bound to it.
            RefusedError: 422, it has to be said which.
        """
        if asked is not None:
            if not self.covers(asked):
                raise ProblemError(403, "the token is not bound to this site")
            return self.sites[asked]
        mine = [site for site in self.token.sites if site in self.sites]
        if len(mine) == 1:
            return self.sites[mine[0]]
        if not mine:
            raise ProblemError(403, "the token is bound to no site of this installation")
        raise unacceptable([Fault("", f"say which site is meant with ?site=, one of {', '.join(mine)}")])

    def feed(self, site: Site, asked: str | None) -> Feed:
        """Return the feed that an item belongs to at a site: the one asked for, else the token's only one there.

        Raises:
            ProblemError: 403, the token does not belong to it.
            RefusedError: 422, the token belongs to several feeds of the site and the request names none.
        """
        own = [feed for feed in site.feeds if feed.id in self.token.feeds] if self.token.feeds else [site.feeds[0]]
        found = [feed for feed in own if feed.id == asked] if asked is not None else own
        if len(found) == 1:
            return found[0]
        if found:
            raise unacceptable([Fault("", f"name the feed with ?feed=, one of {', '.join(feed.id for feed in own)}")])
        if asked is not None:
            raise ProblemError(403, f"the token does not belong to feed {asked[:40]!a} of site {site.id}")
        raise ProblemError(403, f"the token belongs to no feed of site {site.id}")

    def sites_asked(self, asked: list[str] | None) -> tuple[Site, ...]:
        """Return the sites that are meant, the canonical one first: those asked for, else the token's only one.

        Raises:
            ProblemError: 403, the token is not bound to each; the text says to which it is not.
            RefusedError: 422, it has to be said which.
        """
        if not asked:
            return (self.site(None),)
        names = tuple(dict.fromkeys(asked))
        if foreign := [name for name in names if not self.covers(name)]:
            raise ProblemError(403, f"the token is not bound to {', '.join(foreign)}; nothing was accepted")
        return tuple(self.sites[name] for name in names)


def caller_with(*scopes: Scope) -> Any:  # noqa: ANN401 -- what FastAPI's Security returns
    """Return a dependency: the caller, who must have one of the scopes."""

    async def find_caller(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> Caller:
        if credentials is None:
            raise ProblemError(
                401, "send a token: Authorization: Bearer prl_…", headers={"WWW-Authenticate": _CHALLENGE}
            )
        deps = deps_of(request)
        token = await threads_of(request).run(deps.find_token, credentials.credentials)
        if token is None:
            challenge = f'{_CHALLENGE}, error="invalid_token"'
            raise ProblemError(401, "the token is not known here", headers={"WWW-Authenticate": challenge})
        if not any(token.allows(scope) for scope in scopes):
            wanted = " or ".join(scopes)
            challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{" ".join(scopes)}"'
            raise ProblemError(403, f"the token lacks the scope {wanted}", headers={"WWW-Authenticate": challenge})
        return Caller(token, dict(deps.sites))

    return Depends(find_caller)


RequirePublish = Annotated[Caller, caller_with(Scope.PUBLISH)]
RequireTakedown = Annotated[Caller, caller_with(Scope.TAKEDOWN)]
RequireRead = Annotated[Caller, caller_with(Scope.READ, Scope.PUBLISH)]
"""Who publishes may also see what became of it."""

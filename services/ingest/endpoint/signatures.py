"""Signed requests: a sender without a token signs the exact bytes of the body with the feed's secret.

* Superdesk: `x-superdesk-signature: sha1={HMAC-SHA1 of the body}`.
* Ghost: `X-Ghost-Signature: sha256={HMAC-SHA256 of the body and t}, t={milliseconds}`; older versions sign the body
  alone.

The signature is compared in constant time, before the body is parsed. A signed request belongs to one feed, which its
address names.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers

from services.ingest.domain.author import Author, author
from services.ingest.endpoint.auth import Caller, caller_with
from services.ingest.endpoint.body import keep_body, read_body
from services.ingest.endpoint.deps import EndpointDeps, deps_of, threads_of
from services.ingest.endpoint.problems import ProblemError
from services.ingest.endpoint.requests import name_sender
from shared.runtime.tokens import Scope, TokenRecord
from shared.site.sites import Feed, Site

SUPERDESK_HEADER = "x-superdesk-signature"
GHOST_HEADER = "x-ghost-signature"
_SUPERDESK = re.compile(r"sha1=([0-9a-f]{40})", re.IGNORECASE)
_GHOST = re.compile(r"sha256=([0-9a-f]{64})\s*,\s*t=([0-9]{10,16})", re.IGNORECASE)
_MAX_AGE = timedelta(minutes=10)  # Ghost repeats a webhook within seconds; clocks may differ by minutes
_MAX_SITES = 20
_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="A token of this installation, such as `prl_…`."
)
_superdesk = APIKeyHeader(
    name=SUPERDESK_HEADER,
    scheme_name="superdesk",
    auto_error=False,
    description="`sha1=` and the HMAC-SHA1 of the body, with the feed's secret. Superdesk's HTTP push sends it.",
)
_ghost = APIKeyHeader(
    name=GHOST_HEADER,
    scheme_name="ghost",
    auto_error=False,
    description="`sha256=` and the HMAC-SHA256 of the body and `t`, with the feed's secret. Ghost's webhooks send it.",
)
_find_publisher = caller_with(Scope.PUBLISH).dependency
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
"""The bearer token of a request that may have a signature instead."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as sent. `stamp`: Ghost's time in milliseconds since 1970, as text."""

    algorithm: Literal["sha1", "sha256"]
    digest: str
    stamp: str = ""

    def is_recent(self, now: datetime) -> bool:
        """Return whether the stamp is at most ten minutes from now; a signature without a stamp has no age."""
        return not self.stamp or abs(now.timestamp() * 1_000 - int(self.stamp)) <= _MAX_AGE.total_seconds() * 1_000


class Verification:
    """The verification of one body, which may arrive in parts."""

    def __init__(self, signature: Signature, secrets: Iterable[str]) -> None:
        self._signature = signature
        self._codes = [hmac.new(secret.encode(), digestmod=signature.algorithm) for secret in secrets]

    def update(self, part: bytes) -> None:
        """Add the next part of the body."""
        for code in self._codes:
            code.update(part)

    @property
    def is_genuine(self) -> bool:
        """Return whether one of the secrets made the signature; takes the same time for each wrong one."""
        matches = [hmac.compare_digest(digest, self._signature.digest) for digest in self._digests()]
        return any(matches)

    def _digests(self) -> list[str]:
        plain = [code.hexdigest() for code in self._codes]
        if not self._signature.stamp:
            return plain
        stamped = [code.copy() for code in self._codes]
        for code in stamped:
            code.update(self._signature.stamp.encode())
        return [*(code.hexdigest() for code in stamped), *plain]


def find_signature(headers: Headers) -> Signature | None:
    """Return the signature of a request, or None if it has none.

    Raises:
        ProblemError: 401, the header is not of the sender's form.
    """
    for name, form in ((SUPERDESK_HEADER, _SUPERDESK), (GHOST_HEADER, _GHOST)):
        sent = headers.get(name)
        if sent is None:
            continue
        found = form.fullmatch(sent.strip())
        if found is None:
            raise _refused(f"{name} is not of the form {'sha1=…' if name == SUPERDESK_HEADER else 'sha256=…, t=…'}")
        if name == SUPERDESK_HEADER:
            return Signature("sha1", found[1].lower())
        return Signature("sha256", found[1].lower(), found[2])
    return None


def signed_feeds(deps: EndpointDeps, feed: str, named: Sequence[str]) -> dict[Site, tuple[Feed, tuple[str, ...]]]:
    """Return the feed and its secrets at each site that has secrets for it; of all sites, or of the named ones."""
    found: dict[Site, tuple[Feed, tuple[str, ...]]] = {}
    for site in deps.sites.values():
        if named and site.id not in named[:_MAX_SITES]:
            continue
        for each in site.feeds:
            if each.id == feed and (secrets := deps.find_feed_secrets(site.id, feed)):
                found[site] = (each, secrets)
    return found


async def find_sender(
    request: Request,
    credentials: Credentials,
    _signed_by_superdesk: Annotated[str | None, Security(_superdesk)],
    _signed_by_ghost: Annotated[str | None, Security(_ghost)],
) -> Caller:
    """Return the caller of a request with a token, or with a signature of the feed that the address names.

    Raises:
        ProblemError: 401, 403; 503 if a signed body does not arrive in time, because Superdesk never repeats after 4xx.
        RefusedError: 413 or 415.
    """
    signature = find_signature(request.headers) if credentials is None else None
    if signature is None:
        return await find_publisher(request, credentials)
    deps = deps_of(request)
    feed, named = feed_named(request), request.query_params.getlist("site")
    candidates = await threads_of(request).run(signed_feeds, deps, feed, named)
    raw = await read_signed_body(request, deps.settings.max_article_bytes)
    genuine = {site: found for site, found in candidates.items() if _is_genuine(signature, found[1], raw)}
    caller = caller_of(signature, genuine, named, feed, deps)
    note_sender(request, caller)
    keep_body(request, raw)
    return caller


async def find_publisher(request: Request, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    """Return the caller of a request with a token that has the scope publish.

    Raises:
        ProblemError: 401 or 403.
    """
    caller: Caller = await _find_publisher(request, credentials)
    return caller


def caller_of(
    signature: Signature,
    genuine: dict[Site, tuple[Feed, tuple[str, ...]]],
    named: Sequence[str],
    feed: str,
    deps: EndpointDeps,
) -> Caller:
    """Return the feed as caller, for the sites whose secret made the signature.

    Raises:
        ProblemError: 401, the signature is wrong for one of the named sites, or it is old.
    """
    now = deps.clock()
    if not genuine or not {*named} <= {site.id for site in genuine}:
        log.warning("signature.refused", feed=feed[:40], sites=[name[:40] for name in named[:_MAX_SITES]])
        raise _refused("the signature does not match the body and the feed's secret")
    if not signature.is_recent(now):
        log.warning("signature.refused", feed=feed[:40], reason="old")
        raise _refused("the signature is older than ten minutes, or the sender's clock is wrong")
    may_take_down = all(each.signed_takedown for each, _ in genuine.values())
    name = f"feed-{feed}"
    record = TokenRecord(
        name=name,
        scopes=frozenset({Scope.PUBLISH, Scope.TAKEDOWN} if may_take_down else {Scope.PUBLISH}),
        sites=tuple(site.id for site in genuine),
        feeds=(feed,),
        created_at=now,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
    )
    return Caller(record, dict(deps.sites))


def note_sender(request: Request, caller: Caller) -> None:
    """Name the sender in the log and, for takedowns, in the audit log."""
    name_sender(caller.name)
    author.set(Author(caller.name, request.scope.get("state", {}).get("request_id")))


def feed_named(request: Request) -> str:
    """Return the feed that the address of a signed request names.

    Raises:
        ProblemError: 401, it names none.
    """
    feed = request.path_params.get("feed") or request.query_params.get("feed")
    if not feed:
        raise _refused("a signed request names its feed: POST /v1/feeds/{feed}, or ?feed=")
    return str(feed)


async def read_signed_body(request: Request, max_bytes: int) -> bytes:
    """Return the body of a signed request.

    Raises:
        ProblemError: 503, it did not arrive in time.
        RefusedError: 413 or 415.
    """
    deps = deps_of(request)
    try:
        return await read_body(request, max_bytes=max_bytes, timeout_seconds=deps.body_timeout_seconds)
    except ProblemError as error:
        raise late_body(deps, error.detail) from error


def late_body(deps: EndpointDeps, detail: str) -> ProblemError:
    """Return the answer to a signed request whose body did not arrive in time."""
    wait = {"Retry-After": str(deps.retry_after_seconds), "Connection": "close"}
    return ProblemError(503, detail, headers=wait)


def _is_genuine(signature: Signature, secrets: tuple[str, ...], raw: bytes) -> bool:
    verification = Verification(signature, secrets)
    verification.update(raw)
    return verification.is_genuine


def _refused(detail: str) -> ProblemError:
    return ProblemError(401, detail, headers={"WWW-Authenticate": 'Bearer realm="pressline"'})


RequireSender = Annotated[Caller, Depends(find_sender)]
"""A token with the scope publish, or the signature of a feed."""

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
from http import HTTPStatus
from typing import Annotated, Literal

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials
from pydantic import SecretStr
from starlette.datastructures import Headers

from services.ingest.endpoint.auth import BEARER, CHALLENGE, Caller, caller_with, note_sender, require_allowance
from services.ingest.endpoint.body import keep_body, read_body
from services.ingest.endpoint.deps import EndpointDeps, deps_of, threads_of
from services.ingest.endpoint.problems import ProblemError
from shared.runtime.tokens import Scope, TokenRecord
from shared.site.sites import Feed, Site

SUPERDESK_HEADER = "x-superdesk-signature"
GHOST_HEADER = "x-ghost-signature"
_SUPERDESK = re.compile(r"sha1=([0-9a-f]{40})", re.IGNORECASE)
_GHOST = re.compile(r"sha256=([0-9a-f]{64})\s*,\s*t=([0-9]{10,16})", re.IGNORECASE)
_MAX_AGE = timedelta(minutes=10)  # Ghost repeats a webhook within seconds; clocks may differ by minutes
_MAX_SITES = 20
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
SignedFeed = tuple[Feed, tuple[SecretStr, ...]]
"""A feed of a site, and its secrets there."""
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
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

    def __init__(self, signature: Signature, secrets: Iterable[SecretStr]) -> None:
        self._signature = signature
        self._codes = [
            hmac.new(secret.get_secret_value().encode(), digestmod=signature.algorithm) for secret in secrets
        ]

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


def signed_feeds(deps: EndpointDeps, feed: str, named: Sequence[str]) -> dict[Site, SignedFeed]:
    """Return the feed and its secrets at each site that has secrets for it; of all sites, or of the named ones."""
    found: dict[Site, SignedFeed] = {}
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
        ProblemError: 401, 403; 503 if a signed body does not arrive in time or the feed is over its rate, because
            Superdesk never repeats after 4xx.
        RefusedError: 413 or 415.
    """
    signature = find_signature(request.headers) if credentials is None else None
    if signature is None:
        return await find_publisher(request, credentials)
    deps = deps_of(request)
    feed, named = feed_named(request), request.query_params.getlist("site")
    candidates = await candidates_of(request, feed, named)
    raw = await read_signed_body(request, deps.settings.max_article_bytes)
    genuine = {site: found for site, found in candidates.items() if _is_genuine(signature, found[1], raw)}
    caller = caller_of(signature, genuine, named, feed, deps)
    await admit_signed(request, caller)
    keep_body(request, raw)
    return caller


async def find_publisher(request: Request, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    """Return the caller of a request with a token that has the scope publish.

    Raises:
        ProblemError: 401 or 403.
    """
    caller: Caller = await _find_publisher(request, credentials)
    return caller


async def candidates_of(request: Request, feed: str, named: Sequence[str]) -> dict[Site, SignedFeed]:
    """Return the feed and its secrets at each site whose secret may have signed, before the body is read.

    Raises:
        ProblemError: 401, no site has a secret for the feed, or one of the named sites has none.
    """
    found = await threads_of(request).run(signed_feeds, deps_of(request), feed, named)
    if not found or not {*named} <= {site.id for site in found}:
        raise _mismatch(feed, named)
    return found


async def admit_signed(request: Request, caller: Caller) -> None:
    """Name the feed in the logs, and count the request. A request with a wrong signature is not counted.

    Raises:
        ProblemError: 503, the feed is over its rate. After a 429 Superdesk would not repeat the item.
    """
    note_sender(request, caller.name)
    deps = deps_of(request)
    rate = deps.settings.rate_limit_per_minute
    allowance = await threads_of(request).run(deps.rate_limits.take, caller.token.sha256, rate) if rate else None
    require_allowance(request, allowance, HTTPStatus.SERVICE_UNAVAILABLE)


def caller_of(
    signature: Signature,
    genuine: dict[Site, SignedFeed],
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
        raise _mismatch(feed, named)
    if not signature.is_recent(now):
        log.warning("signature.refused", feed=feed[:40], reason="old")
        raise _refused("the signature is older than ten minutes, or the sender's clock is wrong")
    may_take_down = all(each.signed_takedown for each, _ in genuine.values())
    name, sites = f"feed-{feed}", tuple(sorted(site.id for site in genuine))
    record = TokenRecord(
        name=name,
        scopes=frozenset({Scope.PUBLISH, Scope.TAKEDOWN} if may_take_down else {Scope.PUBLISH}),
        sites=sites,
        feeds=(feed,),
        created_at=now,
        sha256=hashlib.sha256(" ".join((name, *sites)).encode()).hexdigest(),
    )
    return Caller(record, dict(deps.sites))


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


def _is_genuine(signature: Signature, secrets: tuple[SecretStr, ...], raw: bytes) -> bool:
    verification = Verification(signature, secrets)
    verification.update(raw)
    return verification.is_genuine


def _mismatch(feed: str, named: Sequence[str]) -> ProblemError:
    """Return one answer for a wrong signature and for a feed without a secret, so that it tells no setting."""
    log.warning("signature.refused", feed=feed[:40], sites=[name[:40] for name in named[:_MAX_SITES]])
    return _refused("the signature does not match the body and the feed's secret")


def _refused(detail: str) -> ProblemError:
    return ProblemError(401, detail, headers={"WWW-Authenticate": CHALLENGE})


RequireSender = Annotated[Caller, Depends(find_sender)]
"""A token with the scope publish, or the signature of a feed."""

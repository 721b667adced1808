"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): the same request again gets the same answer.

The key belongs to a token, and the answer is kept in Redis for 24 hours. If Redis loses it, nothing is published twice:
the same bytes are a `duplicate` anyway. Only answers that accept (2xx) are kept, up to 64 KB. After a refusal nothing
was accepted, so the key is free again.

Kill, withdraw and restore take no key. They are idempotent by themselves, and a kept answer could say `killed` after a
restore. A batch refuses the header, because its answer is a stream of any length.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any

import anyio
from fastapi import Depends, Header, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.ingest.endpoint.body import read_and_keep_body
from services.ingest.endpoint.deps import EndpointDeps, deps_of, threads_of
from services.ingest.endpoint.problems import ProblemError
from services.ingest.endpoint.signatures import RequireSender
from services.ingest.ports import KeptAnswer

_HEADER = "Idempotency-Key"
_MAX_ANSWER_BYTES = 64 * 1024
_CLAIM_MARGIN_SECONDS = 60  # beyond the body's time-out and the longest `Prefer: wait`
_RETRY_AFTER_SECONDS = 1
_CLAIM = "idempotency_claim"
_KEY_PATTERN = r'^(?:"[ !#-\[\]-~]{1,255}"|[!#-\[\]-~]{1,255})$'
_DESCRIPTION = (
    "A key of your choice for this request, such as a UUID in quotation marks. The same key with the same content gets "
    "the first answer again, for 24 hours. With other content the answer is 422, and 409 while the first request is "
    "still being handled."
)

# No example: tools that try the description would send it with different contents, and get 422.
KeyHeader = Annotated[
    str | None,
    Header(
        alias=_HEADER,
        pattern=_KEY_PATTERN,
        max_length=257,
        description=_DESCRIPTION,
    ),
]


@dataclass(frozen=True, slots=True)
class Claim:
    """The key that a request holds, and the fingerprint of the request."""

    key: str
    fingerprint: str


class RepeatedRequestError(Exception):
    """Ends a request with the answer that the same request got before."""

    def __init__(self, answer: KeptAnswer) -> None:
        super().__init__("the same request was answered before")
        self.answer = answer


async def _claim_key(request: Request, caller: RequireSender, idempotency_key: KeyHeader = None) -> None:
    """Claim the key of a request before the request is handled.

    Raises:
        RepeatedRequestError: the request was answered before.
        ProblemError: 409 the request is being handled, 422 the key belongs to another request.
    """
    if idempotency_key is None or "dry_run" in request.query_params:  # a dry run changes nothing, so it takes no key
        return
    deps = deps_of(request)
    raw = await read_and_keep_body(
        request, max_bytes=deps.settings.max_article_bytes, timeout_seconds=deps.body_timeout_seconds
    )
    name = hashlib.sha256(idempotency_key.strip('"').encode()).hexdigest()
    claim = Claim(f"{caller.token.sha256}:{name}", _fingerprint(request, raw))
    seconds = int(deps.body_timeout_seconds + deps.settings.wait_limit_seconds) + _CLAIM_MARGIN_SECONDS
    found = await threads_of(request).run(deps.kept_answers.claim, claim.key, claim.fingerprint, seconds)
    if found is None:
        request.scope["state"][_CLAIM] = claim
    elif found.fingerprint != claim.fingerprint:
        raise ProblemError(422, f"this {_HEADER} belongs to another request; use a new key for other content")
    elif found.status is None:
        wait = {"Retry-After": str(_RETRY_AFTER_SECONDS)}
        raise ProblemError(409, f"the first request with this {_HEADER} is still being handled", headers=wait)
    else:
        raise RepeatedRequestError(found)


async def _refuse_key(request: Request) -> None:
    """Refuse the header.

    Raises:
        ProblemError: 400, the request has the header.
    """
    if _HEADER in request.headers:
        detail = (
            f"a batch takes no {_HEADER}, because its answer is a stream; send it without the header. The same lines "
            "again are duplicates"
        )
        raise ProblemError(400, detail)


TAKES_IDEMPOTENCY_KEY: Any = Depends(_claim_key)
REFUSES_IDEMPOTENCY_KEY: Any = Depends(_refuse_key)


async def answer_again(_: Request, error: RepeatedRequestError) -> Response:
    """Return the kept answer; the draft names no header that marks it."""
    kept = error.answer
    answer = Response(b64decode(kept.body), status_code=kept.status or HTTPStatus.OK)
    answer.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers]
    return answer


class KeepAnswers:
    """ASGI middleware that keeps the answers to requests with a claimed key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; keep its answer before it is sent, so that no repetition comes too early."""
        if scope["type"] != "http" or not any(name == b"idempotency-key" for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        answer = _Answer()

        async def send_kept(message: Message) -> None:
            answer.note(message)
            if answer.is_complete:
                await _settle(scope, answer)
            await send(message)

        try:
            await self._app(scope, receive, send_kept)
        finally:
            with anyio.CancelScope(shield=True):
                await _settle(scope, None)  # an unexpected error: the key is free again


@dataclass(slots=True)
class _Answer:
    """An answer on its way to the sender."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    is_complete: bool = False

    def note(self, message: Message) -> None:
        """Record a part of the answer, up to the limit."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            if len(self.body) <= _MAX_ANSWER_BYTES:
                self.body += message.get("body", b"")
            self.is_complete = not message.get("more_body", False)

    @property
    def is_kept(self) -> bool:
        """Return whether the answer accepts the request and is small enough."""
        is_success = HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
        return is_success and len(self.body) <= _MAX_ANSWER_BYTES


async def _settle(scope: Scope, answer: _Answer | None) -> None:
    """Keep the answer of the request's claim, or release the claim; do nothing without a claim."""
    claim: Claim | None = scope.get("state", {}).pop(_CLAIM, None)
    if claim is None:
        return
    state = scope["app"].state
    deps: EndpointDeps = state.deps
    if answer is None or not answer.is_kept:
        await state.threads.run(deps.kept_answers.release, claim.key)
        return
    body = b64encode(bytes(answer.body)).decode()
    kept = KeptAnswer(fingerprint=claim.fingerprint, status=answer.status, headers=tuple(answer.headers), body=body)
    await state.threads.run(deps.kept_answers.keep, claim.key, kept)


def _fingerprint(request: Request, raw: bytes) -> str:
    """Return a digest of the request's target, media type and body."""
    target = f"{request.method} {request.url.path}?{request.url.query}\n{request.headers.get('content-type', '')}\n"
    return hashlib.sha256(target.encode() + raw).hexdigest()

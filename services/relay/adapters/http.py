"""HTTP calls to servers outside: only to addresses that may be called, without redirects, with bounded answers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from services.relay.adapters.deadline import Deadline
from services.relay.domain.addresses import is_public
from services.relay.ports import Answer, UndeliveredError

_MAX_EXCERPT_BYTES = 1024
_MAX_ADDRESSES = 3  # of one host, tried in order
_MAX_REASON_CHARS = 300
_SETTING = "PRESSLINE_RELAY_PRIVATE_ADDRESSES"
_AGENT = "pressline-relay/1"

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the IP addresses of a host and port."""

Trace = Callable[[str, dict[str, Any]], None]
"""Gets the events of httpcore's connections: name and details."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a host.

    Raises:
        OSError: the name has no address now.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class OutsideHttp:
    """A client that connects to the address that it has checked: a name that changes in between has no effect.

    `timeout_seconds`: of connecting, of each read, and of a whole call that posts.
    """

    def __init__(self, *, timeout_seconds: float, allows_private: bool, resolve: Resolve = resolve) -> None:
        # Without kept connections: two host names may share an address, but not a TLS connection.
        limits = httpx.Limits(max_keepalive_connections=0)
        headers = {"user-agent": _AGENT, "accept-encoding": "identity"}
        self._client = httpx.Client(
            timeout=timeout_seconds,
            limits=limits,
            headers=headers,
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # one server's cookies are not for others
        )
        self._timeout_seconds = timeout_seconds
        self._allows_private = allows_private
        self._resolve = resolve

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST a body; return the answer."""
        with translated_errors(), Deadline(self._timeout_seconds) as deadline:
            try:
                answer = self.open("POST", httpx.URL(url), headers, body, trace=deadline.trace)
            except httpx.HTTPError as error:
                if deadline.is_over:
                    raise UndeliveredError(f"no answer in {self._timeout_seconds:g} seconds") from error
                raise
            return _excerpt(answer)

    def open(
        self,
        method: str,
        target: httpx.URL,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        trace: Trace | None = None,
    ) -> httpx.Response:
        """Send a request to an address of the host that may be called; return the answer with an unread body.

        Raises:
            UndeliveredError: the host has no address that may be called.
            httpx.HTTPError: no address answers.
        """
        failure: httpx.ConnectError | httpx.ConnectTimeout | None = None
        for address in self._addresses(target):
            try:
                return self._send(method, target, address, headers, body, trace)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure or UndeliveredError(f"{target.host} has no address that may be called")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _addresses(self, target: httpx.URL) -> Iterator[str]:
        port = target.port or (443 if target.scheme == "https" else 80)
        found = self._resolve(target.host, port)
        allowed = [address for address in found if self._allows_private or is_public(address)]
        if not allowed:
            raise UndeliveredError(f"{target.host} has only addresses that may not be called ({_SETTING} allows them)")
        yield from allowed[:_MAX_ADDRESSES]

    def _send(
        self,
        method: str,
        target: httpx.URL,
        address: str,
        headers: Mapping[str, str],
        body: bytes,
        trace: Trace | None,
    ) -> httpx.Response:
        host = target.netloc.decode("ascii")
        request = self._client.build_request(
            method,
            target.copy_with(host=address),
            content=body or None,
            headers={**headers, "host": host},
            extensions={"sni_hostname": target.raw_host.decode("ascii"), **({"trace": trace} if trace else {})},
        )
        return self._client.send(request, stream=True)


def _excerpt(answer: httpx.Response) -> Answer:
    excerpt = b""
    with closing(answer), suppress(httpx.HTTPError):  # the status counts
        for part in answer.iter_raw():
            excerpt += part
            if len(excerpt) >= _MAX_EXCERPT_BYTES:
                break
    text = excerpt[:_MAX_EXCERPT_BYTES].decode(errors="replace")
    return Answer(answer.status_code, retry_after(answer.headers.get("retry-after", "")), text)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise `UndeliveredError` for the errors of a call to a server outside."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        reason = f"{type(error).__name__}: {error}"[:_MAX_REASON_CHARS]
        raise UndeliveredError(f"no answer: {reason}") from error


def retry_after(value: str) -> float | None:
    """Return the seconds of a Retry-After header: a number, or a date (RFC 9110, 10.2.3)."""
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())

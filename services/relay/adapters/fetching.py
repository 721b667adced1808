"""Gets documents from servers outside: few redirects, and a bounded size and time, also of a compressed body."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from time import monotonic

import httpx

from services.relay.adapters.deadline import Deadline
from services.relay.adapters.http import OutsideHttp, retry_after, translated_errors
from services.relay.ports import Fetched, UndeliveredError

_MAX_REDIRECTS = 3
_PART_BYTES = 64 * 1024
_MAX_HEADER_CHARS = 1_000
_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_READ_HEADERS = ("cache-control", "content-type", "etag", "last-modified", "link")
_GZIP_WINDOW_BITS = 31  # gzip's header and trailer, 32 KiB of history


class DocumentFetcher:
    """Fetches whole documents with the client of all calls to servers outside."""

    def __init__(self, http: OutsideHttp, *, max_bytes: int, deadline_seconds: float) -> None:
        self._http = http
        self._max_bytes = max_bytes
        self._deadline_seconds = deadline_seconds

    def __call__(self, url: str, headers: Mapping[str, str]) -> Fetched:
        """GET a document; return the answer of the last server."""
        ends = monotonic() + self._deadline_seconds
        with translated_errors(), Deadline(self._deadline_seconds) as deadline:
            target = httpx.URL(url)
            for _ in range(_MAX_REDIRECTS + 1):
                answer = self._http.open("GET", target, {"accept-encoding": "gzip", **headers}, trace=deadline.trace)
                try:
                    if answer.status_code not in _REDIRECTS:
                        return self._read(answer, ends)
                finally:
                    answer.close()
                target = _next_target(target, answer)
                self._check_time(ends)
        raise UndeliveredError(f"more than {_MAX_REDIRECTS} redirects")

    def _read(self, answer: httpx.Response, ends: float) -> Fetched:
        body = bytearray()
        if answer.status_code == HTTPStatus.OK:
            for part in _decoded(self._parts(answer, ends), answer.headers.get("content-encoding", ""), _PART_BYTES):
                body += part
                if len(body) > self._max_bytes:
                    raise UndeliveredError(f"the document has more than {self._max_bytes} bytes")
        self._check_time(ends)  # the end of a connection that was ended here may look like the end of the body
        found = {name: answer.headers.get(name, "")[:_MAX_HEADER_CHARS] for name in _READ_HEADERS}
        return Fetched(answer.status_code, found, bytes(body), retry_after(answer.headers.get("retry-after", "")))

    def _parts(self, answer: httpx.Response, ends: float) -> Iterator[bytes]:
        """Yield the bytes as sent, up to the limit of a document."""
        size_bytes = 0
        for part in answer.iter_raw(_PART_BYTES):
            size_bytes += len(part)
            if size_bytes > self._max_bytes:
                raise UndeliveredError(f"the document has more than {self._max_bytes} bytes")
            self._check_time(ends)
            yield part

    def _check_time(self, ends: float) -> None:
        if monotonic() >= ends:
            raise UndeliveredError(f"no whole document after {self._deadline_seconds:g} s")


def _next_target(target: httpx.URL, answer: httpx.Response) -> httpx.URL:
    """Return the address of a redirect."""
    location = answer.headers.get("location", "")
    if not location or len(location) > _MAX_HEADER_CHARS:
        raise UndeliveredError(f"status {answer.status_code} without a usable Location")
    found = target.join(location)
    if found.scheme not in ("http", "https") or not found.host or found.userinfo:
        raise UndeliveredError("a redirect leads to an address that is not called")
    return found


def _decoded(parts: Iterator[bytes], coding: str, part_bytes: int) -> Iterator[bytes]:
    """Yield the decompressed bytes in parts of at most `part_bytes`, so that a small body cannot fill the memory."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        yield from parts
        return
    if coding not in ("gzip", "x-gzip"):
        raise UndeliveredError(f"the body has the content coding {coding[:40]!a}, which was not requested")
    inflater = zlib.decompressobj(_GZIP_WINDOW_BITS)
    try:
        for part in parts:
            pending = part
            while pending and not inflater.eof:
                yield inflater.decompress(pending, part_bytes)
                pending = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as error:
        raise UndeliveredError(f"the compressed body is broken: {error}") from error
    if not inflater.eof:
        raise UndeliveredError("the compressed body ends too early")

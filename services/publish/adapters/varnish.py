"""Varnish with xkey; the local stand-in accepts the same call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import httpx

from services.publish.adapters.reader import read_page
from services.publish.ports import ServedPage
from shared.runtime.deadline import peer_call
from shared.runtime.errors import EdgeUnavailableError

_MAX_HEADER_BYTES = 24_000  # Varnish accepts a header line of 32 KB; our longest key has about 800 characters


class VarnishEdgeCache:
    """Purges by surrogate key: one PURGE request for many keys (infra/edge/default.vcl).

    The request's `host` names the site of the purged paths. Without a host, or with an unknown host, Varnish purges
    the paths of all its sites.
    """

    def __init__(self, url: str, *, timeout_seconds: float, token: str | None = None, host: str | None = None) -> None:
        headers = ({"x-purge-token": token} if token else {}) | ({"host": host} if host else {})
        self._client = httpx.Client(base_url=url, timeout=timeout_seconds, headers=headers, trust_env=False)

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Purge every response that carries one of the keys."""
        header = "xkey-softpurge" if soft else "xkey-purge"
        for tags in _header_lines(surrogate_keys):
            try:
                with peer_call():
                    self._client.request("PURGE", "/", headers={header: tags}).raise_for_status()
            except httpx.HTTPError as error:
                raise EdgeUnavailableError(f"purge of {tags}: {error}") from error

    def find_status(self, url: str) -> int | None:
        """Return the HTTP status that a reader gets: request the path from this Varnish, with the site's own host."""
        parts = urlsplit(url)
        try:
            with peer_call(), self._client.stream("GET", parts.path, headers={"host": parts.netloc}) as answer:
                return answer.status_code
        except httpx.HTTPError as error:
            raise EdgeUnavailableError(f"GET {parts.path}: {error}") from error

    def find_page(self, url: str) -> ServedPage:
        """Return the page that a reader gets, requested as in `find_status`."""
        parts = urlsplit(url)
        try:
            with peer_call():
                return read_page(self._client, parts.path, {"host": parts.netloc})
        except httpx.HTTPError as error:
            raise EdgeUnavailableError(f"GET {parts.path}: {error}") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _header_lines(surrogate_keys: Sequence[str]) -> Iterator[str]:
    """Yield header lines: the keys in order, separated by spaces, as many per line as fit."""
    line = ""
    for key in surrogate_keys:
        if line and len(line) + 1 + len(key) > _MAX_HEADER_BYTES:
            yield line
            line = ""
        line = f"{line} {key}".lstrip()
    if line:
        yield line


class NoEdgeCache:
    """No edge: readers get the objects of the store directly."""

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Do nothing."""

    def find_status(self, url: str) -> int | None:
        """Return None: there is no edge to ask."""

    def find_page(self, url: str) -> ServedPage | None:
        """Return None: there is no edge to ask."""

    def close(self) -> None:
        """Do nothing."""

"""Varnish with xkey; the local stand-in takes the same call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import httpx

from shared.runtime.deadline import peer_call
from shared.runtime.errors import EdgeUnavailableError

_HEADER_BYTES = 24_000  # Varnish takes a header line of 32 KB; the longest of our keys has about 800 characters


class VarnishEdgeCache:
    """Purges by surrogate key: one PURGE request for many keys (infra/edge/default.vcl).

    It is asked by the `host` of the site whose paths are meant; without one, or by a name that it does not know, it
    purges them at all of its sites.
    """

    def __init__(self, url: str, *, timeout_seconds: float, token: str | None = None, host: str | None = None) -> None:
        headers = ({"x-purge-token": token} if token else {}) | ({"host": host} if host else {})
        self._client = httpx.Client(base_url=url, timeout=timeout_seconds, headers=headers, trust_env=False)

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Forget every response that bears one of the keys."""
        header = "xkey-softpurge" if soft else "xkey-purge"
        for tags in _lines(surrogate_keys):
            try:
                with peer_call():
                    self._client.request("PURGE", "/", headers={header: tags}).raise_for_status()
            except httpx.HTTPError as error:
                raise EdgeUnavailableError(f"purge of {tags}: {error}") from error

    def find_status(self, url: str) -> int | None:
        """Return the HTTP status that a reader gets: asked for here, by the site's own name."""
        parts = urlsplit(url)
        address = parts.path
        try:
            with peer_call(), self._client.stream("GET", address, headers={"host": parts.netloc}) as answer:
                return answer.status_code
        except httpx.HTTPError as error:
            raise EdgeUnavailableError(f"GET {address}: {error}") from error

    def close(self) -> None:
        """End the connections."""
        self._client.close()


def _lines(surrogate_keys: Sequence[str]) -> Iterator[str]:
    """Yield the keys in order, by spaces, as many together as a header line takes."""
    line = ""
    for key in surrogate_keys:
        if line and len(line) + 1 + len(key) > _HEADER_BYTES:
            yield line
            line = ""
        line = f"{line} {key}".lstrip()
    if line:
        yield line


class NoEdgeCache:
    """No edge to tell: the store is read directly."""

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Do nothing."""

    def find_status(self, url: str) -> int | None:
        """Return None: nobody is asked."""

    def close(self) -> None:
        """Do nothing."""

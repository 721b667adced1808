"""Varnish with xkey; the local stand-in takes the same call."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from shared.errors import EdgeUnavailableError


class VarnishEdgeCache:
    """Purges by surrogate key: one PURGE request for all keys (infra/edge/default.vcl)."""

    def __init__(self, url: str, *, timeout_seconds: float, token: str | None = None) -> None:
        headers = {"x-purge-token": token} if token else {}
        self._client = httpx.Client(base_url=url, timeout=timeout_seconds, headers=headers, trust_env=False)

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Forget every response that bears one of the keys."""
        header = "xkey-softpurge" if soft else "xkey-purge"
        try:
            answer = self._client.request("PURGE", "/", headers={header: " ".join(surrogate_keys)})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            message = f"purge of {' '.join(surrogate_keys)}: {error}"
            raise EdgeUnavailableError(message) from error


class NoEdgeCache:
    """No edge to tell: the store is read directly."""

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Do nothing."""

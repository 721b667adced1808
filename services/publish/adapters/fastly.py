"""Fastly: https://www.fastly.com/documentation/reference/api/purging/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from urllib.parse import quote

from services.publish.adapters.vendor import PurgeCall, VendorEdge, chunked
from shared.runtime.errors import EdgeUnavailableError

_KEYS_A_REQUEST = 256
"""Of a batch purge (POST /service/{id}/purge, same page)."""


class FastlyEdgeCache(VendorEdge):
    """Purges by surrogate key, many in a request; softly where asked to: then an object is stale, not gone.

    Pages bear their keys in `Surrogate-Key` (infra/edge/README.md).
    """

    def __init__(
        self,
        service: str,
        token: str,
        *,
        timeout_seconds: float,
        api_url: str = "https://api.fastly.com",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        url = f"{api_url}/service/{quote(service, safe='')}/purge"
        headers = {"fastly-key": token, "accept": "application/json"}
        self._call = PurgeCall("Fastly", url, headers, timeout_seconds=timeout_seconds, clock=clock)
        super().__init__(timeout_seconds, self._call)

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Forget every response that bears one of the keys; Fastly answers with an id for each."""
        headers = {"fastly-soft-purge": "1"} if soft else {}
        for piece in chunked(surrogate_keys, _KEYS_A_REQUEST):
            told = self._call.post({"surrogate_keys": piece}, headers)
            if missing := [key for key in piece if not told.get(key)]:
                raise EdgeUnavailableError(f"Fastly did not confirm the purge of {' '.join(missing)}")

"""Fastly: https://www.fastly.com/documentation/reference/api/purging/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from urllib.parse import quote

from services.publish.adapters.vendor import PurgeCall, VendorEdge, chunked
from shared.runtime.errors import EdgeUnavailableError

_MAX_KEYS_PER_REQUEST = 256
"""Fastly's limit of a batch purge (POST /service/{id}/purge, same page)."""


class FastlyEdgeCache(VendorEdge):
    """Purges by surrogate key, many per request. A soft purge marks an object stale instead of deleting it.

    Pages carry their keys in `Surrogate-Key` (infra/edge/README.md).
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
        """Purge every response that carries one of the keys; Fastly answers with an id for each key."""
        headers = {"fastly-soft-purge": "1"} if soft else {}
        for keys in chunked(surrogate_keys, _MAX_KEYS_PER_REQUEST):
            answer = self._call.post({"surrogate_keys": keys}, headers)
            if unconfirmed := [key for key in keys if not answer.get(key)]:
                raise EdgeUnavailableError(f"Fastly did not confirm the purge of {' '.join(unconfirmed)}")

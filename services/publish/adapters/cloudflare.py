"""Cloudflare: https://developers.cloudflare.com/cache/how-to/purge-cache/purge-by-tags/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from urllib.parse import quote

from services.publish.adapters.vendor import PurgeCall, VendorEdge, chunked
from shared.runtime.errors import EdgeUnavailableError

_TAGS_A_REQUEST = 100
"""Operations a request, on every plan; requests a second depend on it (…/cache/how-to/purge-cache/#limits): its 429
says in Retry-After when to come again."""


class CloudflareEdgeCache(VendorEdge):
    """Purges by cache tag, many in a request. There is no soft purge: what is named is gone.

    Pages bear their tags in `Cache-Tag` (infra/edge/README.md). Tags of other case are the same to Cloudflare, which
    purges one page too many at worst.
    """

    def __init__(
        self,
        zone: str,
        token: str,
        *,
        timeout_seconds: float,
        api_url: str = "https://api.cloudflare.com",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        url = f"{api_url}/client/v4/zones/{quote(zone, safe='')}/purge_cache"
        headers = {"authorization": f"Bearer {token}"}
        self._call = PurgeCall("Cloudflare", url, headers, timeout_seconds=timeout_seconds, clock=clock)
        super().__init__(timeout_seconds, self._call)

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:  # noqa: ARG002 -- there is none
        """Forget every response that bears one of the keys."""
        for piece in chunked(surrogate_keys, _TAGS_A_REQUEST):
            told = self._call.post({"tags": piece})
            if told.get("success") is not True:
                raise EdgeUnavailableError(f"Cloudflare did not confirm a purge: {told.get('errors')}")

"""Cloudflare: https://developers.cloudflare.com/cache/how-to/purge-cache/purge-by-tags/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from urllib.parse import quote

from services.publish.adapters.vendor import PurgeCall, VendorEdge, chunked
from shared.runtime.errors import EdgeUnavailableError

_MAX_TAGS_PER_REQUEST = 100
"""Operations per request, on every plan. The plan limits the requests per second
(…/cache/how-to/purge-cache/#limits); a 429 names the wait in Retry-After."""


class CloudflareEdgeCache(VendorEdge):
    """Purges by cache tag, many per request. Cloudflare has no soft purge: it deletes the responses.

    Pages carry their tags in `Cache-Tag` (infra/edge/README.md). Cloudflare ignores the case of tags, so that it may
    purge one page too many.
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

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:  # noqa: ARG002 -- no soft purge
        """Purge every response that carries one of the keys."""
        for keys in chunked(surrogate_keys, _MAX_TAGS_PER_REQUEST):
            answer = self._call.post({"tags": keys})
            if answer.get("success") is not True:
                raise EdgeUnavailableError(f"Cloudflare did not confirm a purge: {answer.get('errors')}")

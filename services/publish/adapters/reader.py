"""The request for a page as a reader makes it."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from services.publish.ports import MAX_SERVED_BYTES, ServedPage


def read_page(client: httpx.Client, address: str, headers: Mapping[str, str] | None = None) -> ServedPage:
    """Return the answer to a GET, uncompressed, with a bounded body.

    Raises:
        httpx.HTTPError: no answer.
    """
    with client.stream("GET", address, headers={**(headers or {}), "accept-encoding": "identity"}) as answer:
        body = bytearray()
        for part in answer.iter_bytes():
            body += part
            if len(body) >= MAX_SERVED_BYTES:
                break
        return ServedPage(answer.status_code, bytes(body))

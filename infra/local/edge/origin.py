"""The edge's access to the public bucket: one anonymous GET per object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import httpx

from infra.local.edge.cache import Ages, Entry, ages_of
from shared.site.keys import path_surrogate_key

_FORWARDED_HEADERS = ("content-type", "content-language", "last-modified", "etag", "cache-control")
_NOT_FOUND_STATUSES = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN})  # AWS: 403 without the right to list
_METADATA_STATUSES = frozenset(
    {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.PERMANENT_REDIRECT, HTTPStatus.GONE}
)
_REDIRECTS = _METADATA_STATUSES - {HTTPStatus.GONE}


class OriginDownError(Exception):
    """The store does not answer, or answers with an unexpected status."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The bucket's address and client."""

    client: httpx.AsyncClient
    bucket_url: str
    not_found_seconds: float

    async def fetch(self, path: str) -> Entry:
        """Return the store's answer for the object; a 404 is an answer too.

        Raises:
            OriginDownError: the store gives no valid answer.
        """
        try:
            response = await self.client.get(f"{self.bucket_url}/{quote(path, safe='/')}")
        except httpx.HTTPError as error:
            raise OriginDownError(str(error) or type(error).__name__) from error
        if response.status_code in _NOT_FOUND_STATUSES:
            return Entry(404, keys=frozenset({path_surrogate_key(path)}), ages=Ages(self.not_found_seconds))
        if response.status_code != HTTPStatus.OK:
            message = f"the store answered {response.status_code}"
            raise OriginDownError(message)
        return _entry(path, response)


def _entry(path: str, response: httpx.Response) -> Entry:
    metadata = response.headers
    status = _status(metadata)
    headers = {name: metadata[name] for name in _FORWARDED_HEADERS if name in metadata}
    location = metadata.get("x-amz-meta-location", "")
    if status in _REDIRECTS:
        if not location:
            message = f"{path} is a redirect without a location"
            raise OriginDownError(message)
        headers["location"] = location
    return Entry(
        status=status,
        headers=headers,
        body=response.content,
        keys=frozenset({path_surrogate_key(path), *metadata.get("x-amz-meta-surrogate-keys", "").split()}),
        ages=ages_of(metadata.get("cache-control", "")),
    )


def _status(metadata: Mapping[str, str]) -> int:
    given = metadata.get("x-amz-meta-status", "")
    return int(given) if given.isdigit() and int(given) in _METADATA_STATUSES else HTTPStatus.OK

"""Stores and finds assets: pictures that a sender uploads under names of its own (Superdesk's media ids)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from services.ingest.domain.assets import Asset, name_sha256
from services.ingest.domain.refusal import RefusedError
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.media import store_picture
from services.ingest.ports import Entry, ReadDocument, ReadingContext
from shared.site import keys
from shared.site.sites import Feed, Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_MAX_LOOKED_UP_NAMES = 400  # of one document: an article has at most 100 pictures with four tried files each
_TOO_LARGE = "the file is larger than a picture may be"


@dataclass(frozen=True, slots=True)
class StoredAsset:
    """An asset, and whether its name is new."""

    asset: Asset
    is_new: bool


def store_asset(name: str, data: bytes | None, site: Site, feed: Feed, deps: IngestDeps) -> StoredAsset:
    """Store a picture under the sender's name; a file that is no picture is noted and not stored.

    Superdesk sends an article only after its files, so a refused file would refuse the article. `data`: None for a file
    that is too large.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    media, reason = None, _TOO_LARGE
    if data is not None:
        try:
            media, reason = store_picture(data, site, deps).media, ""
        except RefusedError as error:
            reason = error.detail
    asset = Asset(name=name, media=media, reason=reason)
    known = find_asset(name, site.id, feed.id, deps.content)
    if known != asset:
        key = keys.sent_asset_key(site.id, feed.id, name_sha256(name))
        deps.content.put(key, asset.model_dump_json().encode(), content_type="application/json")
    log.info(
        "asset.stored", site=site.id, feed=feed.id, media=media, is_new=known is None, is_picture=media is not None
    )
    return StoredAsset(asset, is_new=known is None)


def find_asset(name: str, site: str, feed: str, content: ObjectStorage) -> Asset | None:
    """Return an asset of a feed by the sender's name, or None.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    found = content.find(keys.sent_asset_key(site, feed, name_sha256(name)))
    return Asset.model_validate_json(found.body) if found else None


def with_assets(read_document: ReadDocument, content: ObjectStorage) -> ReadDocument:
    """Return a reader of documents whose formats can look up the assets of the document's feed.

    A document causes at most 400 reads of the store; further names count as not uploaded.
    """

    def read(raw: bytes, content_type: str | None, context: ReadingContext) -> list[Entry]:
        site, feed = context.canonical_site or context.site.id, context.feed.id

        known: dict[str, str | None] = {}

        def find(name: str) -> str | None:
            if name not in known and len(known) < _MAX_LOOKED_UP_NAMES:
                asset = find_asset(name, site, feed, content)
                known[name] = asset.media if asset else None
            return known.get(name)

        return [*read_document(raw, content_type, replace(context, find_asset=find))]

    return read

"""Stores uploaded pictures in the content bucket; publish copies them when a page shows them."""

from __future__ import annotations

import hashlib

import structlog

from services.ingest.domain.pictures import PublicPicture, StoredPicture
from services.ingest.handler.deps import IngestDeps
from shared.runtime.errors import PreconditionFailedError
from shared.site import keys
from shared.site.sites import Site
from shared.storage import ObjectHead

log = structlog.get_logger()


def store_picture(data: bytes, site: Site, deps: IngestDeps) -> StoredPicture:
    """Store a picture under its digest; return its facts and digest. The same bytes are stored once.

    The uploaded bytes are stored unchanged. The public form is made once, and every publication and repair copies it.
    The public form is stored last: if it exists, the upload is complete.

    Raises:
        RefusedError: unsupported or broken picture, or over a limit.
        StorageUnavailableError: the store does not answer.
    """
    public = deps.clean_picture(data)
    digest = hashlib.sha256(data).hexdigest()
    facts = public.facts
    is_new = True
    try:
        deps.content.put(keys.media_key(site.id, digest), data, content_type=facts.content_type, unless_exists=True)
    except PreconditionFailedError:
        is_new = False
    _put_public(public, site.id, digest, deps)
    log.info("picture.stored", site=site.id, media=digest, size_bytes=len(data), is_new=is_new)
    return StoredPicture(
        **facts.model_dump(), media=digest, size_bytes=len(data), is_new=is_new, warnings=public.warnings
    )


def find_public_picture(site: str, digest: str, deps: IngestDeps) -> ObjectHead | None:
    """Return the head of a picture's public form, or None if its upload to the site was never completed."""
    return deps.content.find_head(keys.public_media_key(site, digest))


def copy_picture(digest: str, *, source: str, target: str, deps: IngestDeps) -> None:
    """Copy a picture from the canonical site to a further site, its public form last."""
    for key_of in (keys.media_key, keys.public_media_key):
        found = deps.content.find(key_of(source, digest))
        if found is not None:
            head = found.head
            deps.content.put(key_of(target, digest), found.body, content_type=head.content_type, metadata=head.metadata)


def _put_public(public: PublicPicture, site: str, digest: str, deps: IngestDeps) -> None:
    facts = public.facts
    deps.content.put(
        keys.public_media_key(site, digest),
        public.data,
        content_type=facts.content_type,
        metadata={"width": str(facts.width), "height": str(facts.height)},
    )

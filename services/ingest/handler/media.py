"""Pictures come as bytes and are kept privately until a page shows them."""

from __future__ import annotations

import hashlib

import structlog

from services.ingest.domain.pictures import KeptPicture
from services.ingest.handler.intake import Intake
from shared import keys
from shared.errors import PreconditionFailedError
from shared.sites import Site

log = structlog.get_logger()


def keep_picture(data: bytes, site: Site, intake: Intake) -> KeptPicture:
    """Store a picture under its digest and return what an article names it by; the same bytes are stored once.

    Raises:
        RefusedError: not a picture that can be shown, or over a limit.
        StorageUnavailableError: the store does not take it now.
    """
    facts = intake.inspect_picture(data)
    digest = hashlib.sha256(data).hexdigest()
    is_new = True
    try:
        intake.content.put(
            keys.media_key(site.id, digest),
            data,
            content_type=facts.content_type,
            metadata={"width": str(facts.width), "height": str(facts.height)},
            unless_exists=True,
        )
    except PreconditionFailedError:
        is_new = False
    log.info("picture.kept", site=site.id, media=digest, size_bytes=len(data), is_new=is_new)
    return KeptPicture(**facts.model_dump(), media=digest, size_bytes=len(data), is_new=is_new)

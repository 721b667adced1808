"""Assets: files that a sender uploads under names of its own, before the item that shows them (Superdesk)."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict

MAX_NAME_CHARS = 500


class Asset(BaseModel):
    """An uploaded file. `media`: the digest of the picture; without one, `reason` tells why no page shows the file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    media: str | None = None
    reason: str = ""


def name_sha256(name: str) -> str:
    """Return the SHA-256 of an asset's name, in hex."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()

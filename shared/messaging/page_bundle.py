"""Bundles of rendered pages for the publisher: inside their message, or as one object.

A bundle is compressed with zlib, because pages share most of their markup. Each page has two parts, its metadata (JSON)
and its bytes. Before each part stands its length (4 bytes, big-endian).
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from struct import Struct
from typing import TypedDict, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.messaging.messages import ListingsRendered, PagesRendered
from shared.model.attachment import Attachment
from shared.model.card import Card
from shared.runtime.errors import PermanentError
from shared.site import keys
from shared.storage import ObjectStorage

MAX_BUNDLE_BYTES = 96 * 1024 * 1024
MAX_INLINE_CHARACTERS = 256 * 1024
_LENGTH = Struct(">I")
_BUNDLE_RETENTION = timedelta(days=1)


class Stub(BaseModel):
    """An empty listing that is put before the first page that links to it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    listing: str
    path: str
    content: str  # deflated, in base64


class RenderedPage(BaseModel):
    """The metadata of a rendered page: its path, its fencing token (`order`) and its provenance."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    order: str
    sha256: str
    content_type: str = "text/html; charset=utf-8"
    surrogate_keys: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    theme: str
    made_by: str  # the process that rendered it
    made_for: str  # the message that the process handled
    made_at: AwareDatetime
    inputs: str = ""  # short names of its inputs: `revisions=3 enricher=…`
    stubs: tuple[Stub, ...] = ()
    wanted_version: int = 0  # of the page in the index when it was rendered; 0 if it was not stale


class ArticlePage(RenderedPage):
    """An article's own page."""

    article: str
    revision: str
    former: tuple[str, ...] = ()  # the article's other addresses, which redirect to this page
    revisions_seen: int  # the number of the article's revisions when it was rendered
    card: Card
    expires_at: AwareDatetime | None = None  # after this time the page is not put
    shows: dict[str, str] = Field(default_factory=dict)  # related articles, each with the digest of its card
    former_memberships: tuple[str, ...] = ()  # has or may have had, current ones too; if it has several revisions
    is_new: bool = False  # the article had no record: a hint, which saves a GET
    lacks_related: bool = False  # rendered while the index was incomplete: rendered again once it is complete


class ListingPage(RenderedPage):
    """A listing's page. `status` 410: the listing is empty, and a killed article named it."""

    listing: str
    status: int = 200


_Page = TypeVar("_Page", bound=RenderedPage)


class BundleFields(TypedDict):
    """The fields of a message that carry a bundle."""

    bundle: str | None
    bundle_key: str | None


def bundled(pages: Iterable[tuple[RenderedPage, bytes]]) -> bytes:
    """Return pages as one bundle."""
    parts = (part for page, body in pages for part in (page.model_dump_json(exclude_defaults=True).encode(), body))
    return zlib.compress(b"".join(chunk for part in parts for chunk in (_LENGTH.pack(len(part)), part)), level=1)


def unbundled(bundle: bytes, kind: type[_Page]) -> Iterator[tuple[_Page, bytes]]:
    """Yield the pages of a bundle, in order.

    Raises:
        PermanentError: the bundle is truncated, or larger than `MAX_BUNDLE_BYTES`.
    """
    inflating = zlib.decompressobj()
    content = inflating.decompress(bundle, MAX_BUNDLE_BYTES)
    if not inflating.eof:
        raise PermanentError(f"the bundle is truncated, or larger than {MAX_BUNDLE_BYTES} bytes")
    parts = _unframed(content)
    for page_json in parts:
        yield kind.model_validate_json(page_json), next(parts)


def bundle_fields(pages: Iterable[tuple[RenderedPage, bytes]], content: ObjectStorage, at: datetime) -> BundleFields:
    """Return the message fields that carry pages; a bundle too large for a message is stored for a day."""
    bundle = bundled(pages)
    inline = base64.b64encode(bundle).decode()
    if len(inline) <= MAX_INLINE_CHARACTERS:
        return BundleFields(bundle=inline, bundle_key=None)
    key = keys.rendered_key(at, hashlib.sha256(bundle).hexdigest())
    content.put(key, bundle, content_type="application/octet-stream")
    return BundleFields(bundle=None, bundle_key=key)


def read_bundle(
    message: PagesRendered | ListingsRendered, kind: type[_Page], content: ObjectStorage
) -> Iterator[tuple[_Page, bytes]]:
    """Yield the pages that a message carries.

    Raises:
        ObjectMissingError: the bundle was deleted, so its items must be rendered again.
    """
    bundle = base64.b64decode(message.bundle) if message.bundle else content.get(message.bundle_key or "").body
    return unbundled(bundle, kind)


def delete_old_bundles(content: ObjectStorage, now: datetime) -> None:
    """Delete stored bundles older than a day: if their message was lost, their items were rendered again."""
    first_retained = keys.rendered_key(now - _BUNDLE_RETENTION, "")
    for key in content.list_keys(keys.RENDERED_PREFIX):
        if key >= first_retained:
            return
        content.delete(key)


def _unframed(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        yield content[at : at + length]
        at += length

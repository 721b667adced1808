"""Rendered pages on their way to the publisher: several in one bundle, in its message or under a key.

A bundle is deflated: pages share most of their words. In it stand, for each page, the length of what is said of it
(JSON), that, the length of its bytes, and those.
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
_STORED_FOR = timedelta(days=1)


class Stub(BaseModel):
    """An empty listing that is put before a page that links to it, where nobody has put that listing yet."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    listing: str
    path: str
    content: str  # deflated, in base64


class RenderedPage(BaseModel):
    """What is said of a page beside its bytes: where it goes, its fencing token, and what it was made from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    order: str
    sha256: str
    content_type: str = "text/html; charset=utf-8"
    surrogate_keys: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    theme: str
    made_by: str  # the process that rendered it, and the message that made it do so
    made_for: str
    made_at: AwareDatetime
    inputs: str = ""  # what it was made from, in a word or two each: `revisions=3 enricher=…`
    stubs: tuple[Stub, ...] = ()
    wanted_version: int = 0  # that the index had for the page when it was made; 0 where it was not stale


class ArticlePage(RenderedPage):
    """An article's own page."""

    article: str
    revision: str
    former: tuple[str, ...] = ()  # the article's other addresses, where readers are sent on
    revisions_seen: int  # how many of the article's revisions were known when it was rendered
    card: Card
    expires_at: AwareDatetime | None = None  # a publisher that comes later puts nothing
    shows: dict[str, str] = Field(default_factory=dict)  # whose cards the page shows, and the digest of each
    former_memberships: tuple[
        str, ...
    ] = ()  # memberships that it has or may have had, where there are several revisions
    is_new: bool = False  # there was no record of the article: a hint, which spares a GET
    lacks_related: bool = False  # rendered while the index was incomplete: to be rendered again once it is complete


class ListingPage(RenderedPage):
    """A listing's page; `status` 410: it lists nothing, and a killed article named it."""

    listing: str
    status: int = 200


_Page = TypeVar("_Page", bound=RenderedPage)


class Carried(TypedDict):
    """The fields of a message that carry a bundle."""

    bundle: str | None
    bundle_key: str | None


def bundled(pages: Iterable[tuple[RenderedPage, bytes]]) -> bytes:
    """Return pages as one bundle."""
    parts = (part for page, body in pages for part in (page.model_dump_json(exclude_defaults=True).encode(), body))
    return zlib.compress(b"".join(piece for part in parts for piece in (_LENGTH.pack(len(part)), part)), level=1)


def unbundled(bundle: bytes, kind: type[_Page]) -> Iterator[tuple[_Page, bytes]]:
    """Yield the pages of a bundle, in order.

    Raises:
        PermanentError: it is cut short, or larger than `MAX_BUNDLE_BYTES`.
    """
    inflating = zlib.decompressobj()
    content = inflating.decompress(bundle, MAX_BUNDLE_BYTES)
    if not inflating.eof:
        raise PermanentError(f"a bundle is cut short, or larger than {MAX_BUNDLE_BYTES} bytes")
    parts = _unframed(content)
    for said in parts:
        yield kind.model_validate_json(said), next(parts)


def carry(pages: Iterable[tuple[RenderedPage, bytes]], content: ObjectStorage, at: datetime) -> Carried:
    """Return the fields that carry pages in a message; a bundle that is too large for one is stored for a day."""
    bundle = bundled(pages)
    inline = base64.b64encode(bundle).decode()
    if len(inline) <= MAX_INLINE_CHARACTERS:
        return Carried(bundle=inline, bundle_key=None)
    key = keys.rendered_key(at, hashlib.sha256(bundle).hexdigest())
    content.put(key, bundle, content_type="application/octet-stream")
    return Carried(bundle=None, bundle_key=key)


def read_bundle(
    message: PagesRendered | ListingsRendered, kind: type[_Page], content: ObjectStorage
) -> Iterator[tuple[_Page, bytes]]:
    """Yield the pages that a message carries.

    Raises:
        ObjectMissingError: the bundle was deleted; its items have to be rendered again.
    """
    bundle = base64.b64decode(message.bundle) if message.bundle else content.get(message.bundle_key or "").body
    return unbundled(bundle, kind)


def delete_old_bundles(content: ObjectStorage, now: datetime) -> None:
    """Delete the stored bundles of more than a day ago: their items were rendered again since, if they were lost."""
    first_kept = keys.rendered_key(now - _STORED_FOR, "")
    for key in content.list_keys(keys.RENDERED_PREFIX):
        if key >= first_kept:
            return
        content.delete(key)


def _unframed(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        yield content[at : at + length]
        at += length

"""What the public bucket holds of an article: the record in its `live.json`, written by publish with If-Match only.

The record decides which revision, status and location must be public. The digest, the ETag and the order of a page are
hints: a publication that changes only a page's bytes writes no record, and the object's own metadata is authoritative.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from http import HTTPStatus

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.model.card import Card
from shared.site import keys
from shared.storage import Etag, ObjectStorage


def page_sha256(body: bytes, status: int = 200, location: str = "") -> str:
    """Return the digest that tells whether two pages are the same to a reader: bytes, status and target."""
    envelope = b"" if status == HTTPStatus.OK else f"{status} {location}\n".encode()
    return hashlib.sha256(envelope + body).hexdigest()


class PageRecord(BaseModel):
    """What was last put at a path: its order, digest and ETag, and the HTTP status that readers get."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    order: str
    sha256: str
    etag: Etag
    status: int = 200


class LiveRecord(BaseModel):
    """An article's public state.

    `claimed` holds every path that the article has or may have had, in the order of their claims; a path is here
    before anything is put there. `claimed_by` is the highest revision that claimed: an older one is refused.
    `revisions_seen` says of how many revisions account is taken: an older one that comes late changes no more than
    this number.
    """

    schema_version: int = 1
    site: str
    article: str
    revision: str | None = None  # that is live; None: nothing is
    revisions_seen: int = 0
    claimed: tuple[str, ...] = ()
    claimed_by: str = ""
    path: str | None = None  # where its page is
    live_since: AwareDatetime | None = None
    removed_by: str | None = None  # the revision that took it down
    is_killed: bool = False  # by a kill: the topics and authors that only it named are gone
    pages: dict[str, PageRecord] = Field(default_factory=dict)
    card: Card | None = None
    media: tuple[str, ...] = ()  # public paths of the pictures that its page shows

    former_memberships: tuple[
        str, ...
    ] = ()  # memberships that its released revisions have or may have had: their listings stay
    shows: dict[str, str] = Field(default_factory=dict)  # whose cards its page shows, and the digest of each
    lacks_related: bool = False  # its page was rendered while the index was incomplete: it is stale once it is complete

    @property
    def text(self) -> str:
        """Return what tells whether the live page reads the same as another one of the article."""
        page = self.pages.get(self.path or "")
        return page.sha256 if page else ""

    @property
    def effective_revision(self) -> str:
        """Return the revision that the public bucket shows or was taken down by; empty while there is none."""
        return max(self.revision or "", self.removed_by or "")


def read_record(content: ObjectStorage, site: str, article: str) -> tuple[LiveRecord, Etag | None]:
    """Return an article's record and its ETag; an empty one, without an ETag, where nothing was ever public."""
    found = content.find(keys.live_key(site, article))
    if found is None:
        return LiveRecord(site=site, article=article), None
    return LiveRecord.model_validate_json(found.body), found.etag


def read_records(content: ObjectStorage, site: str, articles: Iterable[str], readers: Executor) -> Iterator[LiveRecord]:
    """Yield the records of articles, in order."""
    return readers.map(lambda article: read_record(content, site, article)[0], articles)

"""The record of an article, `live.json`: its public state. Only publish writes it, always with If-Match.

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
    """Return a digest of a page's bytes, status and redirect target: equal digests mean equal responses."""
    envelope = b"" if status == HTTPStatus.OK else f"{status} {location}\n".encode()
    return hashlib.sha256(envelope + body).hexdigest()


class PageRecord(BaseModel):
    """The object last put at a path: its order, digest, ETag and HTTP status."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    order: str
    sha256: str
    etag: Etag
    status: int = 200


class LiveRecord(BaseModel):
    """An article's public state.

    `claimed` holds every path that the article has or may have had, in the order of their claims. A path is claimed
    before the first PUT to it. `claimed_by` is the highest revision that claimed a path; claims of an older one are
    refused. `revisions_seen` is the number of revisions taken into account: a late, older revision may change only
    this number.
    """

    schema_version: int = 1
    site: str
    article: str
    revision: str | None = None  # the live revision; None: nothing is live
    revisions_seen: int = 0
    claimed: tuple[str, ...] = ()
    claimed_by: str = ""
    path: str | None = None  # of its page
    live_since: AwareDatetime | None = None
    removed_by: str | None = None  # the revision that removed it
    is_killed: bool = False  # removed by a kill: pages of topics and authors that only it named answer 410
    pages: dict[str, PageRecord] = Field(default_factory=dict)
    card: Card | None = None
    media: tuple[str, ...] = ()  # public paths of the pictures that its page shows

    former_memberships: tuple[str, ...] = ()  # of its released revisions, current ones included
    shows: dict[str, str] = Field(default_factory=dict)  # related articles on its page, with their cards' digests
    lacks_related: bool = False  # rendered while the index was incomplete: stale once it is complete

    @property
    def text(self) -> str:
        """Return the digest of the live page; empty without one."""
        page = self.pages.get(self.path or "")
        return page.sha256 if page else ""

    @property
    def effective_revision(self) -> str:
        """Return the revision that is live or that removed the article; empty if there is none."""
        return max(self.revision or "", self.removed_by or "")


def read_record(content: ObjectStorage, site: str, article: str) -> tuple[LiveRecord, Etag | None]:
    """Return an article's record and its ETag; an empty record and None if the article was never public."""
    found = content.find(keys.live_key(site, article))
    if found is None:
        return LiveRecord(site=site, article=article), None
    return LiveRecord.model_validate_json(found.body), found.etag


def read_records(content: ObjectStorage, site: str, articles: Iterable[str], readers: Executor) -> Iterator[LiveRecord]:
    """Yield the records of articles, in order."""
    return readers.map(lambda article: read_record(content, site, article)[0], articles)

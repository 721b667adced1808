"""Accepts an article: reads it, determines its place in the order of revisions, and commits it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

from services.ingest.domain.accepted import Accepted
from services.ingest.domain.refusal import Fault, RefusedError, unacceptable
from services.ingest.domain.report import Report
from services.ingest.domain.stamps import stamp_for
from services.ingest.handler.article_pictures import with_picture_facts
from services.ingest.handler.commit import (
    Committed,
    Duplicate,
    Proposal,
    RawBytes,
    commit,
    lane_of,
    write_journal_marker,
)
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.events import emit_events
from services.ingest.ports import SetAside, SubmissionMetadata
from shared.model.article import Article, Status
from shared.model.history import RevisionsAfter
from shared.model.lane import Lane
from shared.model.revision import Revision, revision_id, stamp_of
from shared.site import keys
from shared.site.sites import Site
from shared.storage import Etag

_MAX_REVISIONS_PER_STAMP = 999


@dataclass(frozen=True, slots=True)
class Item:
    """An article that was read from bytes and is to be committed."""

    article: Article
    report: Report
    raw: RawBytes
    site: Site
    received_at: datetime
    lane: Lane

    @property
    def article_id(self) -> str:
        """Return the article's id."""
        return keys.article_id(self.site.id, self.article.source, self.article.source_id)


def accept(raw: bytes, metadata: SubmissionMetadata, deps: IngestDeps) -> Accepted:
    """Commit an article and emit its event; return the result.

    Raises:
        RefusedError: the bytes are no valid article; they are stored nevertheless.
        BacklogFullError: too many messages wait. Removals are always accepted.
        StorageUnavailableError: the store does not answer. Nothing was accepted, or the same bytes sent again are a
            duplicate.
    """
    sha256 = hashlib.sha256(raw).hexdigest()
    place = RawBytes(sha256, keys.raw_key(metadata.site.id, metadata.received_at, sha256))
    try:
        item = with_pictures(read_item(raw, place, metadata, deps), deps)
    except RefusedError:
        deps.content.put(place.key, raw, content_type="application/octet-stream")
        raise
    source_put = note_source(item, deps)
    raw_put = deps.executor.submit(deps.content.put, place.key, raw, content_type="application/octet-stream")
    return emit_events(commit_item(item, deps, source_put=source_put, raw_put=raw_put), deps)


def read_item(raw: bytes, place: RawBytes, metadata: SubmissionMetadata, deps: IngestDeps) -> Item:
    """Return the article that the bytes hold; makes no call to the store.

    Raises:
        RefusedError: the bytes are no valid article, or a removal that the sender may not make.
        BacklogFullError: too many messages wait.
    """
    (reading,) = deps.read_document(raw, metadata.content_type, metadata)
    if isinstance(reading, SetAside):
        raise unacceptable([Fault("", reading.reason)])
    _check_rights(reading.article, may_take_down=metadata.may_take_down)
    if reading.article.status is Status.USABLE:
        deps.admit(metadata.lane)
    return Item(reading.article, reading.report, place, metadata.site, metadata.received_at, metadata.lane)


def with_pictures(item: Item, deps: IngestDeps) -> Item:
    """Return the item with the dimensions of its pictures.

    Raises:
        RefusedError: the article names a picture that was never uploaded.
    """
    return replace(item, article=with_picture_facts(item.article, deps))


def note_source(item: Item, deps: IngestDeps) -> Future[Etag] | None:
    """Start to store the item's source for its site; None if the source is stored already."""
    if item.article.status is not Status.USABLE:
        return None
    return deps.sources.note(item.site.id, item.article.source)


def commit_item(
    item: Item,
    deps: IngestDeps,
    *,
    source_put: Future[Etag] | None = None,
    raw_put: Future[Etag] | None = None,
) -> Committed:
    """Commit the item; return the result. The caller emits the event.

    `source_put` and `raw_put`: PUTs that must end before the revision is written.

    Raises:
        RefusedError: too many contents have the same stamp.
        StorageUnavailableError: the store does not answer.
    """
    article = item.article
    # The name of a stamped revision is nearly always known before the listing, so its marker is written in parallel.
    stamp = article.version_created
    name = revision_id(stamp, article.version) if stamp else None
    marker = (
        write_journal_marker(item.site.id, item.article_id, name, lane_of(article.status, item.lane), deps)
        if name
        else None
    )
    if source_put is not None:
        source_put.result()

    def propose(since: RevisionsAfter) -> Proposal | Duplicate:
        found = _name_or_duplicate(item, since.names, deps)
        if isinstance(found, Revision):
            return Duplicate(found, item.report)
        return Proposal(name=found, article=article, raw=item.raw, report=item.report, lane=item.lane)

    return commit(
        propose,
        site=item.site,
        article=item.article_id,
        received_at=item.received_at,
        deps=deps,
        marker=marker,
        raw_put=raw_put,
    )


def _name_or_duplicate(item: Item, names: Sequence[str], deps: IngestDeps) -> str | Revision:
    """Return the name of a new revision, or the existing revision with the same bytes.

    A stamp fixes the place in the order, so a duplicate of a stamped item has the same stamp and version.
    An unstamped item comes after all revisions. It is a duplicate if the latest revision has the same bytes. It is a
    duplicate too if a revision with the same bytes was accepted after the item was received. Then the submission is
    read a second time.
    """
    article, stamp = item.article, item.article.version_created
    if stamp is None:
        for name in reversed(names):
            existing = deps.revisions.get(article.site, item.article_id, name)
            if _has_same_content(existing, item) and (name == names[-1] or existing.accepted_at >= item.received_at):
                return existing
            if existing.accepted_at < item.received_at:
                break
        latest = stamp_of(names[-1]) if names else None
        return revision_id(stamp_for(None, item.received_at, latest), article.version)
    first = revision_id(stamp, article.version)
    same_place = [name for name in names if name[:-3] == first[:-3]]
    for name in same_place:
        existing = deps.revisions.get(article.site, item.article_id, name)
        if _has_same_content(existing, item):
            return existing
    number = int(same_place[-1][-3:]) + 1 if same_place else 0
    if number > _MAX_REVISIONS_PER_STAMP:
        detail = f"is the stamp of more than {_MAX_REVISIONS_PER_STAMP} different contents; send a newer stamp"
        raise unacceptable([Fault("/version_created", detail)])
    return revision_id(stamp, article.version, number)


def _has_same_content(existing: Revision, item: Item) -> bool:
    """Return whether a revision has the same bytes, and found at least as many of their pictures."""
    has_all_pictures = len(existing.article.body_pictures) >= len(item.article.body_pictures)
    return existing.raw_sha256 == item.raw.sha256 and existing.action is None and has_all_pictures


def _check_rights(article: Article, *, may_take_down: bool) -> None:
    if article.status is not Status.USABLE and not may_take_down:
        detail = f"status {article.status.value} removes an article, which needs a token with the scope takedown"
        raise RefusedError(403, detail, [Fault("/status", detail)])

"""Accepting what is posted: read it, give it its place in the order, and commit it."""

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
from services.ingest.ports import SubmissionMetadata
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
    """An article that was read from bytes, to be committed."""

    article: Article
    report: Report
    raw: RawBytes
    site: Site
    received_at: datetime
    lane: Lane

    @property
    def article_id(self) -> str:
        """Return the identity of its article."""
        return keys.article_id(self.site.id, self.article.source, self.article.source_id)


def accept(raw: bytes, metadata: SubmissionMetadata, deps: IngestDeps) -> Accepted:
    """Store what was sent for good, then announce it; return what became of it.

    Raises:
        RefusedError: it cannot become an article; the raw bytes are kept all the same.
        BacklogFullError: too much waits to be published before it. Removals are always taken.
        StorageUnavailableError: the store does not take it now. Nothing was accepted, or the same bytes sent again
            will be found to be a duplicate.
    """
    sha256 = hashlib.sha256(raw).hexdigest()
    place = RawBytes(sha256, keys.raw_key(metadata.site.id, metadata.received_at, sha256))
    try:
        item = with_pictures(read_item(raw, place, metadata, deps), deps)
    except RefusedError:
        deps.content.put(place.key, raw, content_type="application/octet-stream")
        raise
    source_noted = note_source(item, deps)
    raw_kept = deps.executor.submit(deps.content.put, place.key, raw, content_type="application/octet-stream")
    return emit_events(commit_item(item, deps, source_noted=source_noted, raw_kept=raw_kept), deps)


def read_item(raw: bytes, place: RawBytes, metadata: SubmissionMetadata, deps: IngestDeps) -> Item:
    """Return the article that the bytes hold; the store is not asked.

    Raises:
        RefusedError: they hold none, or one that their sender may not take down.
        BacklogFullError: too much waits to be published before it.
    """
    reading = deps.read_article(raw, metadata.content_type, metadata)
    _check_rights(reading.article, may_take_down=metadata.may_take_down)
    if reading.article.status is Status.USABLE:
        deps.admit(metadata.lane)
    return Item(reading.article, reading.report, place, metadata.site, metadata.received_at, metadata.lane)


def with_pictures(item: Item, deps: IngestDeps) -> Item:
    """Return the item with the measures of its pictures.

    Raises:
        RefusedError: it names a picture that was never uploaded.
    """
    return replace(item, article=with_picture_facts(item.article, deps))


def note_source(item: Item, deps: IngestDeps) -> Future[Etag] | None:
    """Begin to store that the item's source sends to its site; None where that is known."""
    if item.article.status is not Status.USABLE:
        return None
    return deps.sources.note(item.site.id, item.article.source)


def commit_item(
    item: Item,
    deps: IngestDeps,
    *,
    source_noted: Future[Etag] | None = None,
    raw_kept: Future[Etag] | None = None,
) -> Committed:
    """Store the item for good; return what became of it, which is not announced yet.

    `source_noted` and `raw_kept`: what has to be stored before its revision.

    Raises:
        RefusedError: too many contents came under its stamp.
        StorageUnavailableError: the store does not take it now.
    """
    article = item.article
    # A stamped article's name is nearly always known before the store is asked, and its marker need not wait for that.
    stamp = article.version_created
    name = revision_id(stamp, article.version) if stamp else None
    marker = (
        write_journal_marker(item.site.id, item.article_id, name, lane_of(article.status, item.lane), deps)
        if name
        else None
    )
    if source_noted is not None:
        source_noted.result()

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
        raw_kept=raw_kept,
    )


def _name_or_duplicate(item: Item, names: Sequence[str], deps: IngestDeps) -> str | Revision:
    """Return the name of a new revision, or the revision that already holds these very bytes.

    Stamped items carry their place in order; the same bytes can only be a revision of the same stamp and version. An
    unstamped item comes after what was there, and repeats it only if it is the same as the latest, or was accepted
    since it was received: then this is a submission that is read a second time.
    """
    article, stamp = item.article, item.article.version_created
    if stamp is None:
        for name in reversed(names):
            there = deps.revisions.get(article.site, item.article_id, name)
            if _is_same(there, item) and (name == names[-1] or there.accepted_at >= item.received_at):
                return there
            if there.accepted_at < item.received_at:
                break
        latest = stamp_of(names[-1]) if names else None
        return revision_id(stamp_for(None, item.received_at, latest), article.version)
    first = revision_id(stamp, article.version)
    same_place = [name for name in names if name[:-3] == first[:-3]]
    for name in same_place:
        there = deps.revisions.get(article.site, item.article_id, name)
        if _is_same(there, item):
            return there
    n = int(same_place[-1][-3:]) + 1 if same_place else 0
    if n > _MAX_REVISIONS_PER_STAMP:
        detail = f"has come with more than {_MAX_REVISIONS_PER_STAMP} different contents; send a newer stamp"
        raise unacceptable([Fault("/version_created", detail)])
    return revision_id(stamp, article.version, n)


def _is_same(there: Revision, item: Item) -> bool:
    """Tell whether a revision holds these very bytes, and knew as many of the pictures that they name."""
    knew_all = len(there.article.body_pictures) >= len(item.article.body_pictures)
    return there.raw_sha256 == item.raw.sha256 and there.action is None and knew_all


def _check_rights(article: Article, *, may_take_down: bool) -> None:
    if article.status is not Status.USABLE and not may_take_down:
        detail = f"status {article.status.value} takes an article down, which needs a token with the scope takedown"
        raise RefusedError(403, detail, [Fault("/status", detail)])

"""The place of an item in the order of its article's revisions."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.domain.stamps import stamp_for
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.entries import Item
from shared.model.article import Status
from shared.model.revision import Revision, revision_id, stamp_of

_MAX_REVISIONS_PER_STAMP = 999


def name_or_duplicate(item: Item, names: Sequence[str], deps: IngestDeps) -> str | Revision:
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
    if (found := _late_kill(item, first, names, deps)) is not None:
        return found
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


def _late_kill(item: Item, first: str, names: Sequence[str], deps: IngestDeps) -> str | Revision | None:
    """Return the place of a kill that is older than the latest revision and yet in force; None for any other item.

    A kill of the id under which an article began counts although a text under a newer id has a later stamp. Such a kill
    comes after all revisions, as an operator's does. A kill older than a revision of its own id stays superseded.
    """
    if item.article.status is not Status.CANCELED or not names or names[-1][:-3] <= first[:-3]:
        return None
    revisions = [deps.revisions.get(item.site.id, item.article_id, name) for name in names]
    source_id = item.article.source_id
    if all(each.article.source_id == source_id for each in revisions):
        return None
    for each in revisions:
        if _has_same_content(each, item) and each.status is Status.CANCELED:
            return each
    if any(each.article.source_id == source_id and each.revision[:-3] > first[:-3] for each in revisions):
        return None
    return revision_id(stamp_for(None, item.received_at, stamp_of(names[-1])), item.article.version)


def _has_same_content(existing: Revision, item: Item) -> bool:
    """Return whether a revision has the same bytes, and found at least as many of their pictures."""
    has_all_pictures = len(existing.article.body_pictures) >= len(item.article.body_pictures)
    return existing.raw_sha256 == item.raw.sha256 and existing.action is None and has_all_pictures

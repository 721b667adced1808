"""The objects that a removal writes before its commit: a tombstone, or the objects of an unmatched removal."""

from __future__ import annotations

import structlog

from services.ingest.handler.deps import IngestDeps
from shared.model.article import Status
from shared.model.history import History, RevisionsAfter
from shared.model.revision import Revision
from shared.runtime.errors import OutageError
from shared.site import keys
from shared.site.sites import Site

log = structlog.get_logger()


def put_removal_objects(
    revision: Revision, since: RevisionsAfter, site: Site, deps: IngestDeps, *, is_unmatched: bool
) -> None:
    """Write the objects of a removal: of an unmatched one, or the tombstone of a kill that is not superseded."""
    if is_unmatched:
        _put_unmatched(revision, deps)
    elif revision.status is Status.CANCELED and not is_superseded(revision, since):
        _put_tombstone(revision, site, deps)


def is_superseded(revision: Revision, since: RevisionsAfter) -> bool:
    """Return whether the article has a later revision."""
    return bool(since.names) and since.names[-1] > revision.revision


def _put_tombstone(kill: Revision, site: Site, deps: IngestDeps) -> None:
    """Put the tombstone before the commit: an interrupted kill holds the article until it is repeated."""
    body = kill.model_dump_json(exclude={"article"}).encode()
    deps.content.put(keys.tombstone_key(site.id, kill.article_id, kill.revision), body)


def arrived_before_text(revision: Revision, since: RevisionsAfter, deps: IngestDeps) -> bool:
    """Return whether a removal, by a sender or an operator, arrived before any text of its article."""
    is_restore = revision.action is not None and revision.action.kind == "restore"
    if revision.status is Status.USABLE or is_restore or since.kills or is_superseded(revision, since):
        return False
    site, article = revision.article.site, revision.article_id
    return all(deps.revisions.get(site, article, name).status is not Status.USABLE for name in since.names)


def _put_unmatched(removal: Revision, deps: IngestDeps) -> None:
    """Put an empty object in the article's folder, and one in the operators' list unless this is a held draft."""
    site, article, name = removal.article.site, removal.article_id, removal.revision
    listed = () if removal.held_because else (keys.unmatched_removal_key(site, article, name),)
    for key in (*listed, keys.unmatched_key(site, article, name)):
        deps.content.put(key, b"", content_type="text/plain")


def clear_unmatched(site: str, article: str, history: History, deps: IngestDeps) -> None:
    """Delete the objects of unmatched removals that are no longer in force; a remaining one does not affect readers.

    A removal without a revision is still being committed: its objects stay.
    """
    in_force = {each.revision for each in history.unmatched_in_force}
    committed = {each.revision for each in history.revisions}
    try:
        for name in history.unmatched:
            if name in committed and name not in in_force:
                deps.content.delete(keys.unmatched_key(site, article, name))
                deps.content.delete(keys.unmatched_removal_key(site, article, name))
    except OutageError as error:
        log.warning("unmatched_removal.kept", site=site, article=article, reason=str(error))

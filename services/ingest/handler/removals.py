"""The objects that a removal writes before its commit: a kill's tombstone, or the mark of an unmatched removal."""

from __future__ import annotations

import structlog

from services.ingest.handler.intake import Intake
from shared import keys
from shared.article import Status
from shared.errors import OutageError
from shared.history import Past, Since
from shared.revision import Revision
from shared.sites import Site

log = structlog.get_logger()


def mark_removal(revision: Revision, since: Since, site: Site, intake: Intake, *, is_unmatched: bool) -> None:
    """Mark a removal that is the latest word on its article: as unmatched, or as a kill by a tombstone."""
    if is_unmatched:
        _put_unmatched(revision, intake)
    elif revision.status is Status.CANCELED and not is_superseded(revision, since):
        _put_tombstone(revision, site, intake)


def is_superseded(revision: Revision, since: Since) -> bool:
    """Tell whether the article had a later revision."""
    return bool(since.names) and since.names[-1] > revision.revision


def _put_tombstone(kill: Revision, site: Site, intake: Intake) -> None:
    """Close the article before the commit: a kill that is cut short stays closed until its sender repeats it."""
    body = kill.model_dump_json(exclude={"article"}).encode()
    intake.content.put(keys.tombstone_key(site.id, kill.article_id, kill.revision), body)


def arrived_before_text(revision: Revision, since: Since, intake: Intake) -> bool:
    """Tell whether a removal, a sender's or an operator's, arrived before any text of its article."""
    is_restore = revision.action is not None and revision.action.kind == "restore"
    if revision.status is Status.USABLE or is_restore or since.kills or is_superseded(revision, since):
        return False
    site, article = revision.article.site, revision.article_id
    return all(intake.revisions.get(site, article, name).status is not Status.USABLE for name in since.names)


def _put_unmatched(removal: Revision, intake: Intake) -> None:
    """Mark the removal as unmatched before its commit: for its article's readers, and where an operator counts them."""
    site, article, name = removal.article.site, removal.article_id, removal.revision
    for key in (keys.unmatched_removal_key(site, article, name), keys.unmatched_key(site, article, name)):
        intake.content.put(key, b"", content_type="text/plain")


def clear_unmatched(site: str, article: str, past: Past, intake: Intake) -> None:
    """Delete the marks of unmatched removals that are in force no more; one that stays has no effect on readers.

    A removal whose revision is not there yet is being committed: its mark stays.
    """
    in_force = {each.revision for each in past.unmatched_in_force}
    committed = {each.revision for each in past.revisions}
    try:
        for name in past.unmatched:
            if name in committed and name not in in_force:
                intake.content.delete(keys.unmatched_key(site, article, name))
                intake.content.delete(keys.unmatched_removal_key(site, article, name))
    except OutageError as error:
        log.warning("unmatched_removal.left", site=site, article=article, reason=str(error))

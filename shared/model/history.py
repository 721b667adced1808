"""An article's revisions, read from the content bucket: the one place where a worker learns what is true now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.model.article import Status
from shared.model.revision import Revision, released
from shared.site import keys
from shared.storage import Etag, ObjectStorage


@dataclass(frozen=True, slots=True)
class RevisionsAfter:
    """The names of the revisions after one, oldest first; of all kills with a tombstone; of all unmatched removals.

    `enriched`: the keys of all enriched objects; `record`: the ETag of `live.json`. Both are known only where the whole
    article was listed.

    `History` tells which of them are in force: a later restore overrules one, and may not have cleared it away.
    """

    names: tuple[str, ...] = ()
    kills: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    enriched: tuple[str, ...] = field(default=(), compare=False)
    record: Etag | None = field(default=None, compare=False)

    @property
    def is_nothing(self) -> bool:
        """Tell whether that revision is for certain still the last word."""
        return not self.names and not self.kills and not self.unmatched

    def is_all_before(self, revision: str) -> bool:
        """Tell, of a whole article, whether a revision is for certain still the last word."""
        return not self.kills and not self.unmatched and all(name <= revision for name in self.names)


class Revisions(Protocol):
    """The revisions of articles; immutable, so that one that was read need not be read again."""

    def names(self, site: str, article: str) -> list[str]:
        """Return the names of an article's revisions, oldest first."""
        ...

    def since(self, site: str, article: str, revision: str) -> RevisionsAfter:
        """Return what came after a revision; one call to the store."""
        ...

    def get(self, site: str, article: str, revision: str) -> Revision:
        """Return one revision.

        Raises:
            ObjectMissingError: there is none of that name.
        """
        ...


class StoredRevisions:
    """Revisions in the content bucket, the last few hundred kept in memory."""

    def __init__(self, storage: ObjectStorage, *, remembered: int = 256) -> None:
        self._storage = storage
        self._remembered = remembered
        self._cache: dict[str, Revision] = {}

    def names(self, site: str, article: str) -> list[str]:
        """Return the names of an article's revisions, oldest first."""
        return [keys.revision_of(key) for key in self._storage.list_keys(keys.revisions_prefix(site, article))]

    def since(self, site: str, article: str, revision: str) -> RevisionsAfter:
        """Return what came after a revision.

        The keys of tombstones and of unmatched removals sort behind those of the revisions, so one listing has all.
        """
        start = keys.revision_key(site, article, revision) if revision else ""
        listed = self._storage.list_heads(keys.article_prefix(site, article), start_after=start)
        found = {each.key: each.etag for each in listed}
        revisions, tombstones = keys.revisions_prefix(site, article), keys.tombstone_prefix(site, article)
        unmatched = keys.unmatched_prefix(site, article)
        return RevisionsAfter(
            names=tuple(keys.revision_of(key) for key in found if key.startswith(revisions)),
            kills=tuple(keys.kill_of(key) for key in found if key.startswith(tombstones)),
            unmatched=tuple(keys.unmatched_of(key) for key in found if key.startswith(unmatched)),
            enriched=tuple(key for key in found if key.startswith(keys.enriched_folder(site, article))),
            record=found.get(keys.live_key(site, article)),
        )

    def get(self, site: str, article: str, revision: str) -> Revision:
        """Return one revision, from memory where it was read before; several threads may ask at once."""
        key = keys.revision_key(site, article, revision)
        found = self._cache.get(key)
        if found is None:
            found = Revision.model_validate_json(self._storage.get(key).body)
            for oldest in list(self._cache)[: max(0, len(self._cache) - self._remembered + 1)]:
                self._cache.pop(oldest, None)
            self._cache[key] = found
        return found


@dataclass(frozen=True, slots=True)
class History:
    """All that was accepted of an article, oldest first; its kills with a tombstone; its unmatched removals."""

    revisions: tuple[Revision, ...]
    kills: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()

    @property
    def is_killed(self) -> bool:
        """Tell whether a kill stands: it has a tombstone, and no restore is newer than it."""
        return bool(self.kills) and (not self._restored or max(self.kills) > self._restored)

    @property
    def kill(self) -> Revision | None:
        """Return the kill that stands; None where none does, or where it was cut short before its commit."""
        since = [each for each in self.revisions if each.status is Status.CANCELED and each.revision > self._restored]
        return since[-1] if self.is_killed and since else None

    @property
    def unmatched_in_force(self) -> tuple[Revision, ...]:
        """Return the removals that arrived before the article and still decide what is public, oldest first.

        A restore lifts them, a kill of the article replaces them. A newer text brings the article back from a
        withdrawal, never from a kill.
        """
        if self.is_killed:
            return ()
        newest_text = max((each.revision for each in self.revisions if each.status is Status.USABLE), default="")
        return tuple(
            each
            for each in self.revisions
            if each.revision in self.unmatched
            and each.revision > self._restored
            and (each.status is Status.CANCELED or each.revision > newest_text)
        )

    @property
    def unmatched_kill(self) -> Revision | None:
        """Return the kill in force that arrived before the article: every text after it is held."""
        kills = [each for each in self.unmatched_in_force if each.status is Status.CANCELED]
        return kills[-1] if kills else None

    def is_held(self, revision: Revision) -> bool:
        """Tell whether an unmatched kill keeps this text from being published until a person decides."""
        kill = self.unmatched_kill
        return kill is not None and revision.status is Status.USABLE and revision.revision > kill.revision

    @property
    def _restored(self) -> str:
        """Return the name of the newest restore, empty for none."""
        restores = (each.revision for each in self.revisions if each.action and each.action.kind == "restore")
        return max(restores, default="")

    def released(self, now: datetime) -> list[Revision]:
        """Return the revisions that are, or once were, allowed out, oldest first.

        While a kill is in force, nothing after it is. A kill that was cut short before its commit lets nothing out:
        its sender was told to send it again. A text that is held is not out either.
        """
        stopped = self._stopped_by_kills()
        out = [revision for revision in released(self.revisions, now) if revision.revision not in stopped]
        if not self.is_killed:
            return [revision for revision in out if not self.is_held(revision)] if self.unmatched else out
        kill = self.kill
        return [revision for revision in out if kill and revision.revision <= kill.revision]

    def _stopped_by_kills(self) -> frozenset[str]:
        """Return the texts that came under a kill and that a later restore passed over: they were never public.

        So their headlines shape no address. A kill that was older than the latest revision stopped nothing.
        """
        restores = [each for each in self.revisions if each.action and each.action.kind == "restore"]
        if not restores:
            return frozenset()
        brought_back = {each.text_of for each in restores}
        return frozenset(
            text.revision
            for text in self.revisions
            if text.status is Status.USABLE
            and text.action is None
            and text.revision not in brought_back
            and text.revision < restores[-1].revision
            and any(self._stops(kill, text, restores) for kill in self.revisions if kill.status is Status.CANCELED)
        )

    def _stops(self, kill: Revision, text: Revision, restores: list[Revision]) -> bool:
        """Tell whether a kill was in force when a text arrived."""
        is_between = kill.revision < text.revision and kill.accepted_at <= text.accepted_at
        was_latest = not any(x.revision > kill.revision and x.accepted_at < kill.accepted_at for x in self.revisions)
        is_lifted = any(kill.revision < each.revision < text.revision for each in restores)
        return is_between and was_latest and not is_lifted

    def visible(self, now: datetime) -> Revision | None:
        """Return the revision that the public should see (or be told is gone), or None while nothing is released."""
        out = self.released(now)
        return out[-1] if out else None


def read_history(revisions: Revisions, site: str, article: str, since: RevisionsAfter | None = None) -> History:
    """Return all that was accepted of an article; `since` spares the listing where it was just made."""
    known = since or revisions.since(site, article, "")
    return History(tuple(revisions.get(site, article, name) for name in known.names), known.kills, known.unmatched)


MAX_UNMATCHED_LISTED = 1_000  # one page of a listing


def unmatched_removals(content: ObjectStorage, site: str) -> list[tuple[str, str]]:
    """Return (article, revision) of a site's unmatched removals in force, 1,000 at most."""
    found = content.list_keys(keys.unmatched_removals_prefix(site), limit=MAX_UNMATCHED_LISTED)
    return [keys.unmatched_removal_of(key) for key in found]


def find_target(
    revisions: Revisions, site: str, article: str, now: datetime, hint: str | None = None
) -> Revision | None:
    """Return the revision that the public should see, or None while nothing is released.

    With a `hint` (the revision that a message named) the common case costs one listing and one read: nothing later
    than the hint exists, and the hint is out.
    """
    if hint is not None and revisions.since(site, article, hint).is_nothing:
        latest = revisions.get(site, article, hint)
        if latest.status is not Status.USABLE or latest.embargo_until is None or latest.embargo_until <= now:
            return latest
    return read_history(revisions, site, article).visible(now)

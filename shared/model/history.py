"""An article's revisions, read from the content bucket, and the rules that decide which of them is visible."""

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

    `enriched`: the keys of all enriched objects; `record`: the ETag of `live.json`. Both are known only after a listing
    of the whole article.

    `History` decides which removals are in force: a later restore ends one, even if its tombstone still exists.
    """

    names: tuple[str, ...] = ()
    kills: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    same_as: str = field(default="", compare=False)
    enriched: tuple[str, ...] = field(default=(), compare=False)
    record: Etag | None = field(default=None, compare=False)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing came after that revision, so that it is certainly the latest state."""
        return not self.names and not self.kills and not self.unmatched

    def is_all_before(self, revision: str) -> bool:
        """Tell whether nothing in a listing of the whole article is later than a revision."""
        return not self.kills and not self.unmatched and all(name <= revision for name in self.names)


class Revisions(Protocol):
    """The revisions of articles. Revisions are immutable, so they can be cached."""

    def names(self, site: str, article: str) -> list[str]:
        """Return the names of an article's revisions, oldest first."""
        ...

    def since(self, site: str, article: str, revision: str) -> RevisionsAfter:
        """Return the revisions after one, with one call to the store."""
        ...

    def get(self, site: str, article: str, revision: str) -> Revision:
        """Return one revision.

        Raises:
            ObjectMissingError: the revision does not exist.
        """
        ...


class StoredRevisions:
    """Revisions in the content bucket, with a cache of the last few hundred."""

    def __init__(self, storage: ObjectStorage, *, max_cached: int = 256) -> None:
        self._storage = storage
        self._max_cached = max_cached
        self._cache: dict[str, Revision] = {}

    def names(self, site: str, article: str) -> list[str]:
        """Return the names of an article's revisions, oldest first."""
        return [keys.revision_of(key) for key in self._storage.list_keys(keys.revisions_prefix(site, article))]

    def since(self, site: str, article: str, revision: str) -> RevisionsAfter:
        """Return the revisions after one.

        The keys of tombstones and unmatched removals sort after those of the revisions, so one listing has all.
        """
        start = keys.revision_key(site, article, revision) if revision else ""
        listed = self._storage.list_heads(keys.article_prefix(site, article), start_after=start)
        found = {each.key: each.etag for each in listed}
        revisions, tombstones = keys.revisions_prefix(site, article), keys.tombstone_prefix(site, article)
        unmatched, same_as = keys.unmatched_prefix(site, article), keys.same_as_prefix(site, article)
        return RevisionsAfter(
            names=tuple(keys.revision_of(key) for key in found if key.startswith(revisions)),
            kills=tuple(keys.kill_of(key) for key in found if key.startswith(tombstones)),
            unmatched=tuple(keys.unmatched_of(key) for key in found if key.startswith(unmatched)),
            same_as=min((keys.same_as_of(key) for key in found if key.startswith(same_as)), default=""),
            enriched=tuple(key for key in found if key.startswith(keys.enriched_folder(site, article))),
            record=found.get(keys.live_key(site, article)),
        )

    def get(self, site: str, article: str, revision: str) -> Revision:
        """Return one revision, from the cache if possible; several threads may call this at once."""
        key = keys.revision_key(site, article, revision)
        found = self._cache.get(key)
        if found is None:
            found = Revision.model_validate_json(self._storage.get(key).body)
            for oldest in list(self._cache)[: max(0, len(self._cache) - self._max_cached + 1)]:
                self._cache.pop(oldest, None)
            self._cache[key] = found
        return found


@dataclass(frozen=True, slots=True)
class History:
    """All revisions of an article, oldest first; its kills with a tombstone; its unmatched removals."""

    revisions: tuple[Revision, ...]
    kills: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()

    @property
    def is_killed(self) -> bool:
        """Tell whether a kill is in force: it has a tombstone, and no newer restore exists."""
        return bool(self.kills) and (not self._restored or max(self.kills) > self._restored)

    @property
    def kill(self) -> Revision | None:
        """Return the kill in force; None if there is none, or if it was interrupted before its commit."""
        since = [each for each in self.revisions if each.status is Status.CANCELED and each.revision > self._restored]
        return since[-1] if self.is_killed and since else None

    @property
    def unmatched_in_force(self) -> tuple[Revision, ...]:
        """Return the removals in force that arrived before the article, oldest first.

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
        """Tell whether an unmatched kill in force prevents the publication of this text."""
        kill = self.unmatched_kill
        return kill is not None and revision.status is Status.USABLE and revision.revision > kill.revision

    @property
    def _restored(self) -> str:
        """Return the name of the newest restore, empty for none."""
        restores = (each.revision for each in self.revisions if each.action and each.action.kind == "restore")
        return max(restores, default="")

    def released(self, now: datetime) -> list[Revision]:
        """Return the revisions that are or once were released, oldest first.

        While a kill is in force, nothing after it is released. A kill that was interrupted before its commit releases
        nothing: its sender was asked to send it again. A held text is not released either.
        """
        stopped = self._stopped_by_kills()
        allowed = [revision for revision in released(self.revisions, now) if revision.revision not in stopped]
        if not self.is_killed:
            return [revision for revision in allowed if not self.is_held(revision)] if self.unmatched else allowed
        kill = self.kill
        return [revision for revision in allowed if kill and revision.revision <= kill.revision]

    def _stopped_by_kills(self) -> frozenset[str]:
        """Return the texts that arrived during a kill and that no later restore brought back: they were never public.

        So their headlines give no address. A kill that was older than the latest revision stopped nothing.
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
        """Return the latest released revision (a text or a removal), or None while nothing is released."""
        allowed = self.released(now)
        return allowed[-1] if allowed else None


def read_history(revisions: Revisions, site: str, article: str, since: RevisionsAfter | None = None) -> History:
    """Return the history of an article; `since` (a listing just made) saves one call to the store."""
    known = since or revisions.since(site, article, "")
    return History(tuple(revisions.get(site, article, name) for name in known.names), known.kills, known.unmatched)


MAX_UNMATCHED_LISTED = 1_000  # one page of a listing


def unmatched_removals(content: ObjectStorage, site: str) -> list[tuple[str, str]]:
    """Return (article, revision) of a site's unmatched removals in force, at most 1,000."""
    found = content.list_keys(keys.unmatched_removals_prefix(site), limit=MAX_UNMATCHED_LISTED)
    return [keys.unmatched_removal_of(key) for key in found]


def find_visible_revision(
    revisions: Revisions, site: str, article: str, now: datetime, hint: str | None = None
) -> Revision | None:
    """Return the latest released revision (a text or a removal), or None while nothing is released.

    With a `hint` (the revision of a message) the common case costs one listing and one read: the hint is the latest
    revision, and it is released.
    """
    if hint is not None and revisions.since(site, article, hint).is_empty:
        latest = revisions.get(site, article, hint)
        if latest.status is not Status.USABLE or latest.embargo_until is None or latest.embargo_until <= now:
            return latest
    return read_history(revisions, site, article).visible(now)

"""An article's revisions, read from the content bucket: the one place where a worker learns what is true now."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from shared import keys
from shared.article import Status
from shared.revision import Revision, target
from shared.storage import ObjectStorage


class Revisions(Protocol):
    """The revisions of articles; immutable, so that one that was read need not be read again."""

    def names(self, site: str, article: str, *, after: str | None = None) -> list[str]:
        """Return the names of an article's revisions, oldest first; `after` leaves out all up to that one."""
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

    def names(self, site: str, article: str, *, after: str | None = None) -> list[str]:
        """Return the names of an article's revisions, oldest first; `after` leaves out all up to that one."""
        start = keys.revision_key(site, article, after) if after else ""
        prefix = keys.revisions_prefix(site, article)
        return [keys.revision_of(key) for key in self._storage.list_keys(prefix, start_after=start)]

    def get(self, site: str, article: str, revision: str) -> Revision:
        """Return one revision, from memory where it was read before."""
        key = keys.revision_key(site, article, revision)
        if key not in self._cache:
            while len(self._cache) >= self._remembered:
                del self._cache[next(iter(self._cache))]
            self._cache[key] = Revision.model_validate_json(self._storage.get(key).body)
        return self._cache[key]


def history(revisions: Revisions, site: str, article: str) -> list[Revision]:
    """Return all revisions of an article, oldest first."""
    return [revisions.get(site, article, name) for name in revisions.names(site, article)]


def find_target(
    revisions: Revisions, site: str, article: str, now: datetime, hint: str | None = None
) -> Revision | None:
    """Return the revision that the public should see, or None while nothing is released.

    With a `hint` (the revision that a message named) the common case costs one listing and one read: nothing later
    than the hint exists, and the hint is out.
    """
    if hint is not None and not revisions.names(site, article, after=hint):
        latest = revisions.get(site, article, hint)
        if latest.status is not Status.USABLE or latest.embargo_until is None or latest.embargo_until <= now:
            return latest
    return target(history(revisions, site, article), now)

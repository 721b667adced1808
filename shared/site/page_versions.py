"""Which version of theme and settings the public pages carry: noted by render, counted from the pages' metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from datetime import datetime
from http import HTTPStatus
from itertools import islice

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.site import keys
from shared.site.listings import listing_at
from shared.site.sites import Site, others_behind
from shared.storage import ObjectHead, ObjectStorage

_BATCH = 50  # pages that are looked at between two chances to stop


class NotedVersion(BaseModel):
    """The version that a site's new pages carry, as the render worker that started last noted it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    version: str


class VersionCounts(BaseModel):
    """How many of a site's pages carried each version when they were counted, and which one was current then."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    counted_at: AwareDatetime
    current: str
    pages: dict[str, int]

    @property
    def total(self) -> int:
        """Return how many pages there were."""
        return sum(self.pages.values())

    def others(self, version: str) -> int:
        """Return how many pages carried another version than this one."""
        return self.total - self.pages.get(version, 0)


def note_version(content: ObjectStorage, site: Site, version: str) -> None:
    """Note the version that new pages carry from now on; an unchanged version costs no PUT."""
    if find_version(content, site) != version:
        content.put(keys.page_version_key(site.id), NotedVersion(version=version).model_dump_json().encode())


def find_version(content: ObjectStorage, site: Site) -> str | None:
    """Return the version that new pages carry, or None while no render worker has noted one."""
    found = content.find(keys.page_version_key(site.id))
    return NotedVersion.model_validate_json(found.body).version if found else None


def keep_counts(content: ObjectStorage, site: Site, counts: VersionCounts) -> None:
    """Store the latest counts of a site."""
    content.put(keys.version_counts_key(site.id), counts.model_dump_json().encode())


def find_counts(content: ObjectStorage, site: Site) -> VersionCounts | None:
    """Return the latest counts of a site, or None while its pages were never counted."""
    found = content.find(keys.version_counts_key(site.id))
    return VersionCounts.model_validate_json(found.body) if found else None


class VersionCount:
    """Counts a site's pages by version: one LIST for a thousand objects and one HEAD for each page.

    Take all `steps`; then `pages` has the counts, and `others` has the pages with another version.
    """

    def __init__(self, site: Site, current: str, *, public: ObjectStorage, sites: Iterable[Site]) -> None:
        """Take the current version, and all sites: their pages may lie among this site's pages."""
        self._site, self._current, self._public = site, current, public
        self._foreign = others_behind(site, sites)
        self.pages: Counter[str] = Counter()
        self.others: list[ObjectHead] = []

    def steps(self, readers: Executor) -> Iterator[int]:
        """Look at one batch of pages after another; yield how many calls of the store each batch took."""
        found = self._public.list_keys("")
        paths = (path for path in found if not path.startswith(self._foreign) and _may_be_page(path))
        while batch := list(islice(paths, _BATCH)):
            self._note(readers.map(self._public.find_head, batch))
            yield len(batch) + 1

    def look_again(self, readers: Executor) -> None:
        """Look once more at the pages that carried another version."""
        doubtful, self.others = self.others, []
        self.pages = Counter({self._current: self.pages[self._current]})
        self._note(readers.map(self._public.find_head, (head.key for head in doubtful)))

    def counts(self, counted_at: datetime) -> VersionCounts:
        """Return the counts as they are stored."""
        return VersionCounts(counted_at=counted_at, current=self._current, pages=dict(self.pages))

    def _note(self, heads: Iterator[ObjectHead | None]) -> None:
        for head in heads:
            version = _version_of(head, self._site) if head else None
            if head is not None and version is not None:
                self.pages[version] += 1
                if version != self._current:
                    self.others.append(head)


def _may_be_page(path: str) -> bool:
    return not keys.is_asset(path) and not keys.is_picture(path)


def _version_of(head: ObjectHead, site: Site) -> str | None:
    """Return the version that an object carries, or None where no theme made it.

    Redirects are such objects. So are pages of a listing that the site no longer has: nothing renders them again, and
    `verify` reports them as extra.
    """
    metadata = head.metadata
    if "order" not in metadata or metadata.get("status") == str(HTTPStatus.MOVED_PERMANENTLY.value):
        return None
    if "article" not in metadata and listing_at(site, head.key) is None:
        return None
    return metadata.get("theme", "")

"""The page versions of the public pages: the current one, stored by render, and counts from the pages' metadata."""

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
from shared.site.sites import Site, nested_prefixes
from shared.storage import ObjectHead, ObjectStorage

_PAGES_PER_STEP = 50  # read between two chances to stop


class NotedVersion(BaseModel):
    """The page version of a site's new pages, stored by the render worker that started last."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    version: str


class VersionCounts(BaseModel):
    """The number of a site's pages with each page version at one time, and the current page version at that time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    counted_at: AwareDatetime
    current: str
    pages: dict[str, int]

    @property
    def total(self) -> int:
        """Return the number of pages."""
        return sum(self.pages.values())

    def others(self, version: str) -> int:
        """Return the number of pages with another page version."""
        return self.total - self.pages.get(version, 0)


def note_version(content: ObjectStorage, site: Site, version: str) -> None:
    """Store the page version of new pages; an unchanged version costs no PUT."""
    if find_version(content, site) != version:
        content.put(keys.page_version_key(site.id), NotedVersion(version=version).model_dump_json().encode())


def find_version(content: ObjectStorage, site: Site) -> str | None:
    """Return the page version of new pages, or None if no render worker has stored one."""
    found = content.find(keys.page_version_key(site.id))
    return NotedVersion.model_validate_json(found.body).version if found else None


def store_counts(content: ObjectStorage, site: Site, counts: VersionCounts) -> None:
    """Store the latest counts of a site."""
    content.put(keys.version_counts_key(site.id), counts.model_dump_json().encode())


def find_counts(content: ObjectStorage, site: Site) -> VersionCounts | None:
    """Return the latest counts of a site, or None if its pages were never counted."""
    found = content.find(keys.version_counts_key(site.id))
    return VersionCounts.model_validate_json(found.body) if found else None


class VersionCount:
    """Counts a site's pages by page version: one LIST for a thousand objects and one HEAD for each page.

    After all `steps`, `pages` has the counts, and `others` has the pages with another page version.
    """

    def __init__(self, site: Site, current: str, *, public: ObjectStorage, sites: Iterable[Site]) -> None:
        """Take the current page version, and all sites: their prefixes may lie below this site's prefix."""
        self._site, self._current, self._public = site, current, public
        self._nested_prefixes = nested_prefixes(site, sites)
        self.pages: Counter[str] = Counter()
        self.others: list[ObjectHead] = []

    def steps(self, readers: Executor) -> Iterator[int]:
        """Read the pages in batches; yield the number of store calls of each batch."""
        found = self._public.list_keys("")
        paths = (path for path in found if not path.startswith(self._nested_prefixes) and _may_be_page(path))
        while batch := list(islice(paths, _PAGES_PER_STEP)):
            self._add(readers.map(self._public.find_head, batch))
            yield len(batch) + 1

    def recheck(self, readers: Executor) -> None:
        """Read the pages with another page version once more."""
        outdated, self.others = self.others, []
        self.pages = Counter({self._current: self.pages[self._current]})
        self._add(readers.map(self._public.find_head, (head.key for head in outdated)))

    def counts(self, counted_at: datetime) -> VersionCounts:
        """Return the counts in the form in which they are stored."""
        return VersionCounts(counted_at=counted_at, current=self._current, pages=dict(self.pages))

    def _add(self, heads: Iterator[ObjectHead | None]) -> None:
        for head in heads:
            version = _version_of(head, self._site) if head else None
            if head is not None and version is not None:
                self.pages[version] += 1
                if version != self._current:
                    self.others.append(head)


def _may_be_page(path: str) -> bool:
    return not keys.is_asset(path) and not keys.is_picture(path)


def _version_of(head: ObjectHead, site: Site) -> str | None:
    """Return the page version of an object; None for redirects and for pages of a former listing.

    No theme makes redirects. A page of a listing that the site no longer has is not rendered again; `verify` reports
    it as extra.
    """
    metadata = head.metadata
    if "order" not in metadata or metadata.get("status") == str(HTTPStatus.MOVED_PERMANENTLY.value):
        return None
    if "article" not in metadata and listing_at(site, head.key) is None:
        return None
    return metadata.get("theme", "")

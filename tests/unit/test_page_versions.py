"""The page version: the settings that change it, and counts of pages by it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from shared.site.page_versions import (
    VersionCount,
    VersionCounts,
    find_counts,
    find_version,
    note_version,
    store_counts,
)
from shared.site.sites import SETTINGS_NOT_SHOWN, Feed, Section, Site
from shared.storage.memory import MemoryObjectStorage
from tests.contract.test_index import SITE

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
OTHER_VALUES: dict[str, object] = {
    "id": "weekly",
    "name": "Another Name",
    "tagline": "Another tagline.",
    "base_url": "https://other.example",
    "zone": "Europe/Lisbon",
    "language": "pt",
    "theme": "almina",
    "default_section": "sport",
    "sections": (Section(id="news", name="Another Name"),),
    "feeds": (Feed(id="wire", name="Wire", source="wire.example"),),
    "slug": "ascii",
    "bucket": "another",
    "prefix": "another/",
    "edge_id": "another",
    "feed_text": "full",
    "has_llms_txt": True,
    "social_urls": ("https://social.example/epn",),
    "listing_interval_seconds": 2.0,
}


def another_value(field: str) -> object:
    """Return a value that the site does not have."""
    if field in OTHER_VALUES:
        return OTHER_VALUES[field]
    now = getattr(SITE, field)
    return now + 1 if isinstance(now, int) else "https://other.example/"


@pytest.mark.parametrize("field", sorted(set(Site.model_fields) - SETTINGS_NOT_SHOWN))
def test_every_setting_changes_the_version_unless_it_is_listed_as_not_shown(field: str) -> None:
    changed = SITE.model_copy(update={field: another_value(field)})

    assert changed.shown_settings != SITE.shown_settings


@pytest.mark.parametrize("field", sorted(SETTINGS_NOT_SHOWN & set(Site.model_fields)))
def test_a_setting_that_changes_no_page_does_not_count(field: str) -> None:
    changed = SITE.model_copy(update={field: another_value(field)})

    assert changed.shown_settings == SITE.shown_settings


def test_a_setting_that_a_later_release_adds_counts() -> None:
    class LaterSite(Site):
        motto: str = "Slowly"

    site = LaterSite.model_validate(SITE.model_dump())

    assert site.model_copy(update={"motto": "Quickly"}).shown_settings != site.shown_settings


def test_the_order_of_sections_counts_as_menus_show_it() -> None:
    changed = SITE.model_copy(update={"sections": SITE.sections[::-1]})

    assert changed.shown_settings != SITE.shown_settings


def test_an_unchanged_version_costs_no_put() -> None:
    content = MemoryObjectStorage()

    note_version(content, SITE, "epn-1")
    note_version(content, SITE, "epn-1")
    assert len(content.puts) == 1

    note_version(content, SITE, "epn-2")
    assert find_version(content, SITE) == "epn-2"


def a_public_bucket() -> MemoryObjectStorage:
    public = MemoryObjectStorage()
    put: Callable[..., object] = lambda path, **metadata: public.put(path, b"", metadata=metadata)  # noqa: E731
    put("index.html", order="1", status="200", theme="epn-2")
    put("feed.xml", order="1", status="200", theme="epn-1")
    put("world/new/index.html", order="1", status="200", theme="epn-2", article="a")
    put("world/old/index.html", order="1", status="200", theme="epn-1", article="b")
    put("world/gone/index.html", order="1", status="410", theme="none", article="c")
    put("world/moved/index.html", order="1", status="301", theme="none", article="b")
    put("retired/index.html", order="1", status="200", theme="epn-1")
    put("assets/page.css", status="200")
    put("media/0a/1200.jpg", status="200")
    put("ads.txt")
    put("weekly/index.html", order="1", status="200", theme="epn-9")
    return public


def test_pages_listings_and_410_pages_count_and_redirects_files_and_foreign_objects_do_not() -> None:
    weekly = SITE.model_copy(update={"id": "weekly", "prefix": "weekly/"})
    count = VersionCount(SITE, "epn-2", public=a_public_bucket(), sites=[SITE, weekly])

    with ThreadPoolExecutor(2) as readers:
        calls = sum(count.steps(readers))

    assert count.pages == {"epn-2": 2, "epn-1": 2, "none": 1}
    assert [head.key for head in count.others] == ["feed.xml", "world/gone/index.html", "world/old/index.html"]
    assert calls == 9  # one LIST, and a HEAD for each object of this site that may be a page


def test_a_page_rendered_again_before_the_recheck_counts_as_current() -> None:
    public = a_public_bucket()
    count = VersionCount(SITE, "epn-2", public=public, sites=[SITE])
    with ThreadPoolExecutor(2) as readers:
        list(count.steps(readers))
        public.put("feed.xml", b"", metadata={"order": "2", "status": "200", "theme": "epn-2"})

        count.recheck(readers)

    assert count.pages == {"epn-2": 3, "epn-1": 1, "none": 1}
    assert count.counts(NOON).others("epn-2") == 2


def test_counts_give_the_number_of_pages_with_another_version() -> None:
    content = MemoryObjectStorage()
    store_counts(content, SITE, VersionCounts(counted_at=NOON, current="epn-1", pages={"epn-1": 9, "epn-0": 1}))

    counts = find_counts(content, SITE)

    assert counts is not None
    assert (counts.total, counts.others("epn-1"), counts.others("epn-2")) == (10, 1, 10)

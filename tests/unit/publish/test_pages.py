"""The Cache-Control of each kind of object."""

from __future__ import annotations

import re

import pytest

from infra.local.edge.cache import ages_of
from services.publish.domain.pages import cache_control_for, deletion_marker, gone, gone_picture, redirect
from shared.site.listing_kinds import KINDS as LISTING_KINDS
from shared.site.listings import ListingKind

OTHER_KINDS = ("article", "redirect", "gone", "gone-file", "media", "asset")
CACHED = {each.kind.value: each.cache_control for each in LISTING_KINDS} | {
    kind: cache_control_for(kind) for kind in OTHER_KINDS
}
KINDS = tuple(CACHED)
KINDS_WITHOUT_NEWS = (
    ListingKind.ROBOTS,
    ListingKind.LLMS,
    ListingKind.OPEN_SEARCH,
    ListingKind.MANIFEST,
    "asset",
    "media",
)
FRONT_CACHE_CONTROL = "public, max-age=10, s-maxage=600, stale-while-revalidate=30"


def max_age(kind: str) -> int:
    found = re.search(r"(?:^|, )max-age=(\d+)", CACHED[kind])
    assert found is not None, kind
    return int(found[1])


def test_every_kind_of_listing_is_registered_once() -> None:
    assert [each.kind for each in LISTING_KINDS] == list(dict.fromkeys(each.kind for each in LISTING_KINDS))
    assert {each.kind for each in LISTING_KINDS} == {*ListingKind}


def test_an_unknown_kind_is_cached_as_a_front() -> None:
    assert cache_control_for("horoscope") == cache_control_for("") == FRONT_CACHE_CONTROL == CACHED[ListingKind.HOME]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "asset"])
def test_browsers_cache_for_less_time_than_the_edge(kind: str) -> None:
    assert 0 < max_age(kind) < ages_of(CACHED[kind]).fresh <= 86_400


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in KINDS_WITHOUT_NEWS])
def test_no_browser_caches_a_killed_text_or_headline_for_more_than_a_minute(kind: str) -> None:
    assert max_age(kind) <= 60


def test_only_assets_are_immutable() -> None:
    assert "immutable" in cache_control_for("asset")
    assert [kind for kind in KINDS if "immutable" in CACHED[kind]] == ["asset"]


def test_redirects_and_410_pages_are_cached_by_their_kind() -> None:
    assert redirect("a/index.html", "1", to="b/index.html", article="x").cache_control == cache_control_for("redirect")
    removed = gone("a/index.html", "1", body=b"", page_version="epn", article="x")
    assert removed.cache_control == cache_control_for("gone")
    assert gone_picture("media/a/1.jpg", body=b"").cache_control == cache_control_for("gone-file")


def test_a_deletion_marker_is_not_cached_and_has_no_order() -> None:
    page = deletion_marker("topics/ferries/index.html")

    assert (page.status, page.cache_control, page.order) == (410, "no-store", "")

"""Names, paths, memberships and cache policies of listings all follow from the registry of listing kinds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from services.render.handler import listing_renderers
from shared.index import scripts
from shared.index.placements import effects_of
from shared.site import listings
from shared.site.listing_kinds import KINDS, Form, KindDefinition, ListingKind
from shared.site.listings import find_listing, listing_at, listings_showing, permanent_listings
from shared.site.memberships import listings_of_membership
from shared.site.sites import Section, Site
from tests.conftest import ROOT

SITE = Site(
    id="epn",
    name="EPN",
    tagline="t",
    base_url="http://127.0.0.1",
    zone="UTC",
    language="en",
    theme="epn",
    default_section="news",
    sections=(Section(id="news", name="News"), Section(id="world", name="World")),
)


def test_every_kind_has_a_renderer() -> None:
    assert {kind.renderer for kind in KINDS} == {*listing_renderers._RENDERERS}  # noqa: SLF001


def test_fronts_are_refreshed_most_often_and_crawlers_files_less_often() -> None:
    intervals = {kind.kind: kind.refresh for kind in KINDS}

    assert {kind for kind, refresh in intervals.items() if refresh == 1} == {
        ListingKind.HOME,
        ListingKind.SECTION,
        ListingKind.RAIL,
    }
    assert {
        intervals[kind]
        for kind in (
            ListingKind.RSS,
            ListingKind.ATOM,
            ListingKind.JSON_FEED,
            ListingKind.SITEMAP_NEWS,
            ListingKind.RECENT,
        )
    } == {3}
    assert intervals[ListingKind.SITEMAP] == 10


def test_a_new_kind_is_an_entry_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    form = Form("series.{slug}", "series/{slug}/index.html", membership="series:{slug}")
    kinds = (*KINDS, KindDefinition(ListingKind.TOPIC, "cards", (form,), limit=lambda _: 9))
    monkeypatch.setattr(listings, "KINDS", kinds)
    forms = {pattern: listings._dated_forms(pattern) for pattern in ("name", "path", "membership")}  # noqa: SLF001
    monkeypatch.setattr(listings, "_DATED_FORMS", forms)
    site = SITE.model_copy(update={"id": "with-series"})

    series = find_listing(site, "series.the-long-river")

    assert series is not None
    assert listing_at(site, "series/the-long-river/index.html") == series
    assert listings_showing(site, "series:the-long-river") == (series,)
    assert listings_of_membership(site, "series:the-long-river") == ("series.the-long-river",)
    assert '["series.the-long-river",9,false]' in effects_of(site, ["series:the-long-river"])


def test_every_listing_that_is_not_permanent_belongs_to_a_membership_or_names_days() -> None:
    for kind in KINDS:
        for form in kind.forms:
            is_permanent = (
                form.name in permanent_listings(SITE) or "{" not in form.name or form.name.endswith(".{section}")
            )
            assert is_permanent or form.membership or form.day_scope, form


def test_the_scripts_of_the_index_are_packaged() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["shared.index"]
    folder = Path(scripts.__file__).parent

    files = {path for pattern in patterns for path in folder.glob(pattern)}

    assert files == {*(folder / "lua").iterdir()}

"""The registry of listing kinds is all that names, paths, memberships and cache policies are derived from."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from services.render.handler import listing_renderers
from shared import listings
from shared.index import scripts
from shared.index.placements import effects_of
from shared.listing_kinds import KINDS, Form, Kind, ListingKind
from shared.listings import find_listing, listing_at, readers_of, standing
from shared.sets import pages_of_set
from shared.sites import Section, Site
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


def test_fronts_are_refreshed_first_and_no_crawlers_file_each_second() -> None:
    intervals = {kind.kind: kind.refresh for kind in KINDS}

    assert {kind for kind, refresh in intervals.items() if refresh == 1} == {Kind.HOME, Kind.SECTION, Kind.RAIL}
    assert {intervals[kind] for kind in (Kind.RSS, Kind.ATOM, Kind.JSON_FEED, Kind.SITEMAP_NEWS, Kind.RECENT)} == {3}
    assert intervals[Kind.SITEMAP] == 10


def test_a_new_kind_is_an_entry_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    form = Form("series.{slug}", "series/{slug}/index.html", reads="series:{slug}")
    kinds = (*KINDS, ListingKind(Kind.TOPIC, "cards", (form,), limit=lambda _: 9))
    monkeypatch.setattr(listings, "KINDS", kinds)
    forms = {pattern: listings._dated_forms(pattern) for pattern in ("name", "path", "reads")}  # noqa: SLF001
    monkeypatch.setattr(listings, "_DATED_FORMS", forms)
    site = SITE.model_copy(update={"id": "with-series"})

    series = find_listing(site, "series.the-long-river")

    assert series is not None
    assert listing_at(site, "series/the-long-river/index.html") == series
    assert readers_of(site, "series:the-long-river") == (series,)
    assert pages_of_set(site, "series:the-long-river") == ("series.the-long-river",)
    assert '["series.the-long-river",9,false]' in effects_of(site, ["series:the-long-river"])


def test_every_listing_that_is_not_permanent_belongs_to_a_membership_or_names_days() -> None:
    for kind in KINDS:
        for form in kind.forms:
            is_permanent = form.name in standing(SITE) or "{" not in form.name or form.name.endswith(".{section}")
            assert is_permanent or form.reads or form.days, form


def test_the_scripts_of_the_index_are_packaged() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["shared.index"]
    folder = Path(scripts.__file__).parent

    files = {path for pattern in patterns for path in folder.glob(pattern)}

    assert files == {*(folder / "lua").iterdir()}

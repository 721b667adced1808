"""The files of a theme: small, hashed, without external requests, and easy to inherit from."""

from __future__ import annotations

import hashlib
import re
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import minijinja
import pytest

from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.domain.view import ArticleView, notice_view, search_view
from shared.site.sites import Site

MakeView = Callable[..., ArticleView]


def test_an_assets_name_contains_the_hash_of_its_bytes(theme: MinijinjaTheme) -> None:
    assert theme.assets
    for asset in theme.assets:
        assert asset.name.split(".")[1] == hashlib.sha256(asset.body).hexdigest()[:12]


def test_pages_and_the_manifest_refer_to_the_assets_by_those_names(theme: MinijinjaTheme, site: Site) -> None:
    page = theme.search(search_view(site)).decode()

    named = {*re.findall(r'"/assets/([^"]+)"', page), *(icon.url.removeprefix("/assets/") for icon in theme.icons)}
    assert {asset.name for asset in theme.assets} == named


@pytest.mark.parametrize("name", ["epn", "almina"])
def test_a_theme_can_be_installed_in_its_own_colours(epn_folder: Path, name: str) -> None:
    theme = MinijinjaTheme(epn_folder.parent / name)

    assert theme.theme_color == {"epn": "#fdfcfa", "almina": "#f6faf9"}[name]
    assert all(icon.url.startswith(f"/assets/{name}-icon") for icon in theme.icons)
    assert [(icon.sizes, icon.media_type, icon.purpose) for icon in theme.icons] == [
        ("any", "image/svg+xml", "any"),
        ("192x192", "image/png", "any"),
        ("512x512", "image/png", "any"),
        ("512x512", "image/png", "maskable"),
    ]


def test_a_child_without_icons_has_its_parents(epn_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(epn_folder, tmp_path / "epn")
    (tmp_path / "evening").mkdir()
    (tmp_path / "evening" / "theme.toml").write_text('inherits = "epn"\n', encoding="utf-8")

    evening, parent = MinijinjaTheme(tmp_path / "evening"), MinijinjaTheme(epn_folder)

    assert [icon.url.partition(".")[2] for icon in evening.icons] == [
        icon.url.partition(".")[2] for icon in parent.icons
    ]
    assert evening.theme_color == parent.theme_color


@pytest.mark.parametrize("name", ["epn", "almina"])
@pytest.mark.parametrize(("kind", "most_bytes"), [("text/css", 20_000), ("text/javascript", 5_000)])
def test_style_and_script_keep_to_their_budgets(epn_folder: Path, name: str, kind: str, most_bytes: int) -> None:
    theme = MinijinjaTheme(epn_folder.parent / name)
    bodies = [asset.body for asset in theme.assets if asset.content_type.startswith(kind)]

    assert bodies
    assert sum(len(zlib.compress(body)) for body in bodies) < most_bytes


def test_no_asset_loads_from_another_site(theme: MinijinjaTheme) -> None:
    for asset in theme.assets:
        addresses = re.findall(rb"https?://[^\s\"')]+", asset.body)

        assert set(addresses) <= {b"http://www.w3.org/2000/svg"}  # a name, not an address that is fetched
        assert b"@import" not in asset.body


def test_only_values_that_the_adapter_marks_are_safe(epn_folder: Path) -> None:
    for template in epn_folder.rglob("*.html"):
        assert not re.search(r"\|\s*safe|autoescape", template.read_text(encoding="utf-8")), template.name


def test_a_style_or_script_changes_the_version(epn_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "epn"
    shutil.copytree(epn_folder, copy)
    before = MinijinjaTheme(copy)

    (copy / "assets" / "page.js").write_text("// another one\n", encoding="utf-8")
    after = MinijinjaTheme(copy)

    assert before.version != after.version
    assert {asset.name for asset in before.assets} != {asset.name for asset in after.assets}


def test_a_theme_inherits_from_another_and_replaces_any_file(epn_folder: Path, tmp_path: Path, site: Site) -> None:
    shutil.copytree(epn_folder, tmp_path / "epn")
    child = tmp_path / "evening"
    child.mkdir()
    (child / "theme.toml").write_text('inherits = "epn"\n', encoding="utf-8")
    (child / "gone.html").write_text("{{ shell.site_name }} & away", encoding="utf-8")

    evening = MinijinjaTheme(child)

    assert evening.name == "evening"
    assert evening.gone(notice_view(site, is_gone=True)) == b"EPN & away"
    assert b"This page is not here" in evening.not_found(notice_view(site, is_gone=False))


def test_a_childs_page_extends_its_parents_and_changes_one_block(epn_folder: Path, tmp_path: Path, site: Site) -> None:
    shutil.copytree(epn_folder, tmp_path / "epn")
    child = tmp_path / "evening"
    child.mkdir()
    (child / "theme.toml").write_text('inherits = "epn"\n', encoding="utf-8")
    (child / "gone.html").write_text(
        '{% extends "epn/gone.html" %}{% block said %}Gone with the tide{% endblock %}', encoding="utf-8"
    )

    page = MinijinjaTheme(child).gone(notice_view(site, is_gone=True))

    assert b"<h1>Gone with the tide</h1>" in page
    assert b"It was published here" in page


def test_tokens_come_first_in_the_sheet_and_a_childs_own_rules_last(epn_folder: Path) -> None:
    parent, child = (MinijinjaTheme(epn_folder.parent / name) for name in ("epn", "almina"))
    sheet, own_sheet = (
        next(asset.body.decode() for asset in theme.assets if asset.name.endswith(".css")) for theme in (parent, child)
    )

    assert sheet.startswith("/* The design's tokens")
    assert own_sheet.startswith("/* Almina's tokens")
    assert own_sheet.endswith((epn_folder.parent / "almina" / "assets" / "own.css").read_text(encoding="utf-8"))
    assert (epn_folder / "assets" / "page.css").read_text(encoding="utf-8") in own_sheet


def test_every_token_is_set_in_both_themes_and_every_one_used_is_set(epn_folder: Path) -> None:
    def tokens(theme: str) -> set[str]:
        path = epn_folder.parent / theme / "assets" / "tokens.css"
        return set(re.findall(r"(--[\w-]+):", path.read_text(encoding="utf-8")))

    used = set(re.findall(r"var\((--[\w-]+)\)", (epn_folder / "assets" / "page.css").read_text(encoding="utf-8")))

    assert tokens("epn") == tokens("almina")
    assert used <= tokens("epn")


@pytest.mark.parametrize("name", ["epn", "almina"])
def test_the_theme_color_is_the_background_colour(epn_folder: Path, name: str, site: Site) -> None:
    theme = MinijinjaTheme(epn_folder.parent / name)
    tokens = (epn_folder.parent / name / "assets" / "tokens.css").read_text(encoding="utf-8")

    page = theme.search(search_view(site)).decode()

    papers = re.findall(r"--paper: (#\w+)", tokens)
    assert re.findall(r'name="theme-color" content="(#\w+)"', page) == papers


def test_a_template_with_an_unknown_name_fails(epn_folder: Path, tmp_path: Path, site: Site) -> None:
    shutil.copytree(epn_folder, tmp_path / "epn")
    (tmp_path / "epn" / "gone.html").write_text("{{ shell.sight_name }}", encoding="utf-8")

    with pytest.raises(minijinja.TemplateError):
        MinijinjaTheme(tmp_path / "epn").gone(notice_view(site, is_gone=True))


def test_a_template_cannot_read_the_disk(epn_folder: Path, tmp_path: Path, site: Site) -> None:
    shutil.copytree(epn_folder, tmp_path / "epn")
    (tmp_path / "secret.html").write_text("secret", encoding="utf-8")
    (tmp_path / "epn" / "gone.html").write_text('{% include "../secret.html" %}', encoding="utf-8")

    with pytest.raises(minijinja.TemplateError):
        MinijinjaTheme(tmp_path / "epn").gone(notice_view(site, is_gone=True))

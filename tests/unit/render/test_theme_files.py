"""What the files of a theme promise: small, hashed, closed to the outside, and easy to build upon."""

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
from shared.sites import Site

MakeView = Callable[..., ArticleView]


def test_an_assets_name_holds_the_hash_of_its_bytes(theme: MinijinjaTheme) -> None:
    assert theme.assets
    for asset in theme.assets:
        assert asset.name.split(".")[1] == hashlib.sha256(asset.body).hexdigest()[:12]


def test_pages_refer_to_the_assets_by_those_names(theme: MinijinjaTheme, site: Site) -> None:
    page = theme.search(search_view(site)).decode()

    assert {asset.name for asset in theme.assets} == set(re.findall(r'"/assets/([^"]+)"', page))


@pytest.mark.parametrize(("kind", "most_bytes"), [("text/css", 20_000), ("text/javascript", 5_000)])
def test_style_and_script_keep_to_their_budgets(theme: MinijinjaTheme, kind: str, most_bytes: int) -> None:
    bodies = [asset.body for asset in theme.assets if asset.content_type.startswith(kind)]

    assert bodies
    assert sum(len(zlib.compress(body)) for body in bodies) < most_bytes


def test_no_asset_reaches_for_another_house(theme: MinijinjaTheme) -> None:
    for asset in theme.assets:
        addresses = re.findall(rb"https?://[^\s\"')]+", asset.body)

        assert set(addresses) <= {b"http://www.w3.org/2000/svg"}  # a name, not an address that is fetched
        assert b"@import" not in asset.body


def test_only_what_the_adapter_marks_is_safe(epn_folder: Path) -> None:
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


def test_a_theme_builds_on_another_and_replaces_what_it_likes(epn_folder: Path, tmp_path: Path, site: Site) -> None:
    shutil.copytree(epn_folder, tmp_path / "epn")
    child = tmp_path / "evening"
    child.mkdir()
    (child / "theme.toml").write_text('inherits = "epn"\n', encoding="utf-8")
    (child / "gone.html").write_text("{{ shell.site_name }} & away", encoding="utf-8")

    evening = MinijinjaTheme(child)

    assert evening.name == "evening"
    assert evening.gone(notice_view(site, is_gone=True)) == b"EPN & away"
    assert b"This page is not here" in evening.not_found(notice_view(site, is_gone=False))


def test_a_template_that_names_what_is_not_there_fails(epn_folder: Path, tmp_path: Path, site: Site) -> None:
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

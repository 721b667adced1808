"""Runs html-validate over every kind of page, in each of our themes, and over the samples' articles.

Its rule `long-title` is off: a title contains the newsroom's full headline.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local.settings import PROJECT
from services.enrich.handler import enrich
from services.publish.domain.pages import GONE_BODY, redirect
from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.domain.view import article_view
from shared.model.card import Card, CardPicture
from shared.site.sites import load_sites
from tests.unit.enrich.conftest import a_revision
from tests.unit.render.conftest import CREATED, PATH
from tests.unit.render.test_every_page import pages_of
from tests.unit.test_samples import OWN, as_posted

TOOL = PROJECT / "tests" / "html"
PROGRAM = TOOL / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
NODE = shutil.which("node")

MakeCard = Callable[..., Card]


@pytest.fixture
def pages(epn_folder: Path, make_card: MakeCard, picture: CardPicture) -> dict[str, bytes]:
    site = load_sites(PROJECT / "infra" / "sites")["epn"]
    cards = tuple(
        make_card(
            number,
            section=site.sections[number % 3].id,
            picture=None if number % 3 else picture,
            created_at=CREATED - timedelta(minutes=number),
        )
        for number in range(20)
    )
    samples = {path.stem: enrich(a_revision().model_copy(update={"article": as_posted(path)})) for path in OWN}
    pages: dict[str, bytes] = {}
    for name in ("epn", "almina"):
        theme = MinijinjaTheme(epn_folder.parent / name)
        kinds = pages_of(theme, site, samples["night-ferry"], cards).whole
        pages |= {f"{name} {kind}": page for kind, page in kinds.items()}
    theme = MinijinjaTheme(epn_folder)
    for name, article in samples.items():
        view = article_view(
            article, site=site, path=PATH, created_at=CREATED, updated_at=CREATED, picture=picture, related=cards[:4]
        )
        pages[f"epn sample {name}"] = theme.article(view)
    pages["410 without a theme"] = GONE_BODY
    pages["301"] = redirect("old/index.html", "1", to="new/index.html", article="a").body
    return pages


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
@pytest.mark.skipif(not PROGRAM.exists(), reason="html-validate is not installed: npm ci --prefix tests/html")
def test_html_validate_finds_no_error_on_any_kind_of_page(pages: dict[str, bytes], tmp_path: Path) -> None:
    for name, page in pages.items():
        (tmp_path / f"{name}.html").write_bytes(page)
    report = tmp_path / "report.json"  # a file, because a pipe would lose the end of a long report

    with report.open("wb") as output:
        config = str(TOOL / ".htmlvalidate.json")
        checked = subprocess.run(
            [str(NODE), PROGRAM, "--config", config, "--formatter", "json", *sorted(tmp_path.glob("*.html"))],
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )

    found = [
        f"{Path(page['filePath']).stem}:{fault['line']}: {fault['ruleId']}: {fault['message']}"
        for page in json.loads(report.read_bytes())
        for fault in page["messages"]
    ]
    assert (found, checked.returncode) == ([], 0), checked.stderr.decode()


def test_the_lock_of_html_validate_has_a_hash_of_each_package_and_names_no_registry() -> None:
    lock = json.loads((TOOL / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert packages["node_modules/html-validate"]["version"] == lock["packages"][""]["devDependencies"]["html-validate"]
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not [name for name, package in packages.items() if "resolved" in package]

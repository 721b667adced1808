from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from infra.local.settings import PROJECT
from shared.model.article import Article
from shared.site.keys import article_id
from shared.site.sites import load_sites

SAMPLES = PROJECT / "infra" / "samples"
PICTURES = sorted((SAMPLES / "pictures").iterdir())
MAX_PICTURE_BYTES = 150_000
NINJS = sorted(SAMPLES.glob("*.ninjs.json"))
OWN = sorted(set(SAMPLES.glob("*.json")) - set(NINJS))


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def as_posted(path: Path) -> Article:
    """Return the article as a client posts it: the picture is uploaded, and its file name is replaced by the digest."""
    document = read(path)
    picture = document.get("picture", {})
    if "file" in picture:
        picture["media"] = hashlib.sha256((SAMPLES / picture.pop("file")).read_bytes()).hexdigest()
    return Article.model_validate({**document, "site": "epn"})


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_every_sample_is_an_article_as_it_stands(path: Path) -> None:
    article = as_posted(path)

    assert article.source == "epn-samples"
    assert article.source_id.startswith("urn:epn:sample:")
    assert article.version_created is not None
    assert article.first_created is not None
    assert article.first_created <= article.version_created < datetime(2026, 11, 20, tzinfo=UTC)


def test_every_sample_is_an_article_of_its_own() -> None:
    sources = [as_posted(path).source_id for path in OWN] + [read(path)["uri"] for path in NINJS]

    assert len({article_id("epn", "epn-samples", source) for source in sources}) == len(OWN) + len(NINJS)


def test_the_samples_fill_every_section_of_the_site() -> None:
    sections = {section.id for section in load_sites(SAMPLES.parent / "sites")["epn"].sections}

    assert {as_posted(path).section for path in OWN} == sections


def test_the_samples_differ_in_shape() -> None:
    articles = [as_posted(path) for path in OWN]
    words = [len(re.sub("<[^>]+>", " ", article.body).split()) for article in articles]

    assert len(OWN) + len(NINJS) >= 14
    assert {article.language for article in articles} >= {"en", "de", "hi", "ar"}
    assert max(words) >= 1500
    assert min(words) <= 40
    for feature in ("<blockquote>", "<cite>", "<ul>", "<ol>", "<table>", "<iframe ", "<h2>"):
        assert any(feature in article.body for article in articles), feature
    assert any(article.correction_note for article in articles)
    assert any(article.picture and article.picture.media is None for article in articles)
    assert any(article.picture is None for article in articles)
    assert any(article.embeds for article in articles)
    assert any(article.kicker == "Opinion" for article in articles)


@pytest.mark.parametrize("path", NINJS, ids=lambda path: path.name)
def test_the_wire_sample_names_its_ninjs_version(path: Path) -> None:
    item = read(path)

    assert item["standard"] == {
        "name": "ninjs",
        "version": "3.0",
        "schema": "https://www.iptc.org/std/ninjs/ninjs-schema_3.0.json",
    }
    assert {"uri", "versionCreated", "pubStatus", "headlines", "bodies"} <= item.keys()


def test_every_picture_is_used_and_every_used_picture_is_there() -> None:
    used = {name for path in OWN if (name := read(path).get("picture", {}).get("file"))}

    assert PICTURES
    assert used == {f"pictures/{path.name}" for path in PICTURES}


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_and_large_enough_for_a_front_page(path: Path) -> None:
    with Image.open(path) as image:
        assert min(image.size) >= 1000
    assert path.stat().st_size <= MAX_PICTURE_BYTES

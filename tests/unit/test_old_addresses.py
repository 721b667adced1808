"""Old addresses: which paths of a former site may redirect, and which belong to this site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.settings import PROJECT
from shared.model.addresses import addresses_of, published_at
from shared.model.revision import revision_id
from shared.site.old_addresses import find_old_path, old_address_of, old_path
from shared.site.sites import load_sites
from tests.unit.test_addresses import NOON, SITE, a_revision


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://a.example/2013/07/29/title/", "2013/07/29/title/index.html"),
        ("https://a.example/2013/title", "2013/title/index.html"),
        ("http://a.example/title.html", "title.html"),
        ("http://a.example/index.php/title/", "index.php/title/index.html"),
        ("https://a.example/%E0%A4%A8/#more", "न/index.html"),
        ("https://a.example/world/some-title/", "world/some-title/index.html"),
        ("https://a.example/2013/07/29/title-abcdef/", "2013/07/29/title-abcdef/index.html"),
    ],
)
def test_the_address_of_a_page_becomes_a_path(url: str, path: str) -> None:
    assert old_path(SITE, old_address_of(url)) == path


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://a.example/",
            "https://a.example",
            "https://a.example/?p=1",
            "https://a.example/a/?b=c",
            "mailto:a@b",
        ),
        *("https://a.example/a.jpg", "https://a.example/wp/a.pdf", "https://a.example/robots.txt"),
        *("https://a.example/world/", "https://a.example/world", "https://a.example/world/2026/11/01/"),
        *("https://a.example/topics/x/", "https://a.example/media/x/", "https://a.example/assets/x.html"),
        *("https://a.example/a//b/", "https://a.example/../b/", "https://a.example/a/./b/", "https://a.example/.well/"),
        *("https://a.example/%00/", "https://a.example/%0d%0aX/", "https://a.example/a%2f..%2fb/", "https://[/a/"),
        *("https://a.example/%FF/", "https://a.example/%3Cscript%3E/", "https://a.example/" + "a" * 600 + "/"),
        *("https://a.example/404.html", "https://a.example/410.html", "https://a.example/index.html"),
        "https://a.example/world/2026/11/01/ferry-abcdef/",
    ],
)
def test_an_address_that_is_not_fit_becomes_no_path(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):  # a UnicodeError is one too
        old_path(SITE, old_address_of(url))


def test_an_old_address_never_lies_within_another_site_of_the_bucket() -> None:
    sites = load_sites(PROJECT / "infra" / "sites")
    nested = [prefix for site in sites.values() for prefix in site.nested]

    assert find_old_path(SITE.model_copy(update={"nested": ("other/",)}), "/other/a/") is None
    assert find_old_path(SITE, "/other/a/") == "other/a/index.html"
    assert all(find_old_path(SITE, f"/{prefix}a/") is None for prefix in SITE.nested)
    assert isinstance(nested, list)


def test_old_addresses_of_all_usable_revisions_are_former_addresses() -> None:
    every = [a_revision(0, old_addresses=("/a/", "/b/")), a_revision(1, old_addresses=("/b/", "/c/", "/world/"))]

    found = addresses_of(every, SITE)

    assert found is not None
    assert found.former[-3:] == ("a/index.html", "b/index.html", "c/index.html")
    assert "world/index.html" not in found.all


def test_the_number_of_old_addresses_is_limited() -> None:
    every = [a_revision(number, old_addresses=tuple(f"/{number}-{each}/" for each in range(20))) for number in range(5)]

    found = addresses_of(every, SITE)

    assert found is not None
    assert len([path for path in found.former if path[0].isdigit()]) == 40


def test_the_date_of_publication_dates_an_article_and_an_embargo_moves_it() -> None:
    day = datetime(2013, 7, 29, tzinfo=UTC)
    plain = a_revision(0, version_created=NOON, first_published=day)
    held = a_revision(0, version_created=NOON, first_published=day, embargo_until=NOON + timedelta(days=1))

    assert published_at(plain.article, revision_id(NOON, None)) == day
    assert published_at(held.article, revision_id(NOON, None)) == NOON + timedelta(days=1)

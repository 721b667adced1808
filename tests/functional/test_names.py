"""Addresses in any script, and pages of namesakes: posts, pages, purges and removals."""

from __future__ import annotations

import unicodedata
from typing import Any

from services.render.domain.machine_readable.sitemaps import sitemap_day
from shared.model.slug import page_name
from shared.site.keys import path_surrogate_key, url_path
from shared.site.listings import listing_at, listing_of
from shared.site.memberships import author_pages, topic_pages
from tests.functional.conftest import Pipeline

HEADLINE = "बूंद-बूंद से भरा सागर"
SLUG = "बूंद-बूंद-से-भरा-सागर"


def test_an_article_has_an_address_in_its_own_script(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline=HEADLINE, language="hi", topics=[{"name": "जल"}])
    pipeline.tick()

    path = pipeline.record(accepted.article).path
    receipt = pipeline.ingest_deps.receipts.find(accepted.receipt)
    assert path == f"world/2026/11/01/{SLUG}-{accepted.article[:6]}/index.html"
    assert receipt is not None
    assert receipt.url == f"http://edge.test{url_path(path)}"
    assert receipt.url.isascii()
    for listing in ("index.html", "feed.xml", "atom.xml", "sitemaps/2026-11-01.xml", "search/recent.json"):
        assert url_path(path) in pipeline.page(listing), listing
    assert f'<link rel="canonical" href="http://edge.test{url_path(path)}">' in pipeline.page(path)
    assert '<a href="/topics/%E0%A4%9C%E0%A4%B2/" rel="tag">' in pipeline.page(path)
    assert "जल" in pipeline.page("topics/जल/index.html")


def test_the_metadata_of_public_objects_is_ascii(pipeline: Pipeline) -> None:
    pipeline.post(headline=HEADLINE, topics=[{"name": "जल"}], authors=[{"name": "मीरा"}], slug="पहला", source_id="1")
    pipeline.tick()
    pipeline.post(headline=HEADLINE, slug="दूसरा", source_id="1", version_created="2026-11-01T11:00:00Z")
    pipeline.tick()

    metadata = [pipeline.public.get(path).head.metadata for path in pipeline.public.list_keys("")]

    assert all("".join(each.values()).isascii() for each in metadata)
    assert [each["location"] for each in metadata if "location" in each] == [
        url_path(path) for path in [pipeline.record(pipeline.post(source_id="1", slug="दूसरा").article).path or ""]
    ]


def test_a_kill_takes_down_an_address_in_another_script(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline=HEADLINE)
    pipeline.tick()
    path = pipeline.record(accepted.article).path or ""

    kill = pipeline.post(status="canceled", body="", version_created="2026-11-01T11:00:00Z")
    pipeline.tick()

    assert pipeline.status_at(path) == "410"
    assert path_surrogate_key(path) in pipeline.edge.purged_hard
    assert pipeline.receipt_status(kill.receipt) == "killed"


def test_namesakes_have_a_page_each(pipeline: Pipeline) -> None:
    people = [{"name": "Ravi Rao", "uri": "urn:1"}, {"name": "Ravi Rao", "uri": "urn:2"}, {"name": "Ravi Rao"}]
    topics = [{"name": name} for name in ("C", "C++", "C#")]
    for number, (person, topic) in enumerate(zip(people, topics, strict=True)):
        pipeline.post(source_id=str(number), headline=f"Story {number}", authors=[person], topics=[topic])
    pipeline.tick()

    for number, (person, topic) in enumerate(zip(people, topics, strict=True)):
        pages = (
            f"authors/{page_name(person['name'], person.get('uri'))}/index.html",
            f"topics/{page_name(topic['name'])}/index.html",
        )
        for page, heading in zip(pages, ("Ravi Rao", topic["name"]), strict=True):
            body = pipeline.page(page)
            assert f"<h1>{heading}</h1>" in body
            assert [each for each in range(3) if f"Story {each}" in body] == [number]


def test_a_name_in_two_unicode_forms_has_one_page(pipeline: Pipeline) -> None:
    forms = [unicodedata.normalize(form, "Zoë Kühn") for form in ("NFC", "NFD")]
    for number, name in enumerate(forms):
        pipeline.post(source_id=str(number), headline=f"Story {number}", authors=[{"name": name}])
    pipeline.tick()

    body = pipeline.page("authors/zoe-kuhn/index.html")
    assert all(f"Story {number}" in body for number in range(2))
    assert [path for path in pipeline.site_bytes() if path.startswith("authors/")] == ["authors/zoe-kuhn/index.html"]


def test_a_topics_page_has_its_own_title_although_two_spellings_before_it_share_a_page(pipeline: Pipeline) -> None:
    pipeline.post(topics=[{"name": name} for name in ("Städte", "Stadte", "Ferries")])
    pipeline.tick()

    assert ">Ferries</h1>" in pipeline.page("topics/ferries/index.html").replace("\n", "")
    assert ">Städte</h1>" in pipeline.page("topics/stadte/index.html").replace("\n", "")


def test_every_page_of_a_card_is_a_listing_and_in_the_sitemap(pipeline: Pipeline) -> None:
    accepted = pipeline.post(topics=[{"name": "C++"}, {"name": "जल", "uri": "urn:1"}], authors=[{"name": "章威"}])
    pipeline.tick()
    card = pipeline.record(accepted.article).card
    assert card is not None

    names = [f"topic.{page}" for page in topic_pages(card)]
    names += [f"author.{page}" for page in author_pages(card)]

    sitemap = sitemap_day(pipeline.site, listing_of(pipeline.site, "sitemap.2026-11-01"), [card]).decode()
    assert len(names) == 3
    for name in names:
        listing = listing_of(pipeline.site, name)
        assert listing_at(pipeline.site, listing.path) == listing
        assert f"<loc>http://edge.test{url_path(listing.path)}</loc>" in sitemap
        assert listing.path in pipeline.site_bytes()


def test_an_address_that_is_changed_and_changed_back_has_no_redirect(pipeline: Pipeline) -> None:
    """Every former address redirects to the current one, and the current one does not redirect."""
    story: dict[str, Any] = {"source_id": "bus", "first_created": "2026-11-01T09:00:00Z"}
    moves = [("नई-बस", "world"), ("बसें", "world"), ("बसें", "culture"), ("नई-बस", "world")]
    for hour, (slug, section) in enumerate(moves):
        accepted = pipeline.post(**story, slug=slug, section=section, version_created=f"2026-11-01T1{hour}:00:00Z")
        pipeline.tick()

    record = pipeline.record(accepted.article)
    current = record.path or ""
    others = [path for path in record.claimed if path != current]
    assert (pipeline.status_at(current), len(others)) == ("200", 2)
    assert {pipeline.public.get(path).head.metadata["location"] for path in others} == {url_path(current)}

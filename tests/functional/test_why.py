"""Why a page is as it is: what made it, and what stands between it and what it should be."""

from __future__ import annotations

import pytest

from services.ingest.domain.reasons import Reasons
from services.ingest.handler.why import Inspection, explain, path_of
from shared.messages import ArticlesEnriched
from tests.functional.conftest import Line


def why(line: Line, url: str) -> Reasons:
    inspection = Inspection(
        content=line.content,
        public=line.public,
        revisions=line.intake.revisions,
        index=line.index,
        marks=line.clockwork.marks,
        backlog=line.backlog,
        sites=line.intake.sites,
        clock=lambda: line.now,
    )
    return explain(url, line.site, inspection)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/", "index.html"),
        ("", "index.html"),
        ("https://epn.example/world/?utm=x", "world/index.html"),
        ("/world", "world/index.html"),
        ("/feed.xml", "feed.xml"),
        ("/world/2026/11/01/%C3%A9-abc/", "world/2026/11/01/é-abc/index.html"),
        ("/topics/e%CC%81/", "topics/é/index.html"),  # letter and accent apart, as some keyboards type
        ("/topics/%e4%b8%ad/", "topics/中/index.html"),
        ("/topics/中/", "topics/中/index.html"),
    ],
)
def test_an_address_leads_to_a_key_of_the_bucket(url: str, path: str) -> None:
    assert path_of(url) == path


def test_an_articles_page_says_what_it_was_made_from_by_whom_when_and_for_which_message(line: Line) -> None:
    older = line.post(source_id="older", headline="The one before", version_created="2026-11-01T09:00:00Z")
    line.tick()
    accepted = line.post()
    line.run()
    message = next(each for each in [line.record(accepted.article)] if each.path)
    line.tick()

    found = why(line, f"/{(message.path or '').removesuffix('index.html')}")

    assert (found.kind, found.status, found.article, found.revision) == (
        *("article", 200),
        *(accepted.article, accepted.revision),
    )
    assert found.shows == [older.article]
    assert found.made is not None
    assert found.made.by == "render/1"
    assert found.made.message is not None
    assert found.made.message.startswith(ArticlesEnriched.__name__)
    assert found.made.at is not None
    assert "revisions=1" in (found.made.inputs or "")
    assert found.made.sha256 == line.record(accepted.article).pages[found.path].sha256
    assert found.is_current
    assert found.waits_for == []


def test_a_listings_page_says_which_listing_it_is_and_of_what_state(line: Line) -> None:
    line.post()
    line.tick()

    found = why(line, "/")

    assert (found.kind, found.listing, found.is_current) == ("listing", "home", True)
    assert found.made is not None
    assert "cards=1" in (found.made.inputs or "")


def test_a_page_that_is_behind_says_why_it_is_not_newer(line: Line) -> None:
    first = line.post()
    line.tick()
    path = line.record(first.article).path or ""
    newer = line.post(headline="A newer headline", version_created="2026-11-01T11:00:00Z")

    found = why(line, path)

    assert not found.is_current
    assert newer.revision in found.waits_for[0]
    line.index.touch(line.site, "home")
    assert "index knows more" in why(line, "/").waits_for[0]
    line.run()
    line.tick()
    assert why(line, "/").is_current
    assert why(line, path).is_current


def test_a_page_whose_neighbours_headline_changed_says_so(line: Line) -> None:
    line.post(source_id="older", headline="The one before", version_created="2026-11-01T09:00:00Z")
    line.tick()
    accepted = line.post()
    line.tick()
    path = line.record(accepted.article).path or ""
    page = f"article.{accepted.article}"
    line.index.touch(line.site, page)

    assert "a card that it shows has changed" in why(line, path).waits_for[0]


def test_what_lies_among_the_dead_letters_is_named(line: Line) -> None:
    first = line.post()
    line.tick()
    newer = line.post(headline="Newer", version_created="2026-11-01T11:00:00Z")
    line.queue.clear()
    line.clockwork.marks.park("epn", newer.article, newer.revision, 60)

    assert "dead letters" in why(line, line.record(first.article).path or "").waits_for[0]


def test_an_index_that_is_being_made_again_is_the_reason_for_every_listing(line: Line) -> None:
    line.post()
    line.tick()
    line.index.forget(line.site)

    assert "made again from the bucket" in why(line, "/").waits_for[0]


def test_nothing_of_ours_and_a_page_that_was_taken_down_are_told_apart(line: Line) -> None:
    accepted = line.post()
    line.tick()
    path = line.record(accepted.article).path or ""
    line.post(status="canceled", body="", version_created="2026-11-01T11:00:00Z")
    line.tick()

    gone, nothing = why(line, path), why(line, "/nowhere/")

    assert (gone.kind, gone.status, gone.revision, gone.is_current) == ("article", 410, None, True)
    assert (nothing.kind, nothing.status) == ("nothing of ours", 404)

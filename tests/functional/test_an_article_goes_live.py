from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from shared import keys
from shared.messages import ArticleRevision, ArticlesAccepted
from tests.functional.conftest import Line

HOME = "index.html"


def test_a_posted_article_becomes_a_page_that_readers_can_open(line: Line) -> None:
    accepted = line.post(headline="Ferry returns to Port Almina")
    line.run()

    page = line.page_of(accepted.article)
    assert "Ferry returns to Port Almina" in page
    assert "The pier was mended." in page
    assert line.record(accepted.article).path == (
        f"world/2026/11/01/ferry-returns-to-port-almina-{accepted.article[:6]}/index.html"
    )


def test_its_receipt_tells_every_stage_and_the_address(line: Line) -> None:
    accepted = line.post()
    line.run()

    receipt = line.intake.receipts.find(accepted.receipt)
    assert receipt is not None
    assert receipt.status == "live"
    assert [stage.name for stage in receipt.stages] == ["accepted", "enriched", "rendered", "published", "live"]
    assert receipt.url == f"http://edge.test/{(line.record(accepted.article).path or '').removesuffix('index.html')}"


def test_it_enters_the_listings_only_after_its_page_is_there(line: Line) -> None:
    line.tick()  # the first, empty front page
    before = len(line.public.puts)
    accepted = line.post(headline="Leaves come first")
    line.tick()

    puts = line.public.puts[before:]
    assert "Leaves come first" in line.page(HOME)
    assert "Leaves come first" in line.page("_rail/latest.html")
    assert puts[0] == line.record(accepted.article).path
    assert HOME in puts


def test_its_path_is_claimed_before_anything_is_put_there(line: Line) -> None:
    accepted = line.post()
    seen: list[tuple[str, ...]] = []
    put = line.public.put

    def put_and_look(key: str, *args: object, **kwargs: object) -> object:
        seen.append(line.record(accepted.article).claimed)
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    line.public.put = put_and_look  # type: ignore[assignment, method-assign]
    line.run()

    assert seen
    assert all(line.record(accepted.article).path in claimed for claimed in seen)


def test_the_files_that_a_page_needs_are_public_before_the_page(line: Line) -> None:
    accepted = line.post()
    line.run()

    puts = line.public.puts
    page = puts.index(line.record(accepted.article).path or "")
    assets = [position for position, path in enumerate(puts) if path.startswith("assets/")]
    assert assets
    assert max(assets) < page


def test_no_page_ever_names_a_file_of_its_theme_that_is_not_there(line: Line) -> None:
    line.post()
    named: dict[str, set[str]] = {}
    put = line.public.put

    def put_and_look(key: str, body: bytes, **more: Any) -> object:
        named[key] = set(re.findall(r"assets/[\w.-]+", body.decode())) if not key.startswith("assets/") else set()
        assert all(line.public.find_head(asset) for asset in named[key]), key
        return put(key, body, **more)

    line.public.put = put_and_look  # type: ignore[assignment, method-assign]
    line.tick()

    assert {"icon", "page", "search"} <= {
        asset.split(".")[0].rpartition("-")[2] for asset in named["search/index.html"]
    }
    assert len(named["manifest.webmanifest"]) == 4
    assert not named["feed.xml"]


def test_the_same_bytes_again_are_a_duplicate_and_publish_nothing(line: Line) -> None:
    first = line.post()
    line.tick()
    puts, purges = len(line.public.puts), len(line.edge.purged)

    again = line.post()
    line.tick()

    assert (again.status, again.revision, again.receipt) == ("duplicate", first.revision, first.receipt)
    assert (len(line.public.puts), len(line.edge.purged)) == (puts, purges)


def test_a_page_rendered_again_to_the_same_bytes_is_not_put_again(line: Line) -> None:
    accepted = line.post()
    line.tick()
    puts = list(line.public.puts)

    again = ArticlesAccepted(
        message_id=uuid4(),
        site="epn",
        articles=(ArticleRevision(article=accepted.article, revision=accepted.revision),),
    )
    line.queue.append(again)
    line.tick()

    assert line.public.puts == puts


def test_many_articles_refresh_the_front_page_a_few_times(line: Line) -> None:
    line.tick()  # the first, empty front page
    before = line.public.puts.count(HOME)
    for number in range(40):
        line.post(source_id=f"story-{number}", headline=f"Story number {number}")
    line.run()
    line.tick()

    assert "Story number 39" in line.page(HOME)
    assert line.public.puts.count(HOME) - before < 40


def test_a_typo_mended_in_the_body_touches_one_page(line: Line) -> None:
    accepted = line.post(body="<p>A tpyo.</p>")
    line.tick()
    puts = len(line.public.puts)

    line.post(body="<p>A typo.</p>", version_created="2026-11-01T10:05:00Z")
    line.tick()

    assert line.public.puts[puts:] == [line.record(accepted.article).path]
    assert "A typo." in line.page_of(accepted.article)


def test_a_mended_headline_does_not_move_the_page(line: Line) -> None:
    accepted = line.post(headline="Fery returns")
    line.run()
    path = line.record(accepted.article).path

    line.post(headline="Ferry returns", version_created="2026-11-01T10:05:00Z")
    line.run()

    assert line.record(accepted.article).path == path
    assert "Ferry returns" in line.page_of(accepted.article)


def test_an_article_that_changes_section_leaves_a_redirect_behind(line: Line) -> None:
    accepted = line.post(section="world")
    line.run()
    old = line.record(accepted.article).path or ""

    line.post(section="business", version_created="2026-11-01T10:05:00Z")
    line.run()

    new = line.record(accepted.article).path or ""
    assert new.startswith("business/")
    assert line.status_at(old) == "301"
    assert line.public.get(old).head.metadata["location"] == f"/{new.removesuffix('index.html')}"


def test_a_pictures_bytes_are_private_until_a_page_shows_them(line: Line, a_picture: bytes) -> None:
    from services.ingest.handler import keep_picture

    kept = keep_picture(a_picture, line.site, line.intake)
    assert line.site_bytes() == {}

    accepted = line.post(picture={"media": kept.media, "caption": "The harbour", "alt": "Boats"})
    line.run()

    path = f"media/{kept.media}/8.png"
    page = line.page_of(accepted.article)
    assert line.public.get(path).body == a_picture
    assert f'src="/{path}"' in page
    assert 'width="8"' in page
    assert 'height="6"' in page
    assert line.public.puts.index(path) < line.public.puts.index(line.record(accepted.article).path or "")


def test_the_purge_names_the_article_and_its_path(line: Line) -> None:
    accepted = line.post()
    line.run()

    path = (line.record(accepted.article).path or "").removesuffix("index.html")
    assert f"article:{accepted.article}" in line.edge.purged
    assert f"path:/{path}" in line.edge.purged


def test_a_typo_mended_in_the_body_renders_and_purges_one_page(line: Line) -> None:
    accepted = line.post(body="<p>A tpyo.</p>", version_created="2026-11-01T10:00:00Z")
    line.tick()
    line.edge.purged.clear()

    line.post(body="<p>A typo.</p>", version_created="2026-11-01T11:00:00Z")
    line.tick()

    path = line.record(accepted.article).path or ""
    assert set(line.edge.purged) == {f"article:{accepted.article}", keys.path_surrogate_key(path)}

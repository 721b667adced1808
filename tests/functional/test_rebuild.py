"""A whole site rendered again: once for all, beside live publishing, and nothing where nothing has changed."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.desk.domain.rebuild import Run
from services.desk.handler.rebuild import Rebuild, touch_listings
from services.desk.handler.trial import differences, report, zipped_theme
from services.ingest.handler import keep_picture
from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.ports import Theme
from shared import keys
from shared.errors import IndexNotWholeError
from shared.messages import ArticleAccepted, PagesRendered, RebuildPages
from shared.rebuilds.redis import RedisRebuilds
from shared.storage import Etag
from tests.functional.conftest import THEMES, Line
from tests.functional.failing_store import failing_store

ARTICLES = 7


@pytest.fixture
def other_theme(tmp_path: Path) -> Theme:
    """The same theme but for a word in the footer of every page."""
    return a_theme(tmp_path, "Made anew")


def a_theme(folder: Path, word: str) -> MinijinjaTheme:
    shutil.copytree(THEMES / "epn", folder / "epn")
    for template in (folder / "epn").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        template.write_text(text.replace("</body>", f"<p>{word}</p></body>"), encoding="utf-8")
    return MinijinjaTheme(folder / "epn")


@pytest.fixture
def site(line: Line) -> list[str]:
    """Seven articles in two sections, live and listed; their ids."""
    articles = [
        line.post(
            source_id=f"story-{number}", headline=f"Story {number}", section=("world", "sport")[number % 2]
        ).article
        for number in range(ARTICLES)
    ]
    line.run()
    line.tick()
    line.public.puts.clear()
    line.edge.purged.clear()
    return articles


def a_rebuild(line: Line, **what: object) -> Rebuild:
    run = Run.model_validate({"site": "epn", "run": "run-1", "started_at": line.now} | what)
    return Rebuild(run, line.content, RedisRebuilds(line.redis), line.take, lambda: 0, lambda: line.now)


def finish(rebuild: Rebuild, line: Line) -> None:
    for _ in range(50):
        if not rebuild.go_on():
            return
        line.run()
    raise AssertionError(rebuild.on_their_way)


def test_a_new_theme_reaches_every_page_once(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)

    finish(rebuild, line)
    touch_listings(line.index, line.site, rebuild.run)
    line.tick()

    pages = [line.record(article).path for article in site]
    assert [line.public.puts.count(page or "") for page in pages] == [1] * ARTICLES
    assert all("Made anew" in line.page(page or "") for page in pages)
    assert "Made anew" in line.page("index.html")
    assert rebuild.run.is_done
    assert (rebuild.tally.changed, rebuild.tally.unchanged) == (ARTICLES, 0)


def test_a_rebuild_of_what_has_not_changed_puts_and_purges_nothing(line: Line, site: list[str]) -> None:
    before = line.site_bytes()
    rebuild = a_rebuild(line)

    finish(rebuild, line)
    touch_listings(line.index, line.site, rebuild.run)
    line.tick()

    assert (line.public.puts, line.edge.purged) == ([], [])
    assert rebuild.tally.unchanged == ARTICLES
    assert line.site_bytes() == before


def test_what_a_rebuild_changed_is_purged_and_recorded_as_it_is(
    line: Line, site: list[str], other_theme: Theme
) -> None:
    line.theme = other_theme

    finish(a_rebuild(line), line)

    for article in site:
        record = line.record(article)
        there = line.public.get(record.path or "").head
        assert record.pages[record.path or ""].etag == there.etag
        assert record.pages[record.path or ""].order == there.metadata["order"]
        assert keys.path_surrogate_key(record.path or "") in line.edge.purged


def test_only_a_section_is_rebuilt_where_one_is_named(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line, section="sport")

    finish(rebuild, line)

    assert all(
        ("Made anew" in line.page_of(article)) is ("sport" in (line.record(article).path or "")) for article in site
    )
    assert (rebuild.tally.changed, rebuild.tally.skipped) == (3, 4)


def test_only_what_was_made_since_then_is_rebuilt(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    young = line.post(source_id="young", version_created="2026-11-01T11:59:00Z").article
    line.run()

    rebuild = a_rebuild(line, since=datetime(2026, 11, 1, 11, tzinfo=UTC))
    finish(rebuild, line)

    assert rebuild.tally.skipped == ARTICLES
    assert "Made anew" in line.page_of(young)


def test_by_theme_only_pages_of_another_version_are_rendered(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    line.post(source_id="story-0", headline="Story 0", version_created="2026-11-01T11:00:00Z", body="<p>New.</p>")
    line.run()

    rebuild = a_rebuild(line, is_by_theme=True)
    finish(rebuild, line)

    assert (rebuild.tally.changed, rebuild.tally.skipped) == (ARTICLES - 1, 1)


def test_a_killed_article_is_not_brought_back(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    rebuild.go_on()
    (message,) = line.queue
    line.queue.clear()
    (rendered,) = line.deliver(message)
    killed = line.record(site[0]).path or ""
    line.act("kill", site[0])
    line.run()

    line.take([rendered])
    finish(rebuild, line)

    assert line.status_at(killed) == "410"
    assert all("Made anew" in line.page_of(article) for article in site[1:])


def test_an_update_that_overtakes_a_rebuild_stays(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    rebuild.go_on()
    (message,) = line.queue
    line.queue.clear()
    (rendered,) = line.deliver(message)
    line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    line.run()

    line.take([rendered])
    finish(rebuild, line)

    assert "Newer news" in line.page_of(site[0])


def test_an_update_that_claims_while_a_piece_is_put_is_said_again(
    line: Line, site: list[str], other_theme: Theme
) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    rebuild.go_on()
    (message,) = line.queue
    line.queue.clear()
    (rendered,) = line.deliver(message)
    newer = line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    line.queue.clear()  # its own message is lost, its publisher died behind its claim
    claimed = line.record(site[0]).model_copy(update={"claimed_by": newer.revision})
    line.content.put(keys.live_key("epn", site[0]), claimed.model_dump_json().encode())

    follows = line.deliver(rendered)

    assert [each.article for each in follows if isinstance(each, ArticleAccepted)] == [site[0]]


def test_a_piece_costs_two_questions_an_article_and_one_listing_and_once_they_rest_none(
    line: Line, site: list[str], other_theme: Theme, tmp_path: Path
) -> None:
    asked, put = costs_of_a_piece(line, other_theme, "run-1")
    assert asked["find"] == 2 * ARTICLES + 3  # the record and the enriched object; the first says of which version
    assert (asked["list_keys"], asked["put"]) == (1, 2)  # the pages together, the enriched objects together
    assert (put["get"], put["put"]) == (1, ARTICLES + 1)  # the pages together; a record each, and those together
    assert put["list_keys"] == 0

    asked, put = costs_of_a_piece(line, a_theme(tmp_path / "once more", "Made once more"), "run-2")
    assert (asked["find"], asked["list_keys"], asked["put"]) == (3, 1, 1)
    assert (put["find"] - put["get"], put["get"], put["put"], put["list_keys"]) == (1, 1, 1, 0)  # a get finds, too
    assert line.public.puts.count(line.record(site[0]).path or "") == 2


def costs_of_a_piece(line: Line, theme: Theme, run: str) -> tuple[Counter[str], Counter[str]]:
    """Return how often rendering and publishing a piece ask the content bucket, by operation."""
    line.theme = theme
    a_rebuild(line, run=run).go_on()
    message = line.queue.pop()
    with failing_store(line, at=0, after=False) as rendering:
        (rendered,) = line.deliver(message)
    with failing_store(line, at=0, after=False) as publishing:
        line.deliver(rendered)
    return Counter(rendering), Counter(publishing)


def test_a_page_that_others_decided_later_while_it_was_put_is_said_again(
    line: Line, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    rebuild.go_on()
    (message,) = line.queue
    (rendered,) = line.deliver(message)
    path, put = line.record(site[2]).path or "", line.public.put

    def put_while_another_decides(key: str, *args: Any, **kwargs: Any) -> Etag:
        if key == path:
            line.publisher.marks.decide("epn", path, "1" * 60, "0" * 64)  # it went A -> B -> A: the ETag tells nothing
        return put(key, *args, **kwargs)

    monkeypatch.setattr(line.public, "put", put_while_another_decides)
    follows = line.deliver(rendered)

    assert [each.article for each in follows if isinstance(each, ArticleAccepted)] == [site[2]]


def test_a_piece_said_twice_does_no_more_than_once(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    rebuild.go_on()
    (message,) = line.queue
    line.queue.clear()
    (rendered,) = line.deliver(message)

    line.deliver(rendered)
    puts = list(line.public.puts)
    line.deliver(rendered)

    assert line.public.puts == puts


def test_pieces_that_nobody_heard_of_are_sent_again(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme
    rebuild = a_rebuild(line)
    rebuild.go_on()
    line.run()
    line.redis.flushall()  # the reports too
    line.tick()

    rebuild.go_on()
    assert line.queue == []
    line.now += timedelta(seconds=61)
    rebuild.go_on()

    assert [type(each) for each in line.queue] == [RebuildPages]
    finish(rebuild, line)
    assert rebuild.tally.unchanged == ARTICLES


def test_pages_wait_for_an_index_that_is_not_whole(line: Line, site: list[str]) -> None:
    rebuild = a_rebuild(line)
    rebuild.go_on()
    (message,) = line.queue
    line.redis.flushall()

    with pytest.raises(IndexNotWholeError):
        line.deliver(message)


def test_a_piece_that_never_comes_to_an_end_is_given_up_and_counted(line: Line, site: list[str]) -> None:
    rebuild = a_rebuild(line)
    for _ in range(4):
        rebuild.go_on()
        line.queue.clear()
        line.now += timedelta(seconds=61)
    rebuild.go_on()

    assert rebuild.run.is_done
    assert rebuild.run.failed == ARTICLES


def test_a_run_goes_on_where_a_killed_command_was(
    line: Line, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.live._SHELF", 2)
    monkeypatch.setattr("services.desk.handler.rebuild._MOST_ON_THEIR_WAY", 1)
    line.theme = other_theme
    rebuild = a_rebuild(line)
    for _ in range(2):
        rebuild.go_on()
        line.run()
    line.now += timedelta(seconds=5)
    rebuild.go_on()
    line.queue.clear()

    kept = Run.model_validate_json(line.content.get(keys.rebuild_key("epn", "run-1")).body)
    again = Rebuild(kept, line.content, RedisRebuilds(line.redis), line.take, lambda: 0, lambda: line.now)
    finish(again, line)

    assert kept.tally.changed == 4
    assert again.tally.changed == ARTICLES
    assert again.tally.unchanged == 0


def test_an_article_that_cannot_be_rendered_goes_the_ordinary_way_and_holds_up_no_other(
    line: Line, site: list[str], other_theme: Theme
) -> None:
    line.theme = other_theme
    for key in list(line.content.list_keys(keys.article_prefix("epn", site[3]))):
        if "/enriched/" in key:
            line.content.put(key, b"not json")

    rebuild = a_rebuild(line)
    rebuild.go_on()
    (message,) = line.queue
    follows = line.deliver(message)

    assert [each.article for each in follows if isinstance(each, ArticleAccepted)] == [site[3]]
    (pages,) = (each for each in follows if isinstance(each, PagesRendered))
    assert pages.handed_over == 1


def test_a_moved_article_goes_the_ordinary_way(line: Line, site: list[str], other_theme: Theme) -> None:
    record = line.record(site[0])
    line.content.put(
        keys.live_key("epn", site[0]),
        record.model_copy(update={"claimed": (*record.claimed, "world/elsewhere/index.html")})
        .model_dump_json()
        .encode(),
    )
    line.theme = other_theme

    rebuild = a_rebuild(line)
    finish(rebuild, line)

    assert rebuild.tally.handed_over == 1
    assert "Made anew" in line.page_of(site[0])
    assert line.status_at("world/elsewhere/index.html") == "301"


@pytest.mark.parametrize("unclaimed", [{"claimed": ()}, {"claimed_by": ""}, {"media": ()}])
def test_what_its_article_has_not_claimed_is_claimed_first_and_so_goes_the_ordinary_way(
    line: Line, a_picture: bytes, other_theme: Theme, unclaimed: dict[str, object]
) -> None:
    media = keep_picture(a_picture, line.site, line.intake).media
    article = line.post(picture={"media": media, "alt": "A bridge"}).article
    line.run()
    record = line.record(article)
    assert record.media
    spoilt = record.model_copy(update=unclaimed)
    line.content.put(keys.live_key("epn", article), spoilt.model_dump_json().encode())
    line.theme = other_theme

    rebuild = a_rebuild(line)
    finish(rebuild, line)

    assert rebuild.tally.handed_over == 1
    after = line.record(article)
    assert (after.claimed, after.claimed_by, after.media) == (record.claimed, record.claimed_by, record.media)
    assert "Made anew" in line.page_of(article)


def test_nothing_of_a_run_stays_where_pages_wait(line: Line, site: list[str], other_theme: Theme) -> None:
    line.theme = other_theme

    finish(a_rebuild(line), line)

    assert list(line.content.list_keys("rendered/")) == []


def test_a_theme_is_tried_without_publishing_anything(line: Line, site: list[str], tmp_path: Path) -> None:
    a_theme(tmp_path, "Made <anew>")
    key = keys.trial_theme_key("epn", "run-1")
    line.content.put(key, zipped_theme(tmp_path / "epn"))
    before = line.site_bytes()

    finish(a_rebuild(line, trial=key), line)
    found = list(differences(line.content, line.public, "epn", "run-1"))

    assert line.site_bytes() == before
    assert (line.public.puts, line.edge.purged) == ([], [])
    assert [each.path for each in found if each.lines] == [line.record(article).path for article in sorted(site)]
    shown = report("epn", "epn", found)
    assert "+&lt;p&gt;Made &lt;anew&gt;" in shown
    assert "7 of 7 pages of epn change with epn" in shown
    assert "<anew>" not in shown


def test_the_theme_that_is_there_changes_nothing_on_trial(line: Line, site: list[str]) -> None:
    finish(a_rebuild(line, trial="", most=5), line)

    found = list(differences(line.content, line.public, "epn", "run-1"))

    assert [each.lines for each in found] == [()] * 5


def test_a_trial_of_a_broken_theme_says_so_and_sends_nothing_on(line: Line, site: list[str], tmp_path: Path) -> None:
    a_theme(tmp_path, "{{ nothing_of_that_name }}")
    key = keys.trial_theme_key("epn", "run-1")
    line.content.put(key, zipped_theme(tmp_path / "epn"))
    rebuild = a_rebuild(line, trial=key)

    rebuild.go_on()
    (message,) = line.queue

    assert line.deliver(message) == ()
    rebuild.go_on()
    assert rebuild.tally.handed_over == ARTICLES


def test_a_trial_that_nobody_waits_for_any_more_is_left_alone(line: Line, site: list[str], tmp_path: Path) -> None:
    a_theme(tmp_path, "Made anew")
    key = keys.trial_theme_key("epn", "run-1")
    line.content.put(key, zipped_theme(tmp_path / "epn"))
    rebuild = a_rebuild(line, trial=key)
    rebuild.go_on()
    (message,) = line.queue
    rebuild.clear_away()

    assert line.deliver(message) == ()
    assert list(line.content.list_keys(keys.rebuilt_prefix("epn", "run-1"))) == []

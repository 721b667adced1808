"""The records of many articles on one shelf: a rebuild reads and writes them by a call, whoever else takes one off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from threading import get_ident
from typing import Any
from uuid import uuid4

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.desk.handler.trial import zipped_theme
from services.render.ports import Theme
from services.scheduler.handler import shelve
from shared import keys
from shared.errors import RetryableError, StorageUnavailableError
from shared.live import LiveRecord, grouped, read_shelf
from shared.messages import ArticleAccepted, KeepTexts, Lane, Message, PagesRendered, RebuildPages
from shared.storage import Etag, StoredObject
from tests.functional.conftest import THEMES, Line
from tests.functional.failing_store import failing_store
from tests.functional.test_half_done import hours_pass, lose_redis
from tests.functional.test_rebuild import ARTICLES, a_rebuild, a_theme, finish, site

__all__ = ["site"]

Put = Callable[..., Etag]


@pytest.fixture
def themes(tmp_path: Path) -> list[Theme]:
    """Three that differ in a word at the foot of every page."""
    return [a_theme(tmp_path / word, word) for word in ("first", "second", "third")]


@pytest.fixture
def shelf(line: Line, site: list[str], themes: list[Theme]) -> str:
    """The articles were rebuilt with the first theme and lie on a shelf; its name. The second theme is next."""
    line.theme = themes[0]
    rebuild(line, "run-0")
    line.theme = themes[1]
    line.content.puts.clear()
    line.public.puts.clear()
    (name,) = line.content.list_folders(keys.shelves_prefix("epn"))
    return name


def rebuild(line: Line, run: str) -> None:
    work = a_rebuild(line, run=run)
    finish(work, line)
    assert work.tally.changed + work.tally.unchanged == ARTICLES
    assert work.tally.handed_over == 0


def begin(line: Line, run: str = "run-1") -> RebuildPages:
    """Return the piece that a rebuild is made of, which waits for somebody to render it."""
    a_rebuild(line, run=run).go_on()
    message = line.queue.pop()
    assert isinstance(message, RebuildPages)
    return message


def rendered(line: Line, run: str = "run-1") -> PagesRendered:
    """Return the same once it was rendered."""
    (message,) = line.deliver(begin(line, run))
    assert isinstance(message, PagesRendered)
    return message


def lines_of(line: Line, name: str) -> dict[str, str]:
    """Return (rests, left) of each article that lies on a shelf, and `astray` where its `live.json` is another."""
    shelf, _ = read_shelf(line.content, "epn", name)
    found = {}
    for article in shelf.lines:
        lying = shelf.find(article)
        assert lying is not None
        is_based = line.content.get(keys.live_key("epn", article)).etag == lying.base
        found[article] = "left" if lying.is_left else "rests" if is_based else "astray"
    return found


def lose_shelves(line: Line) -> None:
    for key in list(line.content.list_keys(keys.shelves_prefix("epn"))):
        line.content.delete(key)


def own_record(line: Line, article: str) -> LiveRecord:
    """Return what an article's own record knows."""
    return LiveRecord.model_validate_json(line.content.get(keys.live_key("epn", article)).body)


def assert_all_is_as_recorded(line: Line, articles: list[str], word: str) -> None:
    for article in articles:
        record = line.record(article)
        there = line.public.get(record.path or "")
        known = record.pages[record.path or ""]
        assert word in there.body.decode()
        assert (known.etag, known.sha256) == (there.etag, there.head.metadata["sha256"])


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, storage: Any, key: str, happening: Callable[[], None], *, after: bool = False
) -> None:
    """Have something happen once, just before or after something is put at a key."""
    put: Put = storage.put
    left = [happening]

    def put_and_more(at: str, *args: Any, **kwargs: Any) -> Etag:
        if at != key or not left:
            return put(at, *args, **kwargs)
        happens = left.pop()
        if not after:
            happens()
            return put(at, *args, **kwargs)
        etag = put(at, *args, **kwargs)
        happens()
        return etag

    monkeypatch.setattr(storage, "put", put_and_more)


def test_what_rests_on_a_shelf_is_recorded_by_one_put_and_read_without_its_own_record(
    line: Line, site: list[str], shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    find = line.content.find

    def noted_find(key: str) -> StoredObject | None:
        found.append(key)
        return find(key)

    monkeypatch.setattr(line.content, "find", noted_find)

    rebuild(line, "run-1")

    written = [key for key in line.content.puts if not key.startswith(("rendered/", "rebuilds/"))]
    assert written == [keys.shelf_key("epn", shelf)]
    assert [key for key in found if key.endswith(keys.LIVE)] == []
    assert lines_of(line, shelf) == dict.fromkeys(sorted(site), "rests")
    assert_all_is_as_recorded(line, site, "second")


@pytest.mark.parametrize("is_by_theme", [False, True])
def test_what_the_store_is_asked_of_articles_at_rest_is_asked_side_by_side(
    line: Line, site: list[str], shelf: str, themes: list[Theme], monkeypatch: pytest.MonkeyPatch, *, is_by_theme: bool
) -> None:
    if not is_by_theme:  # whoever has more than one revision is asked for those that came since
        for number in range(ARTICLES):
            line.post(source_id=f"story-{number}", headline=f"Story {number}", version_created="2026-11-01T11:00:00Z")
        line.run()
        line.theme = themes[2]
        rebuild(line, "run-1")
        line.theme = themes[1]
    message = begin(line, "run-2").model_copy(update={"is_by_theme": is_by_theme})
    storage, name = (line.public, "find_head") if is_by_theme else (line.content, "list_keys")
    call, here, elsewhere = getattr(storage, name), get_ident(), list[int]()

    def noted(*args: Any, **kwargs: Any) -> Any:
        elsewhere.extend([1] if get_ident() != here else [])
        return call(*args, **kwargs)

    monkeypatch.setattr(storage, name, noted)
    (done,) = line.deliver(message)

    assert isinstance(done, PagesRendered)
    assert done.skipped == 0
    assert len(elsewhere) == ARTICLES - 1  # the first one tells by which enricher the others were made


def test_a_rebuild_of_what_rests_and_has_not_changed_writes_nothing(line: Line, site: list[str], shelf: str) -> None:
    rebuild(line, "run-1")
    line.content.puts.clear()
    line.public.puts.clear()
    line.edge.purged.clear()

    rebuild(line, "run-2")

    assert [key for key in line.content.puts if not key.startswith(("rendered/", "rebuilds/"))] == []
    assert (line.public.puts, line.edge.purged) == ([], [])


def test_an_article_that_is_corrected_leaves_the_shelf_and_comes_back(
    line: Line, site: list[str], shelf: str, themes: list[Theme]
) -> None:
    line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    line.run()
    assert lines_of(line, shelf)[site[0]] == "left"
    assert line.record(site[0]).shelf == ""

    rebuild(line, "run-1")

    assert "Newer news" in line.page_of(site[0])
    assert lines_of(line, shelf)[site[0]] == "left"  # its page was the second theme's already: nothing to record
    line.theme = themes[2]
    rebuild(line, "run-2")
    assert lines_of(line, shelf) == dict.fromkeys(sorted(site), "rests")
    assert_all_is_as_recorded(line, site, "third")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_while_a_shelf_is_written_stands(
    line: Line, site: list[str], shelf: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    message, path = rendered(line), line.record(site[0]).path or ""

    def kill() -> None:
        line.act("kill", site[0])
        line.run()

    meanwhile(monkeypatch, line.content, keys.shelf_key("epn", shelf), kill, after=when == "after")
    line.take(line.deliver(message))
    line.run()

    assert line.status_at(path) == "410"
    assert line.record(site[0]).revision is None
    assert lines_of(line, shelf)[site[0]] == "left"
    assert "astray" not in lines_of(line, shelf).values()
    assert_all_is_as_recorded(line, site[1:], "second")


@pytest.mark.parametrize("place", range(ARTICLES))
def test_an_update_while_a_page_is_put_stays_and_the_others_are_recorded(
    line: Line, site: list[str], shelf: str, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    message, path = rendered(line), line.record(site[place]).path or ""

    def update() -> None:
        line.post(source_id=f"story-{place}", headline="Newer news", version_created="2026-11-01T11:00:00Z")
        line.run()

    meanwhile(monkeypatch, line.public, path, update)
    line.take(line.deliver(message))
    line.run()

    assert "Newer news" in line.page_of(site[place])
    assert_all_is_as_recorded(line, site, "second")
    assert "astray" not in lines_of(line, shelf).values()


def test_whoever_claims_while_a_page_is_put_is_met_on_the_shelf(
    line: Line, site: list[str], shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies behind its claim, its message is lost, and the page that the piece put is the older one."""
    message, path = rendered(line), line.record(site[0]).path or ""

    def claim() -> None:
        newer = line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
        line.queue.clear()
        line.publisher.records.change(
            "epn", site[0], lambda record: record.model_copy(update={"claimed_by": newer.revision})
        )

    meanwhile(monkeypatch, line.public, path, claim, after=True)
    follows = line.deliver(message)

    assert [each.article for each in follows if isinstance(each, ArticleAccepted)] == [site[0]]


def test_a_mark_that_nobody_came_back_to_hides_nothing(
    line: Line, site: list[str], shelf: str, monkeypatch: pytest.MonkeyPatch, themes: list[Theme]
) -> None:
    """A publisher dies between the mark on the shelf and the article's own record."""
    before = line.record(site[0])

    def die() -> None:
        raise SystemExit

    line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    meanwhile(monkeypatch, line.content, keys.live_key("epn", site[0]), die)
    with pytest.raises(SystemExit):
        line.run()
    line.queue.clear()

    assert lines_of(line, shelf)[site[0]] == "left"
    assert line.record(site[0]) == before
    rebuild(line, "run-1")
    assert_all_is_as_recorded(line, site, "second")
    line.sweep()
    line.run()
    assert "Newer news" in line.page_of(site[0])


def test_a_piece_that_died_before_it_recorded_is_recorded_by_one_put_when_it_comes_again(
    line: Line, site: list[str], shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = rendered(line)

    def die() -> None:
        raise StorageUnavailableError(shelf)

    meanwhile(monkeypatch, line.content, keys.shelf_key("epn", shelf), die)
    with pytest.raises(StorageUnavailableError):
        line.deliver(message)
    line.edge.purged.clear()
    line.content.puts.clear()
    line.public.puts.clear()
    monkeypatch.undo()

    with failing_store(line, at=0, after=False) as made:
        assert line.deliver(message) == ()

    assert line.public.puts == []
    assert line.content.puts == [keys.shelf_key("epn", shelf)]
    assert Counter(made)["get"] == 1  # the pages
    assert Counter(made)["find"] - Counter(made)["find_head"] - 1 == 1  # the shelf; the fake's others find, too
    assert {keys.article_surrogate_key(article) for article in site} <= {*line.edge.purged}
    assert_all_is_as_recorded(line, site, "second")


def test_of_two_rebuilds_at_once_the_later_reading_stays(
    line: Line, site: list[str], shelf: str, themes: list[Theme], monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = rendered(line, "run-1")
    line.theme = themes[2]
    line.now += timedelta(seconds=1)
    later = rendered(line, "run-2")

    meanwhile(
        monkeypatch, line.content, keys.shelf_key("epn", shelf), lambda: line.take(line.deliver(later)), after=False
    )
    line.take(line.deliver(earlier))
    line.run()

    assert_all_is_as_recorded(line, site, "third")
    assert "astray" not in lines_of(line, shelf).values()


def test_a_lost_shelf_costs_work_and_nothing_else(line: Line, site: list[str], shelf: str, themes: list[Theme]) -> None:
    rebuild(line, "run-1")
    lose_shelves(line)

    line.act("kill", site[0])
    line.post(source_id="story-1", section="sport", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    line.run()
    line.theme = themes[2]
    finish(a_rebuild(line, run="run-2"), line)

    assert line.status_at(next(path for path in line.record(site[0]).claimed)) == "410"
    assert "Newer news" in line.page_of(site[1])
    assert_all_is_as_recorded(line, site[1:], "third")
    assert lines_of(line, shelf) == dict.fromkeys(sorted(site), "rests") | {site[0]: "left"}


def test_a_record_that_a_release_before_shelves_wrote_is_found_and_its_line_goes(
    line: Line, site: list[str], shelf: str, themes: list[Theme]
) -> None:
    """It marked nothing, so what lies on the shelf is the state of no record."""
    line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    kept = line.content.get(keys.shelf_key("epn", shelf))
    line.run()
    now = line.content.find_head(keys.shelf_key("epn", shelf))
    line.content.put(keys.shelf_key("epn", shelf), kept.body, if_etag=now.etag if now else None)
    assert lines_of(line, shelf)[site[0]] == "astray"
    line.theme = themes[2]

    work = a_rebuild(line)
    finish(work, line)

    assert (work.tally.changed, work.tally.handed_over) == (ARTICLES - 1, 1)
    assert lines_of(line, shelf) == dict.fromkeys(sorted(site[1:]), "rests")
    assert_all_is_as_recorded(line, site, "third")
    assert "Newer news" in line.page_of(site[0])


def test_the_shelf_is_parted_where_too_many_have_come(
    line: Line, site: list[str], shelf: str, themes: list[Theme], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.live._MOST", 4)

    rebuild(line, "run-1")
    line.theme = themes[2]
    rebuild(line, "run-2")

    names = sorted(line.content.list_folders(keys.shelves_prefix("epn")))
    shelves = {name: lines_of(line, name) for name in names}
    assert len(names) > 1
    assert sorted(article for lines in shelves.values() for article in lines) == sorted(site)  # no mark stays behind
    assert {state for lines in shelves.values() for state in lines.values()} == {"rests"}
    assert_all_is_as_recorded(line, site, "third")


def test_a_theme_that_is_only_tried_makes_no_shelf(line: Line, site: list[str], themes: list[Theme]) -> None:
    line.content.put("rendered/epn/trial/theme.zip", zipped_theme(THEMES / "epn"))
    work = a_rebuild(line, run="trial", trial="rendered/epn/trial/theme.zip")

    finish(work, line)

    assert work.tally.skipped == ARTICLES
    assert [key for key in line.content.puts if key.startswith("shelves/")] == []


def test_whoever_changes_a_record_that_a_rebuild_wrote_meanwhile_reads_it_again(
    line: Line, site: list[str], shelf: str
) -> None:
    message = rendered(line)
    seen: list[LiveRecord] = []

    def step(record: LiveRecord) -> LiveRecord:
        if not seen:
            line.take(line.deliver(message))
        seen.append(record)
        return record.model_copy(update={"listed": (*record.listed, "topic.x")})

    changed, _ = line.publisher.records.change("epn", site[0], step)

    assert len(seen) == 2
    assert changed.pages[changed.path or ""].etag == line.public.get(changed.path or "").etag
    assert lines_of(line, shelf)[site[0]] == "left"
    assert_all_is_as_recorded(line, site, "second")


def test_a_repetition_that_lags_behind_lays_nothing_over_what_was_put_since(
    line: Line, site: list[str], themes: list[Theme], monkeypatch: pytest.MonkeyPatch
) -> None:
    line.theme = themes[0]
    message = rendered(line)

    def be_quicker() -> None:
        line.take(line.deliver(message))
        line.theme = themes[1]
        line.now += timedelta(seconds=1)
        rebuild(line, "run-2")

    meanwhile(monkeypatch, line.content, keys.shelf_key("epn", message.shelf), be_quicker)
    line.take(line.deliver(message))
    line.run()

    assert_all_is_as_recorded(line, site, "second")
    assert lines_of(line, message.shelf) == dict.fromkeys(sorted(site), "rests")


def test_a_line_that_was_left_says_nothing_of_what_was_recorded_since(
    line: Line, site: list[str], shelf: str, themes: list[Theme], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is about to be laid there again, and whoever was about to do it dies."""
    line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    line.run()
    line.theme = themes[2]
    message = rendered(line)

    def die() -> None:
        raise StorageUnavailableError(shelf)

    meanwhile(monkeypatch, line.content, keys.shelf_key("epn", shelf), die)
    with pytest.raises(StorageUnavailableError):
        line.deliver(message)

    assert line.record(site[0]).shelf == shelf
    assert lines_of(line, shelf)[site[0]] == "left"
    assert_all_is_as_recorded(line, site[:1], "third")


def test_what_more_than_bytes_a_rebuild_changed_every_record_knows_itself(
    line: Line, site: list[str], shelf: str, themes: list[Theme]
) -> None:
    """An article that came late is shown by the page of one that rests; then the shelves go, and Redis, and it."""
    late = line.post(source_id="late", headline="To be killed", section="sport", version_created="2026-10-31T10:00:00Z")
    waiting: list[Message] = []
    while line.queue:  # what says that pages show it now comes behind the rebuild
        message = line.queue.pop(0)
        is_ours = isinstance(message, ArticleAccepted) and message.article in site
        waiting += [message] if is_ours else []
        line.take(() if is_ours else line.deliver(message))
    assert waiting
    finish(a_rebuild(line), line)
    line.take(waiting)
    line.run()
    showing = [article for article in site if "To be killed" in line.page_of(article)]
    assert showing
    assert all(late.article in own_record(line, article).shows for article in showing)

    lose_shelves(line)
    line.act("kill", late.article)
    lose_redis(line)
    hours_pass(line, 180)

    assert line.record(late.article).removed_by
    assert [article for article in site if "To be killed" in line.page_of(article)] == []


def test_what_was_on_a_lost_shelf_is_purged_when_it_is_put_again(
    line: Line, site: list[str], shelf: str, themes: list[Theme]
) -> None:
    """The theme before is put back: what the records name is not what is there."""
    rebuild(line, "run-1")
    lose_shelves(line)
    line.edge.purged.clear()
    line.theme = themes[0]

    rebuild(line, "run-2")

    paths = [line.record(article).path or "" for article in site]
    assert {keys.path_surrogate_key(path) for path in paths} <= {*line.edge.purged}
    assert_all_is_as_recorded(line, site, "first")


def test_whoever_lays_an_article_after_others_changed_it_leaves_it_to_the_next(
    line: Line, site: list[str], themes: list[Theme], monkeypatch: pytest.MonkeyPatch
) -> None:
    line.theme = themes[0]
    message = rendered(line)

    def much() -> None:
        line.take(line.deliver(message))
        line.post(source_id="story-1", headline="Newer", section="sport", version_created="2026-11-01T11:00:00Z")
        line.run()
        for number, theme in enumerate(themes[1:]):
            line.theme = theme
            line.now += timedelta(seconds=1)
            rebuild(line, f"run-{number + 2}")

    meanwhile(monkeypatch, line.content, keys.shelf_key("epn", message.shelf), much)
    line.take(line.deliver(message))
    line.run()

    assert "astray" not in lines_of(line, message.shelf).values()
    assert_all_is_as_recorded(line, site, "third")


def test_only_what_is_as_it_was_read_is_taken_off(line: Line, site: list[str], shelf: str) -> None:
    records = line.publisher.records
    before = [(record, etag) for record, etag in (records.find("epn", article) for article in site[:2]) if etag]
    rebuild(line, "run-1")
    now = [(record, etag) for record, etag in (records.find("epn", article) for article in site[1:3]) if etag]

    assert records.take_off(before) == set()
    assert lines_of(line, shelf) == dict.fromkeys(sorted(site), "rests")
    assert records.take_off(now) == {*site[1:3]}
    assert [lines_of(line, shelf)[article] for article in site[:4]] == ["rests", "left", "left", "rests"]


@pytest.mark.parametrize("is_off", [False, True])
def test_whoever_read_a_record_long_ago_loses_nothing_of_what_was_laid_since(
    line: Line, site: list[str], shelf: str, themes: list[Theme], *, is_off: bool
) -> None:
    known = line.publisher.records.find("epn", site[0])
    line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    line.run()
    for number, theme in enumerate((themes[2], themes[0])):  # recorded and laid; recorded on the shelf alone
        line.theme = theme
        line.now += timedelta(seconds=1)
        rebuild(line, f"run-{number + 1}")
    assert lines_of(line, shelf)[site[0]] == "rests"

    def step(record: LiveRecord) -> LiveRecord:
        return record.model_copy(update={"listed": (*record.listed, "topic.x")})

    line.publisher.records.change("epn", site[0], step, known=known, is_off=is_off)

    assert lines_of(line, shelf)[site[0]] == "left"
    assert "topic.x" in line.record(site[0]).listed
    assert_all_is_as_recorded(line, site, "first")


def shelve_all(line: Line) -> list[KeepTexts]:
    return list(shelve(line.site, line.clockwork, wait=lambda _: False))


@pytest.fixture
def small_shelves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.scheduler.handler.shelves._WORTH", 2)


@pytest.mark.usefixtures("small_shelves")
def test_articles_at_rest_are_laid_on_their_shelf_and_readers_see_nothing_of_it(
    line: Line, site: list[str], themes: list[Theme]
) -> None:
    line.theme = themes[0]  # not rolled out yet: that is for its operator to say
    before = line.site_bytes()

    (message,) = shelve_all(line)
    line.take([message])
    line.run()

    assert (line.public.puts, line.edge.purged, line.site_bytes()) == ([], [], before)
    assert lines_of(line, message.shelf) == dict.fromkeys(sorted(site), "rests")
    assert shelve_all(line) == []
    line.content.puts.clear()
    rebuild(line, "run-1")
    written = [key for key in line.content.puts if not key.startswith(("rendered/", "rebuilds/", "assets/"))]
    assert written == [keys.shelf_key("epn", message.shelf)]
    assert_all_is_as_recorded(line, site, "first")


@pytest.mark.usefixtures("small_shelves")
def test_what_is_not_live_or_about_to_be_another_is_not_laid(line: Line, site: list[str]) -> None:
    line.act("kill", site[0])
    line.run()
    line.publisher.records.change("epn", site[1], lambda record: record.model_copy(update={"claimed_by": "9" * 30}))

    (message,) = shelve_all(line)
    line.take([message])
    line.run()

    assert lines_of(line, message.shelf) == dict.fromkeys(sorted(site[2:]), "rests")


def test_few_articles_are_not_worth_a_shelf_of_their_own(line: Line, site: list[str]) -> None:
    assert shelve_all(line) == []


@pytest.mark.usefixtures("small_shelves")
def test_where_little_is_missing_a_shelf_is_left_as_it_is(
    line: Line, site: list[str], shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    line.run()
    left = [*lines_of(line, shelf).values()].count("left")

    monkeypatch.setattr("services.scheduler.handler.shelves._SHARE", ARTICLES / (left + 1))
    assert shelve_all(line) == []
    monkeypatch.setattr("services.scheduler.handler.shelves._SHARE", ARTICLES / left)
    assert len(shelve_all(line)) == 1


@pytest.mark.usefixtures("small_shelves")
def test_while_anything_waits_nothing_is_laid(line: Line, site: list[str]) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        line.backlog.messages -= 1
        return False

    line.backlog.messages = 3
    assert len(list(shelve(line.site, line.clockwork, wait=wait))) == 1
    assert len(waits) == 3
    line.backlog.messages = 3
    assert list(shelve(line.site, line.clockwork, wait=lambda _: True)) == []  # asked to stop


@pytest.mark.usefixtures("small_shelves")
@pytest.mark.parametrize("name", ["", "~"])
def test_who_waited_while_others_made_shelves_goes_by_those(line: Line, site: list[str], name: str) -> None:
    def wait(_: float) -> bool:
        line.content.put(keys.shelf_key("epn", name or sorted(site)[2]), b"")
        line.backlog.messages = 0
        return False

    line.backlog.messages = 1
    said = list(shelve(line.site, line.clockwork, wait=wait))

    assert [each.shelf for each in said] == ([max(site)] if name else [])  # one behind it is no matter
    assert [each.shelf for each in shelve_all(line)] == (["~"] if name else [sorted(site)[2], max(site)])


def test_nothing_is_laid_over_the_mark_of_who_has_not_written_yet(
    line: Line, site: list[str], shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rebuild finds the page as it is, and writes nothing: no ETag stands between it and them."""
    rebuild(line, "run-1")
    message = begin(line, "run-2")

    def meet() -> None:
        for follow in line.deliver(message):
            line.take(line.deliver(follow))

    meanwhile(monkeypatch, line.content, keys.live_key("epn", site[0]), meet)
    line.post(source_id="story-0", headline="Newer news", version_created="2026-11-01T11:00:00Z")
    line.run()

    assert lines_of(line, shelf)[site[0]] == "left"
    assert "Newer news" in line.page_of(site[0])


@pytest.mark.parametrize("piece", ["first", "next", "rest", "rest again"])
@pytest.mark.parametrize("deed", ["kill", "update", "restore", "again", "rebuild", "renew"])
def test_whatever_happens_between_any_two_calls_of_a_piece(
    new_line: Callable[[], Line], themes: list[Theme], deed: str, piece: str
) -> None:
    for at in count(1):
        line = new_line()
        line.theme = themes[1 if piece == "rest" else 0]
        posted = [line.post(source_id=f"story-{number}", headline=f"Story {number}").article for number in range(3)]
        line.run()
        line.tick()
        if piece in ("next", "rest again"):
            line.theme = themes[1 if piece == "rest again" else 2]
            finish(a_rebuild(line, run="run-0"), line)
        line.theme = themes[1]
        begun = begin(line, "run-1")
        message: Message = begun
        if piece.startswith("rest"):
            line.publisher.records.take_off(  # some are to be laid again
                (record, etag)
                for record, etag in (line.publisher.records.find("epn", article) for article in posted[1:])
                if record.shelf and etag
            )
            message = KeepTexts(
                message_id=uuid4(), lane=Lane.BULK, site="epn", shelf=begun.shelf, articles=begun.articles
            )
        (done,) = line.deliver(message)

        with between_calls(line, at, partial(do, line, deed, posted[1], done, themes)) as calls:
            with suppress(RetryableError):
                line.take(line.deliver(done))
            line.run()
        for _ in range(3):
            line.now += timedelta(minutes=3)
            line.sweep()
            line.run()
            line.tick()

        if len(calls) < at:
            break
        where = f"before call {at}"
        for name in line.content.list_folders(keys.shelves_prefix("epn")):
            assert "astray" not in lines_of(line, name).values(), where
        if deed == "kill":
            assert {line.status_at(path) for path in line.record(posted[1]).claimed} == {"410"}, where
            posted.remove(posted[1])
        if deed == "update":
            assert "Newer news" in line.page_of(posted[1]), where
        assert_all_is_as_recorded(line, posted, "third" if deed == "rebuild" else "second")
    assert at > 2


def do(line: Line, deed: str, article: str, message: Message, themes: list[Theme]) -> None:
    match deed:
        case "kill" | "restore":
            line.act("kill", article)
            line.run()
            if deed == "restore":
                line.act("restore", article)
        case "update":
            line.post(source_id="story-1", headline="Newer news", version_created="2026-11-01T11:00:00Z")
        case "again":
            line.take(line.deliver(message))
        case "rebuild":
            line.theme = themes[2]
            line.now += timedelta(seconds=1)
            finish(a_rebuild(line, run="run-2"), line)
        case _:
            revision = line.record(article).revision or ""
            line.take([ArticleAccepted(message_id=uuid4(), site="epn", article=article, revision=revision)])
    line.run()


@contextmanager
def between_calls(line: Line, at: int, happening: Callable[[], None]) -> Iterator[list[str]]:
    """Have something happen just before a call to either store; yield the calls that were made else."""
    made: list[str] = []
    is_on = True

    def wrapped(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            nonlocal is_on
            if is_on:
                made.append(name)
                if len(made) == at:
                    is_on = False
                    happening()
                    is_on = True
            return call(*args, **kwargs)

        return called

    names = ("put", "find", "get", "find_head", "delete")
    for storage in (line.content, line.public):
        for name in names:
            setattr(storage, name, wrapped(name, getattr(storage, name)))
    yield made
    for storage in (line.content, line.public):
        for name in names:
            delattr(storage, name)


def test_an_index_made_again_takes_the_later_state(line: Line, site: list[str], shelf: str) -> None:
    rebuild(line, "run-1")
    line.redis.flushall()
    line.public.puts.clear()

    line.tick()

    articles = {line.record(article).path for article in site}
    assert not articles & {*line.public.puts}


ids = st.integers(0, 9_999).map("{:04d}".format)


@given(st.sets(ids, max_size=700), st.sets(ids, max_size=40))
def test_each_article_belongs_to_one_piece_of_its_shelf(articles: set[str], shelves: set[str]) -> None:
    pieces = list(grouped(sorted(articles), sorted(shelves)))

    assert [article for _, piece in pieces for article in piece] == sorted(articles)
    assert all(0 < len(piece) <= 128 for _, piece in pieces)
    assert all(earlier < later for (earlier, _), (later, _) in pairwise(pieces))
    for (name, piece), before in zip(pieces, ["", *(name for name, _ in pieces)], strict=False):
        assert before < piece[0]
        assert piece[-1] <= name
        assert not any(piece[-1] <= other < name for other in shelves)  # its own shelf: the first behind it
        assert not any(piece[0] <= other < piece[-1] for other in shelves)

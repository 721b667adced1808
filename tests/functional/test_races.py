"""A kill, a correction, a restore of the index or a dead letter between any two steps: nothing stays wrong for ever."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.ingest.handler import keep_picture
from services.render.ports import Theme
from services.scheduler.handler import emit_stale_pages, release_due, restore_index
from shared.errors import PermanentError
from shared.live import LiveRecord
from shared.messages import ArticleRevision, ArticlesEnriched, Lane, ListingsStale, Message, PagesRendered
from shared.sites import Site
from shared.storage import ObjectHead
from tests.functional.conftest import Line, next_page_of_article, stale_listings
from tests.functional.test_half_done import hours_pass, imported
from tests.functional.test_rebuild import a_rebuild, rendered
from tests.functional.test_stale_articles import is_up_to_date, settle


def end_leases(line: Line) -> None:
    """Let half a minute pass."""
    line.now += timedelta(seconds=30)
    for key in line.redis.scan_iter("*turn:*"):
        line.redis.delete(key)


def test_a_picture_of_a_killed_article_is_not_put_back(
    line: Line, a_picture: bytes, other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = keep_picture(a_picture, line.site, line.intake).media
    article = line.post(picture={"media": media, "alt": "A bridge"}).article
    line.run()
    line.tick()
    (path,) = line.record(article).media
    line.theme = other_theme
    pages = rendered(line, a_rebuild(line))
    find_head = line.public.find_head

    def find_head_after_the_kill(key: str) -> ObjectHead | None:
        monkeypatch.setattr(line.public, "find_head", find_head)
        line.act("kill", article)
        line.run()
        return find_head(key)

    monkeypatch.setattr(line.public, "find_head", find_head_after_the_kill)
    line.take(line.deliver(pages))
    line.run()
    line.sweep()
    line.tick()

    assert line.status_at(path) == "410"


def test_a_page_rendered_around_its_kill_is_not_stale_for_ever(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.post(source_id="shown", headline="Shown", version_created="2026-11-01T09:00:00Z")
    killed = line.post(source_id="killed", headline="Killed", version_created="2026-11-01T10:00:00Z")
    line.run()
    line.tick()
    named = (ArticleRevision(article=killed.article, revision=killed.revision),)
    relate_all = line.index.relate_all

    def relate_after_the_kill(*args: Any) -> Any:
        monkeypatch.setattr(line.index, "relate_all", relate_all)
        line.act("kill", killed.article)
        line.run()
        return relate_all(*args)

    monkeypatch.setattr(line.index, "relate_all", relate_after_the_kill)
    line.take(line.deliver(ArticlesEnriched(message_id=uuid4(), lane=Lane.BULK, site="epn", articles=named)))
    line.run()
    line.post(source_id="shown", headline="Shown, corrected", version_created="2026-11-01T11:00:00Z")
    line.run()
    emitted = 0
    for _ in range(5):
        end_leases(line)
        for message in emit_stale_pages(line.site, line.clockwork):
            emitted += isinstance(message, ArticlesEnriched) and killed.article in message.items
            line.take([message])
        line.run()

    assert emitted <= 1


def test_a_dead_lettered_article_that_was_never_live_is_not_emitted_for_ever(line: Line) -> None:
    line.post(source_id="shown", headline="Shown", version_created="2026-11-01T09:00:00Z")
    line.run()
    line.tick()
    bad = line.post(source_id="bad", headline="Bad")
    page = next_page_of_article(line)
    assert page.items == (bad.article,)

    def bury(message: Message) -> None:
        """Do as the task does with what fails for ever."""
        payload = message.model_dump(mode="json")
        line.intake.letters.bury("publish.PagesRendered", payload, PermanentError("x"), attempts=1, at=line.now)

    bury(page)
    line.queue.clear()
    line.post(source_id="shown", headline="Shown, corrected", version_created="2026-11-01T11:00:00Z")
    emitted: list[Message] = []
    for _ in range(5):
        end_leases(line)
        line.queue.extend(emit_stale_pages(line.site, line.clockwork))
        while line.queue:
            message = line.queue.pop(0)
            if isinstance(message, PagesRendered) and bad.article in message.items:
                emitted.append(message)
                bury(message.only([bad.article]))
                continue
            line.queue.extend(line.deliver(message))

    assert len(emitted) <= 1


def test_a_page_related_before_the_index_was_whole_and_rendered_after_that_is_renewed(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles = imported(line, 10)
    article = articles[5]
    assert is_up_to_date(line, article)
    named = (ArticleRevision(article=article, revision=line.record(article).revision or ""),)
    line.redis.flushall()
    line.queue.clear()
    line.index.take_in(line.site, [line.record(article)])  # the restore's first batch; the other articles are to come
    relate_all = line.index.relate_all

    def relate_and_then_the_restore_ends(*args: Any) -> Any:
        monkeypatch.setattr(line.index, "relate_all", relate_all)
        found = relate_all(*args)
        restore_index(line.site, line.clockwork)
        return found

    monkeypatch.setattr(line.index, "relate_all", relate_and_then_the_restore_ends)
    line.take(line.deliver(ArticlesEnriched(message_id=uuid4(), lane=Lane.LIVE, site="epn", articles=named)))
    line.run()
    settle(line)
    hours_pass(line)

    assert is_up_to_date(line, article)


def test_a_listing_read_before_the_index_was_whole_is_not_put(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(line, 10)
    assert "Story 9" in line.page("index.html")
    line.redis.flushall()
    line.queue.clear()
    line.post(source_id="news", headline="The news", section="world", version_created="2026-11-01T11:00:00Z")
    while not any(isinstance(each, ListingsStale) and "home" in each.items for each in line.queue):
        line.queue.extend(line.deliver(line.queue.pop(0)))
    stale = next(each for each in line.queue if isinstance(each, ListingsStale) and "home" in each.items)
    line.queue.clear()
    read = line.index.read

    def read_and_then_the_restore_ends(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(line.index, "read", read)
        found = read(*args, **kwargs)
        restore_index(line.site, line.clockwork)
        return found

    monkeypatch.setattr(line.index, "read", read_and_then_the_restore_ends)
    for each in line.deliver(stale.only(["home"])):
        line.deliver(each)

    assert "Story 9" in line.page("index.html")


def test_an_article_that_expires_before_its_card_is_indexed_stays_out_of_the_listings(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.tick()
    accepted = line.post(headline="Short lived", expires_at="2026-11-01T12:30:00Z")
    pages, take_in = next_page_of_article(line), line.index.take_in

    def take_in_after_the_expiry(*args: Any, **named: Any) -> Any:
        monkeypatch.setattr(line.index, "take_in", take_in)
        line.now += timedelta(hours=1)
        line.tick()
        assert line.record(accepted.article).removed_by
        return take_in(*args, **named)

    monkeypatch.setattr(line.index, "take_in", take_in_after_the_expiry)
    line.take(line.deliver(pages))
    settle(line)

    assert "Short lived" not in line.page("index.html")


def test_an_article_that_expires_while_the_index_is_restored_stays_out_of_the_listings(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = line.post(headline="Short lived", expires_at="2026-11-01T12:30:00Z")
    line.run()
    line.tick()
    line.now += timedelta(minutes=45)
    line.redis.flushall()
    take_in = line.index.take_in

    def take_in_after_the_expiry(site: Site, records: Iterable[LiveRecord], **named: Any) -> Any:
        read = list(records)
        monkeypatch.setattr(line.index, "take_in", take_in)
        line.take(release_due(line.site, line.clockwork))
        line.run()
        assert line.record(accepted.article).removed_by
        return take_in(site, read, **named)

    monkeypatch.setattr(line.index, "take_in", take_in_after_the_expiry)
    for _ in range(3):
        line.tick(until_quiet=False)
        hours_pass(line)

    assert "Short lived" not in line.page("index.html")


@pytest.mark.parametrize("why", ["dead-lettered", "retired"])
def test_a_listing_that_cannot_be_rendered_holds_up_no_other_while_the_pipeline_is_busy(line: Line, why: str) -> None:
    line.post(topics=[{"name": "Ice"}])
    line.run()
    line.tick()
    bad = "topic.ice" if why == "dead-lettered" else "section.closed"
    line.index.touch(line.site, bad)
    if why == "dead-lettered":
        line.clockwork.marks.park(line.site.id, f"listing:{bad}", line.index.behind(line.site)[bad], 600)
    line.index.touch(line.site, "day.2026-11-01")
    line.backlog.messages = 1_000
    emitted: set[str] = set()
    for _ in range(3):
        end_leases(line)
        for each in stale_listings(line):
            emitted |= {*each.items}
            line.take([each])
        line.run()

    assert "day.2026-11-01" in emitted

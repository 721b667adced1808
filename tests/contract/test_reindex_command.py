from __future__ import annotations

import io
import re
from dataclasses import replace
from threading import Thread

import pytest
import typer
from redis import Redis
from rich.console import Console

from services.desk import wiring
from services.desk.commands import reindex
from services.desk.commands.reindex import watch
from shared.index.redis import RedisIndex
from shared.site.keys import article_share
from tests.contract.test_index import NOON, SITE


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_whoever_watches_is_told_how_many_articles_it_took(redis: Redis, console: Console) -> None:
    index = RedisIndex(redis)

    def schedule() -> None:
        restore = index.begin_restore(SITE, NOON)
        assert restore is not None
        index.move_restore(SITE, replace(restore, cursor="m" * 26, done=42))
        index.mark_complete(SITE, NOON, restore.token)

    scheduler = Thread(target=schedule)
    scheduler.start()

    assert watch(SITE, RedisIndex(redis), console, patience_seconds=10) is True
    scheduler.join()
    assert re.search(r"epn: 42 articles in \d", said(console))


def test_whoever_watches_is_told_when_no_scheduler_takes_it_up(redis: Redis, console: Console) -> None:
    assert watch(SITE, RedisIndex(redis), console, patience_seconds=0.05) is False
    assert "is one running?" in said(console)


def test_no_longer_watching_stops_no_work(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(wiring, "index", lambda: RedisIndex(redis))
    monkeypatch.setattr(wiring, "sites", lambda: {"epn": SITE})
    monkeypatch.setattr(reindex, "watch", interrupt)
    RedisIndex(redis).mark_stale(SITE, "home")

    reindex.reindex(site=None, patience=1)

    assert list(redis.scan_iter("index:*")) == []  # which is what a scheduler acts upon


def test_a_reindex_that_nobody_does_ends_with_1(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "index", lambda: RedisIndex(redis))
    monkeypatch.setattr(wiring, "sites", lambda: {"epn": SITE})

    with pytest.raises(typer.Exit):
        reindex.reindex(site="epn", patience=0.05)


def test_an_articles_id_says_how_far_the_walk_has_come() -> None:
    assert article_share("") == 0
    assert article_share("2" * 26) == 0
    assert article_share("a" + "2" * 25) == 6 / 32
    assert 0.99 < article_share("z" * 26) < 1

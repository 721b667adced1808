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


def output_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_number_of_restored_articles_is_printed(redis: Redis, console: Console) -> None:
    index = RedisIndex(redis)

    def schedule() -> None:
        restore = index.begin_restore(SITE, NOON)
        assert restore is not None
        index.advance_restore(SITE, replace(restore, cursor="m" * 26, done=42))
        index.mark_complete(SITE, NOON, restore.token)

    scheduler = Thread(target=schedule)
    scheduler.start()

    assert watch(SITE, RedisIndex(redis), console, patience_seconds=10) is True
    scheduler.join()
    assert re.search(r"epn: 42 articles in \d", output_of(console))


def test_a_missing_scheduler_is_reported(redis: Redis, console: Console) -> None:
    assert watch(SITE, RedisIndex(redis), console, patience_seconds=0.05) is False
    assert "is one running?" in output_of(console)


def test_ctrl_c_ends_the_watching_and_not_the_restore(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(wiring, "index", lambda: RedisIndex(redis))
    monkeypatch.setattr(wiring, "sites", lambda: {"epn": SITE})
    monkeypatch.setattr(reindex, "watch", interrupt)
    RedisIndex(redis).mark_stale(SITE, "home")

    reindex.reindex(site=None, patience=1)

    assert list(redis.scan_iter("index:*")) == []  # an empty index makes a scheduler restore it


def test_a_reindex_without_a_scheduler_has_exit_code_1(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "index", lambda: RedisIndex(redis))
    monkeypatch.setattr(wiring, "sites", lambda: {"epn": SITE})

    with pytest.raises(typer.Exit):
        reindex.reindex(site="epn", patience=0.05)


def test_an_article_id_gives_the_share_of_the_restore() -> None:
    assert article_share("") == 0
    assert article_share("2" * 26) == 0
    assert article_share("a" + "2" * 25) == 6 / 32
    assert 0.99 < article_share("z" * 26) < 1

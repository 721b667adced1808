from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from typer import Typer
from typer.testing import CliRunner

from services.desk import wiring
from services.desk.commands import rebuild as command
from services.desk.domain.rebuild import Run
from services.desk.handler.rebuild import Rebuild
from services.desk.handler.selection import Selected
from services.desk.handler.versions import version_lines
from shared.index.redis import RedisIndex
from shared.messaging.messages import ArticlesEnriched, Message
from shared.runtime.rebuild_runs import RunOutcome
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.site import keys
from shared.site.page_versions import note_version
from shared.site.sites import Site
from shared.storage.memory import MemoryObjectStorage
from tests.contract.test_index import SITE

ARTICLES = [keys.article_id("epn", "test", str(number)) for number in range(120)]


@dataclass
class Desk:
    """The command, a bucket with articles, and workers that report every article; `failing` of each batch fail."""

    redis: Redis
    content: MemoryObjectStorage = field(default_factory=MemoryObjectStorage)
    sent: list[ArticlesEnriched] = field(default_factory=list)
    failing: int = 0
    is_interrupted: bool = False

    def emit(self, messages: Iterable[Message]) -> None:
        for message in messages:
            assert isinstance(message, ArticlesEnriched)
            if self.is_interrupted:
                raise KeyboardInterrupt
            self.sent.append(message)
            outcomes = dict.fromkeys(message.items, RunOutcome.CHANGED)
            outcomes |= dict.fromkeys(message.items[: self.failing], RunOutcome.FAILED)
            RedisRuns(self.redis).report("epn", message.run, outcomes)

    def rebuild(self, run: Run, _: Site) -> Rebuild:
        now = datetime(2026, 11, 1, tzinfo=UTC)
        articles = sorted(article for article in ARTICLES if article > run.cursor)
        selected = map(Selected, articles[: run.max_articles])
        return Rebuild(run, self.content, RedisRuns(self.redis), self.emit, lambda: 0, lambda: now, selected)

    def run_command(self, *words: str) -> tuple[int, str]:
        app = Typer()
        app.command()(command.rebuild)
        result = CliRunner().invoke(app, words)
        return result.exit_code, result.output


@pytest.fixture
def desk(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(redis)
    for article in ARTICLES:
        desk.content.put(keys.live_key("epn", article), b"{}")
    monkeypatch.setattr(wiring, "sites", lambda: {"epn": SITE})
    monkeypatch.setattr(wiring, "content", lambda: desk.content)
    monkeypatch.setattr(wiring, "index", lambda: RedisIndex(redis))
    monkeypatch.setattr(wiring, "rebuild", desk.rebuild)
    return desk


def test_each_article_is_in_one_batch_of_at_most_fifty(desk: Desk) -> None:
    code, _ = desk.run_command("--all")

    assert code == 0
    assert [len(each.items) for each in desk.sent] == [50, 50, 20]
    assert [article for each in desk.sent for article in each.items] == sorted(ARTICLES)


def test_a_rebuild_without_a_selection_is_refused(desk: Desk) -> None:
    code, output = desk.run_command()

    assert (code, desk.sent) == (2, [])
    assert "--all" in output


def test_an_unknown_section_is_refused(desk: Desk) -> None:
    code, output = desk.run_command("--section", "nowhere")

    assert (code, desk.sent) == (2, [])
    assert "nowhere" in output


def test_an_interrupted_run_can_be_resumed(desk: Desk) -> None:
    desk.is_interrupted = True
    code, _ = desk.run_command("--all")
    (key,) = (key for key in desk.content.list_keys("rebuilds/"))
    run = Run.model_validate_json(desk.content.get(key).body)

    desk.is_interrupted = False
    second_code, _ = desk.run_command("--resume", run.run)

    assert (code, second_code) == (1, 0)
    assert {each.run for each in desk.sent} == {run.run}
    assert Run.model_validate_json(desk.content.get(key).body).counts.changed == len(ARTICLES)


def test_the_printed_resume_command_works_before_the_first_batch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> int:
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(Rebuild, "go_on", die)  # before any batch is sent
        code, output = desk.run_command("--all")
    (run,) = re.findall(r"--resume (\S+)", output)

    assert (code, desk.sent) == (9, [])
    assert desk.run_command("--resume", run)[0] == 0
    assert len(desk.sent) == 3


def test_a_preview_with_failures_reports_them_and_has_exit_code_1(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "public", lambda _: MemoryObjectStorage())
    desk.failing = 40

    code, output = desk.run_command("--sample", "40", "--theme-folder", str(tmp_path))

    assert code == 1
    assert "0 of 0 pages would change" in output
    assert "40 could not be rendered" in output


def test_a_rebuild_stops_if_too_many_articles_fail(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.desk.handler.rebuild._MAX_UNREPORTED_BATCHES", 1)
    desk.failing = 60

    code, output = desk.run_command("--all")

    (key,) = (key for key in desk.content.list_keys("rebuilds/"))
    assert code == 1
    assert "is the theme broken?" in output
    assert not Run.model_validate_json(desk.content.get(key).body).is_done


def test_a_rebuild_by_version_stores_counts_for_status(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_MAX_IDLE_SECONDS", 0.0)
    public = MemoryObjectStorage()
    public.put("index.html", b"", metadata={"order": "1", "status": "200", "theme": "epn-2"})
    public.put("feed.xml", b"", metadata={"order": "1", "status": "200", "theme": "epn-1"})
    note_version(desk.content, SITE, "epn-2")
    monkeypatch.setattr(wiring, "public", lambda _: public)

    code, output = desk.run_command("--theme")

    assert code == 0
    assert (
        "1 of 2 pages carry another version of theme and settings; run `pressline rebuild --site epn --theme`" in output
    )
    (line,) = version_lines([SITE], desk.content)
    assert line.startswith("epn: 1 of 2 pages carry another version")


def test_only_published_listings_are_marked_stale(desk: Desk, redis: Redis) -> None:
    index = RedisIndex(redis)
    index.mark_stale(SITE, "home")
    index.set_published(SITE, "home", index.stale_versions(SITE)["home"])

    desk.run_command("--section", SITE.sections[0].id)
    assert index.stale_versions(SITE) == {}


def test_a_stored_run_reads_back_equal() -> None:
    run = Run.model_validate(
        {"site": "epn", "run": "1", "section": "world", "started_at": "2026-11-01T00:00:00Z", "a_field_of_tomorrow": 1}
    )

    assert Run.model_validate_json(run.model_dump_json()) == run


def test_a_sample_with_enrich_is_refused(desk: Desk) -> None:
    code, output = desk.run_command("--sample", "5", "--enrich")

    assert code == 2
    assert "as they are enriched now" in " ".join(output.replace("│", " ").split())
    assert desk.sent == []

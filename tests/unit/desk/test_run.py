from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.desk import wiring
from services.desk.__main__ import app
from services.desk.settings import service_environment
from shared.messaging.pipeline import PIPELINE, Step

EVENT = '{"message_id": "6f1c1b5e-8c0e-4f0e-9a55-0d3a1b2c3d4e", "site": "epn", "listings": {"home": 1}}'
STACK = {
    "api": "http://127.0.0.1:1",
    "edge": "http://127.0.0.1:2",
    "redis": "redis://127.0.0.1:3/0",
    "token": "prl_x",
    "s3": {
        "endpoint": "http://127.0.0.1:4",
        "access_key": "a",
        "secret_key": "s",
        "content_bucket": "c",
        "public_bucket": "p",
    },
}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes, bool]]:
    """The steps that were started, each with its event and whether it is a dry run."""
    found: list[tuple[str, bytes, bool]] = []

    def run_step(step: Step, event: bytes, *, is_dry_run: bool) -> int:
        found.append((step.task_name, event, is_dry_run))
        return 7

    monkeypatch.setattr(wiring, "run_step", run_step)
    return found


def test_the_event_of_a_file_goes_to_the_step_that_its_fields_tell(
    started: list[tuple[str, bytes, bool]], tmp_path: Path
) -> None:
    (tmp_path / "event.json").write_text(EVENT, encoding="utf-8")

    done = CliRunner().invoke(app, ["run", "render", str(tmp_path / "event.json"), "--dry-run"])

    assert started == [("render.ListingsStale", EVENT.encode(), True)]
    assert done.exit_code == 7


def test_the_event_of_stdin_is_run_for_real_unless_asked_otherwise(started: list[tuple[str, bytes, bool]]) -> None:
    CliRunner().invoke(app, ["run", "render.ListingsStale", "-"], input=EVENT)

    assert started == [("render.ListingsStale", EVENT.encode(), False)]


@pytest.mark.parametrize("words", [["render", "no-such-file.json"], ["nobody", "-"], ["ingest", "-"]])
def test_nothing_is_started_for_a_mistake(started: list[tuple[str, bytes, bool]], words: list[str]) -> None:
    done = CliRunner().invoke(app, ["run", *words], input=EVENT)

    assert (done.exit_code, started) == (2, [])


def test_the_help_names_every_step_and_gives_an_example() -> None:
    shown = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).output

    assert all(step.task_name in shown for step in PIPELINE)
    assert "pressline dead-letters show 3f2a --json | pressline run render - --dry-run" in shown


def test_a_service_is_told_where_the_embedded_stack_is_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stack.json").write_text(json.dumps(STACK), encoding="utf-8")
    monkeypatch.setenv("PRESSLINE_RUN_FOLDER", str(tmp_path))
    monkeypatch.setenv("PRESSLINE_REDIS_URL", "redis://127.0.0.1:9/0")

    told = service_environment()

    assert told["PRESSLINE_REDIS_URL"] == "redis://127.0.0.1:9/0"
    assert told["PRESSLINE_EDGE_URL"] == told["PRESSLINE_BASE_URL"] == STACK["edge"]
    assert (told["PRESSLINE_S3_SECRET_KEY"], told["PRESSLINE_CONTENT_BUCKET"]) == ("s", "c")
    assert "PRESSLINE_TOKEN" not in told

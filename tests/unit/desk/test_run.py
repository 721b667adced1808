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
    """The started steps: (task name, event, is_dry_run)."""
    found: list[tuple[str, bytes, bool]] = []

    def run_step(step: Step, event: bytes, *, is_dry_run: bool) -> int:
        found.append((step.task_name, event, is_dry_run))
        return 7

    monkeypatch.setattr(wiring, "run_step", run_step)
    return found


def test_the_fields_of_an_event_choose_the_step(started: list[tuple[str, bytes, bool]], tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(EVENT, encoding="utf-8")

    result = CliRunner().invoke(app, ["run", "render", str(tmp_path / "event.json"), "--dry-run"])

    assert started == [("render.ListingsStale", EVENT.encode(), True)]
    assert result.exit_code == 7


def test_an_event_from_stdin_is_no_dry_run_by_default(started: list[tuple[str, bytes, bool]]) -> None:
    CliRunner().invoke(app, ["run", "render.ListingsStale", "-"], input=EVENT)

    assert started == [("render.ListingsStale", EVENT.encode(), False)]


@pytest.mark.parametrize("words", [["render", "no-such-file.json"], ["nobody", "-"], ["ingest", "-"]])
def test_a_wrong_argument_starts_nothing(started: list[tuple[str, bytes, bool]], words: list[str]) -> None:
    result = CliRunner().invoke(app, ["run", *words], input=EVENT)

    assert (result.exit_code, started) == (2, [])


def test_the_help_lists_every_step_and_has_an_example() -> None:
    shown = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).output

    assert all(step.task_name in shown for step in PIPELINE)
    assert "pressline dead-letters show 3f2a --json | pressline run render - --dry-run" in shown


def test_a_service_gets_the_stacks_addresses_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stack.json").write_text(json.dumps(STACK), encoding="utf-8")
    monkeypatch.setenv("PRESSLINE_RUN_FOLDER", str(tmp_path))
    monkeypatch.setenv("PRESSLINE_REDIS_URL", "redis://127.0.0.1:9/0")

    environment = service_environment()

    assert environment["PRESSLINE_REDIS_URL"] == "redis://127.0.0.1:9/0"
    assert environment["PRESSLINE_EDGE_URL"] == environment["PRESSLINE_BASE_URL"] == STACK["edge"]
    assert (environment["PRESSLINE_S3_SECRET_KEY"], environment["PRESSLINE_CONTENT_BUCKET"]) == ("s", "c")
    assert "PRESSLINE_TOKEN" not in environment

"""import-linter's contracts hold, and each of them fails when it is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    ignore = shutil.ignore_patterns("__pycache__", "themes", "samples", "*.egg-info")
    for name in ("services", "shared", "infra"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_borders_hold(copy: Path) -> None:
    found = lint(copy)

    assert found.returncode == 0, found.stdout
    assert "0 broken" in found.stdout


@pytest.mark.parametrize(
    ("path", "line", "contract"),
    [
        ("services/render/handler.py", "import services.publish.settings", "Services never import one another"),
        ("shared/keys.py", "import services.desk.settings", "Shared knows no service"),
        ("infra/local/ports.py", "import services.desk.settings", "Infra runs services"),
        ("services/enrich/settings.py", "import services.enrich.handler", "every file has its place"),
        ("services/scheduler/metrics.py", "import services.scheduler.handler", "every file has its place"),
        ("services/ingest/domain/prose.py", "import services.ingest.metrics", "every file has its place"),
        ("services/enrich/helpers.py", "X = 1", "every file has its place"),
        ("services/enrich/handler.py", "import celery", "know no framework"),
        ("services/publish/domain/pages.py", "import boto3", "know no framework"),
        ("services/publish/tasks.py", "import services.publish.adapters.varnish", "Only wiring picks adapters"),
    ],
)
def test_a_broken_border_is_found(copy: Path, path: str, line: str, contract: str) -> None:
    file = copy / path
    before = file.read_text(encoding="utf-8") if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        found = lint(copy)
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before, encoding="utf-8")

    assert found.returncode != 0
    assert any(contract in broken and "BROKEN" in broken for broken in found.stdout.splitlines()), found.stdout

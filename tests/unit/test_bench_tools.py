"""The tools that the bench compares with: `make` installs them before it measures."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib

import pytest

from infra.local.settings import PROJECT

LOCK = PROJECT / "requirements" / "bench.txt"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_bench_against_hugo_installs_hugo_and_the_others_do_not() -> None:
    def steps(arguments: str) -> str:
        command = ["make", "--dry-run", "--no-print-directory", "--what-if", "requirements/bench.txt", "bench"]
        done = subprocess.run([*command, f"ARGS={arguments}"], cwd=PROJECT, capture_output=True, text=True, check=True)
        return done.stdout

    install = "install --require-hashes -r requirements/bench.txt"
    against_hugo = steps("--hugo --articles 200")
    assert 0 < against_hugo.find(install) < against_hugo.find("-m tests.bench --hugo --articles 200")
    assert install not in steps("--scale")


def test_the_lock_of_the_bench_names_each_of_its_tools_with_hashes() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {re.split(r"[<>=]", tool)[0] for tool in project["dependency-groups"]["bench"]}
    lock = LOCK.read_text(encoding="utf-8")

    assert set(re.findall(r"^([a-z0-9-]+)==[^ ]+ \\$", lock, flags=re.MULTILINE)) == wanted
    assert "--hash=sha256:" in lock

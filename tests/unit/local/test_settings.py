"""The settings of the embedded stack, and the file that tells tools where everything is."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.local.edge.settings import EdgeSettings
from infra.local.plan import WORKER_PROCESSES, environment_of, programs_of, stack_file
from infra.local.settings import PROJECT, StackSettings
from infra.local.state import RunFolder, StackError, StackFile
from shared.messaging import pipeline
from shared.model.lane import Lane


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSettings:
    for name in ("PRESSLINE_REDIS_URL", "PRESSLINE_S3_ENDPOINT", "PRESSLINE_S3_ACCESS_KEY", "PRESSLINE_S3_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    return StackSettings.in_folder(tmp_path / ".run")


def test_stack_json_holds_what_the_architecture_promises(settings: StackSettings) -> None:
    folder = RunFolder(settings.run_folder)

    folder.write_stack(stack_file(settings, folder, []))

    found = json.loads(folder.stack_file.read_text())
    assert set(found) == {"api", "edge", "redis", "s3", "token", "metrics", "pids"}
    assert set(found["s3"]) == {"endpoint", "access_key", "secret_key", "content_bucket", "public_bucket"}
    assert set(found["metrics"]) == {"endpoint", *_MEASURED}


def test_stack_json_is_for_its_owner_only(settings: StackSettings) -> None:
    folder = RunFolder(settings.run_folder)

    folder.write_stack(stack_file(settings, folder, []))

    assert stat.S_IMODE(folder.stack_file.stat().st_mode) == 0o600


def test_a_half_written_stack_json_is_never_seen(settings: StackSettings) -> None:
    folder = RunFolder(settings.run_folder)
    first = stack_file(settings, folder, [])
    folder.write_stack(first)

    folder.write_stack(StackFile.model_validate({**first.model_dump(), "pids": {"redis": 1}}))

    assert folder.stack() is not None
    assert not [path for path in folder.path.iterdir() if path.name.startswith(".")]


def test_the_stack_consists_of_what_the_architecture_names(settings: StackSettings) -> None:
    names = [program.name for program in programs_of(settings, RunFolder(settings.run_folder))]

    assert names == [
        "redis", "s3", "prepare", "edge", "endpoint",
        "ingest", "enrich", "render", "render-bulk", "publish", "publish-bulk", "scheduler", "relay",
    ]  # fmt: skip


def test_each_site_of_several_has_a_host_of_its_own_at_the_edge(
    settings: StackSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epn = (PROJECT / "infra" / "sites" / "epn.toml").read_text("utf-8")
    (tmp_path / "epn.toml").write_text(epn, "utf-8")
    almina = epn.replace('id = "epn"', 'id = "tarang"\nprefix = "tarang/"', 1)
    (tmp_path / "tarang.toml").write_text(almina, "utf-8")
    monkeypatch.setenv("PRESSLINE_SITES_FOLDER", str(tmp_path))

    sites = environment_of(settings, RunFolder(settings.run_folder))["PRESSLINE_EDGE_SITES"]

    assert EdgeSettings(edge_sites=sites).places == {
        "127.0.0.1": settings.public_bucket,
        "tarang.localhost": f"{settings.public_bucket}/tarang",
    }


def test_one_site_is_shown_to_whoever_asks(settings: StackSettings) -> None:
    assert environment_of(settings, RunFolder(settings.run_folder))["PRESSLINE_EDGE_SITES"] == ""


def test_servers_of_others_are_used_instead_of_our_own(settings: StackSettings) -> None:
    others = StackSettings.model_validate(
        {
            **settings.model_dump(),
            "redis_url": "redis://redis.example:6379/1",
            "s3_endpoint": "https://s3.example",
            "s3_access_key": "key",
            "s3_secret_key": "secret",
        }
    )
    programs = programs_of(others, RunFolder(others.run_folder))

    assert {"redis", "s3"}.isdisjoint(program.name for program in programs)
    assert programs[-1].environment["PRESSLINE_REDIS_URL"] == "redis://redis.example:6379/1"
    assert programs[-1].environment["PRESSLINE_S3_ENDPOINT"] == "https://s3.example"
    assert not {need.setting for need in others.port_needs()} & {"PRESSLINE_REDIS_PORT", "PRESSLINE_S3_PORT"}


def test_a_store_of_others_needs_its_keys(settings: StackSettings) -> None:
    with pytest.raises(ValidationError, match="PRESSLINE_S3_ACCESS_KEY"):
        StackSettings.model_validate({**settings.model_dump(), "s3_endpoint": "https://s3.example"})


def test_each_worker_has_a_metrics_port_of_its_own(settings: StackSettings) -> None:
    programs = programs_of(settings, RunFolder(settings.run_folder))

    ports = [program.environment["PRESSLINE_METRICS_PORT"] for program in programs if program.name in _MEASURED]
    assert len(set(ports)) == len(_MEASURED)


def test_the_workers_of_a_service_serve_each_lane_once(settings: StackSettings) -> None:
    programs = programs_of(settings, RunFolder(settings.run_folder))
    lanes = {
        one.name: one.environment["PRESSLINE_LANES"].split(",") for one in programs if one.name in WORKER_PROCESSES
    }

    for service in pipeline.WORKERS:
        assert sorted([*lanes[service], *lanes.get(f"{service}-bulk", [])]) == sorted(Lane), service
    assert [name for name, served in lanes.items() if served == ["bulk"]] == ["render-bulk", "publish-bulk"]


def test_the_keys_of_our_store_are_random_and_stay(settings: StackSettings, tmp_path: Path) -> None:
    first = RunFolder(settings.run_folder).key_pair()

    assert RunFolder(settings.run_folder).key_pair() == first
    assert RunFolder(tmp_path / "another").key_pair() != first


def test_settings_survive_the_way_through_an_environment(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)

    assert StackSettings() == settings


def test_a_folder_has_one_supervisor(settings: StackSettings) -> None:
    folder = RunFolder(settings.run_folder)

    with folder.locked():
        assert folder.is_supervised()
        with pytest.raises(StackError, match="runs already"), folder.locked():
            pass
    assert not folder.is_supervised()


_MEASURED = {"ingest", "enrich", "render", "render-bulk", "publish", "publish-bulk", "scheduler", "relay"}

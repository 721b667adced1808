"""docker-compose.yml, read as data: every container confined, every start in order, every setting a real one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.docker.healthy import is_healthy
from infra.local.ports import free_ports
from services.desk.settings import DeskSettings
from services.enrich.settings import EnrichSettings
from services.ingest.settings import IngestSettings
from services.publish.settings import PublishSettings
from services.relay.settings import RelaySettings
from services.render.settings import RenderSettings
from services.scheduler.settings import SchedulerSettings

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "infra" / "docker" / "Dockerfile"
ONE_SHOTS = {"owner", "setup", "pressline"}
BULK_WORKERS = {"render-bulk", "publish-bulk"}
WORKERS = {"ingest", "enrich", "render", "publish", "scheduler", "relay", *BULK_WORKERS}
OURS = {"setup", "endpoint", "pressline", *WORKERS}
SETTINGS = (
    DeskSettings,
    EnrichSettings,
    IngestSettings,
    PublishSettings,
    RelaySettings,
    RenderSettings,
    SchedulerSettings,
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with yamllint: make setup")
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def services(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document["services"]
    return found


def seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


def test_compose_has_every_service(services: dict[str, dict[str, Any]]) -> None:
    assert services.keys() == {"owner", "redis", "s3", "edge", *OURS}


def test_compose_does_not_set_the_concurrency_of_workers(services: dict[str, dict[str, Any]]) -> None:
    assert {
        service["environment"]["PRESSLINE_CONCURRENCY"] for name, service in services.items() if name in WORKERS
    } == {"${PRESSLINE_CONCURRENCY:-}"}


def test_news_and_bulk_have_workers_of_their_own_and_bulk_gives_way(services: dict[str, dict[str, Any]]) -> None:
    for bulk in BULK_WORKERS:
        news = services[bulk.removesuffix("-bulk")]
        lanes = [each["environment"]["PRESSLINE_LANES"].split(",") for each in (news, services[bulk])]
        assert lanes == [["urgent", "live", "listings"], ["bulk"]]
        assert services[bulk]["command"] == news["command"]
        assert services[bulk]["cpu_shares"] < 1024, bulk  # what a container has that says nothing
    for name in ("ingest", "enrich"):
        assert "PRESSLINE_LANES" not in services[name]["environment"], name  # all of them


def test_every_container_is_confined(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("cap_add", []) == (["CHOWN"] if name == "owner" else []), name
        assert "privileged" not in service, name
        assert service["logging"]["options"]["max-size"], name


def test_only_the_container_that_hands_over_the_volumes_runs_as_root(services: dict[str, dict[str, Any]]) -> None:
    roots = {name for name, service in services.items() if service["user"].split(":")[0] == "0"}

    assert roots == {"owner"}
    assert services["owner"]["network_mode"] == "none"


def test_every_tmpfs_outside_tmp_belongs_to_the_containers_user(services: dict[str, dict[str, Any]]) -> None:
    # runc before 1.1.8 takes a tmpfs's mode from a mount point that exists: every start after the first. Every image
    # has a /tmp that all may write to.
    outside = 0
    for name, service in services.items():
        mounts = service.get("tmpfs", [])
        for mount in [mounts] if isinstance(mounts, str) else mounts:
            path, _, options = mount.partition(":")
            if path == "/tmp":
                continue
            user, group = service["user"].split(":")
            assert {f"uid={user}", f"gid={group}"} <= set(options.split(",")), (name, path)
            outside += 1
        # A volume of type tmpfs cannot name its owner.
        assert not [mount for mount in service.get("volumes", []) if mount["type"] == "tmpfs"], name
    assert outside == 1  # the edge's


def test_every_permanent_container_has_a_frequent_health_check(services: dict[str, dict[str, Any]]) -> None:
    for name in services.keys() - ONE_SHOTS:
        check = services[name]["healthcheck"]
        assert 1 <= seconds(check["interval"]) <= 2, name
        assert seconds(check["timeout"]) <= 2, name
        assert services[name]["restart"] == "unless-stopped", name


def test_every_container_waits_for_its_dependencies(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in ONE_SHOTS else "service_healthy"
            assert how["condition"] == expected, f"{name} on {other}"
    for name in {"endpoint", *WORKERS}:
        assert services[name]["depends_on"].keys() >= {"setup", "redis", "s3"}, name
    assert "edge" in services["publish"]["depends_on"]
    assert "edge" in services["publish-bulk"]["depends_on"]
    assert services["edge"]["depends_on"]["s3"]["restart"] is True


def test_each_one_shot_is_waited_for_or_started_by_hand(services: dict[str, dict[str, Any]]) -> None:
    # `up --wait` takes the end of a container for a failure unless somebody waits for just that.
    waited_for = {other for service in services.values() for other in service.get("depends_on", {})}

    for name in ONE_SHOTS:
        assert services[name]["restart"] == "no", name
        assert name in waited_for or services[name]["profiles"] == ["tools"], name


def test_services_have_time_to_finish_their_tasks(services: dict[str, dict[str, Any]]) -> None:
    for name in {"endpoint", "redis", *WORKERS}:
        assert seconds(services[name]["stop_grace_period"]) == 25, name  # more than task_time_limit


def test_ports_are_open_to_this_machine_only(services: dict[str, dict[str, Any]], document: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]

    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert document["networks"]["inside"]["internal"] is True
    for name in services.keys() - {"edge", "endpoint", "relay", "owner"}:
        assert services[name]["networks"] == ["inside"], name


def test_every_variable_is_a_setting_of_the_service_that_gets_it(services: dict[str, dict[str, Any]]) -> None:
    known = {f"PRESSLINE_{name.upper()}" for settings in SETTINGS for name in settings.model_fields}
    for name in OURS:
        assert services[name]["environment"].keys() <= known, name

    for name, script in (("edge", "infra/edge/start"), ("s3", "infra/docker/store")):
        read = set(re.findall(r"PRESSLINE_[A-Z0-9_]+", (ROOT / script).read_text(encoding="utf-8")))
        given = {variable for variable in services[name]["environment"] if variable.startswith("PRESSLINE_")}
        assert given <= read, name


def test_publish_and_edge_share_the_purge_token(services: dict[str, dict[str, Any]]) -> None:
    token = services["publish"]["environment"]["PRESSLINE_PURGE_TOKEN"]

    assert token == services["edge"]["environment"]["PRESSLINE_PURGE_TOKEN"]
    assert token.startswith("${PRESSLINE_PURGE_TOKEN:-")


def test_the_stores_persist_acknowledged_writes(services: dict[str, dict[str, Any]], document: dict[str, Any]) -> None:
    redis = services["redis"]["command"]

    assert redis[redis.index("--appendonly") + 1] == "yes"
    assert redis[redis.index("--maxmemory-policy") + 1] == "noeviction"
    assert services["s3"]["image"] == "chrislusf/seaweedfs:4.47"
    assert document["volumes"].keys() == {"redis", "s3"}
    for name in ("redis", "s3"):
        assert [mount["source"] for mount in services[name]["volumes"] if mount["type"] == "volume"] == [name]


def test_every_file_that_is_mounted_exists(services: dict[str, dict[str, Any]]) -> None:
    mounts = [mount for service in services.values() for mount in service.get("volumes", []) if mount["type"] == "bind"]

    for mount in mounts:
        assert (ROOT / mount["source"]).exists(), mount
        assert mount["read_only"] is True, mount


def test_the_image_runs_without_root_and_copies_only_needed_files() -> None:
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    taken = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert "USER 10001:10001" in lines
    assert any("--require-hashes" in line for line in lines)
    assert "*" in taken
    for source in re.findall(r"^COPY (?!--from)(\S+)", "\n".join(lines), flags=re.MULTILINE):
        assert any(entry.startswith(f"!{source}") for entry in taken), source


def test_the_health_check_fails_without_an_answer() -> None:
    assert not is_healthy(free_ports(1)[0], "/healthz")


def test_hadolint_finds_no_fault() -> None:
    tool = Path(sys.executable).with_name("hadolint")
    if not tool.exists():
        pytest.skip("hadolint is not installed: make setup")

    checked = subprocess.run([tool, DOCKERFILE], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "")


def test_compose_itself_can_read_it() -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed here; the structure above is checked all the same")

    environment = {name: value for name, value in os.environ.items() if not name.startswith("PRESSLINE_")}
    command = [docker, "compose", "-f", str(COMPOSE), "--env-file", os.devnull, "--profile", "tools", "config", "-q"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    assert (checked.returncode, checked.stderr) == (0, "")

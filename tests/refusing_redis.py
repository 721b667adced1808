"""A real valkey that refuses writes, logins or all commands, as operators meet it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from infra.local.ports import free_ports
from infra.local.processes import Child
from infra.local.servers import Server, start_valkey, valkey_command

CONDITIONS = ("OOM", "READONLY", "MISCONF", "NOAUTH", "LOADING")


class RefusingRedis:
    """A server of its own; `refuses` causes one condition and ends it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_ports(1)[0]
        self._server: Server = start_valkey(folder, self._port)
        self._admin = Redis.from_url(self.url)
        self._admin.config_set("repl-ping-replica-period", 3600)

    @property
    def url(self) -> str:
        return self._server.url

    def stop(self) -> None:
        self._admin.close()
        self._server.stop()

    @contextmanager
    def refuses(self, condition: str) -> Iterator[None]:
        """Cause a condition, named by Redis's error code, within the block."""
        begin: Callable[[], Callable[[], object]] = getattr(self, f"_{condition.lower()}")
        end = begin()
        try:
            yield
        finally:
            end()

    def _oom(self) -> Callable[[], object]:
        self._admin.config_set("maxmemory", 1)
        return lambda: self._admin.config_set("maxmemory", 0)

    def _readonly(self) -> Callable[[], object]:
        self._admin.replicaof("127.0.0.1", str(free_ports(1)[0]))
        return lambda: self._admin.replicaof("NO", "ONE")

    def _noauth(self) -> Callable[[], object]:
        """Change the password and end all connections, as a restart with another configuration does."""
        self._admin.config_set("requirepass", "changed")
        self._admin.client_kill_filter(_type="normal", skipme=True)
        return lambda: self._admin.config_set("requirepass", "")

    def _misconf(self) -> Callable[[], object]:
        """Let a snapshot fail: a folder has the name of its file."""
        in_the_way = self._folder / "redis" / "dump.rdb"
        in_the_way.unlink(missing_ok=True)
        in_the_way.mkdir()
        self._admin.config_set("save", "3600 100000")
        self._snapshot("err")

        def end() -> None:
            in_the_way.rmdir()
            self._snapshot("ok")
            self._admin.config_set("save", "")

        return end

    def _snapshot(self, result: str) -> None:
        with suppress(RedisError):  # a failed fork is reported at once
            self._admin.bgsave()
        _until(
            lambda: (
                not (found := self._admin.info("persistence"))["rdb_bgsave_in_progress"]
                and found["rdb_last_bgsave_status"] == result
            )
        )

    def _loading(self) -> Callable[[], object]:
        """Restart with a snapshot that takes a long while to load."""
        with self._admin.pipeline(transaction=False) as pipe:
            for number in range(500):
                pipe.set(f"ballast:{number}", os.urandom(2048))
            pipe.execute()
        self._admin.config_set("save", "")
        self._admin.save()
        self._server.stop()
        slow = self._folder / "slow"
        (slow / "redis").mkdir(parents=True)
        shutil.copy(self._folder / "redis" / "dump.rdb", slow / "redis" / "dump.rdb")
        options = [
            "--appendonly",
            "no",
            "--key-load-delay",
            "20000",
            "--loading-process-events-interval-bytes",
            "1024",
        ]
        command = [*valkey_command(slow, self._port), *options]
        child = Child("loading", command, log=self._folder / "loading.log", environment=dict(os.environ))
        _until(lambda: self._says("LOADING"))

        def end() -> None:
            child.kill()
            shutil.rmtree(slow)
            self._server = start_valkey(self._folder, self._port)

        return end

    def _says(self, code: str) -> bool:
        try:
            self._admin.ping()
        except RedisError as error:
            return getattr(error, "status_code", None) == code
        return False


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "valkey did not come into its condition"
        time.sleep(0.01)

"""Ports: a check that they are free, the process that holds a port, and the setting that changes it."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

GRPC_OFFSET = 10_000
"""For each HTTP port, weed also opens the port with this offset, for gRPC."""

PORTS = range(11_000, 21_000)
"""The ports to choose free ones from. They and their gRPC ports are below Linux's outgoing connections (from 32768)."""

_LOCAL = "127.0.0.1"
_LISTENING = "0A"  # state in /proc/net/tcp


class PortTakenError(Exception):
    """Some ports of the stack are in use; the text names each port, the process that holds it, and its setting."""


@dataclass(frozen=True, slots=True)
class PortNeed:
    """A port that a process of the stack will open."""

    port: int
    purpose: str
    setting: str  # the environment variable that changes it
    offset: int = 0  # weed's gRPC port is always the HTTP port plus this

    @property
    def number(self) -> int:
        """Return the port number with its offset."""
        return self.port + self.offset


def is_port_free(port: int) -> bool:
    """Return whether a server can listen on a local port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOCAL, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def free_ports(count: int) -> list[int]:
    """Return `count` different ports of `PORTS` that are free, and free at the gRPC offset as well."""
    chosen: list[int] = []
    candidates = random.sample(PORTS, k=len(PORTS))
    while len(chosen) < count:
        port = candidates.pop()
        if is_port_free(port) and is_port_free(port + GRPC_OFFSET):
            chosen.append(port)
    return chosen


def check_ports(needs: Iterable[PortNeed]) -> None:
    """Return if all ports are free.

    Raises:
        PortTakenError: at least one port is in use; the text has one line per port.
    """
    needed = list(needs)
    reasons = [_taken(need, needed) for need in needed if not is_port_free(need.number)]
    reasons += [
        f"port {first.number} is set for both {first.purpose} and {second.purpose}; set {second.setting} to another"
        for first, second in _clashes(needed)
    ]
    if reasons:
        raise PortTakenError("\n".join(reasons))


def port_holder(port: int) -> str | None:
    """Return the name and pid of the process that listens on a port, or None if they are not visible."""
    inode = _listening_inode(port)
    if inode is None:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(entry.readlink().name == f"socket:[{inode}]" for entry in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                return f"{name}, pid {process.name}"
        except OSError:  # gone, or another user's
            continue
    return None


def _taken(need: PortNeed, needed: list[PortNeed]) -> str:
    holder = port_holder(need.number)
    by = f" by {holder}" if holder else ""
    beside = f" (gRPC, always {GRPC_OFFSET} above {need.port})" if need.offset else ""
    return f"port {need.number} for {need.purpose}{beside} is taken{by}; set {need.setting}={_suggestion(need, needed)}"


def _suggestion(need: PortNeed, needed: list[PortNeed]) -> int:
    reserved = {other.number for other in needed}
    for port in range(need.port + 1, need.port + 1_000):
        if not reserved & {port, port + GRPC_OFFSET} and is_port_free(port) and is_port_free(port + GRPC_OFFSET):
            return port
    return free_ports(1)[0]


def _clashes(needed: list[PortNeed]) -> Iterator[tuple[PortNeed, PortNeed]]:
    first: dict[int, PortNeed] = {}
    for need in needed:
        if need.number in first:
            yield first[need.number], need
        first.setdefault(need.number, need)


def _listening_inode(port: int) -> str | None:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            rows = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTENING and int(fields[1].rsplit(":", 1)[-1], 16) == port:
                return fields[9]
    return None

"""The tables and logs that the commands print."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.local.plan import SINGLE_PROCESSES, WORKER_PROCESSES
from infra.local.ports import GRPC_OFFSET, is_port_free, port_holder
from infra.local.processes import last_lines, memory_bytes
from infra.local.settings import StackSettings
from infra.local.stack import Watch
from infra.local.state import RunFolder, StackError, StackFile, SupervisorState

_BYTES_PER_MEGABYTE = 1024 * 1024
_FOLLOW_INTERVAL_SECONDS = 0.2
_COLOURS = {"ready": "green", "done": "green", "starting": "yellow", "restarting": "red"}


@contextmanager
def progress() -> Iterator[Watch]:
    """Show the state of each process on one line, which disappears at the end of the block."""
    with Live(console=Console(stderr=True), transient=True, refresh_per_second=8) as live:

        def watch(state: SupervisorState) -> None:
            line = Text("starting: ")
            for process in state.processes:
                line.append(f"{process.name} ", style=_COLOURS.get(process.phase, "dim"))
            live.update(line)

        yield watch


def show_urls(console: Console, stack: StackFile) -> None:
    """Show the addresses of the site, the endpoint and the API docs."""
    table = Table.grid(padding=(0, 2))
    table.add_row("Site", f"{stack.edge}/")
    table.add_row("Post to", f"{stack.api}/v1/articles")
    table.add_row("API docs", f"{stack.api}/docs")
    console.print(table)


def show_status(console: Console, settings: StackSettings) -> bool:
    """Show each process and the total memory; return whether all processes are ready."""
    folder = RunFolder(settings.run_folder)
    state = folder.state()
    if state is None or not folder.is_supervised():
        console.print("The stack is down. `make up` starts it.")
        if state and state.phase == "failed":
            console.print(f"The last start failed: {state.reason}", markup=False)
        return False
    table = Table("process", "state", "pid", "port", "memory", "age", "restarts", box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    total = own = memory_bytes(state.pid)
    table.add_row("supervisor", state.phase, str(state.pid), "", _megabytes(own), "", "")
    for process in state.processes:
        if process.phase == "done":
            continue
        used = memory_bytes(process.pid) if process.pid else 0
        total += used
        table.add_row(
            process.name,
            Text(process.phase, style=_COLOURS.get(process.phase, "dim")),
            str(process.pid or ""),
            str(process.port or ""),
            _megabytes(used),
            _age(process.started_at),
            str(process.restarts),
        )
    console.print(table)
    console.print(f"{_megabytes(total)} of memory in total (shared memory counts once)")
    return all(process.phase in {"ready", "done"} for process in state.processes)


def show_ports(console: Console, settings: StackSettings) -> None:
    """Show every port of the stack, its purpose, its state and its setting."""
    table = Table("port", "used for", "state", "setting", box=None)
    for need in settings.port_needs():
        holder = port_holder(need.number) or "a process of another user"
        state = "free" if is_port_free(need.number) else f"in use by {holder}"
        also = f" (+{GRPC_OFFSET}, gRPC)" if need.offset else ""
        table.add_row(str(need.number), need.purpose, state, f"{need.setting}{also}")
    console.print(table)


def show_log(settings: StackSettings, service: str, *, lines: int, is_following: bool) -> None:
    """Write the last lines of a process's log to stdout; with `is_following`, also each new line until Ctrl-C.

    Raises:
        StackError: there is no such process, or it has no log yet.
    """
    folder = RunFolder(settings.run_folder)
    log = folder.log(service)
    known = ("redis", "s3", "prepare", "edge", "endpoint", *WORKER_PROCESSES, *SINGLE_PROCESSES, "supervisor")
    if service not in known:
        message = f"there is no process {service!r}; the processes are {', '.join(known)}"
        raise StackError(message)
    if not log.exists():
        message = f"{service} has no log yet: {log} does not exist"
        raise StackError(message)
    read = log.stat().st_size
    sys.stdout.write("".join(f"{line}\n" for line in last_lines(log, lines)))
    try:
        while is_following:
            sys.stdout.flush()
            time.sleep(_FOLLOW_INTERVAL_SECONDS)
            size = log.stat().st_size if log.exists() else 0
            if size < read:  # the log was rotated or trimmed
                read = 0
            if size > read:
                with log.open("rb") as file:
                    file.seek(read)
                    sys.stdout.write(file.read(size - read).decode(errors="replace"))
                read = size
    except KeyboardInterrupt:
        return


def _megabytes(size: int) -> str:
    return f"{size / _BYTES_PER_MEGABYTE:,.0f} MB"


def _age(started_at: float | None) -> str:
    if started_at is None:
        return ""
    seconds = int(time.time() - started_at)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}"

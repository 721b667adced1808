"""Fault injection from a seed: kill -9 of processes and their children, stopped publishers, Redis and the store."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread

from redis import Redis

from infra.local.state import RunFolder
from shared.messaging.pipeline import queues_of
from tests.chaos.pace import Pace

WORKERS = ("ingest", "enrich", "render", "render-bulk", "publish", "publish-bulk")
PARENTS = ("endpoint", *WORKERS, "scheduler", "relay", "edge", "s3", "redis")
SECOND_PUBLISHER = "publish-2"  # while it is stopped, its messages are redelivered to the first publisher
STORE_DOWN_SECONDS = 20.0
_SHORT_STOP_SECONDS = 5.0
_LONG_STOP_SECONDS = 36.0  # unacknowledged messages are redelivered after 30 s
_MAX_RESTART_SECONDS = 90.0
_POLL_INTERVAL_SECONDS = 0.1
_STOPPED_BEFORE_FLUSH = ("enrich", "render", "render-bulk")
_MIN_MESSAGES_TO_FLUSH = 15
_MAX_FILLING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to inject; `seconds` is its duration, 0 for an instant one."""

    kind: str
    target: str
    seconds: float = 0.0

    def __str__(self) -> str:
        duration = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.kind} {self.target}{duration}"


def planned_faults(rng: Random, *, is_short: bool) -> list[Fault]:
    """Return the faults in order. Both forms contain every kind; the long form injects most faults twice."""
    killed = [Fault("kill", name) for name in PARENTS]
    children = [Fault("kill a child of", name) for name in WORKERS]
    stopped = [Fault("stop", "publish", _SHORT_STOP_SECONDS)]
    store = [Fault("stop", "s3", STORE_DOWN_SECONDS), Fault("hold down", "s3", STORE_DOWN_SECONDS)]
    found = [*killed, *children, *stopped, Fault("flush", "redis")]
    if is_short:
        found.append(rng.choice(store))
    else:
        found += [*(Fault("kill", name) for name in PARENTS if name != "redis"), *children, *stopped, *store]
    rng.shuffle(found)
    # Long faults overlap others; no other fault hits the second publisher.
    lasting = [Fault("stop", SECOND_PUBLISHER, _LONG_STOP_SECONDS)] * (1 if is_short else 2)
    for place, fault in enumerate(lasting):
        found.insert(1 + place * len(found) // 2, fault)
    return found


@dataclass(slots=True)
class InjectedFaults:
    """The faults that were injected so far."""

    counts: Counter[str] = field(default_factory=Counter)
    timeline: list[tuple[float, str]] = field(default_factory=list)  # (Unix time, description)
    never_back: list[str] = field(default_factory=list)
    flushed: int = 0  # messages that were queued when Redis was emptied
    last_at: float = 0.0  # monotonic: the end of the last fault, with its restart


class FaultInjector:
    """Injects the faults into one running stack, one after the other; long faults run in parallel."""

    def __init__(
        self, folder: RunFolder, redis: Redis, second_publisher: Callable[[], int | None], stop: Event
    ) -> None:
        self.injected = InjectedFaults()
        self._folder = folder
        self._redis = redis
        self._second_publisher = second_publisher
        self._stop_asked = stop
        self._stopped: set[int] = set()

    def run(self, planned: list[Fault], rng: Random, pace: Pace) -> None:
        """Inject each fault at its time; return once every process is up again."""
        parallel: list[Thread] = []
        for place, fault in enumerate(planned):
            while not pace.may_inject(place / len(planned)) and not self._stop_asked.is_set():
                self._stop_asked.wait(_POLL_INTERVAL_SECONDS)
            if self._stop_asked.wait(rng.uniform(0.5, 2.0)):
                break
            pace.injected_share = (place + 1) / len(planned)
            if fault.seconds > STORE_DOWN_SECONDS:
                parallel.append(Thread(target=self._inject, args=(fault,), name=str(fault)))
                parallel[-1].start()
            else:
                self._inject(fault)
        for thread in parallel:
            thread.join()
        self._wait_until_all_is_up()
        self.injected.last_at = time.monotonic()

    def continue_stopped(self) -> None:
        """Continue all stopped processes, so that they can end."""
        for pid in list(self._stopped):
            _signal(pid, signal.SIGCONT)

    def _inject(self, fault: Fault) -> None:
        self._record(f"begun: {fault}")
        self.injected.counts[f"{fault.kind} {fault.target}"] += 1
        actions: dict[str, Callable[[Fault], None]] = {
            "kill": self._kill,
            "kill a child of": self._kill_child,
            "stop": self._stop,
            "hold down": self._hold_down,
            "flush": self._flush,
        }
        actions[fault.kind](fault)
        self._record(f"over: {fault}")

    def _record(self, description: str) -> None:
        self.injected.timeline.append((time.time(), description))

    def _kill(self, fault: Fault) -> None:
        pid = self._wait_for_pid(fault.target)
        _signal(pid, signal.SIGKILL)
        self._wait_until(lambda: self._ready_pid(fault.target) not in {None, pid}, fault.target)

    def _kill_child(self, fault: Fault) -> None:
        parent = self._wait_for_pid(fault.target)
        before = set(children_of(parent))
        for child in sorted(before)[:1]:
            _signal(child, signal.SIGKILL)
            self._wait_until(
                lambda: self.pid(fault.target) != parent or bool(set(children_of(parent)) - before),
                f"a child of {fault.target}",
            )

    def _stop(self, fault: Fault) -> None:
        """Stop a process and its children for a while, then continue them."""
        parent = self._wait_for_pid(fault.target)
        pids = [parent, *children_of(parent)]
        with self._stopped_while(pids):
            self._stop_asked.wait(fault.seconds)

    def _flush(self, _: Fault) -> None:
        """Empty Redis while accepted articles are queued: their workers are stopped until then."""
        parents = [pid for name in _STOPPED_BEFORE_FLUSH if (pid := self.pid(name))]
        pids = [each for parent in parents for each in (parent, *children_of(parent))]
        with self._stopped_while(pids):
            until = time.monotonic() + _MAX_FILLING_SECONDS
            while (
                self._queued_messages() < _MIN_MESSAGES_TO_FLUSH
                and time.monotonic() < until
                and not self._stop_asked.is_set()
            ):
                self._stop_asked.wait(_POLL_INTERVAL_SECONDS)
            self.injected.flushed = self._queued_messages()
            self._redis.flushall()

    def _queued_messages(self) -> int:
        services = {name.removesuffix("-bulk") for name in _STOPPED_BEFORE_FLUSH}
        return sum(int(self._redis.llen(queue)) for service in services for queue in queues_of(service))

    def _hold_down(self, fault: Fault) -> None:
        """Kill a process after each restart by its supervisor, until the time is over."""
        until = time.monotonic() + fault.seconds
        while time.monotonic() < until and not self._stop_asked.is_set():
            if pid := self.pid(fault.target):
                _signal(pid, signal.SIGKILL)
            self._stop_asked.wait(_POLL_INTERVAL_SECONDS)
        self._wait_until(lambda: self._ready_pid(fault.target) is not None, fault.target)

    @contextmanager
    def _stopped_while(self, pids: list[int]) -> Iterator[None]:
        self._stopped |= set(pids)
        try:
            for pid in pids:
                _signal(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                _signal(pid, signal.SIGCONT)
            self._stopped -= set(pids)

    def pid(self, name: str) -> int | None:
        """Return the pid of a service, or None while it is down."""
        if name == SECOND_PUBLISHER:
            return self._second_publisher()
        state = self._folder.state()
        return next((one.pid for one in state.processes if one.name == name), None) if state else None

    def _ready_pid(self, name: str) -> int | None:
        state = self._folder.state()
        ready = (one.pid for one in state.processes if one.name == name and one.phase == "ready") if state else ()
        return next(iter(ready), None)

    def _wait_for_pid(self, name: str) -> int:
        self._wait_until(lambda: self.pid(name) is not None, name)
        return self.pid(name) or 0

    def _wait_until_all_is_up(self) -> None:
        def is_up() -> bool:
            state = self._folder.state()
            return state is not None and all(one.phase in {"ready", "done"} for one in state.processes)

        self._wait_until(is_up, "the whole stack")

    def _wait_until(self, is_so: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + _MAX_RESTART_SECONDS
        while not is_so() and not self._stop_asked.is_set():
            if time.monotonic() > deadline:
                self.injected.never_back.append(name)
                return
            self._stop_asked.wait(_POLL_INTERVAL_SECONDS)


def children_of(parent: int) -> list[int]:
    """Return the pids of the live children of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, forked_by = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(forked_by) == parent and state != "Z":
                found.append(int(entry.name))
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    if pid > 1:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

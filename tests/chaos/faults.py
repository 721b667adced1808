"""What breaks: each class of process by kill -9, children too, stopped publishers, Redis, the store; by the seed."""

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
PARENTS = ("endpoint", *WORKERS, "scheduler", "edge", "s3", "redis")
UNDERSTUDY = "publish-2"  # a second publisher: what one of them was stopped with, the other is given
STORE_DOWN_SECONDS = 20.0
_BRIEF_SECONDS = 5.0
_BEYOND_VISIBILITY_SECONDS = 36.0  # a message in hand comes back after 30
_BACK_WITHIN_SECONDS = 90.0
_POLL_SECONDS = 0.1
_FLUSHED_BEFORE = ("enrich", "render", "render-bulk")
_WORTH_FLUSHING = 15  # messages
_MOST_FILLING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that is done to the stack; `seconds` is how long it lasts, where it lasts."""

    kind: str
    target: str
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.kind} {self.target}{lasting}"


def blows(rng: Random, *, is_short: bool) -> list[Blow]:
    """Return what will be done, in order. Both forms hold every kind; the long one does most of it twice."""
    killed = [Blow("kill", name) for name in PARENTS]
    children = [Blow("kill a child of", name) for name in WORKERS]
    stopped = [Blow("stop", "publish", _BRIEF_SECONDS)]
    store = [Blow("stop", "s3", STORE_DOWN_SECONDS), Blow("hold down", "s3", STORE_DOWN_SECONDS)]
    found = [*killed, *children, *stopped, Blow("flush", "redis")]
    if is_short:
        found.append(rng.choice(store))
    else:
        found += [*(Blow("kill", name) for name in PARENTS if name != "redis"), *children, *stopped, *store]
    rng.shuffle(found)
    # These last while others come and go; nobody kills the understudy meanwhile.
    lasting = [Blow("stop", UNDERSTUDY, _BEYOND_VISIBILITY_SECONDS)] * (1 if is_short else 2)
    for place, blow in enumerate(lasting):
        found.insert(1 + place * len(found) // 2, blow)
    return found


@dataclass(slots=True)
class Done:
    """What was done so far."""

    counts: Counter[str] = field(default_factory=Counter)
    told: list[tuple[float, str]] = field(default_factory=list)  # (time, in words)
    never_back: list[str] = field(default_factory=list)
    flushed: int = 0  # messages that waited when Redis was emptied
    last_at: float = 0.0  # monotonic: when the last one was over, its restart complete


class Breaker:
    """Does the blows to one running stack, one after the other; those that last longer go on beside the rest."""

    def __init__(self, folder: RunFolder, redis: Redis, understudy: Callable[[], int | None], stop: Event) -> None:
        self.done = Done()
        self._folder = folder
        self._redis = redis
        self._understudy = understudy
        self._stop_asked = stop
        self._stopped: set[int] = set()

    def run(self, planned: list[Blow], rng: Random, pace: Pace) -> None:
        """Do each when its turn has come; return once everything is back."""
        beside: list[Thread] = []
        for place, blow in enumerate(planned):
            while not pace.may_break(place / len(planned)) and not self._stop_asked.is_set():
                self._stop_asked.wait(_POLL_SECONDS)
            if self._stop_asked.wait(rng.uniform(0.5, 2.0)):
                break
            pace.blows = (place + 1) / len(planned)
            if blow.seconds > STORE_DOWN_SECONDS:
                beside.append(Thread(target=self._do, args=(blow,), name=str(blow)))
                beside[-1].start()
            else:
                self._do(blow)
        for thread in beside:
            thread.join()
        self._wait_until_all_is_up()
        self.done.last_at = time.monotonic()

    def let_go(self) -> None:
        """Continue whatever is stopped, so that it can end."""
        for pid in list(self._stopped):
            _signal(pid, signal.SIGCONT)

    def _do(self, blow: Blow) -> None:
        self._tell(f"begun: {blow}")
        self.done.counts[f"{blow.kind} {blow.target}"] += 1
        deeds: dict[str, Callable[[Blow], None]] = {
            "kill": self._kill,
            "kill a child of": self._kill_child,
            "stop": self._stop,
            "hold down": self._hold_down,
            "flush": self._flush,
        }
        deeds[blow.kind](blow)
        self._tell(f"over: {blow}")

    def _tell(self, words: str) -> None:
        self.done.told.append((time.time(), words))

    def _kill(self, blow: Blow) -> None:
        pid = self._wait_for_pid(blow.target)
        _signal(pid, signal.SIGKILL)
        self._wait_until(lambda: self._ready_pid(blow.target) not in {None, pid}, blow.target)

    def _kill_child(self, blow: Blow) -> None:
        parent = self._wait_for_pid(blow.target)
        before = set(children_of(parent))
        for child in sorted(before)[:1]:
            _signal(child, signal.SIGKILL)
            self._wait_until(
                lambda: self.pid(blow.target) != parent or bool(set(children_of(parent)) - before),
                f"a child of {blow.target}",
            )

    def _stop(self, blow: Blow) -> None:
        """Stop a process and all that it forked, and let it go on as if nothing had been."""
        parent = self._wait_for_pid(blow.target)
        pids = [parent, *children_of(parent)]
        with self._stopped_while(pids):
            self._stop_asked.wait(blow.seconds)

    def _flush(self, _: Blow) -> None:
        """Empty Redis while accepted articles wait in it: those who would take them are stopped for that long."""
        parents = [pid for name in _FLUSHED_BEFORE if (pid := self.pid(name))]
        pids = [each for parent in parents for each in (parent, *children_of(parent))]
        with self._stopped_while(pids):
            until = time.monotonic() + _MOST_FILLING_SECONDS
            while self._waiting() < _WORTH_FLUSHING and time.monotonic() < until and not self._stop_asked.is_set():
                self._stop_asked.wait(_POLL_SECONDS)
            self.done.flushed = self._waiting()
            self._redis.flushall()

    def _waiting(self) -> int:
        services = {name.removesuffix("-bulk") for name in _FLUSHED_BEFORE}
        return sum(int(self._redis.llen(queue)) for service in services for queue in queues_of(service))

    def _hold_down(self, blow: Blow) -> None:
        """Kill it again whenever its supervisor has started it, until the time is over."""
        until = time.monotonic() + blow.seconds
        while time.monotonic() < until and not self._stop_asked.is_set():
            if pid := self.pid(blow.target):
                _signal(pid, signal.SIGKILL)
            self._stop_asked.wait(_POLL_SECONDS)
        self._wait_until(lambda: self._ready_pid(blow.target) is not None, blow.target)

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
        """Return the process that runs a service now, None while it is down."""
        if name == UNDERSTUDY:
            return self._understudy()
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
        deadline = time.monotonic() + _BACK_WITHIN_SECONDS
        while not is_so() and not self._stop_asked.is_set():
            if time.monotonic() > deadline:
                self.done.never_back.append(name)
                return
            self._stop_asked.wait(_POLL_SECONDS)


def children_of(parent: int) -> list[int]:
    """Return the processes that a process forked and that live."""
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

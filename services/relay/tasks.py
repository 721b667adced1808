"""Runs the relay's jobs, each in its own thread: the crash or outage of one job does not stop the others."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic
from typing import Protocol

import structlog
from pydantic import ValidationError

from services.relay.ports import Lease
from shared.runtime.errors import PresslineError

log = structlog.get_logger()

_RETRY_WAIT_SECONDS = 2.0
_LEASE_WAIT_SECONDS = 5.0
_MAX_SILENCE_SECONDS = 60.0


class Job(Protocol):
    """One concern of the relay."""

    @property
    def name(self) -> str:
        """Return its name, in logs and in its lease."""
        ...

    def run_round(self, stop: Event) -> None:
        """Do the due work; wait for more work for a few seconds at most, or until `stop` is set.

        Raises:
            PresslineError: an outage; the next round tries again.
        """
        ...

    def close(self) -> None:
        """End the job's own threads."""
        ...


class JobThread(Thread):
    """Runs the rounds of one job while this process has its lease."""

    def __init__(self, job: Job, lease: Lease, stop: Event) -> None:
        super().__init__(name=job.name)
        self._job, self._lease, self._stop_requested = job, lease, stop
        self._succeeded_at = monotonic()
        self._last_fault = ""

    @property
    def faults(self) -> list[str]:
        """Return the faults for the health check; empty if a round has succeeded lately."""
        if self.ident is not None and not self.is_alive():
            return [f"the job {self.name} has ended"]
        if monotonic() - self._succeeded_at <= _MAX_SILENCE_SECONDS:
            return []
        return [f"no round of {self.name} has succeeded lately: {self._last_fault or 'the round has not ended'}"]

    def run(self) -> None:
        """Run rounds until `stop` is set, then release the lease."""
        while not self._stop_requested.is_set():
            wait = self._run_round()
            if wait:
                self._stop_requested.wait(wait)
        self._job.close()
        try:
            self._lease.release(self.name)
        except PresslineError as error:
            log.info("lease.kept", job=self.name, reason=str(error))  # it expires

    def _run_round(self) -> float:
        """Run one round; return the wait before the next one in seconds."""
        try:
            if self._lease.acquire(self.name):
                self._job.run_round(self._stop_requested)
                wait = 0.0
            else:
                wait = _LEASE_WAIT_SECONDS
        except (PresslineError, ValidationError) as error:
            fault = str(error)
            if fault != self._last_fault:  # an outage is logged once
                log.warning("job.failed", job=self.name, reason=fault)
            self._last_fault = fault
            return _RETRY_WAIT_SECONDS
        except Exception as error:  # an unknown fault must not end the job; the health check reports it
            log.exception("job.crashed", job=self.name)
            self._last_fault = f"{type(error).__name__}: {error}"
            return _RETRY_WAIT_SECONDS
        self._succeeded_at, self._last_fault = monotonic(), ""
        return wait

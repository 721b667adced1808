"""The Celery app on Redis, with settings that lose no message (ADR 2): workers run and emit only through it."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from mmap import mmap
from os import EX_SOFTWARE
from pathlib import Path
from socket import gethostname
from threading import Thread
from time import monotonic, sleep
from typing import Any

import structlog
from celery import Celery, signals
from celery.exceptions import SecurityWarning
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from shared.messaging.handling import Handler, Handlers, Result
from shared.messaging.messages import Message
from shared.messaging.pipeline import PIPELINE, Step, queues_of, steps_for
from shared.model.lane import Lane
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.celery_broker import WorkerAMQP
from shared.runtime.celery_task import PresslineTask
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.deliveries import Deliveries
from shared.runtime.deliveries.redis import RedisDeliveries
from shared.runtime.errors import PresslineError, RedisUnavailableError
from shared.runtime.observability import configure_logging, serve_health
from shared.runtime.rebuild_runs import Runs
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.runtime.redis_client import redis_client, redis_condition, redis_faults
from shared.runtime.settings import ServiceSettings
from shared.runtime.watchdog import END_AFTER_SECONDS, UNWELL_AFTER_SECONDS, Watchdog, count_waiting
from shared.storage.conformance import require_conformant_store_apart

VISIBILITY_TIMEOUT_SECONDS = 30
TIME_LIMIT_SECONDS = 20
_BULK_NICENESS = 5  # a quarter of a contended CPU: enough for a batch to end in time beside news

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WorkerTimers:
    """The timers of a worker, in seconds. Production uses the defaults."""

    visibility_timeout: float = VISIBILITY_TIMEOUT_SECONDS  # an unacknowledged message is redelivered
    soft_shutdown: float = TIME_LIMIT_SECONDS / 2  # after SIGTERM; then unfinished messages go back to the broker
    unwell_after: float = UNWELL_AFTER_SECONDS  # a stalled worker reports a fault
    end_after: float = END_AFTER_SECONDS  # a stalled worker ends itself
    stall_check_interval: float = 5.0


PRODUCTION_TIMERS = WorkerTimers()


class PresslineCelery(Celery):
    """A Celery app with the dead letters, delivery counts and run reports of its service."""

    def __init__(
        self,
        service: str,
        settings: ServiceSettings,
        dead_letters: Callable[[], DeadLetters] | None,
        pipeline: Sequence[Step],
        timers: WorkerTimers,
    ) -> None:
        amqp = None if dead_letters is None else WorkerAMQP
        super().__init__("pressline", amqp=amqp, task_cls=PresslineTask, broker=settings.redis_url)
        self.service = service
        self.timers = timers
        self._settings = settings
        self._dead_letters = dead_letters
        self._pipeline = pipeline

    @cached_property
    def deliveries(self) -> Deliveries:
        """Return the delivery counts of this process."""
        return RedisDeliveries(redis_client(self._settings), self._settings.lanes)

    @cached_property
    def runs(self) -> Runs:
        """Return the store of rebuild runs, for reports on their articles."""
        return RedisRuns(redis_client(self._settings))

    def emit(self, messages: Iterable[Message]) -> None:
        """Send a copy of each message to every step that consumes it.

        Raises:
            RedisUnavailableError: the broker does not accept them now.
        """
        for message in messages:
            for step in steps_for(type(message), self._pipeline):
                self.send(step, [message])

    def send(
        self,
        step: Step,
        messages: Iterable[Message],
        *,
        wait_seconds: float = 0.0,
        retries: int = 0,
        headers: Mapping[str, object] | None = None,
    ) -> None:
        """Send messages to the queue of one step, to be run after a wait.

        `retries`: the number of failed attempts so far.

        Raises:
            RedisUnavailableError: the broker does not accept them now.
        """
        for message in messages:
            try:
                self.send_task(
                    step.task_name,
                    args=[message.model_dump(mode="json")],
                    task_id=str(message.message_id),
                    queue=step.queue(message.lane),
                    countdown=wait_seconds or None,
                    retries=retries,
                    headers=headers,
                    # Celery's own description of the arguments takes a tenth of a send; nothing reads it.
                    argsrepr=type(message).__name__,
                    kwargsrepr="{}",
                    retry=False,
                    ignore_result=True,
                )
            except (OperationalError, RedisError, OSError) as error:
                raise RedisUnavailableError(redis_condition(error)) from error

    def register(self, handlers: Handlers, deps: Callable[[str], object]) -> None:
        """Register a task for each step. `deps` returns the dependencies for a site, for each message."""
        for step, handler in handlers.items():
            self.task(name=step.task_name, shared=False, step=step)(_task(handler, deps))

    def dead_letters(self) -> DeadLetters:
        """Return the service's dead letters, built by its wiring."""
        if self._dead_letters is None:
            raise PresslineError("this process only emits messages, so it has no dead letters")
        return self._dead_letters()


def create_app(
    service: str,
    settings: ServiceSettings,
    dead_letters: Callable[[], DeadLetters] | None = None,
    *,
    pipeline: Sequence[Step] = PIPELINE,
    timers: WorkerTimers = PRODUCTION_TIMERS,
) -> PresslineCelery:
    """Return the Celery app of a service; without `dead_letters` it can emit but not run tasks."""
    app = PresslineCelery(service, settings, dead_letters, pipeline, timers)
    app.conf.update(
        # A message is acknowledged after its task: that of a killed child or worker is redelivered.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=False,
        task_time_limit=TIME_LIMIT_SECONDS,
        worker_prefetch_multiplier=1,
        worker_soft_shutdown_timeout=timers.soft_shutdown,
        # Messages are JSON and have no result.
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        # Pressline configures its logs itself.
        worker_redirect_stdouts=False,
        worker_hijack_root_logger=False,
        # One queue for each service and lane, on the default exchange: one LPUSH for each message, no bindings.
        task_queues=[_queue(name) for step in pipeline for name in queues_of(step.service)],
        task_create_missing_queues=False,
        task_default_queue=f"{pipeline[0].service}.{Lane.LIVE}",
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(settings, timers, is_worker=dead_letters is not None),
    )
    app.set_default()
    structlog.contextvars.bind_contextvars(service=service)
    return app


def _transport_options(settings: ServiceSettings, timers: WorkerTimers, *, is_worker: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        "visibility_timeout": timers.visibility_timeout,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "queue_order_strategy": "priority",
        "socket_connect_timeout": settings.redis_timeout_seconds,
    }
    if is_worker:
        return options | {"socket_timeout": 15}  # longer than the worker's blocking read
    # An emitter must answer its caller: one retry without a wait, where kombu would retry for six seconds.
    short_retries = {"max_retries": 1, "interval_start": 0, "interval_max": 0, "connect_retries_timeout": 1}
    return options | {"socket_timeout": settings.redis_timeout_seconds} | short_retries


def _queue(name: str) -> Queue:
    return Queue(name, Exchange(""), routing_key=name)


def _task(handler: Handler, deps: Callable[[str], object]) -> Callable[[Any], Result]:
    def handle(message: Any) -> Result:  # noqa: ANN401 -- the step's kind of message
        return handler(message, deps(message.site))

    return handle


def run_worker(
    app: PresslineCelery, service: str, settings: ServiceSettings, *, build: Callable[[], object] | None = None
) -> None:
    """Run a service's worker until SIGTERM; then unfinished messages go back to the broker.

    `build` makes the clients in each child process at its start, so that the first message need not wait for them.
    """
    configure_logging(settings.log_level, settings.log_format, service=service)
    queues = queues_of(service, settings.lanes)
    await_conformant_store = require_conformant_store_apart(settings)  # in parallel with the set-up
    warnings.filterwarnings("ignore", category=SecurityWarning)  # about root and pickle: only JSON is accepted
    is_ready = False
    has_built = mmap(-1, 1)  # shared with the child processes
    backlog = RedisBacklog(redis_client(settings))
    watchdog = Watchdog(
        lambda: count_waiting(backlog, service, settings.lanes, lambda: redis_faults(settings)),
        monotonic,
        unwell_after_seconds=app.timers.unwell_after,
    )

    @signals.setup_logging.connect(weak=False)
    def _logging_is_configured(**_: object) -> None:
        """Prevent Celery's own logging set-up: a receiver of this signal is enough."""

    @signals.worker_process_init.connect(weak=False)
    def _child_started(**_: object) -> None:
        app.dead_letters()
        if build is not None:
            build()
        has_built[0] = 1
        gc.collect()
        gc.freeze()  # the objects so far stay: repeated scans of them took a twelfth of a rebuild's time

    @signals.task_received.connect(weak=False)
    def _task_received(**_: object) -> None:
        watchdog.record_progress()

    @signals.worker_ready.connect(weak=False)
    def _ready(**_: object) -> None:
        nonlocal is_ready
        is_ready = True
        watchdog.record_progress()
        Thread(target=_end_when_stalled, args=(watchdog, app.timers), name="watchdog", daemon=True).start()
        log.info("worker.ready", queues=queues)

    @signals.worker_shutting_down.connect(weak=False)
    def _stopping(**_: object) -> None:
        nonlocal is_ready
        is_ready = False
        log.info("worker.stopping")

    if settings.metrics_port:
        serve_health(
            settings.metrics_port,
            settings.metrics_host,
            lambda: watchdog.faults() if is_ready and has_built[0] else [f"{service} is not ready"],
            lambda: redis_faults(settings),
        )
    worker = app.Worker(  # not `worker_main`: its command line costs 9 MB in each process
        hostname=f"{service}@{gethostname()}",
        queues=",".join(queues),
        concurrency=settings.children,
        loglevel=settings.log_level.upper(),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    await_conformant_store()
    if settings.is_bulk_only:
        _lower_cpu_priority()
    gc.collect()
    gc.freeze()  # before the fork: a collection in a child would copy every memory page shared with its parent
    worker.start()
    sys.exit(worker.exitcode)


def _lower_cpu_priority() -> None:
    """Lower the CPU priority of this process and of its future children.

    If Linux schedules each session as a group, only the group's nice value counts between sessions (sched(7)).
    """
    os.nice(_BULK_NICENESS)
    with suppress(OSError):  # a kernel without such groups
        Path("/proc/self/autogroup").write_text(f"{_BULK_NICENESS}\n", encoding="ascii")


def _end_when_stalled(watchdog: Watchdog, timers: WorkerTimers) -> None:
    while (seconds := watchdog.stalled_seconds()) < timers.end_after:
        sleep(timers.stall_check_interval)
    log.error("worker.stalled", seconds=round(seconds))
    os._exit(EX_SOFTWARE)  # a stalled consumer would also stall in an orderly shutdown

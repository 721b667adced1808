"""Logs, the health endpoint, and the metrics of all workers. A service's own metrics are in its `metrics` module."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from threading import Thread
from time import perf_counter
from typing import Any, TextIO
from wsgiref.simple_server import WSGIRequestHandler, make_server

import structlog

from shared.messaging.messages import Batch, Message

# A worker's child processes count in files that the parent adds up: prometheus_client reads this at its import.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="pressline-metrics-")

    def _remove_metrics(folder: str = os.environ["PROMETHEUS_MULTIPROC_DIR"], owner: int = os.getpid()) -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(_remove_metrics)

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MESSAGES = Counter("pressline_messages", "Messages handled, by kind and outcome.", ["message", "outcome"])
STORE_CALLS = Counter("pressline_store_calls", "Calls to the object store, by operation.", ["operation"])
SECONDS = Histogram(
    "pressline_message_seconds",
    "Time to handle a message.",
    ["message"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)

_SECRET = re.compile(r"(prl_|whsec_)[A-Za-z0-9_+/=-]{4,}")  # of `tokens.py` and of webhooks, whole or in part

log = structlog.get_logger()


def mask_secrets(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a log line without tokens and secrets: a sender may put one anywhere, as in the name of a field."""
    for name, value in line.items():
        line[name] = _masked(value)
    return line


def _masked(value: Any) -> Any:  # noqa: ANN401 -- log lines hold any values
    if isinstance(value, str):
        return _SECRET.sub(r"\1(masked)", value) if "prl_" in value or "whsec_" in value else value
    if isinstance(value, Mapping):
        return {_masked(name): _masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(each) for each in value]
    return value


def configure_logging(level: str, log_format: str, *, stream: TextIO | None = None, **bound: str) -> None:
    """Send structlog and the standard library's loggers to a stream (stdout), as JSON or as readable text."""
    stream = stream or sys.stdout
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, mask_secrets, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_secrets,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))
    structlog.contextvars.bind_contextvars(**bound)


@contextmanager
def message_context(message: Message) -> Iterator[None]:
    """Bind the message's ids to all log lines of the block; count the message and measure its time."""
    kind = type(message).__name__
    ids = {
        name: str(value)
        for name in ("site", "article", "revision", "path", "run", "message_id", "trace_parent")
        if (value := getattr(message, name, None))
    }
    if isinstance(message, Batch):
        ids["items"] = message.items[0] if len(message.items) == 1 else str(len(message.items))
    started = perf_counter()
    outcome = "failed"
    with structlog.contextvars.bound_contextvars(message=kind, **ids):
        try:
            yield
            outcome = "done"
        finally:
            seconds = perf_counter() - started
            MESSAGES.labels(kind, outcome).inc()
            SECONDS.labels(kind).observe(seconds)
            if outcome == "done":
                log.info("message.handled", duration_ms=round(seconds * 1000, 1), lane=message.lane.value)


def metrics_text() -> bytes:
    """Return this process's metrics, and its children's, in Prometheus' text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client has no types here
    return generate_latest(registry)


def serve_health(
    port: int, host: str, faults: Callable[[], list[str]], peer_faults: Callable[[], list[str]] = list
) -> None:
    """Serve `/healthz`, `/readyz` and `/metrics` from a thread; with faults, 503 and their reasons.

    `/healthz` reports only the process itself, because a restart repairs no peer. `/readyz` also reports its peers.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [metrics_text()]
        if environ["PATH_INFO"] in {"/healthz", "/readyz"}:
            found = faults() + (peer_faults() if environ["PATH_INFO"] == "/readyz" else [])
            start_response("503 Service Unavailable" if found else "200 OK", [("Content-Type", "text/plain")])
            return ["\n".join(found or ["ok"]).encode() + b"\n"]
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"this server has /healthz, /readyz and /metrics\n"]

    server = make_server(host, port, answer, handler_class=_QuietHandler)
    Thread(target=server.serve_forever, name="health", daemon=True).start()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing: health checks come every second."""

"""kombu's Redis transport for workers, which pauses while Redis refuses writes (OOM, READONLY, MISCONF, NOPERM).

kombu takes a message with BRPOP and then stores it under `unacked`. A full Redis allows the first and refuses the
second: the message would be lost and the worker would end (celery#5716). A refused BRPOP would be repeated without
end. So this transport takes no message until a write succeeds, and holds the refused writes in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from queue import Empty
from time import monotonic
from typing import Any, ClassVar

import structlog
from celery.app.amqp import AMQP
from kombu import Connection
from kombu.transport import redis, virtual
from redis.exceptions import RedisError, ResponseError

from shared.runtime.redis_client import redis_condition

_MAX_CONNECT_WAIT_SECONDS = 2  # kombu's own 30 s would outlast two sweeps

log = structlog.get_logger()


class _QoS(redis.QoS):
    """Frees the slot of a message whose acknowledgement Redis refuses, and acknowledges the message later.

    Otherwise the worker would take no further message. A message without an acknowledgement in time is redelivered.
    """

    channel: Any

    def ack(self, delivery_tag: str) -> None:
        self.channel.write(lambda channel: channel.qos.remove(delivery_tag))
        virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 -- kombu's
        if requeue:
            self.channel.write(lambda channel: channel.qos.restore_by_tag(delivery_tag, leftmost=True))
        else:
            self.channel.write(lambda channel: channel.qos.remove(delivery_tag))
        virtual.QoS.ack(self, delivery_tag)

    def remove(self, delivery_tag: str) -> None:
        """Remove a message from `unacked`."""
        self._remove_from_indices(delivery_tag).execute()  # type: ignore[attr-defined]  # kombu's, without types

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- kombu's
        """Requeue messages that other workers held too long. This write, once a second, also tests Redis.

        kombu calls it from a timer and before its loop begins.
        """
        try:
            super().restore_visible(*args, **kwargs)
        except ResponseError as error:
            self.channel.pause(error)
        else:
            self.channel.resume()


class _Channel(redis.Channel):
    """Consumes no message while Redis refuses writes."""

    QoS = _QoS
    refused_calls: ClassVar[deque[Callable[[Any], object]]] = deque()
    """Refused calls, for the next try. They belong to the process, because the connection may break meanwhile."""
    refused_since: float | None = None

    def write(self, call: Callable[[Any], object]) -> None:
        """Make `call` now or, if Redis refuses it, as soon as Redis accepts writes."""
        try:
            call(self)
        except ResponseError as error:
            self.refused_calls.append(call)
            self.pause(error)

    def pause(self, error: ResponseError) -> None:
        """Consume no message until `resume`."""
        if self.refused_since is None:
            self.refused_since = monotonic()
            log.warning("consumer.paused", reason=redis_condition(error))

    def resume(self) -> None:
        """Make the refused calls, then consume messages again."""
        while self.refused_calls:
            call = self.refused_calls.popleft()
            try:
                call(self)
            except ResponseError as error:
                self.refused_calls.appendleft(call)
                self.pause(error)
                return
            except (RedisError, OSError):
                self.refused_calls.appendleft(call)
                raise
            except Exception:  # it would fail each time and block the worker; the broker redelivers the message
                log.exception("consumer.call_dropped")
        if self.refused_since is not None:
            log.info("consumer.resumed", paused_seconds=round(monotonic() - self.refused_since, 1))
            self.refused_since = None

    def _queue_bind(self, *_: object) -> None:
        """Write no binding: each message names its queue, and a worker must start even if Redis refuses writes."""

    def _brpop_start(self, timeout: float | None = None) -> None:
        if self.refused_since is None:
            super()._brpop_start(timeout)  # type: ignore[misc]  # kombu's, without types

    def _brpop_read(self, **options: Any) -> Any:  # noqa: ANN401 -- kombu's
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # kombu's, without types
        except ResponseError as error:
            self.pause(error)
            raise Empty from error


class WorkerTransport(redis.Transport):
    """The transport of a worker: one consuming channel."""

    Channel = _Channel

    def _deliver(self, message: Any, queue: str | None) -> None:  # noqa: ANN401 -- kombu's
        """Pass a message to the worker; hold it in memory if Redis does not store it under `unacked`.

        If only Redis's answer was lost, the message comes twice, which is harmless.
        """
        try:
            self.deliver(message, queue)
        except (RedisError, OSError):
            _Channel.refused_calls.append(lambda channel: channel.connection.deliver(message, queue))
            raise

    def deliver(self, message: Any, queue: str | None) -> None:  # noqa: ANN401 -- kombu's
        """Pass a message to the worker, or raise an error."""
        super()._deliver(message, queue)


class _WorkerConnection(Connection):
    """Uses `WorkerTransport` and connects again soon after Redis is back."""

    def get_transport_cls(self) -> type[WorkerTransport]:
        return WorkerTransport

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- kombu's
        waits = {"interval_start": 1, "interval_step": 1, "interval_max": _MAX_CONNECT_WAIT_SECONDS}
        return super().ensure_connection(*args, **waits | kwargs)


class WorkerAMQP(AMQP):
    """Celery's messaging with our connection."""

    Connection = _WorkerConnection

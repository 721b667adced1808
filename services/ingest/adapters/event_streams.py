"""Streams of status events: one thread reads the event log for all clients, only while there are clients."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Event, Thread

import anyio.to_thread
import structlog

from services.ingest.domain.refusal import StreamsFullError
from shared.reconcile.status_events import Page, StatusEvents
from shared.runtime.errors import PresslineError, RedisUnavailableError
from shared.runtime.event_log import Position, StatusEvent

log = structlog.get_logger()

MAX_BUFFERED_EVENTS = 1_000  # of one client; a slower client is disconnected, and resumes by its last id
_PAGE_ENTRIES = 500
_READ_WAIT_SECONDS = 1.0
_RETRY_WAIT_SECONDS = 1.0
_START_TIMEOUT_SECONDS = 5.0

Positioned = tuple[Position, StatusEvent]


class BufferedStream:
    """One client's stream: first the events since its position, then those that the reader thread delivers."""

    def __init__(self, streams: SharedEventStreams, position: Position) -> None:
        self._streams = streams
        self._position = position
        self._buffer: deque[Positioned] = deque()
        self._changed = asyncio.Event()
        self._is_attached = False  # to the reader thread
        self._is_following = False
        self._has_ended = False

    @property
    def position(self) -> Position:
        """Return the position that the client has reached."""
        return self._position

    async def next_events(self, wait_seconds: float) -> Sequence[Positioned] | None:
        """Return the next events, none after a wait without events, or None once the stream has ended."""
        if not self._is_following and not self._has_ended:
            return await self._catch_up()
        if not self._buffer and not self._has_ended:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._changed.wait()
        if self._has_ended:
            return None
        found = [each for each in self._buffer if self._is_new(each[0])]
        self._buffer.clear()
        if found:
            self._position = found[-1][0]
        return found

    def deliver(self, events: Sequence[Positioned], following: Position) -> None:
        """Take events of the reader thread; the stream ends if too many wait."""
        if not self._is_attached:
            return
        if len(self._buffer) + len(events) > MAX_BUFFERED_EVENTS:
            log.warning("event_stream.overrun", buffered=len(self._buffer))
            self.close()
            return
        self._buffer.extend(events)
        if events:
            self._changed.set()
        elif not self._buffer and self._is_following and following.journal_us is None:
            self._position = max(self._position, following, key=lambda position: position.entry)

    def close(self) -> None:
        """End the stream."""
        self._has_ended = True
        self._changed.set()
        self._streams.remove(self)

    async def _catch_up(self) -> Sequence[Positioned]:
        """Return the next page since the position; the last page is read after the stream was attached."""
        was_attached = self._is_attached
        page = await self._streams.read(self._position)
        self._position = page.following
        if page.is_end and not was_attached:
            await self._streams.has_started()
            self._is_attached = True
        self._is_following = page.is_end and was_attached
        return _events_of(page)

    def _is_new(self, position: Position) -> bool:
        is_other_log = position.log != self._position.log
        return is_other_log or position.journal_us is not None or position.entry > self._position.entry


class SharedEventStreams:
    """All streams of this process."""

    def __init__(self, source: Callable[[], StatusEvents], *, max_streams: int) -> None:
        """`source` builds a reader; the reader thread has one of its own."""
        self._new_source = source
        self._source = source()
        self._max_streams = max_streams
        self._streams: set[BufferedStream] = set()
        self._started: asyncio.Event | None = None  # set once the reader thread has its first position
        self._thread: Thread | None = None
        self._stop = Event()

    async def open(self, after: Position | None) -> BufferedStream:
        """Return a stream of the events after a position, or of new events."""
        if len(self._streams) >= self._max_streams or self._stop.is_set():
            raise StreamsFullError(f"this endpoint has {self._max_streams} event streams, as many as it allows")
        position = await anyio.to_thread.run_sync(self._source.end) if after is None else after
        stream = BufferedStream(self, position)
        self._streams.add(stream)
        if self._thread is None:
            self._started = asyncio.Event()
            self._thread = Thread(target=self._follow, args=(asyncio.get_running_loop(), self._started), daemon=True)
            self._thread.start()
        return stream

    async def has_started(self) -> None:
        """Return once the reader thread has its first position.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        try:
            async with asyncio.timeout(_START_TIMEOUT_SECONDS):
                await (self._started or asyncio.Event()).wait()
        except TimeoutError as error:
            raise RedisUnavailableError("the event log cannot be read now") from error

    async def read(self, after: Position) -> Page:
        """Return the page after a position."""
        return await anyio.to_thread.run_sync(self._source.read, after, _PAGE_ENTRIES)

    def remove(self, stream: BufferedStream) -> None:
        """Remove a stream."""
        self._streams.discard(stream)

    def close(self) -> None:
        """End all streams: the endpoint stops."""
        self._stop.set()
        for stream in tuple(self._streams):
            stream.close()

    def _follow(self, loop: asyncio.AbstractEventLoop, started: asyncio.Event) -> None:
        """Read the log and deliver its events until no stream is left."""
        source, position = self._new_source(), None
        is_failing = False
        while not self._stop.is_set():
            try:
                if position is None:
                    position = source.end()
                    _call_soon(loop, started.set)
                page = source.read(position, _PAGE_ENTRIES, _READ_WAIT_SECONDS)
                position, is_failing = page.following, False
            except PresslineError as error:
                if not is_failing:
                    log.warning("event_log.unread", reason=str(error))
                is_failing = True
                self._stop.wait(_RETRY_WAIT_SECONDS)
                continue
            if not self._delivered(page, loop):
                return

    def _delivered(self, page: Page, loop: asyncio.AbstractEventLoop) -> bool:
        """Deliver a page in the event loop; return False if no stream is left or the loop has ended."""
        has_streams: Future[bool] = Future()
        _call_soon(loop, lambda: has_streams.set_result(self._deliver(page)))
        while not self._stop.is_set():
            with suppress(TimeoutError):
                return has_streams.result(timeout=_RETRY_WAIT_SECONDS)
        return False

    def _deliver(self, page: Page) -> bool:
        """Give a page to all streams; return False, and forget the thread, if there is none."""
        if not self._streams:
            self._thread = None
            return False
        events = _events_of(page)
        for stream in tuple(self._streams):
            stream.deliver(events, page.following)
        return True


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop was closed: the endpoint stops
        loop.call_soon_threadsafe(call)


def _events_of(page: Page) -> list[Positioned]:
    return [(position, entry.event) for position, entry in page.entries if entry.event is not None]

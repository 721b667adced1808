"""Waits for receipts to become final: one Redis subscription for all requests, and a slow poll as a fallback."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.ingest.domain.states import FINAL, ReceiptState
from shared.runtime.receipts.redis import CHANNEL

log = structlog.get_logger()

_POLL_INTERVAL_SECONDS = 0.5  # a notification may be lost; this bounds the delay
_RESUBSCRIBE_DELAY_SECONDS = 1.0


class ReceiptWaiter:
    """Wakes the requests that wait for a receipt when the channel announces its final status."""

    def __init__(self, redis_url: str, find: Callable[[str], Awaitable[ReceiptState | None]]) -> None:
        self._redis_url = redis_url
        self._find = find
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None

    async def wait(self, receipt: str, seconds: float) -> ReceiptState | None:
        """Return the receipt's state once it is final, otherwise its state after so many seconds."""
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        changed = asyncio.Event()
        self._waiting[receipt].add(changed)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        try:
            while True:
                state = await self._find(receipt)
                left_seconds = deadline - loop.time()
                if (state is not None and state.status in FINAL) or left_seconds <= 0:
                    return state
                changed.clear()
                await _wait_at_most(changed, min(left_seconds, _POLL_INTERVAL_SECONDS))
        finally:
            self._waiting[receipt].discard(changed)
            if not self._waiting[receipt]:
                del self._waiting[receipt]

    async def _listen(self) -> None:
        while True:
            try:
                async with Redis.from_url(self._redis_url, decode_responses=True, socket_timeout=None) as redis:
                    channel = redis.pubsub()
                    await channel.subscribe(CHANNEL)
                    async for message in channel.listen():
                        for changed in self._waiting.get(message["data"], ()) if message["type"] == "message" else ():
                            changed.set()
            except (RedisError, OSError) as error:
                log.warning("receipt_channel.disconnected", reason=str(error))
                await asyncio.sleep(_RESUBSCRIBE_DELAY_SECONDS)


async def _wait_at_most(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return

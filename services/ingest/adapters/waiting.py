"""Waiting for a receipt to be settled: one subscription for all who wait, and a look now and then all the same."""

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

_POLL_INTERVAL_SECONDS = 0.5  # a published word may be lost; this is how late one then is
_SUBSCRIBE_AGAIN_SECONDS = 1.0


class ReceiptWaiter:
    """Wakes the requests that wait for a receipt when its end is told on the channel."""

    def __init__(self, redis_url: str, find: Callable[[str], Awaitable[ReceiptState | None]]) -> None:
        self._redis_url = redis_url
        self._find = find
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None

    async def wait(self, receipt: str, seconds: float) -> ReceiptState | None:
        """Return the receipt's state once it is final, else as it is after so many seconds."""
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        told = asyncio.Event()
        self._waiting[receipt].add(told)
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        try:
            while True:
                state = await self._find(receipt)
                left = until - loop.time()
                if (state is not None and state.status in FINAL) or left <= 0:
                    return state
                told.clear()
                await _up_to(told, min(left, _POLL_INTERVAL_SECONDS))
        finally:
            self._waiting[receipt].discard(told)
            if not self._waiting[receipt]:
                del self._waiting[receipt]

    async def _listen(self) -> None:
        while True:
            try:
                async with Redis.from_url(self._redis_url, decode_responses=True, socket_timeout=None) as redis:
                    channel = redis.pubsub()
                    await channel.subscribe(CHANNEL)
                    async for message in channel.listen():
                        for told in self._waiting.get(message["data"], ()) if message["type"] == "message" else ():
                            told.set()
            except (RedisError, OSError) as error:
                log.warning("receipts.unheard", reason=str(error))
                await asyncio.sleep(_SUBSCRIBE_AGAIN_SECONDS)


async def _up_to(told: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await told.wait()
    except TimeoutError:
        return

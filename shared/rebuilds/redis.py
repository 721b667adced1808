"""Reports of rebuilds in Redis: a hash a run, forgotten a day after its last one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from redis import Redis

from shared.rebuilds import Tally
from shared.redis_client import translated

_REMEMBERED_SECONDS = 86_400


class RedisRebuilds:
    """The pieces of runs that are done, by number."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    @translated
    def report(self, site: str, run: str, number: int, tally: Tally) -> None:
        """Note what became of a piece."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(_key(site, run), str(number), tally.model_dump_json())
            pipe.expire(_key(site, run), _REMEMBERED_SECONDS)
            pipe.execute()

    @translated
    def reported(self, site: str, run: str, numbers: Iterable[int]) -> dict[int, Tally]:
        """Return the tallies of those of the pieces that were reported."""
        asked = list(numbers)
        found = cast("list[str | None]", self._redis.hmget(_key(site, run), list(map(str, asked)))) if asked else []
        return {
            number: Tally.model_validate_json(each)
            for number, each in zip(asked, found, strict=True)
            if each is not None
        }


def _key(site: str, run: str) -> str:
    return f"rebuild:{site}:{run}"

"""Runs in Redis: the latest of each site, and a hash of outcomes for each run, which expires after a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from redis import Redis

from shared.runtime.rebuild_runs import RunOutcome
from shared.runtime.redis_client import translated

_EXPIRY_SECONDS = 86_400


class RedisRuns:
    """Runs of `pressline rebuild`."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    @translated
    def begin(self, site: str, run: str) -> None:
        """Make a run the latest of its site."""
        self._redis.set(_latest_key(site), run, ex=_EXPIRY_SECONDS)

    @translated
    def ensure_latest(self, site: str, run: str) -> bool:
        """Tell whether no newer run of a site has begun; if Redis lost the latest run, store this one."""
        latest = cast("str | None", self._redis.get(_latest_key(site)))
        if latest is None or latest < run:  # Redis may also have lost only its last second
            self.begin(site, run)
        return latest is None or latest <= run

    @translated
    def is_latest(self, site: str, run: str) -> bool:
        """Tell whether a run is the latest of its site."""
        return cast("str | None", self._redis.get(_latest_key(site))) == run

    @translated
    def report(self, site: str, run: str, outcomes: Mapping[str, RunOutcome]) -> None:
        """Store outcomes of articles."""
        if not run or not outcomes:
            return
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(_outcomes_key(site, run), mapping={article: each.value for article, each in outcomes.items()})
            pipe.expire(_outcomes_key(site, run), _EXPIRY_SECONDS)
            pipe.execute()

    @translated
    def reported(self, site: str, run: str, articles: Iterable[str]) -> dict[str, RunOutcome]:
        """Return the stored outcomes of these articles."""
        names = list(articles)
        found = cast("list[str | None]", self._redis.hmget(_outcomes_key(site, run), names)) if names else []
        return {article: RunOutcome(each) for article, each in zip(names, found, strict=True) if each is not None}


def _latest_key(site: str) -> str:
    return f"run:{site}"


def _outcomes_key(site: str, run: str) -> str:
    return f"run:{site}:{run}"

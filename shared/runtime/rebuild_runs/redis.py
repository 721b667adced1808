"""Runs in Redis: the latest of each site, and a hash of outcomes for each run, forgotten a day after its last one."""

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
        """Make a run its site's latest."""
        self._redis.set(_latest(site), run, ex=_EXPIRY_SECONDS)

    @translated
    def keep(self, site: str, run: str) -> bool:
        """Tell whether a run is its site's latest still."""
        latest = cast("str | None", self._redis.get(_latest(site)))
        if latest is None or latest < run:  # Redis may have forgotten its last second too
            self.begin(site, run)
        return latest is None or latest <= run

    @translated
    def is_latest(self, site: str, run: str) -> bool:
        """Tell whether a run is its site's latest."""
        return cast("str | None", self._redis.get(_latest(site))) == run

    @translated
    def report(self, site: str, run: str, outcomes: Mapping[str, RunOutcome]) -> None:
        """Note what became of articles."""
        if not run or not outcomes:
            return
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(_outcomes(site, run), mapping={article: each.value for article, each in outcomes.items()})
            pipe.expire(_outcomes(site, run), _EXPIRY_SECONDS)
            pipe.execute()

    @translated
    def reported(self, site: str, run: str, articles: Iterable[str]) -> dict[str, RunOutcome]:
        """Return the outcomes of those of the articles that were reported."""
        asked = list(articles)
        found = cast("list[str | None]", self._redis.hmget(_outcomes(site, run), asked)) if asked else []
        return {article: RunOutcome(each) for article, each in zip(asked, found, strict=True) if each is not None}


def _latest(site: str) -> str:
    return f"run:{site}"


def _outcomes(site: str, run: str) -> str:
    return f"run:{site}:{run}"

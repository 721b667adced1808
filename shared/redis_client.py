"""A Redis client whose waits are bounded, and the border at which its errors become ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from redis import Redis
from redis.exceptions import RedisError

from shared.deadline import peer_call
from shared.errors import RedisUnavailableError
from shared.settings import ServiceSettings

_P = ParamSpec("_P")
_T = TypeVar("_T")


def redis_client(settings: ServiceSettings) -> Redis:
    """Return a client that answers in text and never waits longer than the settings say."""
    return Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=settings.redis_timeout_seconds,
        socket_connect_timeout=settings.redis_timeout_seconds,
        health_check_interval=30,
    )


def translated(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return the method with redis-py's errors translated to `RedisUnavailableError`."""

    @wraps(method)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            with peer_call():
                return method(*args, **kwargs)
        except RedisError as error:
            raise RedisUnavailableError(str(error)) from error

    return call

"""A Redis client with bounded waits, and the translation of its errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, TimeoutError  # noqa: A004 -- Redis's own, not a socket's
from redis.retry import Retry

from shared.runtime.deadline import peer_call
from shared.runtime.errors import RedisUnavailableError
from shared.runtime.settings import ServiceSettings

_P = ParamSpec("_P")
_T = TypeVar("_T")

# The code of Redis's error -> the condition and the next step. Work continues by itself once the condition ends.
_CONDITIONS = {
    "OOM": "Redis refuses writes: its memory is full (OOM, maxmemory is reached). Raise maxmemory or free memory",
    "READONLY": "Redis refuses writes: the server is a read-only replica (READONLY). Point PRESSLINE_REDIS_URL to the "
    "primary, or promote this server",
    "MISCONF": "Redis refuses writes: it cannot save its data to disk (MISCONF). Free disk space or repair its data "
    "folder; the server's log names the cause",
    "NOREPLICAS": "Redis refuses writes: it has too few replicas (NOREPLICAS). Start replicas, or lower "
    "min-replicas-to-write",
    "LOADING": "Redis loads its data from disk (LOADING). Wait until it has finished",
    "NOAUTH": "Redis asks for a password (NOAUTH). Set PRESSLINE_REDIS_URL with the user name and the password",
    "WRONGPASS": "Redis refuses the user name or the password (WRONGPASS). Correct PRESSLINE_REDIS_URL",
    "NOPERM": "Redis does not allow its user this command (NOPERM). Grant the user of PRESSLINE_REDIS_URL all commands "
    "and keys",
    "MASTERDOWN": "Redis is a replica that has lost its primary (MASTERDOWN). Point PRESSLINE_REDIS_URL to the primary",
    "BUSY": "Redis is busy with a script (BUSY). Wait, or end the script with SCRIPT KILL",
    "CLUSTERDOWN": "The Redis cluster is down (CLUSTERDOWN). Repair it; Pressline needs a single primary",
}
_CONDITIONS_BY_TEXT = {
    "max number of clients": "Redis takes no more connections. Raise maxclients",
    "without any password configured": "Redis knows no password, but PRESSLINE_REDIS_URL has one. Remove it",
    "invalid username-password": _CONDITIONS["WRONGPASS"],
    "Authentication required": _CONDITIONS["NOAUTH"],
    "HELLO must be called": _CONDITIONS["NOAUTH"],
}
_PIPELINE = "of pipeline caused error: "  # redis-py quotes the command and its data before it
_CODE = re.compile(rf"(?:^|-|\s)({'|'.join(_CONDITIONS)})(?=\s)")
_PROBE_EXPIRY_SECONDS = 60
_QUICK_TIMEOUT_SECONDS = 0.25


def redis_client(settings: ServiceSettings) -> Redis:
    """Return a client that decodes text and waits at most as long as the settings allow."""
    return Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=settings.redis_timeout_seconds,
        socket_connect_timeout=settings.redis_timeout_seconds,
        health_check_interval=30,
    )


def quick_redis_client(settings: ServiceSettings) -> Redis:
    """Return a client for calls that a request can do without: short waits, and one new connection if one is lost."""
    timeout_seconds = min(settings.redis_timeout_seconds, _QUICK_TIMEOUT_SECONDS)
    return Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 1),
    )


def redis_faults(settings: ServiceSettings) -> list[str]:
    """Return why Redis refuses writes now, with the next step, in plain words; empty if it accepts writes.

    The test is a write on a new connection: a full server still answers PING, and a changed password leaves old
    connections open.
    """
    try:
        with Redis.from_url(
            settings.redis_url,
            socket_timeout=settings.redis_timeout_seconds,
            socket_connect_timeout=settings.redis_timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.set("probe:write", 1, ex=_PROBE_EXPIRY_SECONDS)
    except RedisError as error:
        return [redis_condition(error)]
    return []


def redis_condition(error: BaseException) -> str:
    """Return the condition behind an error of Redis, with the next step, in plain words.

    Errors of scripts, transactions and pipelines have the code of their cause, some inside their text. Errors of kombu
    have Redis's error as their cause.
    """
    error = error.__cause__ if isinstance(error.__cause__, RedisError) else error
    text = str(error).rpartition(_PIPELINE)[2]
    code = getattr(error, "status_code", None)
    if code not in _CONDITIONS:
        found = _CODE.search(text)
        code = found[1] if found else None
    if code:
        return _CONDITIONS[code]
    for words, condition in _CONDITIONS_BY_TEXT.items():
        if words in text:
            return condition
    if isinstance(error, (TimeoutError, OSError)) or "connect" in text.lower():
        return f"Redis does not answer ({text}). Start it, or correct PRESSLINE_REDIS_URL"
    return text


def translated(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return the method with redis-py's errors translated to `RedisUnavailableError`."""

    @wraps(method)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            with peer_call():
                return method(*args, **kwargs)
        except RedisError as error:
            raise RedisUnavailableError(redis_condition(error)) from error

    return call

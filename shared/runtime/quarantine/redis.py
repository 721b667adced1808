"""Quarantine in Redis: a key for each subject, with the highest version in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from redis import Redis

from shared.runtime.redis_client import translated

# KEYS: subject.  ARGV: version, seconds
_ADD = """
local known = redis.call('GET', KEYS[1])
if not known or known <= ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""


class RedisQuarantine:
    """Subjects in quarantine, each until its key expires."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._park = client.register_script(_ADD)

    @translated
    def add(self, site: str, subject: str, version: str | int, seconds: int) -> None:
        """Put a subject into quarantine up to this version."""
        self._park(keys=[_parked(site, subject)], args=[_as_text(version), seconds])

    @translated
    def is_quarantined(self, site: str, subject: str, version: str | int) -> bool:
        """Tell whether this version of a subject is in quarantine."""
        return bool(self.find_quarantined(site, {subject: version}))

    @translated
    def find_quarantined(self, site: str, subjects: Mapping[str, str | int]) -> set[str]:
        """Return those of the subjects of which `is_quarantined` is true."""
        if not subjects:
            return set()
        found = cast("list[str | None]", self._redis.mget([_parked(site, subject) for subject in subjects]))
        return {
            subject
            for (subject, version), known in zip(subjects.items(), found, strict=True)
            if known is not None and known >= _as_text(version)
        }

    @translated
    def release(self, site: str, subject: str) -> None:
        """Release a subject from quarantine."""
        self._redis.delete(_parked(site, subject))


def _parked(site: str, subject: str) -> str:
    return f"parked:{site}:{subject}"


def _as_text(version: str | int) -> str:
    """Return a version so that as text the later sorts after the earlier; revisions are named so already."""
    return f"{version:020d}" if isinstance(version, int) else version

"""Quarantine in Redis: a key for each subject, with the highest version in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from redis import Redis

from shared.runtime.redis_client import translated

# KEYS: subject.  ARGV: version, seconds
_ADD = """
local quarantined = redis.call('GET', KEYS[1])
if not quarantined or quarantined <= ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""


class RedisQuarantine:
    """Subjects in quarantine, each until its key expires."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._add_script = client.register_script(_ADD)

    @translated
    def add(self, site: str, subject: str, version: str | int, seconds: int) -> None:
        """Put a subject into quarantine up to this version."""
        self._add_script(keys=[_key(site, subject)], args=[_as_text(version), seconds])

    @translated
    def is_quarantined(self, site: str, subject: str, version: str | int) -> bool:
        """Tell whether this version of a subject is in quarantine."""
        return bool(self.find_quarantined(site, {subject: version}))

    @translated
    def find_quarantined(self, site: str, subjects: Mapping[str, str | int]) -> set[str]:
        """Return the quarantined ones of these subjects and versions."""
        if not subjects:
            return set()
        found = cast("list[str | None]", self._redis.mget([_key(site, subject) for subject in subjects]))
        return {
            subject
            for (subject, version), quarantined in zip(subjects.items(), found, strict=True)
            if quarantined is not None and quarantined >= _as_text(version)
        }

    @translated
    def release(self, site: str, subject: str) -> None:
        """Release a subject from quarantine."""
        self._redis.delete(_key(site, subject))


def _key(site: str, subject: str) -> str:
    return f"quarantine:{site}:{subject}"


def _as_text(version: str | int) -> str:
    """Return a version as text that sorts by version; names of revisions already do."""
    return f"{version:020d}" if isinstance(version, int) else version

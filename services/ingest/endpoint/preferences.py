"""Parses the `Prefer` header (RFC 7240)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_SECONDS = re.compile(r"^[0-9]{1,9}$")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The sender's preferences: `respond-async`, and `wait` in seconds."""

    is_async: bool = False
    wait_seconds: float | None = None

    def without_async(self) -> Preferences:
        """Return the preferences without `respond-async`, for operations that never answer early."""
        return replace(self, is_async=False)

    @property
    def applied(self) -> str:
        """Return the value of `Preference-Applied`; empty if nothing was applied."""
        wait = [] if self.wait_seconds is None else [f"wait={self.wait_seconds:g}"]
        return ", ".join((["respond-async"] if self.is_async else []) + wait)


def parse_prefer(headers: Iterable[str], *, wait_limit_seconds: float) -> Preferences:
    """Return the preferences; the first of equal ones counts, and unknown ones are ignored."""
    is_async, wait = False, None
    for preference in ",".join(headers).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        if name == "respond-async":
            is_async = True
        elif name == "wait" and wait is None and _SECONDS.match(value):
            wait = min(float(value), wait_limit_seconds)
    return Preferences(is_async=is_async, wait_seconds=wait)

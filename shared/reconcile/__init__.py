"""What should be public against what is: the differences, why they are ones, and which message mends each.

The bucket decides. One walk over the articles and one listing of the public bucket find what is suspect, at little cost
and in bounded memory (`passes`); each suspect is then looked at closely, twice, so that what is on its way is no drift
(`looks`). Nothing is mended here: that is publish's work, and it looks for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.index import Index
from shared.model.history import Revisions
from shared.site.sites import Site
from shared.storage import ObjectStorage


class DriftKind(StrEnum):
    """How the public bucket may differ from what it should hold."""

    MISSING = "missing"
    EXTRA = "extra"
    STALE = "stale"
    WRONG = "wrong digest"
    FOREIGN = "foreign"  # not put by us: said, not counted as drift, never touched


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `path` is a key of the public bucket, empty where an article has none yet."""

    kind: DriftKind
    path: str
    reason: str
    article: str = ""


@dataclass(frozen=True, slots=True)
class ReconcileDeps:
    """Where it is written what should be public, and where it is public."""

    content: ObjectStorage
    public: ObjectStorage
    revisions: Revisions
    index: Index
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]

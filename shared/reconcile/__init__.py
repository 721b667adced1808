"""Reconciliation: the drift of the public bucket from the content bucket, its reasons, and the messages that repair it.

One walk over the articles and one listing of the public bucket find suspects, at low cost and in bounded memory
(`passes`). Each suspect is then inspected twice, so that a publication in progress is no drift (`inspection`). This
package repairs nothing: publish does, and it checks each path first.
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
    """The kinds of drift."""

    MISSING = "missing"
    EXTRA = "extra"
    STALE = "stale"
    WRONG = "wrong digest"
    FOREIGN = "foreign"  # not put by Pressline: reported, not counted as drift, never changed


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `path` is a key of the public bucket; empty if an article has none yet."""

    kind: DriftKind
    path: str
    reason: str
    article: str = ""


@dataclass(frozen=True, slots=True)
class ReconcileDeps:
    """Both buckets, the revisions, the index, the sites and the clock of a reconciliation."""

    content: ObjectStorage
    public: ObjectStorage
    revisions: Revisions
    index: Index
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]

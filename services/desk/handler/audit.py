"""The audit log, with the reason of each takedown from its revision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.model.history import Revisions
from shared.runtime import audit
from shared.runtime.audit import AuditEntry
from shared.runtime.errors import ObjectMissingError
from shared.storage import ObjectStorage


@dataclass(frozen=True, slots=True)
class AuditedChange:
    """An entry of the audit log, and the reason that the operator gave."""

    entry: AuditEntry
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the change as JSON values, without empty fields."""
        values = self.entry.model_dump(mode="json", exclude_defaults=True)
        return values | ({"why": self.why} if self.why else {})


def audited_changes(
    content: ObjectStorage, revisions: Revisions, *, since: datetime, until: datetime, site: str | None = None
) -> Iterator[AuditedChange]:
    """Yield the changes of a time, oldest first.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    for entry in audit.entries(content, since=since, until=until, site=site):
        yield AuditedChange(entry, _reason_of(entry, revisions))


def _reason_of(entry: AuditEntry, revisions: Revisions) -> str:
    if not (entry.site and entry.article and entry.revision):
        return ""
    try:
        revision = revisions.get(entry.site, entry.article, entry.revision)
    except ObjectMissingError:
        return "the revision is missing"
    return revision.action.why if revision.action else ""

"""The audit log: one immutable object in the content bucket for each takedown and each change of a token or a secret.

An entry of a takedown holds only the facts that its revision lacks: the token, the request and the outcome. The
revision has the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Literal

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.runtime.errors import ObjectMissingError, PreconditionFailedError
from shared.site import keys
from shared.storage import ObjectStorage

log = structlog.get_logger()


class AuditEvent(StrEnum):
    """The kinds of entries. `canceled` and `withheld` are removals by an item's status."""

    KILL = "kill"
    WITHDRAW = "withdraw"
    RESTORE = "restore"
    CANCELED = "canceled"
    WITHHELD = "withheld"
    TOKEN_CREATED = "token.created"  # noqa: S105 -- the name of an event
    TOKEN_ROTATED = "token.rotated"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    SECRET_ADDED = "secret.added"  # noqa: S105
    SECRET_REMOVED = "secret.removed"  # noqa: S105


class AuditEntry(BaseModel):
    """A change, its author and its time. It never holds a secret: a token is named by the beginning of its hash.

    A feed's secret is named by its site and its feed alone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    at: AwareDatetime
    event: AuditEvent
    by: str  # a takedown: the token's name; a change of a token or a secret: the operator, as user@host
    request: str | None = None  # the id of the request, as in the endpoint's logs
    # of a takedown
    site: str | None = None
    article: str | None = None
    revision: str | None = None
    outcome: str | None = None  # the status that the sender got: accepted, superseded, unmatched
    # of a change of a token; `sites` and `feeds` also of a change of a feed's secrets
    token: str | None = None
    token_name: str | None = None
    scopes: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    expires_at: AwareDatetime | None = None
    successor: str | None = None  # of a rotation: the new token

    @property
    def subject(self) -> str:
        """Return the name of the changed object, for the key."""
        if self.revision is not None:
            return f"{self.site}~{self.article}~{self.revision}"
        if self.token is None:
            return "~".join((self.event.value, *self.sites, *self.feeds))
        return f"{self.event.value}~{self.token}"

    def concerns(self, site: str) -> bool:
        """Tell whether the entry is about an article of the site, or a token of the site."""
        return site == self.site or site in self.sites


def note(storage: ObjectStorage, entry: AuditEntry) -> None:
    """Write an entry; an existing one is kept, so a repeated change has one entry.

    Raises:
        StorageUnavailableError: the store does not answer; the same call may be repeated.
    """
    try:
        storage.put(keys.audit_key(entry.at, entry.subject), entry.model_dump_json().encode(), unless_exists=True)
    except PreconditionFailedError:
        return  # the same change, noted before


def entries(
    storage: ObjectStorage, *, since: datetime, until: datetime, site: str | None = None
) -> Iterator[AuditEntry]:
    """Yield the entries of a time, oldest first; unreadable objects are left out and logged.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    for day in _days(since.astimezone(UTC).date(), until.astimezone(UTC).date()):
        for key in storage.list_keys(keys.audit_prefix(day)):
            try:
                entry = AuditEntry.model_validate_json(storage.get(key).body)
            except (ValidationError, ObjectMissingError) as error:  # another program wrote it
                log.warning("audit_entry.unreadable", key=key, reason=type(error).__name__)
                continue
            if since <= entry.at <= until and (site is None or entry.concerns(site)):
                yield entry


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)

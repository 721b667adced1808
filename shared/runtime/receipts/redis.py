"""Receipts in Redis: one hash each, for a week, and a message on a channel when one becomes final.

The exchange that changes a receipt also appends its status event to the event log. So each outcome is recorded once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import structlog
from redis import Redis
from redis.exceptions import RedisError

from shared.runtime.event_log import StatusEvent, is_announced
from shared.runtime.event_log.redis import EventWriter
from shared.runtime.receipts import PublicPage, Receipt, ReceiptStatus, Stage, revision_of_receipt
from shared.runtime.redis_client import redis_condition, translated

CHANNEL = "receipts.finalised"
_EXPIRY_SECONDS = 7 * 86_400
_STAGE = "stage:"
_ORDER = [outcome.value for outcome in ReceiptStatus]

# KEYS: receipt.  ARGV: stage, at, expiry (s), final statuses...   A late stage does not replace a final status.
_NOTE = """
redis.call('HSETNX', KEYS[1], 'stage:' .. ARGV[1], ARGV[2])
local status = redis.call('HGET', KEYS[1], 'status')
local is_final = false
for i = 4, #ARGV do if status == ARGV[i] then is_final = true end end
if not is_final then redis.call('HSET', KEYS[1], 'status', ARGV[1]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""

log = structlog.get_logger()


class RedisReceipts:
    """Receipts by id."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._note = client.register_script(_NOTE)
        self._events = EventWriter()

    def open(self, *receipts: Receipt) -> bool:
        """Write new or changed receipts in one exchange; return whether Redis accepted them."""
        try:
            with self._redis.pipeline() as pipe:
                for receipt in receipts:
                    pipe.hset(_key(receipt.receipt), mapping=_values(receipt))
                    pipe.expire(_key(receipt.receipt), _EXPIRY_SECONDS)
                    if receipt.status.is_final:
                        pipe.publish(CHANNEL, receipt.receipt)
                self._events.execute(pipe, [event for receipt in receipts if (event := _opening(receipt))])
        except RedisError as error:
            lost = [receipt.receipt for receipt in receipts]
            log.warning("receipt.lost", receipt=lost[0], receipts=len(lost), reason=redis_condition(error))
            return False
        return True

    def note(self, receipt: str, stage: ReceiptStatus, at: datetime) -> None:
        """Record that a status was reached."""
        final = [outcome.value for outcome in ReceiptStatus if outcome.is_final]
        try:
            self._note(keys=[_key(receipt)], args=[stage.value, at.isoformat(), _EXPIRY_SECONDS, *final])
        except RedisError as error:
            log.warning("receipt.lost", receipt=receipt, reason=redis_condition(error))

    def note_waiting(self, receipt: str, addresses: Sequence[str]) -> None:
        """Record the addresses at which a removal is not visible yet."""
        try:
            with self._redis.pipeline() as pipe:
                pipe.hset(_key(receipt), "waits_for", json.dumps(list(addresses)))
                pipe.expire(_key(receipt), _EXPIRY_SECONDS)
                pipe.execute()
        except RedisError as error:
            log.warning("receipt.lost", receipt=receipt, reason=str(error))

    def finalise(
        self,
        receipt: str,
        outcome: ReceiptStatus,
        at: datetime,
        *,
        url: str | None = None,
        reason: str | None = None,
        pages: tuple[PublicPage, ...] = (),
    ) -> None:
        """Record the final status, and wake the requests that wait for it."""
        values = {
            "status": outcome.value,
            "url": url or "",
            "reason": reason or "",
            "pages": json.dumps([page.model_dump() for page in pages]),
        }
        try:
            status, site = self._known(receipt, outcome, at)
            if status == ReceiptStatus.LIVE and outcome in {ReceiptStatus.SUPERSEDED, ReceiptStatus.FAILED}:
                return  # a late message of a revision that was live, or a failed follow-up
            event = _event(receipt, site, outcome, at, url=url, reason=reason)
            is_new = event is not None and status != outcome  # otherwise the log has this event
            with self._redis.pipeline() as pipe:
                pipe.hset(_key(receipt), mapping=cast("dict[Any, Any]", values))
                pipe.hdel(_key(receipt), "waits_for")
                pipe.hsetnx(_key(receipt), f"{_STAGE}{outcome.value}", at.isoformat())
                pipe.expire(_key(receipt), _EXPIRY_SECONDS)
                pipe.publish(CHANNEL, receipt)
                self._events.execute(pipe, [event] if event and is_new else [])
        except RedisError as error:
            log.warning("receipt.lost", receipt=receipt, reason=redis_condition(error))

    @translated
    def find(self, receipt: str) -> Receipt | None:
        """Return the receipt, or None if Redis does not have it."""
        values = cast("dict[str, str]", self._redis.hgetall(_key(receipt)))
        if "site" not in values:
            return None
        stages = [
            Stage(name=name.removeprefix(_STAGE), at=datetime.fromisoformat(at))
            for name, at in values.items()
            if name.startswith(_STAGE)
        ]
        return Receipt(
            receipt=receipt,
            site=values["site"],
            article=values.get("article") or None,
            revision=values.get("revision") or None,
            status=ReceiptStatus(values.get("status", ReceiptStatus.ACCEPTED)),
            url=values.get("url") or None,
            reason=values.get("reason") or None,
            waits_for=tuple(json.loads(values.get("waits_for") or "[]")),
            stages=tuple(sorted(stages, key=lambda stage: (stage.at, _ORDER.index(stage.name)))),
            pages=tuple(PublicPage.model_validate(page) for page in json.loads(values.get("pages") or "[]")),
            report=json.loads(values.get("report") or "null"),
        )

    def _known(self, receipt: str, outcome: ReceiptStatus, at: datetime) -> tuple[str | None, str | None]:
        """Return the status and the site that Redis has."""
        try:
            status, site = cast("list[str | None]", self._redis.hmget(_key(receipt), "status", "site"))
        except RedisError:
            if is_announced(receipt, outcome):
                self._events.miss(at)
            raise
        return status, site


def _opening(receipt: Receipt) -> StatusEvent | None:
    """Return the status event of a receipt that is opened, or None if it has none."""
    if not receipt.stages:
        return None
    return _event(receipt.receipt, receipt.site, receipt.status, receipt.stages[-1].at, reason=receipt.reason)


def _event(
    receipt: str,
    site: str | None,
    status: ReceiptStatus,
    at: datetime,
    *,
    url: str | None = None,
    reason: str | None = None,
) -> StatusEvent | None:
    """Return the status event of a receipt's change, or None if it has none."""
    named = revision_of_receipt(receipt)
    site = named[0] if named else site
    if not site or not is_announced(receipt, status):
        return None
    article, revision = named[1:] if named else (None, None)
    return StatusEvent(
        receipt=receipt, site=site, article=article, revision=revision, status=status, url=url, reason=reason, at=at
    )


def _values(receipt: Receipt) -> dict[Any, Any]:
    return {
        "site": receipt.site,
        "article": receipt.article or "",
        "revision": receipt.revision or "",
        "status": receipt.status.value,
        "reason": receipt.reason or "",
        "report": json.dumps(receipt.report),
        **{f"{_STAGE}{stage.name}": stage.at.isoformat() for stage in receipt.stages},
    }


def _key(receipt: str) -> str:
    return f"receipt:{receipt}"

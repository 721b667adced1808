"""The dependencies of the relay's jobs, and the steps that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.relay.ports import PostOutside
from shared.reconcile.status_events import StatusEvents
from shared.runtime.event_log import Position
from shared.runtime.webhooks import DeliveryState, DeliveryStates
from shared.runtime.webhooks.stored import Subscribers, find_position, store_position
from shared.site.sites import Site
from shared.storage import ObjectStorage

_STORE_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RelayDeps:
    """The content bucket, the event log, the receivers' states, and the way to servers outside."""

    content: ObjectStorage
    events: StatusEvents
    subscribers: Subscribers
    states: DeliveryStates
    post: PostOutside
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    jitter: Callable[[], float]  # 0 to 1
    new_id: Callable[[], str]  # of a test message
    max_age: timedelta
    """The time after which an event becomes a dead letter."""

    def state_of(self, receiver: str, otherwise: Callable[[], Position]) -> DeliveryState:
        """Return a receiver's state: from Redis, else from the bucket, else a new one at another position."""
        found = self.states.find(receiver)
        if found is not None:
            return found
        position = find_position(self.content, receiver)
        if position is None:
            return self.save(receiver, DeliveryState(position=str(otherwise())))
        return DeliveryState(position=str(position), stored_at=self.clock())

    def save(self, receiver: str, state: DeliveryState) -> DeliveryState:
        """Store a state in Redis, and its position in the bucket once a minute; return the stored state."""
        now = self.clock()
        if state.stored_at is None or now - state.stored_at >= _STORE_INTERVAL:
            if position := state.place:
                store_position(self.content, receiver, position)
            state = state.model_copy(update={"stored_at": now})
        self.states.save(receiver, state)
        return state

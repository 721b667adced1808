"""The relay's metrics. `shared.runtime.observability` comes first: it decides how prometheus_client counts."""

from __future__ import annotations

import shared.runtime.observability  # noqa: F401

# isort: split
from prometheus_client import Counter, Gauge

DELIVERIES = Counter("pressline_webhook_deliveries", "Attempts to deliver a webhook, by verdict.", ["verdict"])
DEAD_LETTERS = Counter("pressline_webhook_dead_letters", "Events that a subscriber did not take.")
FAILING_SUBSCRIBERS = Gauge(
    "pressline_webhook_failing_subscribers",
    "Subscribers whose last attempt failed.",
    multiprocess_mode="mostrecent",
)
PINGS = Counter("pressline_hub_pings", "Pings of WebSub hubs, by result.", ["result"])
POLLS = Counter("pressline_feed_polls", "Polls of feeds, by result.", ["result"])
POLL_AGE = Gauge(
    "pressline_feed_poll_age_seconds",
    "The time since the last successful poll of a feed; for a feed without one, since the start of its job.",
    ["site", "feed"],
    multiprocess_mode="mostrecent",
)
FILES = Counter("pressline_watched_files", "Files of watched prefixes, by result.", ["result"])

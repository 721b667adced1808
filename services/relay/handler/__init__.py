"""The relay's jobs: webhooks, and pings of hubs."""

from services.relay.handler.deps import RelayDeps
from services.relay.handler.dispatcher import WebhookDispatcher
from services.relay.handler.hubs import HubPinger

__all__ = ["HubPinger", "RelayDeps", "WebhookDispatcher"]

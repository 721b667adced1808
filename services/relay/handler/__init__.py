"""The relay's jobs: webhooks, pings of hubs, polls of feeds, and watched prefixes."""

from services.relay.handler.deps import RelayDeps
from services.relay.handler.dispatcher import WebhookDispatcher
from services.relay.handler.files import FileWatcher
from services.relay.handler.hubs import HubPinger
from services.relay.handler.polls import FeedPoller
from services.relay.handler.submissions import SubmissionDeps

__all__ = ["FeedPoller", "FileWatcher", "HubPinger", "RelayDeps", "SubmissionDeps", "WebhookDispatcher"]

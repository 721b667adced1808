"""Polls of feeds: the state of each polled feed in the content bucket, and an operator's request to poll now."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.site import keys
from shared.storage import ObjectStorage

MAX_VALIDATOR_CHARS = 1_000  # of an ETag or a Last-Modified; a longer one is not kept


class PollState(BaseModel):
    """The progress of the polls of one feed.

    `etag`, `last_modified` and `body_sha256` describe the last body that was submitted or that was the same.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    url: str  # a feed with another address begins anew
    etag: str | None = Field(default=None, max_length=MAX_VALIDATOR_CHARS)
    last_modified: str | None = Field(default=None, max_length=MAX_VALIDATOR_CHARS)
    body_sha256: str | None = None
    polled_at: AwareDatetime | None = None
    succeeded_at: AwareDatetime | None = None
    next_poll_at: AwareDatetime | None = None  # None: not polled yet, or gone
    failures: int = 0  # in a row
    is_gone: bool = False  # the server answered 410: no further polls, except by request
    result: str = ""  # of the last poll, for the operator
    receipt: str | None = None  # of the last submission
    submitted_at: AwareDatetime | None = None
    hub: str | None = None  # that the document announced
    topic: str | None = None  # the document's own address at the hub
    subscription: str | None = Field(default=None, repr=False)  # the id of the subscription at the hub


class FeedPolls:
    """The states and requests in the content bucket."""

    def __init__(self, content: ObjectStorage) -> None:
        self._content = content

    def find(self, site: str, feed: str) -> PollState | None:
        """Return the state of a feed's polls, or None before the first one.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        found = self._content.find(keys.feed_poll_key(site, feed))
        return PollState.model_validate_json(found.body) if found else None

    def save(self, site: str, feed: str, state: PollState) -> None:
        """Store the state, after the submission that it describes.

        Raises:
            StorageUnavailableError: the store does not accept it now.
        """
        self._content.put(keys.feed_poll_key(site, feed), state.model_dump_json(indent=1).encode())

    def request(self, site: str, feed: str) -> None:
        """Request a poll as soon as possible.

        Raises:
            StorageUnavailableError: the store does not accept it now.
        """
        self._content.put(keys.feed_poll_request_key(site, feed), b"{}")

    def is_requested(self, site: str, feed: str) -> bool:
        """Tell whether an operator has requested a poll that was not made yet."""
        return self._content.find_head(keys.feed_poll_request_key(site, feed)) is not None

    def end_request(self, site: str, feed: str) -> None:
        """Delete the request, after the poll."""
        self._content.delete(keys.feed_poll_request_key(site, feed))

"""The settings of the relay."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from shared.runtime.settings import ServiceSettings


class RelaySettings(ServiceSettings):
    """The limits of calls to servers outside."""

    relay_timeout_seconds: PositiveFloat = Field(default=10.0, le=60.0)  # to connect, and for each read
    relay_max_age_hours: PositiveFloat = Field(default=72.0, le=720.0)  # then an event becomes a dead letter
    # calls to loopback, link-local and private addresses: only on a laptop, or in a network of your own
    relay_private_addresses: bool = False
    # the endpoint's address as servers outside reach it, for WebSub; None: feeds are only polled
    public_api_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    relay_fetch_seconds: PositiveFloat = Field(default=30.0, le=50.0)  # for a whole document, with its redirects
    max_article_bytes: PositiveInt = Field(default=2 * 1024 * 1024, le=64 * 1024 * 1024)  # as the endpoint's
    backlog_limit: PositiveInt = 2_000  # as the endpoint's: nothing is fetched while ten times as many messages wait

"""Settings of the endpoint and the ingest worker."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from shared.runtime.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """The endpoint's address and its limits."""

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8080, ge=1, le=65535)
    api_threads: PositiveInt = Field(default=40, le=500)  # parallel requests to the store
    max_article_bytes: PositiveInt = Field(default=2 * 1024 * 1024, le=64 * 1024 * 1024)
    max_batch_lines: PositiveInt = 10_000  # of one POST /v1/batches
    max_picture_bytes: PositiveInt = Field(default=20 * 1024 * 1024, le=200 * 1024 * 1024)
    wait_limit_seconds: PositiveFloat = Field(default=30.0, le=120.0)  # the longest `Prefer: wait=N`
    # of one token, sustained; a burst may use the requests of a whole minute. 0: no limit. A token may have its own
    rate_limit_per_minute: NonNegativeInt = 6_000
    max_event_streams: PositiveInt = Field(default=100, le=5_000)  # open `GET /v1/events` of one process
    # waiting messages (one of an import has up to 50 lines) from which `lane=bulk` is refused; `live` at ten times
    backlog_limit: PositiveInt = 2_000

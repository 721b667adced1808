"""What an operator may set of the endpoint and the ingest worker."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from shared.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """Where the endpoint listens, and how much it takes."""

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8080, ge=1, le=65535)
    api_threads: PositiveInt = Field(default=40, le=500)  # requests that may wait for the store at the same time
    max_article_bytes: PositiveInt = Field(default=2 * 1024 * 1024, le=64 * 1024 * 1024)
    max_batch_lines: PositiveInt = 10_000  # of one POST /v1/batches
    max_batch_bytes: PositiveInt = 256 * 1024 * 1024  # of one POST /v1/batches; three batches of it are held at most
    max_picture_bytes: PositiveInt = Field(default=20 * 1024 * 1024, le=200 * 1024 * 1024)
    wait_limit_seconds: PositiveFloat = Field(default=30.0, le=120.0)  # the longest `Prefer: wait=N`
    body_timeout_seconds: PositiveFloat = Field(default=30.0, le=300.0)  # a sender slower than this is let go
    retry_after_seconds: PositiveInt = Field(default=5, le=600)  # what a sender is told while the store is down
    # messages waiting (an import's hold up to 50 lines) from which `lane=bulk` is sent away; `live` at ten times it
    backlog_limit: PositiveInt = 2_000
    token_ttl_seconds: PositiveFloat = Field(default=10.0, le=300.0)  # a revoked token works for this long at most
    clock_tolerance_seconds: PositiveFloat = Field(default=5.0, le=60.0)  # against the store's Date

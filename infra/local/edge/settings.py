"""What can be set of the local edge."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class EdgeSettings(BaseSettings):
    """Where it listens, where the public bucket is, and how much it keeps."""

    model_config = SettingsConfigDict(env_prefix="PRESSLINE_", env_file=".env", extra="ignore", frozen=True)

    edge_host: str = "127.0.0.1"
    edge_port: int = Field(default=8081, ge=1, le=65535)
    s3_endpoint: str = "http://127.0.0.1:8333"
    public_bucket: str = "pressline-public"  # anybody may read it; the edge has no keys
    purge_token: SecretStr | None = None  # given: a purge must bear it in `x-purge-token`
    edge_cache_bytes: NonNegativeInt = 16 * 1024 * 1024
    edge_not_found_seconds: PositiveFloat = 5.0  # how long a 404 is believed
    edge_origin_timeout_seconds: PositiveFloat = 5.0

    @field_validator("purge_token", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

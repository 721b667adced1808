"""Settings that every service has. Each reads `PRESSLINE_<NAME>`; a wrong value stops the process at its start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_SITES = Path(__file__).resolve().parent.parent / "infra" / "sites"


class ServiceSettings(BaseSettings):
    """Where the two stores are, and how to speak of what happens."""

    # What is set to nothing is not set: a compose file or a shell passes on what its user left out.
    model_config = SettingsConfigDict(
        env_prefix="PRESSLINE_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    redis_url: str = "redis://127.0.0.1:6390/0"
    s3_endpoint: str | None = None  # None: AWS
    s3_region: str = "us-east-1"
    s3_access_key: str | None = None  # None: boto3's own chain (a role, a profile)
    s3_secret_key: SecretStr | None = None
    content_bucket: str = "pressline-content"
    public_bucket: str = "pressline-public"
    sites_folder: Path = _SITES
    base_url: str | None = None  # stands in for every site's own, for a stack on a laptop
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    metrics_port: int | None = Field(default=None, ge=1, le=65535)  # /metrics and /healthz of a worker
    metrics_host: str = "127.0.0.1"
    concurrency: int = Field(default=1, ge=1, le=64)  # messages that a worker handles side by side
    storage_timeout_seconds: PositiveFloat = Field(default=5.0, le=5.0)
    redis_timeout_seconds: PositiveFloat = Field(default=3.0, le=5.0)

    @field_validator("s3_endpoint")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]+", value):
            message = "is no address; write it as http://host:port or https://host"
            raise ValueError(message)
        return value

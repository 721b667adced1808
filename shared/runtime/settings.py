"""Settings of all services, read from `PRESSLINE_<NAME>`. A wrong value stops the process at its start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.model.lane import Lane

_SITES = Path(__file__).resolve().parents[2] / "infra" / "sites"
_STORE_THREADS = 16
_BULK_STORE_THREADS = 8


class ServiceSettings(BaseSettings):
    """Addresses and credentials of the two stores, logs, metrics, lanes and time-outs."""

    # An empty value counts as unset: compose files and shells pass on empty variables.
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
    base_url: str | None = None  # replaces the base URL of all sites, for a stack on a laptop
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    metrics_port: int | None = Field(default=None, ge=1, le=65535)  # /metrics and /healthz of a worker
    metrics_host: str = "127.0.0.1"
    lanes: Annotated[tuple[Lane, ...], NoDecode] = tuple(Lane)  # of a worker, such as "urgent,live,listings"
    concurrency: int | None = Field(default=None, ge=1, le=64)  # messages that a worker handles in parallel
    storage_timeout_seconds: PositiveFloat = Field(default=5.0, le=5.0)
    redis_timeout_seconds: PositiveFloat = Field(default=3.0, le=5.0)

    @property
    def is_bulk_only(self) -> bool:
        """Tell whether this worker serves only the bulk lane, so that it runs at lower priority than news."""
        return self.lanes == (Lane.BULK,)

    @property
    def children(self) -> int:
        """Return the number of child processes of a worker, each for one message at a time."""
        return self.concurrency or 1

    @property
    def store_threads(self) -> int:
        """Return the maximal number of parallel calls to the store in one process of a worker (ADR 5)."""
        return _BULK_STORE_THREADS if self.is_bulk_only else _STORE_THREADS

    @field_validator("lanes", mode="before")
    @classmethod
    def _are_lanes(cls, value: object) -> object:
        """Return the lanes of a comma-separated list, each once, in the order in which workers empty them."""
        names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
        if not isinstance(names, list | tuple):
            return value
        if unknown := [str(name) for name in names if name not in set(Lane)]:
            raise ValueError(f"there is no lane {unknown[0]!r}; use a comma-separated list of {', '.join(Lane)}")
        if not names:
            raise ValueError("name at least one lane")
        return tuple(lane for lane in Lane if lane in names)

    @field_validator("s3_endpoint")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]+", value):
            raise ValueError("is not a URL; write it as http://host:port or https://host")
        return value

"""What can be set of the local edge."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

from pydantic import Field, NonNegativeInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_HEADERS = Path(__file__).resolve().parents[2] / "edge" / "headers"
_SITE = re.compile(r"[A-Za-z0-9.-]+=[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*/?")


class EdgeSettings(BaseSettings):
    """Where it listens, where the public bucket is, and how much it keeps."""

    model_config = SettingsConfigDict(env_prefix="PRESSLINE_", env_file=".env", extra="ignore", frozen=True)

    edge_host: str = "127.0.0.1"
    edge_port: int = Field(default=8081, ge=1, le=65535)
    s3_endpoint: str = "http://127.0.0.1:8333"
    public_bucket: str = "pressline-public"  # anybody may read it; the edge has no keys
    edge_sites: str = (
        ""  # several: host=bucket/prefix,other-host=other-bucket; empty: every host shows the public bucket
    )
    edge_hsts_seconds: NonNegativeInt = 0  # behind TLS: for how long browsers ask by HTTPS only
    purge_token: SecretStr | None = None  # given: a purge must bear it in `x-purge-token`
    edge_cache_bytes: NonNegativeInt = 16 * 1024 * 1024

    @field_validator("edge_sites")
    @classmethod
    def _sites_are_pairs(cls, sites: str) -> str:
        for pair in filter(None, sites.split(",")):
            if not _SITE.fullmatch(pair):
                message = f"{pair!r} is not host=bucket/prefix"
                raise ValueError(message)
        return sites

    @cached_property
    def headers(self) -> dict[str, str]:
        """Return what every answer bears: `infra/edge/headers`, as Varnish's do, and who answered."""
        lines = (
            line for line in _HEADERS.read_text(encoding="ascii").splitlines() if line and not line.startswith("#")
        )
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if self.edge_hsts_seconds:
            headers["strict-transport-security"] = f"max-age={self.edge_hsts_seconds}"
        return headers | {"x-pressline-edge": "stand-in"}

    @property
    def places(self) -> dict[str, str]:
        """Return where in the store the site of each host lies (bucket, then its prefix); empty for one site."""
        pairs = (pair.partition("=") for pair in self.edge_sites.split(",") if pair)
        return {host.lower(): place.removesuffix("/") for host, _, place in pairs}

    @field_validator("purge_token", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

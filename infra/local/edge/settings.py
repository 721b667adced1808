"""The settings of the local edge."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

from pydantic import Field, NonNegativeInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_HEADERS = Path(__file__).resolve().parents[2] / "edge" / "headers"
_SITE = re.compile(r"[A-Za-z0-9.-]+=[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*/?")


class EdgeSettings(BaseSettings):
    """The edge's address, the public bucket, and the limits of the cache."""

    model_config = SettingsConfigDict(env_prefix="PRESSLINE_", env_file=".env", extra="ignore", frozen=True)

    edge_host: str = "127.0.0.1"
    edge_port: int = Field(default=8081, ge=1, le=65535)
    s3_endpoint: str = "http://127.0.0.1:8333"
    public_bucket: str = "pressline-public"  # readable by anonymous clients; the edge has no keys
    edge_sites: str = (
        ""  # several: host=bucket/prefix,other-host=other-bucket; empty: every host shows the public bucket
    )
    edge_hsts_seconds: NonNegativeInt = 0  # for an edge behind TLS: max-age of Strict-Transport-Security
    purge_token: SecretStr | None = None  # if set: a purge needs it in `x-purge-token`
    edge_cache_bytes: NonNegativeInt = 16 * 1024 * 1024

    @field_validator("edge_sites")
    @classmethod
    def _sites_are_pairs(cls, sites: str) -> str:
        for pair in filter(None, sites.split(",")):
            if not _SITE.fullmatch(pair):
                raise ValueError(f"{pair!r} is not host=bucket/prefix")
        return sites

    @cached_property
    def headers(self) -> dict[str, str]:
        """Return the headers of every answer: `infra/edge/headers`, as in Varnish, and the name of this edge."""
        lines = (
            line for line in _HEADERS.read_text(encoding="ascii").splitlines() if line and not line.startswith("#")
        )
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if self.edge_hsts_seconds:
            headers["strict-transport-security"] = f"max-age={self.edge_hsts_seconds}"
        return headers | {"x-pressline-edge": "stand-in"}

    @property
    def places(self) -> dict[str, str]:
        """Return the place (`bucket/prefix`) of each host's site; empty for one site."""
        pairs = (pair.partition("=") for pair in self.edge_sites.split(",") if pair)
        return {host.lower(): place.removesuffix("/") for host, _, place in pairs}

    @field_validator("purge_token", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

"""What an operator may set of the publish workers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, SecretStr

from shared.settings import ServiceSettings


class PublishSettings(ServiceSettings):
    """The public bucket and the edge."""

    edge: Literal["varnish", "none"] = "varnish"  # the local stand-in speaks Varnish's calls
    edge_url: str = "http://127.0.0.1:8081"  # where purges go
    purge_token: SecretStr | None = None
    purge_timeout_seconds: PositiveFloat = Field(default=5.0, le=5.0)

"""The settings of the embedded stack. Each setting reads `PRESSLINE_<NAME>` from the environment or `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.local.ports import GRPC_OFFSET, PortNeed, free_ports
from infra.local.servers import SeaweedPorts

PROJECT = Path(__file__).resolve().parents[2]
LOCAL = "127.0.0.1"
STOP_GRACE_SECONDS = 10.0  # for the services to finish what they do

Port = Annotated[int, Field(ge=1, le=65535)]
WeedPort = Annotated[int, Field(ge=1, le=65535 - GRPC_OFFSET)]

_PURPOSES = {
    "api_port": "the endpoint",
    "edge_port": "the local edge",
    "ingest_metrics_port": "ingest's metrics",
    "enrich_metrics_port": "enrich's metrics",
    "render_metrics_port": "render's metrics",
    "render_bulk_metrics_port": "render-bulk's metrics",
    "publish_metrics_port": "publish's metrics",
    "publish_bulk_metrics_port": "publish-bulk's metrics",
    "scheduler_metrics_port": "scheduler's metrics",
    "relay_metrics_port": "relay's metrics",
}
_REDIS_PURPOSES = {"redis_port": "Redis"}
_WEED_PURPOSES = {
    "s3_port": "S3",
    "s3_master_port": "weed's master",
    "s3_volume_port": "weed's volume server",
    "s3_filer_port": "weed's filer",
}


class StackSettings(BaseSettings):
    """The run folder, the ports, the external servers and the time limits of the stack."""

    model_config = SettingsConfigDict(env_prefix="PRESSLINE_", env_file=".env", extra="ignore", frozen=True)

    run_folder: Path = Path(".run")

    api_port: Port = 8080
    edge_port: Port = 8081
    redis_port: Port = 6390
    s3_port: WeedPort = 8333
    s3_master_port: WeedPort = 9333
    s3_volume_port: WeedPort = 8380
    s3_filer_port: WeedPort = 8888
    ingest_metrics_port: Port = 9401
    enrich_metrics_port: Port = 9402
    render_metrics_port: Port = 9403
    publish_metrics_port: Port = 9404
    scheduler_metrics_port: Port = 9405
    render_bulk_metrics_port: Port = 9406
    publish_bulk_metrics_port: Port = 9407
    relay_metrics_port: Port = 9408

    redis_url: str | None = None  # if set: the stack uses this Redis and starts none
    s3_endpoint: str | None = None  # if set: the stack uses this store; readers need GET on the public bucket
    s3_region: str = "us-east-1"
    s3_access_key: str | None = None  # None: the embedded store gets a random key pair at its first start
    s3_secret_key: SecretStr | None = None
    content_bucket: str = "pressline-content"
    public_bucket: str = "pressline-public"

    @field_validator("redis_url", "s3_endpoint", "s3_access_key", "s3_secret_key", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("run_folder")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.resolve()

    @model_validator(mode="after")
    def _keys_for_a_store_of_others(self) -> Self:
        if self.s3_endpoint and not (self.s3_access_key and self.s3_secret_key):
            raise ValueError(
                "PRESSLINE_S3_ENDPOINT needs PRESSLINE_S3_ACCESS_KEY and PRESSLINE_S3_SECRET_KEY beside it"
            )
        return self

    @classmethod
    def in_folder(cls, run_folder: Path) -> StackSettings:
        """Return settings with this run folder and free ports."""
        names = [*_PURPOSES, *_REDIS_PURPOSES, *_WEED_PURPOSES]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        return cls.model_validate({"run_folder": run_folder, **ports})

    @property
    def api_url(self) -> str:
        """Return the address of the endpoint."""
        return f"http://{LOCAL}:{self.api_port}"

    @property
    def edge_url(self) -> str:
        """Return the address of the local edge, for readers and for purges."""
        return f"http://{LOCAL}:{self.edge_port}"

    @property
    def effective_redis_url(self) -> str:
        """Return the URL of Redis, embedded or external."""
        return self.redis_url or f"redis://{LOCAL}:{self.redis_port}/0"

    @property
    def effective_s3_endpoint(self) -> str:
        """Return the URL of the store, embedded or external."""
        return self.s3_endpoint or f"http://{LOCAL}:{self.s3_port}"

    @property
    def seaweed_ports(self) -> SeaweedPorts:
        """Return the ports of the embedded store."""
        return SeaweedPorts(self.s3_port, self.s3_master_port, self.s3_volume_port, self.s3_filer_port)

    def metrics_port(self, name: str) -> int:
        """Return the port of the metrics and health of a worker, the scheduler or the relay."""
        port: int = getattr(self, f"{name.replace('-', '_')}_metrics_port")
        return port

    def port_needs(self) -> list[PortNeed]:
        """Return every port that this stack opens, with its purpose and its setting."""
        purposes = dict(_PURPOSES)
        if not self.redis_url:
            purposes |= _REDIS_PURPOSES
        needs = [self._need(name, purpose) for name, purpose in purposes.items()]
        if not self.s3_endpoint:
            needs += [
                self._need(name, purpose, at) for name, purpose in _WEED_PURPOSES.items() for at in (0, GRPC_OFFSET)
            ]
        return needs

    def as_environment(self) -> dict[str, str]:
        """Return the variables that give another process the same settings; an empty value means None."""
        secret = self.s3_secret_key.get_secret_value() if self.s3_secret_key else None
        values = {**self.model_dump(), "s3_secret_key": secret}
        return {f"PRESSLINE_{name.upper()}": "" if value is None else str(value) for name, value in values.items()}

    def _need(self, name: str, purpose: str, offset: int = 0) -> PortNeed:
        return PortNeed(getattr(self, name), purpose, f"PRESSLINE_{name.upper()}", offset)

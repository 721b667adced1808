"""Settings of the command line, from the environment or from the stack in this folder (`.run/stack.json`)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import Field, PositiveFloat, SecretStr

from shared.runtime.settings import ServiceSettings


class DeskSettings(ServiceSettings):
    """The endpoint, its token, and the backup bucket."""

    api_url: str = "http://127.0.0.1:8080"
    token: SecretStr | None = None
    run_folder: Path = Path(".run")
    api_timeout_seconds: PositiveFloat = Field(default=60.0, le=600)
    backup_bucket: str | None = None  # private, as the content bucket
    backup_endpoint: str | None = None  # None: the same store with the same keys
    backup_region: str | None = None
    backup_access_key: str | None = None
    backup_secret_key: SecretStr | None = None


def load_settings() -> DeskSettings:
    """Return the settings; the embedded stack in this folder supplies those that the environment does not set."""
    given = DeskSettings()
    stack = find_stack(given.run_folder)
    if stack is None:
        return given
    found = {"api_url": stack["api"], "token": stack["token"], **_store_settings(stack)}
    missing = {name: value for name, value in found.items() if name not in given.model_fields_set}
    return DeskSettings(**missing)


def service_environment() -> dict[str, str]:
    """Return the environment of a service's process: ours, and the addresses of the embedded stack in this folder."""
    given = DeskSettings()
    stack = find_stack(given.run_folder)
    found = {"edge_url": stack["edge"], **_store_settings(stack)} if stack else {}
    missing = {name: value for name, value in found.items() if name not in given.model_fields_set}
    return {**{f"PRESSLINE_{name.upper()}": value for name, value in missing.items()}, **os.environ}


def _store_settings(stack: dict[str, Any]) -> dict[str, str]:
    """Return the settings of the stack's Redis, buckets and site."""
    return {
        "redis_url": stack["redis"],
        "s3_endpoint": stack["s3"]["endpoint"],
        "s3_access_key": stack["s3"]["access_key"],
        "s3_secret_key": stack["s3"]["secret_key"],
        "content_bucket": stack["s3"]["content_bucket"],
        "public_bucket": stack["s3"]["public_bucket"],
        "base_url": stack["edge"],
    }


def find_stack(run_folder: Path) -> dict[str, Any] | None:
    """Return the description of the embedded stack, or None if no stack has run in this folder."""
    try:
        stack = json.loads((run_folder / "stack.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return stack if isinstance(stack, dict) else None

"""Where the command line finds the line: its settings, or the stack that runs here (`.run/stack.json`)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import Field, PositiveFloat, SecretStr

from shared.runtime.settings import ServiceSettings


class DeskSettings(ServiceSettings):
    """The endpoint, the token that it is asked with, and where backups go."""

    api_url: str = "http://127.0.0.1:8080"
    token: SecretStr | None = None
    run_folder: Path = Path(".run")
    api_timeout_seconds: PositiveFloat = Field(default=60.0, le=600)
    backup_bucket: str | None = None  # the second bucket, private as the first
    backup_endpoint: str | None = None  # None: the same store, and then its keys
    backup_region: str | None = None
    backup_access_key: str | None = None
    backup_secret_key: SecretStr | None = None


def load_settings() -> DeskSettings:
    """Return the settings; what the environment does not say is taken from the embedded stack that runs here."""
    given = DeskSettings()
    stack = find_stack(given.run_folder)
    if stack is None:
        return given
    found = {"api_url": stack["api"], "token": stack["token"], **_stores_of(stack)}
    missing = {name: value for name, value in found.items() if name not in given.model_fields_set}
    return DeskSettings(**missing)


def service_environment() -> dict[str, str]:
    """Return the variables of a service's process: ours, and where the embedded stack is that runs here."""
    given = DeskSettings()
    stack = find_stack(given.run_folder)
    found = {"edge_url": stack["edge"], **_stores_of(stack)} if stack else {}
    missing = {name: value for name, value in found.items() if name not in given.model_fields_set}
    return {**{f"PRESSLINE_{name.upper()}": value for name, value in missing.items()}, **os.environ}


def _stores_of(stack: dict[str, Any]) -> dict[str, str]:
    """Return the settings that tell where the stack's stores are, and its site."""
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
    """Return what the embedded stack says of itself, or None where none has run here."""
    try:
        stack = json.loads((run_folder / "stack.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return stack if isinstance(stack, dict) else None

"""Signs requests as Standard Webhooks does (https://www.standardwebhooks.com, specification 1.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from pydantic import SecretStr

from shared.runtime.webhooks import signing_key


def signed_headers(message_id: str, body: bytes, secrets: Iterable[SecretStr], at: datetime) -> dict[str, str]:
    """Return the three headers; the signature header has one signature for each secret, separated by spaces."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (hmac.new(signing_key(secret), signed, hashlib.sha256).digest() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(each).decode()}" for each in signatures),
    }

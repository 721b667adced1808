"""Resolves, encodes and inspects the addresses that documents name."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit

_NOT_IN_ADDRESS = re.compile(r"[\s<>\"'\\`{}|^\x00-\x20\x7f]")
_LINE_ENDS = re.compile(r"[\r\n\t]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_MAX_CHARS = 2_000


def address_of(text: str, base: str = "") -> str:
    """Return an address, or an empty text, resolved against `base`.

    White space around the address is removed, and white space inside is encoded.

    A query stays as it is, tracking parameters too, because an identity never changes.
    """
    line = _LINE_ENDS.sub("", text.strip())[:_MAX_CHARS]
    encoded = _NOT_IN_ADDRESS.sub(lambda found: quote(found[0]), line)
    return resolved(encoded, base) if encoded else ""


def resolved(address: str, base: str) -> str:
    """Return an absolute address, or the address unchanged if it is absolute or cannot be resolved."""
    if not base or _SCHEME.match(address):
        return address
    try:
        return urljoin(base, address)
    except ValueError:
        return address


def is_web_address(address: str) -> bool:
    """Return whether the address is absolute, with the scheme http or https, and has a host."""
    return address[:8].lower().startswith(("http://", "https://")) and bool(host_of(address))


def host_of(address: str) -> str:
    """Return the host in lower case without `www.`; empty if there is none."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    return host.lower().removeprefix("www.")

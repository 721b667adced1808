"""Tells which addresses the relay may call: a subscriber must not reach the servers of this installation."""

from __future__ import annotations

import ipaddress

_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))  # IPv4 behind NAT64


def is_public(address: str) -> bool:
    """Tell whether an IP address is a public one: not loopback, link-local, private, multicast or reserved.

    IPv6 addresses that stand for an IPv4 address are refused: the IPv4 address may be private.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (
        ip.ipv4_mapped or ip.sixtofour or ip.teredo or any(ip in network for network in _TRANSLATED)
    ):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved

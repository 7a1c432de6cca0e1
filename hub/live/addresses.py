"""Where the hub may send what it tells of its own accord: https to public addresses, or to this machine, unless it is
declared that the receiver is in the park's own network. What a name stands for is looked at each time, and the
connection goes to that very address, so that no name can lead elsewhere in between."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address


class NotAllowed(Exception):
    """The text says where it would have gone, and what to declare if that is right."""


def refusal(url: str, *, internal: bool) -> str | None:
    """What is wrong with an address as it is written; None where nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"{url!r} is no address"
    if parts.scheme not in ("http", "https") or not host:
        return f"{url!r} is no address of the form https://HOST/…"
    if parts.username is not None or parts.password is not None:
        return "user and password do not belong in the address: the signature says who sends"
    if parts.fragment:
        return "the address has a fragment, which is never sent"
    if parts.scheme == "http" and not internal and not is_this_machine(host):
        return f"{url!r}: https is needed, or http to 127.0.0.1; internal = true allows it within the park's network"
    return None


def is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    address = _literal(host)
    return address is not None and address.is_loopback


async def resolve(url: str, *, internal: bool) -> str:
    """The IP address to connect to. Raises NotAllowed, and OSError for a name that nobody knows."""
    if (wrong := refusal(url, internal=internal)) is not None:
        raise NotAllowed(wrong)
    parts = urlsplit(url)
    host = parts.hostname or ""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    addresses = [ip_address(each[4][0]) for each in found]
    for address in addresses:
        _check(host, _plain(address), internal)
    return str(addresses[0])


def _check(host: str, address: Address, internal: bool) -> None:
    if address.is_loopback:
        if not is_this_machine(host):
            raise NotAllowed(f"{host} leads to this machine ({address}): write 127.0.0.1 if that is meant")
    elif address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        raise NotAllowed(f"{host} leads to {address}, where no receiver can be")
    elif not address.is_global and not internal:
        raise NotAllowed(f"{host} leads to {address}, in a network of one's own: set internal = true if that is meant")


def _plain(address: Address) -> Address:
    """An IPv4 address that is written as an IPv6 one is taken for what it is."""
    return getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None

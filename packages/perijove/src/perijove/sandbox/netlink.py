"""Routes and addresses by the kernel's own interface, without the `ip` program."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Iterator

_REQUEST, _ACK, _DUMP, _REPLACE, _CREATE = 0x1, 0x4, 0x300, 0x100, 0x400
_ERROR, _DONE, _NEW_ADDRESS, _GET_ADDRESS, _NEW_ROUTE = 2, 3, 20, 22, 24
_GROUP_IPV4_ADDRESSES = 0x10
_PROHIBIT, _MAIN_TABLE, _STATIC = 8, 254, 4
_HEADER = struct.Struct("=IHHII")
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def loopback_up() -> None:
    """Bring up `lo` in the calling thread's network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(probe, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def prohibit(address: str, prefix: int = 32) -> None:
    """Let nothing in the calling thread's network namespace send to `address/prefix`; OSError else."""
    route = struct.pack("=BBBBBBBBI", socket.AF_INET, prefix, 0, 0, _MAIN_TABLE, _STATIC, 0, _PROHIBIT, 0)
    destination = struct.pack("=HH", 8, 1) + socket.inet_aton(address)
    body = route + destination
    flags = _REQUEST | _ACK | _CREATE | _REPLACE
    with _netlink(groups=0) as sock:
        sock.send(_HEADER.pack(_HEADER.size + len(body), _NEW_ROUTE, flags, 1, 0) + body)
        for kind, answer in _messages(sock.recv(65536)):
            error = struct.unpack_from("=i", answer)[0] if kind == _ERROR else 0
            if error:
                raise OSError(-error, f"no route can be closed: {os.strerror(-error)}")


def watch_addresses() -> socket.socket:
    """A socket on which `read_addresses` finds the host's IPv4 addresses: those it has, then new ones."""
    sock = _netlink(groups=_GROUP_IPV4_ADDRESSES)
    body = struct.pack("=BBBBI", socket.AF_INET, 0, 0, 0, 0)
    sock.send(_HEADER.pack(_HEADER.size + len(body), _GET_ADDRESS, _REQUEST | _DUMP, 1, 0) + body)
    return sock


def read_addresses(sock: socket.socket) -> list[str]:
    """The addresses in one message of `watch_addresses`' socket, without the loopback's."""
    found = []
    for kind, body in _messages(sock.recv(65536)):
        if kind == _NEW_ADDRESS:
            found += [address for address in _addresses(body[8:]) if not address.startswith("127.")]
    return found


def _netlink(*, groups: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    sock.bind((0, groups))
    sock.settimeout(5)
    return sock


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if kind == _DONE or length < _HEADER.size:
            return
        yield kind, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def _addresses(attributes: bytes) -> Iterator[str]:
    offset = 0
    while offset + 4 <= len(attributes):
        length, kind = struct.unpack_from("=HH", attributes, offset)
        if kind in (1, 2) and length == 8:
            yield socket.inet_ntoa(attributes[offset + 4 : offset + 8])
        offset += max(4, (length + 3) & ~3)

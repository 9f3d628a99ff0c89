"""Lead connections on one side of a sandbox to a port on the other."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable

from perijove.sandbox.loop import READ, WRITE, Loop

MAX_CONNECTIONS = 1024
_BUFFER = memoryview(bytearray(2**18))
_ROUNDS = 8
_RESET = struct.pack("ii", 1, 0)

MakeSocket = Callable[[], socket.socket]


class Forwarder:
    """One listening port. Each connection to it is led to `target` by a socket of `make_socket`.

    Ends of stream pass one by one, a reset on either side is a reset on the other, and a connection may
    rest as long as it likes. A slow reader holds back its writer only: at most 256 KiB wait here. Beyond
    MAX_CONNECTIONS further ones wait in the kernel's queue.
    """

    def __init__(
        self, loop: Loop, listener: socket.socket, make_socket: MakeSocket, target: tuple[str, int]
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._make_socket = make_socket
        self._target = target
        self._open = 0
        listener.setblocking(False)
        listener.listen(512)
        loop.watch(listener, READ, self._accept)

    def _accept(self, _events: int) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS):
                self._pause()
            return
        self._open += 1
        if self._open >= MAX_CONNECTIONS:
            self._loop.watch(self._listener, 0, self._accept)
        try:
            _Connection(self._loop, client, self._make_socket(), self._target, self._closed)
        except OSError:
            client.close()
            self._closed()

    def _pause(self) -> None:
        self._loop.watch(self._listener, 0, self._accept)
        self._loop.at(f"accept {self._listener.fileno()}", 0.2, self._resume)

    def _resume(self) -> None:
        self._loop.watch(self._listener, READ, self._accept)

    def _closed(self) -> None:
        self._open -= 1
        self._resume()


class _End:
    """One socket of a connection, and what still waits to be written to it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.waiting = b""
        self.said_all = False  # nothing more comes from it
        self.told_all = False  # it has been told that nothing more comes


class _Connection:
    """Two ends; what one says is passed to the other."""

    def __init__(
        self,
        loop: Loop,
        client: socket.socket,
        server: socket.socket,
        target: tuple[str, int],
        closed: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._closed = closed
        self._client, self._server = _End(client), _End(server)
        if server.connect_ex(target) not in (0, errno.EINPROGRESS):
            self._abort()
            return
        loop.watch(server, WRITE, self._connected)

    def _connected(self, _events: int) -> None:
        if self._server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._abort()
            return
        self._settle()

    def _ready(self, end: _End, other: _End, events: int) -> None:
        try:
            if events & WRITE and end.waiting:
                _write(end, end.waiting)
            if events & READ and not end.said_all and not other.waiting:
                _pass_on(end, other)
            _tell_all(end, other)
            _tell_all(other, end)
        except OSError:
            self._abort()
            return
        self._settle()

    def _settle(self) -> None:
        """Wait for exactly what can go on; close when both sides have been told the end."""
        client, server = self._client, self._server
        if client.told_all and server.told_all:
            self._close()
            return
        self._loop.watch(client.sock, _wanted(client, server), lambda e: self._ready(client, server, e))
        self._loop.watch(server.sock, _wanted(server, client), lambda e: self._ready(server, client, e))

    def _abort(self) -> None:
        for end in (self._client, self._server):
            end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close()

    def _close(self) -> None:
        for end in (self._client, self._server):
            self._loop.watch(end.sock, 0, lambda _: None)
            end.sock.close()
        self._closed()


def _wanted(end: _End, other: _End) -> int:
    reading = READ if not end.said_all and not other.waiting else 0
    return reading | (WRITE if end.waiting else 0)


def _pass_on(end: _End, other: _End) -> None:
    """A few rounds at most, so that one busy connection does not hold up the others."""
    for _ in range(_ROUNDS):
        try:
            count = end.sock.recv_into(_BUFFER)
        except BlockingIOError:
            return
        if not count:
            end.said_all = True
            return
        _write(other, _BUFFER[:count])
        if other.waiting:
            return


def _write(end: _End, data: bytes | memoryview) -> None:
    try:
        sent = end.sock.send(data)
    except BlockingIOError:
        sent = 0
    end.waiting = bytes(data[sent:])


def _tell_all(end: _End, other: _End) -> None:
    """Pass on the end of stream that `other` has sent, once `end` has all of its words."""
    if other.said_all and not end.waiting and not end.told_all:
        end.told_all = True
        end.sock.shutdown(socket.SHUT_WR)

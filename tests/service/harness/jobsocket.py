"""The job worker's socket from the outside: frames of msgpack, written and read by hand."""

import os
import socket
import struct

from .waiting import wait_until

VERSION = 1
WAKE, SUBSCRIBE, PROGRESS, ENDED, CANCEL, STATUS, FIGURES, FETCH, DATA, DATA_END, REFUSED = range(1, 12)
KEYS = {"version": 0, "operation": 1, "job_id": 2, "kind": 3, "tenant_id": 4, "done": 5, "total": 6, "export_id": 7,
        "sha256": 8, "offset": 9, "length": 10, "data": 11, "result": 12, "code": 13, "detail": 14, "figures": 15}
NAMES = {number: name for name, number in KEYS.items()}
FIGURE_NAMES = ("uptime_seconds", "short_threads", "short_busy", "long_threads", "long_busy", "short_queued",
                "long_queued", "short_oldest_seconds", "long_oldest_seconds", "clients", "fetches")


def pack(value):
    """msgpack of what our messages hold."""
    if isinstance(value, int):
        return bytes([value]) if 0 <= value < 128 else b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, str):
        raw = value.encode("utf-8")
        return b"\xd9" + bytes([len(raw)]) + raw if len(raw) < 256 else b"\xda" + struct.pack(">H", len(raw)) + raw
    if isinstance(value, dict):
        return bytes([0x80 | len(value)]) + b"".join(pack(k) + pack(v) for k, v in value.items())
    raise TypeError(value)


def frame(operation, **members):
    """One whole frame; what a peer would never say is said with frame_of."""
    body = {KEYS["version"]: VERSION, KEYS["operation"]: operation}
    body.update({KEYS[name]: value for name, value in members.items()})
    return frame_of(pack(body))


def frame_of(body):
    return struct.pack(">I", len(body)) + body


_FIXED = {0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q"}
_COUNTED = {0xd9: (">B", "text"), 0xda: (">H", "text"), 0xc4: (">B", "bytes"), 0xc5: (">H", "bytes"),
            0xc6: (">I", "bytes"), 0xdc: (">H", "array"), 0xde: (">H", "map")}


def unpack(raw, at=0):
    """(value, where it ends)."""
    first = raw[at]
    at += 1
    if first < 0x80:
        return first, at
    if first in _FIXED:
        size = struct.calcsize(_FIXED[first])
        return struct.unpack_from(_FIXED[first], raw, at)[0], at + size
    if first in _COUNTED:
        form, kind = _COUNTED[first]
        count, at = struct.unpack_from(form, raw, at)[0], at + struct.calcsize(form)
    elif first < 0x90:
        count, kind = first & 15, "map"
    elif first < 0xa0:
        count, kind = first & 15, "array"
    elif first < 0xc0:
        count, kind = first & 31, "text"
    else:
        raise ValueError(hex(first))
    if kind in ("text", "bytes"):
        value = bytes(raw[at:at + count])
        return (value.decode("utf-8") if kind == "text" else value), at + count
    values = []
    for _ in range(count * (2 if kind == "map" else 1)):
        value, at = unpack(raw, at)
        values.append(value)
    return (dict(zip(values[::2], values[1::2])) if kind == "map" else values), at


class JobSocket:
    """One connection."""

    def __init__(self, server, timeout=20):
        self.peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.peer.settimeout(timeout)
        path = os.path.join(server.values["STATE_DIR"], "jobs.sock")
        # A full backlog is EAGAIN at once for a socket with a time-out.
        wait_until(lambda: self._connected(path), timeout, "room in the backlog")

    def _connected(self, path):
        try:
            self.peer.connect(path)
            return True
        except BlockingIOError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.peer.close()

    def say(self, operation, **members):
        self.peer.sendall(frame(operation, **members))

    def _exactly(self, size):
        pieces = bytearray()
        while len(pieces) < size:
            piece = self.peer.recv(size - len(pieces))
            if not piece:
                return None
            pieces += piece
        return pieces

    def hear(self):
        """The next message as a dict of names; None when the worker has closed."""
        try:
            head = self._exactly(4)
            body = self._exactly(struct.unpack(">I", head)[0]) if head is not None else None
        except ConnectionResetError:
            return None
        if body is None:
            return None
        assert len(body) <= 65536
        members, end = unpack(body)
        assert end == len(body)
        return {NAMES[number]: value for number, value in members.items()}

    def figures(self):
        self.say(STATUS)
        heard = self.hear()
        assert heard["operation"] == FIGURES
        return dict(zip(FIGURE_NAMES, heard["figures"]))

    def fetch(self, tenant_id, export_id, sha256, offset, length):
        """The bytes, or the code of the refusal as a text."""
        self.say(FETCH, tenant_id=tenant_id, export_id=export_id, sha256=sha256, offset=offset, length=length)
        content = bytearray()
        while True:
            heard = self.hear()
            assert heard is not None, "the worker closed the connection"
            if heard["operation"] == REFUSED:
                return heard["code"]
            if heard["operation"] == DATA_END:
                return bytes(content)
            assert heard["operation"] == DATA and heard.get("offset", 0) == offset + len(content)
            content += heard["data"]

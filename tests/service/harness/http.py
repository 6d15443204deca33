"""A plain HTTP client over http.client, and raw sockets for what no decent client would send."""

import gzip
import http.client
import json
import socket

from . import described


class Answer:
    """Status, fields and body of one response."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def content(self):
        """The body without the coding it came in."""
        return gzip.decompress(self.body) if self.headers.get("Content-Encoding") == "gzip" else self.body

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.content)

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"

    def must(self, *statuses):
        """Fails with the whole answer unless its status is one of `statuses`."""
        assert self.status in statuses, f"expected {statuses}, got {self}"
        return self

    def problem(self, status, code=None):
        """Checks that this is a well-formed RFC 9457 problem of that status, and returns its members."""
        self.must(status)
        assert self.headers["Content-Type"].startswith("application/problem+json"), dict(self.headers)
        members = self.json
        for name in ("type", "title", "status", "detail", "instance", "code", "request_id"):
            assert name in members, f"problem without {name}: {members}"
        assert members["status"] == status
        assert members["request_id"] == self.headers["X-Request-Id"]
        assert members["title"] and members["detail"]
        if code is not None:
            assert members["code"] == code, members
        return members

    def pointers(self):
        """The JSON pointers of a bad-input problem."""
        return [entry["pointer"] for entry in self.json.get("errors", [])]


def request(port, method, path, body=None, headers=None, timeout=75, connection=None):
    """One request; a new connection unless one is given. A body that is an iterator goes out chunked."""
    own = connection is None
    if own:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        chunked = body is not None and not isinstance(body, (bytes, str))
        connection.request(method, path, body=body, headers=headers or {}, encode_chunked=chunked)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
    finally:
        if own:
            connection.close()
    described.check(port, method, path, body, answer)
    return answer


def raw(port, payload, timeout=15.0, finish=True):
    """Sends bytes as they are and returns all that comes back until the server closes (or `timeout`)."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as peer:
        try:
            peer.sendall(payload)
            if finish:
                peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has had enough; what it said is read below
        return read_all(peer)


def read_all(peer):
    """Everything until the end of the connection; a reset or a time-out ends it as well."""
    pieces = []
    try:
        while True:
            piece = peer.recv(65536)
            if not piece:
                break
            pieces.append(piece)
    except (ConnectionResetError, TimeoutError):
        pass
    return b"".join(pieces)


def statuses(stream):
    """The status codes of the responses in a raw byte stream, by their Content-Length."""
    found = []
    while stream.startswith(b"HTTP/1."):
        head, _, rest = stream.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        code = int(lines[0].split()[1])
        found.append(code)
        length = 0
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        stream = rest[length:] if code != 100 else rest
    return found

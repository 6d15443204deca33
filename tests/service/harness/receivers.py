"""What the server calls: an HTTP receiver (n8n, Slack) and a mail server, on loopback, doing as a test tells them."""

import base64
import hashlib
import hmac
import http.server
import json
import socket
import socketserver
import threading
import time

from .waiting import wait_until


class Delivery:
    """One request that came in."""

    def __init__(self, path, headers, body):
        self.path = path
        self.headers = headers
        self.body = body
        self.at = time.monotonic()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        return self.headers["webhook-id"]

    def is_signed_with(self, key):
        """Whether one of the signatures is that of `key` (bytes), as Standard Webhooks says."""
        text = b"%s.%s.%s" % (self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body)
        wanted = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        return wanted in self.headers["webhook-signature"].split(" ")


class Receiver:
    """Keeps what is posted to it and answers by `answer(delivery, number)`: a status, (status, headers) or None, which
    never answers. `number` counts from 1."""

    def __init__(self):
        self.deliveries = []
        self.answer = lambda delivery, number: 200
        self._released = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer._take(self, Delivery(self.path, self.headers, body))

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _take(self, handler, delivery):
        with self._lock:
            self.deliveries.append(delivery)
            number = len(self.deliveries)
        said = self.answer(delivery, number)
        if said is None:
            self._released.wait(60)
            handler.close_connection = True
            return
        status, headers = said if isinstance(said, tuple) else (said, {})
        try:
            handler.send_response(status)
            for name, value in {"Content-Length": "2", **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(b"ok")
        except OSError:
            pass  # the caller has gone

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def wait_for(self, count, timeout=15):
        """The deliveries, once there are `count`."""
        wait_until(lambda: len(self.deliveries) >= count, timeout, f"{count} deliveries")
        return self.deliveries

    def close(self):
        self._released.set()
        self._server.shutdown()
        self._server.server_close()


class Letter:
    def __init__(self, sender, receivers, message):
        self.sender = sender
        self.receivers = receivers
        self.message = message


class MailServer:
    """A mail server without encryption. `replies` maps a command (MAIL, RCPT, DATA, END, AUTH) to replies that are
    given instead of the usual one, one each time."""

    USUAL = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", "END": "250 taken", "AUTH": "235 welcome"}

    def __init__(self):
        self.letters = []
        self.commands = []
        self.replies = {}
        self.features = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    outer._talk(self.rfile, self.wfile)
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def _reply(self, command):
        queued = self.replies.get(command)
        return queued.pop(0) if queued else self.USUAL[command]

    def _talk(self, lines, out):
        def say(text):
            out.write(text.encode() + b"\r\n")
            return text
        sender, receivers = None, []
        say("220 test ready")
        for line in lines:
            text = line.decode().rstrip("\r\n")
            word = text.split(" ")[0].upper()
            self.commands.append(text)
            if word in ("EHLO", "HELO"):
                said = ["test", *self.features]
                for n, feature in enumerate(said):
                    say(f"250{' ' if n == len(said) - 1 else '-'}{feature}")
            elif word == "MAIL":
                sender, receivers = text[text.index("<") + 1:text.index(">")], []
                say(self._reply(word))
            elif word == "RCPT":
                if say(self._reply(word)).startswith("250"):
                    receivers.append(text[text.index("<") + 1:text.index(">")])
            elif word == "DATA":
                if say(self._reply(word)).startswith("354"):
                    message = self._read_message(lines)
                    if say(self._reply("END")).startswith("250"):
                        self.letters.append(Letter(sender, receivers, message))
            elif word == "AUTH":
                if text.upper() == "AUTH PLAIN":
                    say("334 ")
                    self.commands.append(next(lines).decode().rstrip("\r\n"))
                say(self._reply(word))
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok" if word in ("RSET", "NOOP") else "502 what?")

    @staticmethod
    def _read_message(lines):
        kept = []
        for line in lines:
            if line == b".\r\n":
                break
            kept.append(line[1:] if line.startswith(b".") else line)
        return b"".join(kept)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def refused_port():
    """A port of loopback that nobody listens on, kept from others as long as the socket lives."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]

"""How a stand-in is written: a class StandIn below StandInBase in a module named as the kind is.

A stand-in answers `answer(request)` with an Answer and describes itself by `options()` and `secrets()`, as
`msp-analytics source set` takes them. What all have in common is here: the requests that came, faults that a test
asks for, a quota, a gate that holds a request, and hooks that run between two pages.
"""

import collections
import http.server
import json
import random
import shlex
import socket
import threading
import time
import urllib.parse
import zlib

from .desk import Desk

HUGE_BYTES = (16 << 20) + 1000
INSIDE = "http://169.254.169.254/latest/meta-data/"

# Faults that pass when the same is asked again, and those that no source can mend.
PASSING = ("429", "429-silent", "500", "502", "503", "drop", "cut", "broken", "drip", "dirty")
HOSTILE = ("broken", "deep", "huge", "wide", "text", "empty", "html", "redirect", "inside-link", "wrong-rows",
           "bomb-header")


class Request:
    """One request as it came."""

    def __init__(self, method, target, headers, body):
        parts = urllib.parse.urlsplit(target)
        self.method, self.target, self.path = method, target, parts.path
        self.pairs = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
        self.query = dict(self.pairs)
        self.headers, self.body = headers, body
        self.at = time.monotonic()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


class Answer:
    """A status, fields, and a body: anything that JSON can say, or bytes as they are. `is_list` marks a page of
    tickets: pages are what gates, hooks and faults count."""

    def __init__(self, body=None, status=200, headers=None, is_list=False):
        self.status, self.body, self.is_list = status, body, is_list
        self.headers = dict(headers or {})

    def text(self):
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode("utf-8")


class StandInBase:
    """A server on loopback. Subclasses set `kind` and answer; every name below is theirs to use."""

    kind = None
    page_cap = 100      # rows a page has at most; tests lower it
    window_cap = 10000  # rows a search shows at most
    # Members that a pulled ticket must show as `expected` says.
    promised = ("title", "status", "priority", "created_at", "updated_at")
    lists_ids = True

    def __init__(self, port=0, tickets=300):
        self.desk = Desk()
        self.server = _Server(("127.0.0.1", port), _Handler)
        self.server.stand_in = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.lock = threading.RLock()
        self.reset(tickets)

    # ---- life ----

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.let_go()
        if self.thread.is_alive():
            self.server.shutdown()
        self.server.server_close()

    def reset(self, tickets=300):
        """As new, with that many tickets."""
        with self.lock:
            self.desk.fill(tickets)
            self.requests = []
            self.pages = 0
            self.handed_out = []
            self.planned = collections.deque()
            self.random_faults = None
            self.in_a_row = 0
            self.quota = None
            self.quota_used = collections.deque()
            self.hold_page = None
            self.held = threading.Event()
            self.free = threading.Event()
            self.after_page = None
            self.inside_link = False
            for name, value in vars(type(self)).items():
                if name in ("page_cap", "window_cap"):
                    setattr(self, name, value)
            self.forget()
        return self

    # ---- what a subclass says ----

    def options(self):
        """The options of `msp-analytics source set`, without secrets."""
        return {"url": self.url}

    def secrets(self):
        return {}

    def answer(self, request):
        """The Answer to a request. Called with the lock held."""
        raise NotImplementedError

    def forget(self):
        """Drops sessions, cursors and whatever else the system would forget when restarted."""

    def next_link(self, answer, link):
        """Puts `link` where the answer names its next page; called for the fault inside-link."""

    def expected(self, ticket):
        """How the ticket must come out: the contract's members, times as seconds."""
        return {"external_id": str(ticket.id), "title": ticket.title, "status": ticket.status,
                "priority": ticket.priority, "created_at": ticket.created, "updated_at": ticket.updated,
                "resolved_at": ticket.resolved, "closed_at": ticket.closed, "due_at": ticket.due,
                "first_response_at": ticket.first_response, "assignee": ticket.assignee}

    # ---- what a test asks for ----

    def fail(self, fault, times=1, after=0):
        """The next pages but `after` are answered by a fault of PASSING or HOSTILE."""
        with self.lock:
            self.planned.extend([None] * after + [fault] * times)

    def fail_at_random(self, seed=1, share=0.12):
        """Passing faults now and then, two in a row at most."""
        self.random_faults = (random.Random(seed), share)

    def set_quota(self, limit, window_seconds, style="x-ratelimit"):
        """Tells of a quota in each answer, and answers 429 past it."""
        self.quota = (limit, window_seconds, style)

    def hold(self, page):
        """The request for that page (from 1 on, counted since now) waits until let_go(); wait for `held` first."""
        with self.lock:
            self.held.clear()
            self.free.clear()
            self.hold_page = self.pages + page

    def let_go(self):
        self.hold_page = None
        self.free.set()

    def between_pages(self, hook):
        """hook(number of the page) runs after each page of tickets was made."""
        self.after_page = hook

    def most_in(self, window_seconds):
        """The most requests that came in any window of that length."""
        times = [request.at for request in self.requests]
        most = begin = 0
        for end, at in enumerate(times):
            while at - times[begin] >= window_seconds:
                begin += 1
            most = max(most, end - begin + 1)
        return most

    def should_hold(self):
        """All tickets by external id, as they must be stored."""
        return {made["external_id"]: made for made in map(self.expected, self.desk.all())}

    def command(self, tenant, program="msp-analytics", more=()):
        """The shell line that connects a tenant to this stand-in."""
        words = [program, "source", "set", tenant, "--kind", self.kind, *more]
        for name, value in self.options().items():
            words += ["--option", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
        secrets = self.secrets()
        for name in secrets:
            words += ["--secret", name]
        line = shlex.join(words)
        return f"printf '%s\\n' {shlex.join(secrets.values())} | {line}" if secrets else line

    # ---- the way of a request ----

    def serve(self, request):
        """The Answer and the fault that spoils it, or None."""
        with self.lock:
            self.requests.append(request)
            over = self._over_quota(request)
            answer = over or self.answer(request)
            answer.headers.update(self._quota_headers(request))
            if over or not answer.is_list:
                return answer, None
            self.pages += 1
            page = self.pages
            fault = self._choose_fault()
            hook = self.after_page
            waits = self.hold_page == page
            if fault is None and not waits:
                self.handed_out.append(zlib.crc32(answer.text()))
        if waits:
            self.held.set()
            self.free.wait(120)
        if hook and fault is None:
            hook(page)
        return answer, fault

    def _choose_fault(self):
        if self.planned:
            return self.planned.popleft()
        if self.random_faults is None:
            return None
        draw, share = self.random_faults
        if self.in_a_row >= 2 or draw.random() >= share:
            self.in_a_row = 0
            return None
        self.in_a_row += 1
        return draw.choice([fault for fault in PASSING if fault != "429-silent"])  # it makes a source wait for 5 s

    def _over_quota(self, request):
        if self.quota is None:
            return None
        limit, window, _ = self.quota
        while self.quota_used and request.at - self.quota_used[0] >= window:
            self.quota_used.popleft()
        if len(self.quota_used) >= limit:
            wait = int(window - (request.at - self.quota_used[0])) + 1
            return Answer({"message": "Too many requests"}, 429, {"Retry-After": str(wait)})
        self.quota_used.append(request.at)
        return None

    def _quota_headers(self, request):
        if self.quota is None:
            return {}
        limit, window, style = self.quota
        left = max(limit - len(self.quota_used), 0)
        reset = int(window - (request.at - self.quota_used[0])) + 1 if self.quota_used else window
        return {"x-ratelimit": {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset},
                "x-rate-limit": {"X-Rate-Limit": limit, "X-Rate-Limit-Remaining": left},
                "draft": {"RateLimit-Policy": f'"default";q={limit};w={window}',
                          "RateLimit": f'"default";r={left};t={reset}'},
                "beta": {"Beta-RateLimit-Policy": f'"burst";q={limit};w={window}',
                         "Beta-RateLimit": f'"burst";r={left};t={reset}'},
                "none": {}}[style]


# ---- faults ----

def _status(code, **headers):
    return lambda stand_in, answer: Answer({"message": f"fault {code}"}, code,
                                           {name.replace("_", "-"): value for name, value in headers.items()})


def _raw(body, content_type="application/json"):
    return lambda stand_in, answer: Answer(body() if callable(body) else body, 200, {"Content-Type": content_type})


def _inside_link(stand_in, answer):
    stand_in.next_link(answer, INSIDE)
    return answer


def _dirty(stand_in, answer):
    """Texts that a strict reader of JSON refuses: a NUL, half a character, bytes that are no UTF-8."""
    if isinstance(answer.body, dict):
        text = answer.text()[:-1] + b', "extra": "nul \\u0000 half \\ud83d bytes \xff"}'
        return Answer(text, answer.status, answer.headers)
    return answer


# How an answer becomes what the fault says; those of the wire are the handler's.
SPOILERS = {
    "429": _status(429, Retry_After="1"),
    "429-silent": _status(429),
    "500": _status(500), "502": _status(502), "503": _status(503),
    "broken": _raw(b'{"tickets": [{"id": 1, '),
    "dirty": _dirty,
    "deep": _raw(lambda: b"[" * 100000),
    "huge": _raw(lambda: b'{"x": "' + b"x" * HUGE_BYTES + b'"}'),
    "wide": _raw(lambda: b"[" + b"0," * 3000000 + b"0]"),
    "text": _raw(b'"no list"'),
    "empty": _raw(b""),
    "html": _raw(b"<!doctype html><title>Sign in</title>", "text/html"),
    "redirect": _status(302, Location=INSIDE),
    "inside-link": _inside_link,
    "wrong-rows": _raw(b'{"value": 7, "items": "none", "tickets": {"id": 1}, "results": null, "data": false}'),
    "bomb-header": _status(200, X_RateLimit_Limit="9" * 4000),
}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    stand_in = None

    def handle_error(self, request, client_address):
        pass  # a client that was killed is part of the tests


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path, self.headers, self.rfile.read(length))
        answer, fault = self.server.stand_in.serve(request)
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if fault in SPOILERS:
            answer = SPOILERS[fault](self.server.stand_in, answer)
        self.give(answer, fault)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def give(self, answer, fault):
        body = answer.text()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "cut":
            self.wfile.write(body[:len(body) // 2])
            self.close_connection = True
            return
        if fault == "drip":
            for at in range(0, min(len(body), 200), 20):
                self.wfile.write(body[at:at + 20])
                self.wfile.flush()
                time.sleep(0.02)
            body = body[200:]
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

"""Load from a handful of threads, each on its own keep-alive connection, with every failure kept."""

import http.client
import threading
import time


class Load:
    """Runs from `with` until its end. A failure is a request without a whole answer of an expected status."""

    def __init__(self, port, path, headers=None, threads=8, keep_alive=True, expected=(200,)):
        self.port, self.path, self.headers = port, path, headers or {}
        self.keep_alive, self.expected = keep_alive, expected
        self.answered = 0
        self.failures = []  # (monotonic time, what happened)
        self.slowest = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self):
        connection = None
        while not self._stop.is_set():
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            connection = self._ask(connection)
        if connection is not None:
            connection.close()

    def _ask(self, connection):
        """One request; returns the connection if it may be used again."""
        begun = time.monotonic()
        try:
            connection.request("GET", self.path, headers=self.headers)
            response = connection.getresponse()
            body = response.read()
            fault = None if response.status in self.expected else f"{response.status} {body[:200]!r}"
            closing = response.will_close or not self.keep_alive
        except (OSError, http.client.HTTPException) as problem:
            fault, closing = f"{type(problem).__name__}: {problem}", True
        with self._lock:
            self.answered += fault is None
            self.slowest = max(self.slowest, time.monotonic() - begun)
            if fault is not None:
                self.failures.append((time.monotonic(), fault))
        if closing:
            connection.close()
            return None
        return connection

    def answers_more(self, count=50):
        """A predicate for wait_until: that many further answers have come."""
        goal = self.answered + count
        return lambda: self.answered >= goal

"""How long single requests take, at a steady pace that leaves the machine room for others."""

import http.client
import threading
import time


def percentile(values, percent):
    """The value at rank ceil(percent of the count)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


class Pace:
    """Asks one address `rate` times a second on one connection while entered; times by named phase."""

    def __init__(self, port, path, headers, rate=150):
        self.port, self.path, self.headers, self.pause = port, path, headers, 1 / rate
        self.phase, self.times, self.failures = None, {}, []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)

    def during(self, phase, seconds):
        """Notes what is measured in the next seconds under this name."""
        self.phase = phase
        time.sleep(seconds)
        self.phase = None

    def p99(self, *phases):
        return percentile([took for phase in phases for took in self.times[phase]], 99)

    def _run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._stop.is_set():
            phase, begun = self.phase, time.perf_counter()
            try:
                connection.request("GET", self.path, headers=self.headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(answer.status)
            except (OSError, http.client.HTTPException) as fault:
                self.failures.append(repr(fault))
                connection.close()
            took = time.perf_counter() - begun
            if phase is not None:
                self.times.setdefault(phase, []).append(took)
            self._stop.wait(max(0, self.pause - took))
        connection.close()

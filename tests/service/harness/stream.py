"""A stream of jobs over HTTP, with a ledger outside the program of what was acknowledged and when."""

import itertools
import threading
import time


class Stream:
    """Starts jobs of every kind for the given tenants, one every `every` seconds, while it is entered."""

    def __init__(self, server, slugs, every=0.1, most_open=12):
        self.server, self.slugs, self.every, self.most_open = server, slugs, every, most_open
        self.acknowledged = {}  # job id: when its 202 came (time.time())
        self.refused = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)

    def _orders(self):
        for number in itertools.count():
            slug, day = self.slugs[number % len(self.slugs)], f"2024-03-{number % 28 + 1:02}"
            yield "/internal/kpi/compute-daily", {"tenant_id": slug, "from": "2024-03-01", "to": day}
            yield "/internal/exports/generate", {"tenant_id": slug, "from": day, "to": day, "force": True}
            yield "/internal/kpi/compute-daily", {"tenant_id": slug, "date": day}

    def _run(self):
        for path, parameters in self._orders():
            while self._open() >= self.most_open and not self._stop.wait(0.05):
                pass
            if self._stop.wait(self.every):
                return
            try:
                answer = self.server.internal("POST", path, parameters, timeout=30)
            except OSError as failure:
                self.refused.append(str(failure))
                continue
            if answer.status == 202:
                self.acknowledged.setdefault(answer.json["job"]["id"], time.time())
            else:
                self.refused.append(answer.status)

    def _open(self):
        try:
            jobs = [self.server.internal("GET", f"/internal/jobs?state={state}&limit=50", timeout=30)
                    for state in ("queued", "running")]
            return sum(len(answer.json["jobs"]) for answer in jobs)
        except (OSError, TypeError, KeyError):
            return self.most_open

"""The stack under measurement, the tickets in it, and how loads are run and figures told."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from harness.databases import PASSWORDS, REPOSITORY
from harness.server import SECRETS, Stack, binary


TENANT = "bench"
END = "2026-06-30T22:00:00Z"
YEAR = ("2025-07-01", "2026-06-30")
WORKERS = 2
POOL = 4
# As people run it: what is committed is on disk.
POSTGRES = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "512MB",
            "max_wal_size": "4GB", "checkpoint_timeout": "15min"}


class Bench:
    """The stack under measurement and what every part needs of it."""

    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="msp-bench-", dir=options.folder)
        os.chmod(self.folder, 0o755)
        self.stack = Stack(POSTGRES)
        self.misses = []
        self.loaded = self.computed = False
        self._tickets = None

    def start(self):
        self.stack.start("bench")
        self.server = self.another(HTTP_THREADS="2500")
        self.server.add_tenant(TENANT, "Europe/Paris")
        self.key = self.stack.query("SELECT tenant_id FROM msp.tenants WHERE slug = %s", (TENANT,))[0][0]

    def another(self, program=None, **settings):
        """A started server on the same stack, of another program or other settings."""
        made = self.stack.server(HTTP_WORKERS=str(WORKERS), DB_POOL_SIZE=str(POOL), KEEP_ALIVE_SECONDS="120",
                                 LOG_HOLD_MS=None, **settings)
        if program:
            made.program = os.path.join(os.path.dirname(binary()), program)
        return made.start()

    def stop(self):
        try:
            self.stack.remove()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def tell(self, name, ours, theirs, ratio, hold):
        """One line; without a hold it is only shown."""
        verdict = ""
        if hold:
            word, bound = hold.split()
            good = ratio >= float(bound) if word == ">=" else ratio <= float(bound)
            verdict = f"  hold {hold:8} {'ok' if good else 'MISSED'}"
            if not good:
                self.misses.append(name)
        print(f"{name:12} {ours:34} {theirs:38} ratio {ratio:6.2f}{verdict}", flush=True)

    def psql(self, *arguments, role=None):
        if role is None:
            return self.stack.postgres.psql(self.stack.database, list(arguments))
        return self.stack.postgres.psql(self.stack.database, list(arguments), f"msp_{role}", PASSWORDS[role])

    def tickets(self):
        """The NDJSON file of the invented tickets."""
        if self._tickets is None:
            self._tickets = os.path.join(self.folder, "tickets.ndjson")
            print(f"inventing {self.options.tickets:,} tickets", flush=True)
            with open(self._tickets, "wb") as out:
                subprocess.run([os.path.join(REPOSITORY, "mock-data", "generate"), "--final", "--tenant", TENANT,
                                "--tickets", str(self.options.tickets), "--end", END], stdout=out, check=True)
        return self._tickets

    def load(self):
        """Ingests the tickets once; returns the seconds it took (0 when they were there)."""
        if self.loaded:
            return 0.0
        seconds = stream_file(self.server.port, self.tickets())
        self.loaded = True
        self.psql("-c", "VACUUM ANALYZE msp.raw_tickets")
        return seconds

    def compute(self):
        """Computes the year once more; returns the seconds the job ran."""
        job = self.server.job("/internal/kpi/compute-daily", {"tenant_id": TENANT, "from": YEAR[0], "to": YEAR[1]})
        assert job["state"] == "succeeded", job
        self.computed = True
        return run_seconds(self.stack, job["id"])

    def ready(self):
        """Tickets loaded and every day computed."""
        self.load()
        if not self.computed:
            self.compute()
            self.psql("-c", "VACUUM ANALYZE msp.kpi_daily")


def run_seconds(stack, job_id):
    return float(stack.query("SELECT extract(epoch FROM finished_at - started_at) FROM msp.jobs WHERE job_id = %s",
                             (job_id,))[0][0])


def stream_file(port, path):
    """POSTs a file as NDJSON with sendfile, so that the client costs next to nothing; the seconds until the answer."""
    size = os.path.getsize(path)
    head = (f"POST /internal/ingest/tickets?tenant_id={TENANT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {SECRETS['SERVICE_TOKEN']}\r\nContent-Type: application/x-ndjson\r\n"
            f"Content-Length: {size}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", port), timeout=3600) as peer, open(path, "rb") as source:
        begun = time.monotonic()
        peer.sendall(head)
        peer.sendfile(source)
        answer = b""
        while piece := peer.recv(65536):
            answer += piece
        seconds = time.monotonic() - begun
    assert answer.startswith(b"HTTP/1.1 200"), answer[:600]
    return seconds


def timed(call):
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def wrk(port, path, options, connections, lua=None, seconds=None, fields=None):
    """Requests a second by wrk; every answer must be a good one."""
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds or options.seconds}s"]
    if lua:
        command += ["-s", lua]
    for name, value in (fields or {}).items():
        command += ["-H", f"{name}: {value}"]
    command.append(f"http://127.0.0.1:{port}{path}")
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in told and "Socket errors" not in told, told
    return float(re.search(r"Requests/sec:\s+([0-9.]+)", told).group(1))


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False

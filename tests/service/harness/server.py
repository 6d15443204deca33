"""A stack (PostgreSQL, Redis, one migrated database) and servers on it, each the real binary."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.parse

from . import http, processes, tokens
from .databases import PASSWORDS, REPOSITORY, Postgres, Redis, safe_identifier
from .waiting import wait_until

SECRETS = {"JWT_SECRET": "jwt-secret-of-the-service-tests-0123456789abcdef",
           "SERVICE_TOKEN": "service-token-of-the-service-tests-0123456789abcdef"}
ALARMS = re.compile(
    rb"\bERROR\b|\berror:|level=error|\"level\": ?\"error\"|runtime error:|AddressSanitizer|ThreadSanitizer"
    rb"|LeakSanitizer|Assertion|crashed|Segmentation|stack smashing|double free|corrupted", re.IGNORECASE)
# "error" as a field of a quiet line is no alarm: these two never are.
HARMLESS = re.compile(rb"percentile_error|0 errors")

_numbers = itertools.count(1)


# What no test comes to, unless limits are what it is about.
NO_LIMITS = " ".join(f"{name}=100000000/60" for name in ("read", "write", "export", "service"))


def binary():
    """The program under test."""
    folder = os.environ.get("MSP_BUILD_DIR", os.path.join(REPOSITORY, "build"))
    return os.path.join(folder, "msp-analytics")


def clean_environment():
    """What a child gets: no setting of ours, but the options of sanitizers."""
    keep = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    keep.update({name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")})
    return keep


class Stack:
    """One PostgreSQL with one migrated database, and one Redis; any number of servers on them. It is made anew, or
    begins as a copy of one whose PostgreSQL is stopped."""

    def __init__(self, postgres_settings=(), like=None):
        self.postgres = Postgres(postgres_settings, like and like.postgres)
        self.redis = Redis()
        self.servers = []
        self.database = like and like.database
        self.folder = None
        self.removed = False

    def start(self, name="msp"):
        self.folder = tempfile.mkdtemp(prefix="msp-", dir="/tmp")
        self.postgres.start()
        self.redis.start()
        if self.database is None:
            self.database = safe_identifier(name)
            self.postgres.create_database(self.database)
            migrated = self.run("migrate")
            assert migrated.returncode == 0, migrated.stderr
        return self

    def settings(self):
        """The settings every server of this stack begins with."""
        url = self.postgres.url
        return {
            "DATABASE_URL": url("msp_server", PASSWORDS["server"], self.database),
            "JOBS_DATABASE_URL": url("msp_worker", PASSWORDS["worker"], self.database),
            "MIGRATE_DATABASE_URL": url("msp_owner", PASSWORDS["owner"], self.database),
            "REDIS_URL": self.redis.url,
            **SECRETS,
        }

    def run(self, *arguments, settings=None, timeout=60):
        """Runs a command of the program with this stack's settings; returns the finished process."""
        env = {**clean_environment(), **self.settings(), "STATE_DIR": self.folder, **(settings or {})}
        return subprocess.run([binary(), *arguments], env=env, capture_output=True, text=True,
                              timeout=timeout, cwd="/", check=False)

    def server(self, **settings):
        """A server that is not started yet. Settings are those of the env file; None leaves one out."""
        made = Server(self, settings)
        self.servers.append(made)
        return made

    def query(self, sql, parameters=None):
        """Rows as the superuser sees them."""
        connection = self.postgres.connect(self.database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def remove(self):
        try:
            for server in self.servers:
                server.stop()
                server.keep_log()
        finally:
            self.removed = True
            self.postgres.remove()
            self.redis.remove()
            if self.folder:
                shutil.rmtree(self.folder, ignore_errors=True)


class Server:
    """One master with its children."""

    def __init__(self, stack, settings):
        self.stack = stack
        self.number = next(_numbers)
        self.program = binary()
        self.folder = os.path.join(stack.folder, f"server{self.number}")
        self.exports = os.path.join(self.folder, "exports")
        self.mock_data = os.path.join(self.folder, "mock-data")
        for folder in (self.folder, self.exports, os.path.join(self.folder, "state"), os.path.join(self.mock_data, "tickets")):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        self.port = processes.free_port()
        self.log_path = os.path.join(self.folder, "server.log")
        self.env_path = os.path.join(self.folder, "env")
        self.log_read = 0
        self.log_kept = None
        self.process = None
        self.values = {**stack.settings(), "LISTEN": f"127.0.0.1:{self.port}",
                       "STATE_DIR": os.path.join(self.folder, "state"),
                       "EXPORT_STORAGE": f"file://{self.exports}", "MOCK_MODE": "true",
                       "MOCK_DATA_PATH": self.mock_data, "HTTP_WORKERS": "2", "HTTP_THREADS": "64",
                       "JOB_THREADS": "4", "DB_POOL_SIZE": "4", "LOG_LEVEL": "info", "LOG_HOLD_MS": "0",
                       "RATE_LIMITS": NO_LIMITS}
        self.configure(**settings)

    # ---- life ----

    def configure(self, **settings):
        """Changes the env file; holds from the next start or reload."""
        self.values.update(settings)
        lines = [f"{name}={value}\n" for name, value in self.values.items() if value is not None]
        with open(self.env_path, "w", encoding="utf-8") as out:
            os.fchmod(out.fileno(), 0o600)
            out.writelines(lines)

    def start(self, ready=True):
        self.process = processes.spawn([self.program, "serve", "--env-file", self.env_path], self.log_path,
                                       env=clean_environment())
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, timeout=30):
        def ready():
            assert self.process.poll() is None, f"the server ended: {self.log()[-2000:]}"
            try:
                return self.get("/readyz", timeout=5).status == 200
            except OSError:
                return False
        wait_until(ready, timeout, "/readyz to be 200")

    def stop(self, timeout=30):
        """SIGTERM to the master; every child must be gone with it. Returns the exit code."""
        if self.process is None:
            return None
        family = processes.children(self.process.pid) if self.process.poll() is None else []
        code = processes.end(self.process, signal.SIGTERM, timeout)
        self.process = None
        wait_until(lambda: not any(processes.alive(pid) for pid in family), 10, "the children to be gone")
        return code

    def kill(self):
        """SIGKILL to the master: its children must not outlive it."""
        family = processes.children(self.process.pid)
        self.process.kill()
        self.process.wait(10)
        self.process = None
        wait_until(lambda: not any(processes.alive(pid) for pid in family), 10, "the children to follow")

    def reload(self, timeout=60):
        """`msp-analytics reload` against this server; returns the finished command."""
        return self.command("reload", timeout=timeout)

    def command(self, *arguments, timeout=60):
        """Runs a command of the program with this server's env file."""
        return subprocess.run([binary(), *arguments, "--env-file", self.env_path], env=clean_environment(),
                              capture_output=True, text=True, timeout=timeout, cwd="/", check=False)

    def workers(self, kind="http worker"):
        """The pids of the children of a kind, by their title in /proc."""
        return [pid for pid in processes.children(self.process.pid)
                if (processes.title(pid) or "").startswith(f"msp-analytics: {kind}")]

    def job_worker(self):
        """The pid of the job worker."""
        return wait_until(lambda: self.workers("job worker"), 15, "a job worker")[0]

    # ---- the log ----

    def log_bytes(self):
        if self.log_kept is not None:
            return self.log_kept
        try:
            with open(self.log_path, "rb") as log:
                return log.read()
        except FileNotFoundError:
            return b""

    def log(self):
        return self.log_bytes().decode("utf-8", "replace")

    def keep_log(self):
        """Takes the log into memory before its folder goes."""
        self.log_kept = self.log_bytes()

    def alarms(self, announced=()):
        """Alarming lines since the last look that nobody announced."""
        fresh = self.log_bytes()[self.log_read:]
        self.log_read += len(fresh)
        lines = (line.decode("utf-8", "replace") for line in fresh.splitlines()
                 if ALARMS.search(HARMLESS.sub(b"", line)))
        return [line for line in lines if not any(re.search(pattern, line) for pattern in announced)]

    # ---- asking ----

    def request(self, method, path, body=None, *, token=None, headers=None, json_body=None, timeout=75,
                connection=None):
        fields = dict(headers or {})
        if token is not None:
            fields.setdefault("Authorization", f"Bearer {token}")
        if json_body is not None:
            body = json.dumps(json_body).encode("utf-8")
            fields.setdefault("Content-Type", "application/json")
        return http.request(self.port, method, path, body, fields, timeout, connection)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, json_body=None, **options):
        return self.request("POST", path, json_body=json_body, **options)

    def token(self, role, tenant=None, **claims):
        return tokens.token(SECRETS["JWT_SECRET"], role, tenant, **claims)

    def v1(self, tenant, path, /, role="manager", **query):
        """GET of a public route as somebody of that tenant (an admin names it with ?tenant=)."""
        if role == "admin" and tenant is not None:
            query["tenant"] = tenant
            tenant = None
        # `from` is a keyword of Python: from_ stands for it.
        pairs = {name.rstrip("_"): value for name, value in query.items()}
        target = f"{path}?{urllib.parse.urlencode(pairs)}" if pairs else path
        return self.get(target, token=self.token(role, tenant))

    def internal(self, method, path, json_body=None, **options):
        """An internal route, with the service token."""
        return self.request(method, path, json_body=json_body, token=SECRETS["SERVICE_TOKEN"], **options)

    # ---- things every test needs ----

    def add_tenant(self, slug, timezone="UTC", source=None, name=None):
        """Adds a tenant by the command line and waits until this server knows it."""
        more = ["--source", source] if source else []
        done = self.command("tenant", "add", slug, "--name", name or f"Tenant {slug}", "--timezone",
                            timezone, *more)
        assert done.returncode == 0, done.stderr
        wait_until(lambda: slug in self.tenants(), 5, f"{slug} to be known")
        return slug

    def tenants(self):
        answer = self.internal("GET", "/internal/tenants").must(200)
        return {entry["id"]: entry for entry in answer.json["tenants"]}

    def stream(self, tenant, lines, **options):
        """POSTs NDJSON (bytes, or an iterator of bytes, which goes out chunked)."""
        return self.internal("POST", f"/internal/ingest/tickets?tenant_id={tenant}", body=lines,
                             headers={"Content-Type": "application/x-ndjson"}, **options)

    def push(self, tenant, tickets):
        """Pushes tickets as one JSON body; the stats of a must-be-fine answer."""
        answer = self.internal("POST", "/internal/ingest/tickets", {"tenant_id": tenant, "tickets": tickets})
        return answer.must(200).json["stats"]

    def feed(self, tenant, tickets):
        """Streams tickets (objects or NDJSON lines); the stats of a must-be-fine answer."""
        lines = (t if isinstance(t, bytes) else json.dumps(t).encode() + b"\n" for t in tickets)
        return self.stream(tenant, _blocks(lines), timeout=300).must(200).json["stats"]

    def job(self, path, parameters, wait=60):
        """Starts a job with Prefer: wait and waits on for its end; returns the finished job."""
        answer = self.internal("POST", path, parameters, headers={"Prefer": f"wait={wait}"}).must(200, 202)
        return self.finished(answer.json["job"]["id"])

    def finished(self, job_id, timeout=120):
        """Waits for the end of a job; returns it."""
        def ended():
            job = self.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]
            return job if job["state"] not in ("queued", "running") else None
        return wait_until(ended, timeout, f"job {job_id} to end", interval=0.05)

    def compute(self, tenant, from_=None, to=None, **more):
        """Computes days of a tenant; the result of a must-succeed job."""
        parameters = {"tenant_id": tenant, **more}
        if from_ is not None:
            parameters.update({"from": str(from_), "to": str(to if to is not None else from_)})
        job = self.job("/internal/kpi/compute-daily", parameters)
        assert job["state"] == "succeeded", job
        return job["result"]

    def days(self, tenant, from_, to, role="manager", **query):
        """{(day, member): row} of /v1/kpis/daily."""
        query = {"from_": str(from_), "to": str(to), **query}
        answer = self.v1(tenant, "/v1/kpis/daily", role, **query).must(200)
        return {(row["day"], row["member"] or ""): row for row in answer.json["rows"]}


def _blocks(lines, size=65536):
    """Joins lines into blocks, so that a chunk is worth its head."""
    held, total = [], 0
    for line in lines:
        held.append(line)
        total += len(line)
        if total >= size:
            yield b"".join(held)
            held, total = [], 0
    if held:
        yield b"".join(held)

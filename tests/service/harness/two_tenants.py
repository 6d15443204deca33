"""Two tenants with everything a tenant can have, and callers of each kind: the world of the matrix."""

import base64
import itertools
import json
import subprocess
import urllib.parse
import uuid

from . import http, tokens
from .server import SECRETS, binary, clean_environment
from .tickets import ticket
from .waiting import wait_until

DAYS = [f"2024-03-{day:02}" for day in range(1, 8)]
FROM, TO = DAYS[0], DAYS[-1]
PASSWORD = "correct horse battery"
ROLES = ("manager", "tech", "client")
_numbers = itertools.count(1)


class Caller:
    """Somebody with one credential. `tenant` is what the credential is good for, None for all of them."""

    def __init__(self, name, role, tenant, headers):
        self.name, self.role, self.tenant, self.headers = name, role, tenant, headers

    def __repr__(self):
        return self.name


class Side:
    """One tenant, filled. Every text in it holds its mark, which no other tenant's texts hold."""

    def __init__(self, server, slug, mark):
        self.server, self.slug, self.mark = server, slug, mark
        self.technician, self.category = f"Technician {mark}", f"Category {mark}"
        self.callers, self.ids = {}, {}
        server.add_tenant(slug, name=f"Name {mark}")

    def fill(self, tickets):
        """Tickets, KPIs, exports, summaries and jobs in several states."""
        self.server.feed(self.slug, [self.ticket(number) for number in range(tickets)])
        self.server.compute(self.slug, FROM, TO)
        job = self.server.job("/internal/exports/generate", {"tenant_id": self.slug, "from": FROM, "to": TO})
        assert job["state"] == "succeeded", job
        self.ids["job"] = job["id"]
        for language in ("en", "fr"):
            order = {"tenant_id": self.slug, "from": FROM, "to": TO, "language": language}
            job = self.server.job("/internal/summaries/generate", order)
            assert job["state"] == "succeeded", job
        self.ids["technician"], self.ids["category"] = self.technician, self.category
        self.ids["tenant"], self.ids["ticket"] = self.slug, f"{self.mark}-1"
        self._note_listed()

    def ticket(self, number, **more):
        """The ticket of that number; with `more` it is newer than before."""
        more = {**more, "version": more["reopen_count"], "updated_at": f"{TO}T23:00:00Z"} if more else {}
        day = f"{DAYS[number % len(DAYS)]}T{8 + number % 8:02}"
        return ticket(f"{self.mark}-{number}", f"{day}:00:00Z", title=f"Title {self.mark}", assignee=self.technician,
                      category=self.category, group=f"Group {self.mark}", requester=f"Requester {self.mark}",
                      status="resolved", resolved_at=f"{day}:30:00Z", csat=1 + number % 5, **more)

    def _note_listed(self):
        """Ids, cursors and tags that its own people are given."""
        def get(path, **query):
            return self.server.v1(self.slug, path, **query).must(200)
        files = get("/v1/exports").json["exports"]
        self.ids["export"] = files[0]["id"]
        self.ids["export digest"] = files[0]["sha256"]
        self.all_exports = [entry["id"] for entry in files]
        self.all_summaries = [summary["id"] for summary in get("/v1/summaries").json["summaries"]]
        self.ids["summary"] = self.all_summaries[0]
        self.ids["summaries cursor"] = get("/v1/summaries", limit=1).json["next_cursor"]
        self.all_jobs = [job["id"] for job in get("/v1/jobs", limit=200).json["jobs"]]
        self.ids["jobs cursor"] = get("/v1/jobs", limit=1).json["next_cursor"]
        self.ids["tickets cursor"] = get("/v1/tickets", from_=FROM, to=TO, limit=1).json["next_cursor"]
        self.ids["tag"] = get("/v1/kpis/daily", from_=FROM, to=TO).headers["ETag"]

    def add_callers(self):
        """One caller a role and kind of credential; each user and key bears the mark."""
        for role in ROLES:
            token = self.server.token(role, self.slug, subject=f"{role}-{self.mark}@example.org")
            self._add("token", role, {"Authorization": f"Bearer {token}"})
            self._add("session", role, self._session(role))
            self._add("key", role, {"X-API-Key": self._key(role)})

    def _add(self, kind, role, headers):
        self.callers[f"{kind} of a {role}"] = Caller(f"{kind} of a {role} of {self.slug}", role, self.slug, headers)

    def _session(self, role):
        self.ids["user"] = email = f"{role}.{self.mark}@example.org"
        done = subprocess.run(
            [binary(), "user", "add", email, "--name", f"User {self.mark}", "--role", role, "--tenant", self.slug,
             "--password-stdin", "--env-file", self.server.env_path], env=clean_environment(), input=PASSWORD + "\n",
            capture_output=True, text=True, timeout=60, cwd="/", check=False)
        assert done.returncode == 0, done.stderr
        answer = wait_until(lambda: (lambda a: a if a.status == 200 else None)(self.server.post(
            "/v1/auth/login", {"email": email, "password": PASSWORD})), 10, "the user to be known")
        return {"Cookie": answer.headers["Set-Cookie"].split(";")[0],
                "Origin": f"http://127.0.0.1:{self.server.port}"}

    def _key(self, role):
        made = self.server.post("/v1/admin/keys", {"tenant": self.slug, "role": role, "name": f"Key of {role} {self.mark}"},
                                token=self.server.token("admin")).must(201).json
        self.ids["key"] = made["key"]["id"]
        return made["secret"]

    def secrets(self):
        """Every text that must be in no answer to a caller of another tenant."""
        ids = (self.ids[kind] for kind in ("key", "jobs cursor", "tickets cursor", "summaries cursor", "export digest"))
        return {self.mark, self.slug, self.ids["tag"].strip('"'), *ids, *self.all_jobs, *self.all_exports,
                *self.all_summaries}


class World:
    """`mine` asks, `other` has what must not be seen; the ids of `unknown` belong to nobody."""

    def __init__(self, server):
        self.server = server
        self.mine, self.other = Side(server, "acme-one", "ownmark"), Side(server, "zebra-two", "zebramark")
        self.mine.add_callers()
        self.mine.fill(40)
        self.other.add_callers()

    def add_shared_job(self):
        """A job of no tenant, with a child in each."""
        parent = self.server.job("/internal/kpi/compute-daily", {"date": DAYS[0]})
        self.other.ids["job of all tenants"] = parent["id"]
        self.other.all_jobs += [job_id for job_id, in self.server.stack.query(
            "SELECT job_id::text FROM msp.jobs j LEFT JOIN msp.tenants t USING (tenant_id)"
            " WHERE t.slug IS DISTINCT FROM %s", (self.mine.slug,))]

    def unlike(self, kind):
        """An id of that kind, of the same length, which nobody has."""
        known = self.other.ids[kind]
        if kind in ("job", "export", "summary", "job of all tenants"):
            return str(uuid.UUID(int=uuid.UUID(known).int ^ next(_numbers) << 64))
        if kind in ("jobs cursor", "summaries cursor"):
            return _change_last_id(known)
        if kind == "tickets cursor":
            return tokens.base64url(b"1:0123456789abcdef:nothing".ljust(len(known) * 3 // 4, b"x"))[:len(known)]
        if kind == "tag":
            return '"' + "0123456789abcdef" * 2 + '"'
        if kind in ("key", "export digest"):
            return "0123456789abcdef" * (len(known) // 16)
        return known.replace("zebra", "horse")


def _change_last_id(cursor):
    """A cursor at the same moment behind an id that nobody has."""
    moment, job_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).split(b":")
    changed = uuid.UUID(int=uuid.UUID(job_id.decode()).int ^ 1 << 70)
    return tokens.base64url(moment + b":" + str(changed).encode())


def ask(server, connection, method, target, headers, body=None):
    """One request on a kept connection; `target` is a path or (path, query)."""
    if not isinstance(target, str):
        path, query = target
        target = f"{path}?{urllib.parse.urlencode(query)}" if query else path
    fields = dict(headers)
    if body is not None:
        body = json.dumps(body).encode()
        fields["Content-Type"] = "application/json"
    return http.request(server.port, method, target, body, fields, connection=connection)


def service_caller():
    return Caller("the service token", None, None, {"Authorization": f"Bearer {SECRETS['SERVICE_TOKEN']}"})

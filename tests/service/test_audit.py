"""The audit log: what people do leaves one line each, over HTTP and by command; and how it is read."""

import concurrent.futures
import itertools
import json
import os
import subprocess

import pytest

from harness import exports
from harness.audit import ADMIN, SECRET, admin, make_chain, rows, run, verified
from harness.server import binary
from harness.waiting import wait_until

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def stack(module_stack):
    """Chains are looked at as a whole: nobody else's."""
    return module_stack


@pytest.fixture(scope="module")
def server(stack):
    one = stack.server(AUDIT_SECRET=SECRET)
    yield one.start()
    one.stop()


@pytest.fixture(scope="module")
def behind_a_proxy(stack):
    """Believes X-Forwarded-For, so that requests may come from anywhere."""
    one = stack.server(AUDIT_SECRET=SECRET, TRUSTED_PROXIES="127.0.0.1", AUTH_FAILURES_PER_MINUTE="4000")
    yield one.start()
    one.stop()


@pytest.fixture
def chain(server):
    """make_chain, known to the server."""
    def make(lines):
        slug, ids = make_chain(server, lines)
        wait_until(lambda: slug in server.tenants(), 5, "the tenant")
        return slug, ids
    return make


# ---- every address ----

def table():
    program = os.path.join(os.path.dirname(binary()), "support", "print_routes")
    return json.loads(subprocess.run([program], capture_output=True, check=True, timeout=30).stdout)


AUDITED = {f"{route['method']} {route['path']}": route["audit"].split() for route in table() if route["audit"]}


class Doings:
    """One request for each address that leaves a line; each does something."""

    def __init__(self, server):
        self.server = server
        self.slug = server.add_tenant(f"doings{next(_numbers)}")
        self.manager = server.token("manager", self.slug)

    def email(self):
        email = f"user{next(_numbers)}@example.org"
        admin(self.server, "POST", "/v1/admin/users", {"email": email, "name": "U", "role": "manager", "password": PASSWORD,
                                                       "tenant": self.slug}).must(201)
        return email

    def login(self):
        return self.server.post("/v1/auth/login", {"email": self.email(), "password": PASSWORD})

    def refused_login(self):
        return self.server.post("/v1/auth/login", {"email": self.email(), "password": PASSWORD + "!"})

    def logout(self):
        pair = self.login().must(200).headers["Set-Cookie"].split(";")[0]
        return self.server.post("/v1/auth/logout", {}, headers={"Cookie": pair, "Origin": f"http://127.0.0.1:{self.server.port}"})

    def waiting_job(self):
        """A job that nobody takes: it waits for one that never ends well."""
        job, = self.server.stack.query(
            "INSERT INTO msp.jobs (tenant_id, kind, lane, run_at) SELECT tenant_id, 'export', 1, 'infinity' FROM msp.tenants"
            " WHERE slug = %s RETURNING job_id::text", (self.slug,))[0]
        return job

    def cancel(self):
        return self.server.post(f"/v1/jobs/{self.waiting_job()}/cancel", {}, token=self.manager)

    def retry(self):
        job = self.waiting_job()
        self.server.post(f"/v1/jobs/{job}/cancel", {}, token=self.manager).must(200)
        return self.server.post(f"/v1/jobs/{job}/retry", {}, token=self.manager)

    def file(self):
        return exports.place(self.server.stack, self.server, self.slug, exports.content_of(100))

    def download(self):
        return self.server.get(f"/v1/exports/files/{self.file()}", token=self.manager)

    def download_latest(self):
        return self.server.get("/v1/exports/kpi_daily/latest.csv", token=self.manager)

    def key(self):
        return admin(self.server, "POST", "/v1/admin/keys", {"tenant": self.slug, "role": "tech", "name": f"k{next(_numbers)}"})


DOINGS = {
    "POST /v1/auth/login": [Doings.login, Doings.refused_login],
    "POST /v1/auth/logout": [Doings.logout],
    "POST /v1/jobs/{id}/cancel": [Doings.cancel],
    "POST /v1/jobs/{id}/retry": [Doings.retry],
    "POST /v1/exports": [lambda it: it.server.post("/v1/exports", {}, token=it.manager)],
    "POST /v1/summaries": [lambda it: it.server.post("/v1/summaries", {"from": "2026-01-01", "to": "2026-01-31"},
                                                     token=it.manager)],
    "GET /v1/exports/files/{id}": [Doings.download],
    "GET /v1/exports/{dataset}/latest.csv": [Doings.download_latest],
    "GET /v1/tickets.csv": [lambda it: it.server.v1(it.slug, "/v1/tickets.csv", day="2026-01-01")],
    "POST /v1/admin/tenants": [lambda it: admin(it.server, "POST", "/v1/admin/tenants", {
        "id": f"made{next(_numbers)}", "name": "M", "timezone": "UTC"})],
    "POST /v1/admin/tenants/{id}": [lambda it: admin(it.server, "POST", f"/v1/admin/tenants/{it.slug}", {"name": "New"})],
    "POST /v1/admin/users": [lambda it: admin(it.server, "POST", "/v1/admin/users", {
        "email": f"made{next(_numbers)}@example.org", "name": "M", "role": "tech", "tenant": it.slug})],
    "POST /v1/admin/users/{email}": [lambda it: admin(it.server, "POST", f"/v1/admin/users/{it.email()}", {"active": False})],
    "POST /v1/admin/keys": [Doings.key],
    "POST /v1/admin/keys/{id}/revoke": [lambda it: admin(
        it.server, "POST", f"/v1/admin/keys/{it.key().must(201).json['key']['id']}/revoke", {})],
    "PUT /v1/admin/sources/{tenant}": [lambda it: admin(it.server, "PUT", f"/v1/admin/sources/{it.slug}", {"kind": "mock"})],
    "POST /v1/admin/sources/{tenant}/test": [lambda it: admin(
        it.server, "POST", f"/v1/admin/sources/{it.slug}/test", {})],
}


@pytest.fixture(scope="module")
def doings(server):
    made = Doings(server)
    made.file()
    return made


def test_all_addresses_that_leave_a_line_are_asked_here():
    assert set(DOINGS) == set(AUDITED), "add what is missing to DOINGS"


@pytest.mark.parametrize("route, number", [(route, n) for route, ways in DOINGS.items() for n in range(len(ways))])
def test_an_audited_address_leaves_exactly_one_line(server, doings, route, number):
    answer = DOINGS[route][number](doings)
    refused = number == 1
    assert (answer.status == 401) if refused else answer.status in (200, 201, 202, 204), answer.text
    left = server.stack.query("SELECT to_jsonb(l) FROM msp.audit_log l WHERE request_id = %s",
                              (answer.headers["X-Request-Id"],))
    assert len(left) == 1, left
    line = left[0][0]
    assert line["action"] == AUDITED[route][number if len(DOINGS[route]) > 1 else AUDITED[route].index(line["action"])]
    assert line["actor"] and line["object"] and line["address"] == "127.0.0.1"
    assert PASSWORD not in json.dumps(line)


def test_the_chains_those_lines_are_in_are_whole(server, doings):
    verified(server, doings.slug)
    server.post("/v1/auth/login", {"email": "nobody@example.org", "password": PASSWORD}).must(401)
    assert "(of no tenant): whole, " in run(server, "audit", "verify").stdout


def test_what_changes_nothing_leaves_no_line(server, doings):
    before = len(rows(server, doings.slug))
    file_id = doings.file()
    job = doings.waiting_job()
    server.post(f"/v1/jobs/{job}/cancel", {}, token=doings.manager).must(200)
    server.post(f"/v1/jobs/{job}/cancel", {}, token=doings.manager).must(200)  # it has ended: nothing is changed
    answer = server.get("/v1/exports/kpi_daily/latest.csv", token=doings.manager).must(200)
    fields = {"If-None-Match": answer.headers["ETag"]}
    server.get("/v1/exports/kpi_daily/latest.csv", token=doings.manager, headers=fields).must(304)
    server.request("HEAD", f"/v1/exports/files/{file_id}", token=doings.manager).must(200)
    server.get("/v1/exports", token=doings.manager).must(200)
    admin(server, "POST", f"/v1/admin/tenants/{doings.slug}", {"timezone": "Mars/Olympus"}).must(400)
    server.post(f"/v1/jobs/{job}/cancel", {"member": 1}, token=doings.manager).must(400)
    assert [row["action"] for row in rows(server, doings.slug)[before:]] == ["job.cancel", "export.download"]


def test_a_replay_leaves_no_second_line(server, doings):
    before = len(rows(server, doings.slug))
    for _ in range(2):
        server.post("/v1/exports", {"force": True}, token=doings.manager, headers={"Idempotency-Key": "once"}).must(202)
        server.post("/v1/exports", {"force": True}, token=doings.manager, headers={"Idempotency-Key": "once"}).must(202)
        admin(server, "POST", f"/v1/admin/tenants/{doings.slug}", {"name": "Once"}, Idempotency_Key="once").must(200)
    assert [row["action"] for row in rows(server, doings.slug)[before:]] == ["job.start", "tenant.change"]


def test_a_line_says_who_from_where_what_before_and_after(behind_a_proxy):
    server = behind_a_proxy
    slug = f"told{next(_numbers)}"
    admin(server, "POST", "/v1/admin/tenants", {"id": slug, "name": "Old", "timezone": "UTC"}).must(201)
    answer = admin(server, "POST", f"/v1/admin/tenants/{slug}", {"name": "New"}, X_Forwarded_For="192.0.2.7").must(200)
    line = rows(server, slug)[1]
    assert (line["actor"], line["address"], line["action"], line["object"], line["request_id"]) == (
        ADMIN, "192.0.2.7", "tenant.change", slug, answer.headers["X-Request-Id"])
    assert line["detail"]["before"]["name"] == "Old" and line["detail"]["after"]["name"] == "New"


def test_the_command_line_leaves_lines_too(server, doings):
    before = len(rows(server, doings.slug))
    run(server, "tenant", "set", doings.slug, "--name", "By command")
    made = json.loads(run(server, "key", "create", "--tenant", doings.slug, "--role", "tech", "--name", "n", "--json").stdout)
    run(server, "key", "revoke", made["id"])
    run(server, "export", "generate", "--tenant", doings.slug, "--no-wait")
    job = doings.waiting_job()
    run(server, "job", "cancel", job)
    run(server, "job", "retry", job)
    fresh = rows(server, doings.slug)[before:]
    assert [row["action"] for row in fresh] == ["tenant.change", "key.create", "key.revoke", "job.start", "job.cancel",
                                                "job.retry"]
    assert all(row["actor"].startswith("command line (") and row["address"] is None for row in fresh)
    assert fresh[4]["detail"] == {"before": {"kind": "export", "state": "queued"},
                                  "after": {"kind": "export", "state": "cancelled", "stopping": False}}


def test_a_flood_of_refused_sign_ins_leaves_a_bounded_number_of_lines(behind_a_proxy):
    server = behind_a_proxy

    def fail(number):
        return server.post("/v1/auth/login", {"email": f"flood{number}@example.org", "password": PASSWORD},
                           headers={"X-Forwarded-For": f"198.51.{number // 200}.{number % 200 + 1}"}).status

    with concurrent.futures.ThreadPoolExecutor(2) as pool:  # as many as a worker has places for hashing
        refused = list(pool.map(fail, range(150))).count(401)
    assert refused > 120
    minutes = server.stack.query("SELECT count(*), bool_or(detail IS NOT NULL) FROM msp.audit_log"
                                 " WHERE action = 'sign_in.refused' AND tenant_id = 0"
                                 " GROUP BY date_trunc('minute', at)")
    assert all(count <= 121 for count, _ in minutes), minutes  # the clocks of both may differ by a moment
    assert sum(count for count, _ in minutes) < refused or len(minutes) > 1


# ---- reading ----

def test_only_admins_read_it(server, chain):
    slug, _ = chain(1)
    for role in ("manager", "tech", "client"):
        server.get("/v1/audit", token=server.token(role, slug)).problem(403)
    server.get("/v1/audit").problem(401)
    assert admin(server, "GET", "/v1/audit").must(200).json["lines"]


def test_pages_of_a_tenant_hold_each_line_once_newest_first(server, chain):
    slug, ids = chain(7)
    seen, cursor = [], ""
    while cursor is not None:
        page = admin(server, "GET", f"/v1/audit?tenant={slug}&limit=3" + (f"&cursor={cursor}" if cursor else "")).must(200).json
        assert all(line["tenant"] == slug for line in page["lines"])
        seen += [line["id"] for line in page["lines"]]
        cursor = page["next_cursor"]
    assert seen == ids[::-1]


def test_a_cursor_leads_on_in_its_own_question_only(server, chain):
    (slug, _), (other, _) = chain(3), chain(3)
    cursor = admin(server, "GET", f"/v1/audit?tenant={slug}&limit=1").must(200).json["next_cursor"]
    admin(server, "GET", f"/v1/audit?tenant={slug}&limit=2&cursor={cursor}").must(200)
    for question in (f"tenant={other}&", "", f"tenant={slug}&action=tenant.add&", f"tenant={slug}&actor=x&",
                     f"tenant={slug}&from=2024-01-01&", f"tenant={slug}&to=2099-01-01&"):
        admin(server, "GET", f"/v1/audit?{question}cursor={cursor}").problem(400, "cursor_malformed")
    admin(server, "GET", "/v1/audit?cursor=nonsense").problem(400, "cursor_malformed")


def test_lines_are_found_by_day_action_and_actor(server, chain):
    slug, ids = chain(3)
    admin(server, "POST", f"/v1/admin/tenants/{slug}", {"name": "By the boss"}).must(200)
    server.stack.query("UPDATE msp.audit_log SET at = '2024-05-02T23:59:59.999999Z' WHERE audit_id = %s", (ids[1],))

    def found(query):
        return [line["id"] for line in admin(server, "GET", f"/v1/audit?tenant={slug}&{query}").must(200).json["lines"]]

    assert found("action=tenant.add") == [ids[0]]
    assert len(found(f"actor={ADMIN}")) == 1
    assert found("from=2024-05-02&to=2024-05-02") == [ids[1]] and found("to=2024-05-01") == []
    assert ids[1] not in found("from=2024-05-03")
    assert found("action=no.such") == []
    shown = run(server, "audit", "list", "--tenant", slug, "--from", "2024-05-02", "--to", "2024-05-02", "--json")
    assert [line["id"] for line in json.loads(shown.stdout)["lines"]] == [ids[1]]


@pytest.mark.parametrize("query, status", [("tenant=no-such", 404), ("from=yesterday", 400), ("to=2024-02-30", 400),
                                           ("limit=0", 400), ("limit=501", 400), ("who=me", 400), ("actor=a&actor=b", 400)])
def test_a_wrong_question_is_refused(server, query, status):
    admin(server, "GET", f"/v1/audit?{query}").problem(status)
    if status == 404:
        assert "no-such" in run(server, "audit", "verify", "--tenant", "no-such", code=1).stderr

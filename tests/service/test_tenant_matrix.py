"""Every address × every id of another tenant × every kind of caller, from the program's own table of routes.

Nothing of the other tenant comes back, and what is somebody else's is answered as what nobody has. A new route is
in here by itself; one whose parameters are not known below fails until somebody says what to put there."""

import collections
import concurrent.futures
import contextlib
import itertools
import json
import os
import queue
import random
import re
import statistics
import subprocess
import threading
import time

import pytest

from harness import http
from harness.server import binary
from harness.two_tenants import FROM, TO, Caller, World, ask, service_caller
from harness.waiting import wait_until

AT_ONCE = 8
# Which ids stand for {…}: by the path up to the parameter.
PATH_IDS = {
    "/v1/jobs/": ("job", "job of all tenants"),
    "/v1/exports/files/": ("export",),
    "/v1/summaries/": ("summary",),
    "/internal/jobs/": ("job", "job of all tenants"),
    "/v1/admin/tenants/": ("tenant",),
    "/v1/admin/users/": ("user",),
    "/v1/admin/keys/": ("key",),
    "/v1/admin/sources/": ("tenant",),
}
# Parameters that are of no tenant: every value is asked for.
PATH_WORDS = {"/v1/exports/": ("kpi_daily", "tickets", "tenants"), "/assets/": ("no-such-file.js",)}
# Query names that carry an id, as (kind of id, what must stand beside it); by the path where the name is not enough.
QUERY_IDS = {
    "tenant": [("tenant", {})], "tenant_id": [("tenant", {})],
    "member": [("technician", {"by": "assignee"}), ("category", {"by": "category"})],
    "/v1/jobs?cursor": [("jobs cursor", {})], "/internal/jobs?cursor": [("jobs cursor", {})],
    "/v1/summaries?cursor": [("summaries cursor", {})],
    "/v1/tickets?cursor": [("tickets cursor", {"limit": "1"})],
    "/v1/admin/users?cursor": [("user", {})], "/v1/admin/keys?cursor": [("key", {})],
    "/v1/admin/sources?cursor": [("tenant", {})],
    "/v1/admin/glance?cursor": [("tenant", {})],
    "/v1/audit?cursor": [("jobs cursor", {})],
}
# Query names that can only be words or days, and what an address needs to be asked at all.
QUERY_WORDS = {"from": FROM, "to": TO, "day": FROM, "by": None, "metric": None, "limit": None, "state": None,
               "kind": None, "dataset": None, "compare": None, "action": None, "actor": None, "age": None,
               "weekday": None, "hour": None, "count": None, "days": None}
# Members of a body that carry an id; () where a body has none.
BODY_IDS = {
    "POST /v1/exports": [("after_job", "job"), ("after_job", "job of all tenants")],
    "POST /v1/summaries": [("after_job", "job"), ("after_job", "job of all tenants")],
    "POST /v1/jobs/{id}/cancel": [], "POST /v1/jobs/{id}/retry": [], "POST /v1/auth/logout": [],
}
# What a body must hold to be looked at.
BASE_BODIES = {"POST /v1/summaries": {"from": FROM, "to": TO}}
# Their own test: it ends sessions, and passwords are checked two at a time.
APART = ("/v1/auth/login", "/v1/auth/logout")
# Server-Timing is never on a refusal (test_observability.py).
CHANGING = {"date", "x-request-id", "ratelimit", "content-length", "server-timing"}

Request = collections.namedtuple("Request", "method path query headers body")


class Probe:
    """One question in two forms: with the other tenant's id, and with one that nobody has."""

    def __init__(self, route, label, request, known="", unknown=""):
        self.route, self.label, self.request, self.known, self.unknown = route, label, request, known, unknown

    def twin(self):
        def change(thing):
            if isinstance(thing, dict):
                return {name: change(value) for name, value in thing.items()}
            return thing.replace(self.known, self.unknown) if isinstance(thing, str) else thing
        return Request(*(change(part) for part in self.request))

    def is_answered_alike(self, one, other):
        return plain(one, self.known, self.unknown) == plain(other, self.known, self.unknown)


def plain(answer, known, unknown):
    """What must be the same: status, fields and body, but for the request's own name and the id that was sent."""
    # Where an answer repeats what was sent, its tag and its length differ with that.
    echoed = {"etag"} if known and (known.encode() in answer.body or unknown.encode() in answer.body) else set()
    fields = sorted((name.lower(), value) for name, value in answer.headers.items()
                    if name.lower() not in CHANGING | echoed)
    body = answer.body.replace(answer.headers["X-Request-Id"].encode(), b"request")
    text = repr((answer.status, fields, body))
    return text.replace(known, unknown) if known else text


def table():
    program = os.path.join(os.path.dirname(binary()), "support", "print_routes")
    assert os.path.exists(program), f"{program} is not built; build with -DMSP_TESTS=ON"
    return json.loads(subprocess.run([program], capture_output=True, check=True, timeout=30).stdout)


ROUTES = table()


def unknown_to_this_test(route, what, where):
    raise AssertionError(f"{route['method']} {route['path']}: this test does not know what to put for {what}; "
                         f"add it to {where} in {os.path.basename(__file__)}")


# ---- what to ask of a route ----

def base_query(route):
    """The least that the route wants, when it wants days."""
    names = route["query"].split()
    if "*" in names or route["method"] != "GET":
        return {}
    if "from" in names:
        return {"from": FROM, "to": TO}
    return {"day": FROM} if "day" in names else {}


def paths(route, ids):
    """(label, path, the id in it) of every path this route can be asked under with these ids."""
    path = route["path"]
    if "{" not in path:
        return [("", path, None)]
    before, rest = path.split("{", 1)
    after = rest.split("}", 1)[1]
    if "{" in after:
        unknown_to_this_test(route, "a second parameter", "paths()")
    if before in PATH_WORDS and before not in PATH_IDS:
        return [(word, before + word + after, None) for word in PATH_WORDS[before]]
    if before not in PATH_IDS:
        unknown_to_this_test(route, path, "PATH_IDS")
    return [(kind, before + ids[kind] + after, kind) for kind in PATH_IDS[before]]


def query_probes(route, world, path):
    names = [] if route["query"] == "*" else route["query"].split() + (["tenant"] if route["of_tenant"] else [])
    for name in names:
        kinds = QUERY_IDS.get(f"{route['path']}?{name}") or QUERY_IDS.get(name)
        if kinds is None and name not in QUERY_WORDS:
            unknown_to_this_test(route, f"?{name}=", "QUERY_IDS or QUERY_WORDS")
        for kind, beside in kinds or ():
            request = Request(route["method"], path, {**base_query(route), **beside, name: world.other.ids[kind]}, {}, None)
            yield Probe(route, f"?{name}= {kind}", request, world.other.ids[kind], world.unlike(kind))


def header_probes(route, world, path):
    if route["method"] == "GET":
        for name, kind in (("If-None-Match", "tag"), ("If-Range", "export digest")):
            request = Request("GET", path, base_query(route), {name: world.other.ids[kind], "Range": "bytes=0-9"}, None)
            yield Probe(route, name, request, world.other.ids[kind], world.unlike(kind))


def body_probes(route, world, path):
    name = f"{route['method']} {route['path']}"
    if not route["has_body"] or route["streams_body"]:
        return
    if name not in BODY_IDS:
        if route["credential"] != "person" or set(route["roles"]) == {"admin"}:
            return  # nobody of a tenant gets as far as the body
        unknown_to_this_test(route, "its body", "BODY_IDS")
    for member, kind in (*BODY_IDS[name], ("tenant", "tenant"), ("tenant_id", "tenant")):
        body = {**BASE_BODIES.get(name, {}), member: world.other.ids[kind]}
        request = Request(route["method"], path, {}, {}, body)
        yield Probe(route, f"/{member} {kind}", request, world.other.ids[kind], world.unlike(kind))


def probes(route, world):
    """Everything one caller asks of a route."""
    for label, path, kind in paths(route, world.other.ids):
        request = Request(route["method"], path, base_query(route), {}, {} if route["has_body"] else None)
        if kind is None:
            if route["method"] == "GET":  # others do what they are for; with an id of somebody else they must not
                yield Probe(route, label, request)
            yield from query_probes(route, world, path)
            yield from header_probes(route, world, path)
            yield from body_probes(route, world, path)
        else:
            yield Probe(route, f"{{}} {kind}", request, world.other.ids[kind], world.unlike(kind))
    if "{" in route["path"]:
        yield from strange_ids(route, world)


def strange_ids(route, world):
    """Ids of every other kind in the same place."""
    before, after = re.split(r"\{[a-z_]+\}", route["path"])
    for kind in sorted(set(world.other.ids) - set(PATH_IDS.get(before, ())) - {"tag", "technician", "category"}):
        request = Request(route["method"], before + world.other.ids[kind] + after, {}, {}, {} if route["has_body"] else None)
        yield Probe(route, f"strange {kind}", request, world.other.ids[kind], world.unlike(kind))


# ---- who asks, and what may come back ----

def expected(route, caller, probe):
    """The statuses that fit, or None where any does that is the same for an unknown id."""
    if route["credential"] == "none":
        return None
    if route["credential"] == "service":
        return (401, 403)
    if caller.role is None:
        return (401,)
    if caller.role not in route["roles"]:
        return (403,)
    if "tenant" in probe.request.query:
        return (403,) if caller.role != "admin" else None
    return (404,) if probe.label.startswith(("{}", "strange")) else None


def strangers(world):
    """Everybody who must see nothing of the other tenant."""
    admin = Caller("an admin who names the tenant", "admin", None,
                   {"Authorization": f"Bearer {world.server.token('admin')}"})
    return [*world.mine.callers.values(), admin, service_caller(), Caller("nobody", None, None, {})]


def questions(world):
    """(caller, probe) of the whole matrix."""
    for route in ROUTES:
        if route["path"] in APART:
            continue
        for caller in strangers(world):
            if not sees_all(route, caller):
                # Wrong credentials are counted an address, so those that end there ask once an id.
                turned_away = route["credential"] == "service" or caller.role is None
                for probe in probes(route, world):
                    by_right = caller.role == "admin" and "tenant" in probe.request.query
                    if not by_right and not (turned_away and not probe.label.startswith("{}") and probe.known):
                        yield caller, probe


def sees_all(route, caller):
    """Those whose work is every tenant: the service token inside, an admin where no tenant is named."""
    inside = caller.name == "the service token" and route["credential"] == "service"
    return inside or (caller.role == "admin" and route["credential"] == "person" and not route["of_tenant"])


def foreign_text(answer, request, secrets):
    """What came back that is neither ours nor sent by ourselves."""
    sent = repr(request)
    got = answer.body.decode("utf-8", "replace") + str(answer.headers)
    return [text for text in secrets if text in got and text not in sent]


class Asking:
    """A pool of threads, each with its own kept connection; faults are collected, not raised."""

    def __init__(self, server, world, looks=1):
        """`looks`: how often a difference must show; more than once where our own data changes meanwhile."""
        self.server, self.world, self.looks, self.faults, self.count = server, world, looks, [], 0
        self.connections = queue.SimpleQueue()
        for _ in range(AT_ONCE):
            self.connections.put(http.http.client.HTTPConnection("127.0.0.1", server.port, timeout=60))

    def send(self, caller, request):
        connection = self.connections.get()
        try:
            query = dict(request.query)
            if caller.role == "admin":
                query.setdefault("tenant", self.world.mine.slug)
            headers = {**caller.headers, **request.headers}
            return ask(self.server, connection, request.method, (request.path, query), headers, request.body)
        finally:
            self.connections.put(connection)

    def check(self, caller, probe, secrets):
        answer = self.send(caller, probe.request)
        self.count += 1
        wanted = expected(probe.route, caller, probe)
        if leaked := foreign_text(answer, probe.request, secrets):
            self.fault(caller, probe, f"holds {leaked[:3]}", answer)
        if answer.status >= 500 or answer.status == 429 or (wanted and answer.status not in wanted):
            self.fault(caller, probe, f"is not one of {wanted}", answer)
        for look in range(self.looks if probe.known else 0):
            twin = self.send(caller, probe.twin())
            self.count += 1
            if probe.is_answered_alike(answer, twin):
                return
            if look < self.looks - 1:
                answer = self.send(caller, probe.request)
            else:
                self.fault(caller, probe, f"tells a foreign id from an unknown one: {twin}\n  {dict(twin.headers)}", answer)

    def fault(self, caller, probe, what, answer):
        self.faults.append(f"{caller}: {probe.request.method} {probe.request.path} ({probe.label}) {what}: {answer}\n"
                           f"  {dict(answer.headers)}")

    def run(self, calls):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(*call) for call in calls]:
                done.result()
        if self.faults:
            pytest.fail(f"{len(self.faults)} faults in {self.count} answers:\n" + "\n".join(self.faults[:8]), pytrace=False)


@pytest.fixture(scope="module")
def server(module_stack):
    return module_stack.server(AUTH_FAILURES_PER_MINUTE="4000", DB_POOL_SIZE="8").start()


class Told:
    """The world, and what everybody of ours was told before the other tenant had anything."""

    def __init__(self, server):
        self.world = World(server)
        self.before = own_answers(self.world)
        self.world.other.fill(63)


@pytest.fixture(scope="module")
def told(server):
    return Told(server)


@pytest.fixture(scope="module")
def world(told):
    if "job of all tenants" not in told.world.other.ids:
        told.world.add_shared_job()
    return told.world


def own_answers(world):
    """{(caller, target): answer} of every reading address, asked for what is ours."""
    asking, found = Asking(world.server, world), {}
    for route in ROUTES:
        if route["method"] == "GET" and route["credential"] == "person" and route["roles"] != ["admin"]:
            for caller in world.mine.callers.values():
                for label, path, _ in paths(route, {**world.mine.ids, "job of all tenants": world.mine.ids["job"]}):
                    request = Request("GET", path, base_query(route), {}, None)
                    found[caller.name, path, label] = asking.send(caller, request)
    return found


# ---- the tests ----

def test_what_another_tenant_has_changes_no_byte_of_our_answers(told):
    assert any(answer.status == 200 and b"ownmark" in answer.body for answer in told.before.values())
    for name, answer in own_answers(told.world).items():
        before = told.before[name]
        assert plain(answer, "", "") == plain(before, "", ""), f"{name}: {before} became {answer}"


def test_the_other_tenant_is_really_there(world):
    """Else nothing below would show anything: its own manager sees what the strangers ask for."""
    manager, asking = world.other.callers["token of a manager"], Asking(world.server, world)
    seen = 0
    for route in ROUTES:
        if route["method"] == "GET" and route["credential"] == "person" and "manager" in route["roles"]:
            for label, path, kind in paths(route, world.other.ids):
                answer = asking.send(manager, Request("GET", path, base_query(route), {}, None))
                assert answer.status == (404 if kind == "job of all tenants" else 200), (path, label, answer)
                seen += "zebramark" in answer.text
    assert seen >= 5


def everything(world, asking):
    ours, theirs = world.mine.secrets(), world.other.secrets()
    for caller, probe in questions(world):
        yield asking.check, caller, probe, theirs
    for route in ROUTES:  # the other tenant asks for its own meanwhile, so that both kinds of answers are kept
        if route["method"] == "GET" and route["credential"] == "person" and route["roles"] != ["admin"]:
            for caller in world.other.callers.values():
                for label, path, kind in paths(route, world.other.ids):
                    if kind != "job of all tenants":
                        request = Request("GET", path, base_query(route), {}, None)
                        yield asking.check, caller, Probe(route, f"own {label}", request), ours


@contextlib.contextmanager
def versions_rising(world):
    """New data of both tenants all the time: no kept answer lives long."""
    stop = threading.Event()

    def push():
        for number in itertools.count(1):
            for side in (world.mine, world.other):
                world.server.push(side.slug, [side.ticket(0, reopen_count=number)])
            if stop.wait(0.05):
                return
    thread = threading.Thread(target=push)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


@pytest.mark.parametrize("caches", ["cold", "warm", "changing"])
def test_nothing_of_another_tenant_is_told_to_anybody_eight_at_a_time(world, caches):
    asking = Asking(world.server, world, looks=8 if caches == "changing" else 1)
    calls = list(everything(world, asking))
    random.Random(caches).shuffle(calls)
    if caches == "cold":
        for side in (world.mine, world.other):
            world.server.push(side.slug, [side.ticket(0, reopen_count=1000)])
    with versions_rising(world) if caches == "changing" else contextlib.nullcontext():
        asking.run(calls)
    assert asking.count > 40 * len(ROUTES)


def test_a_client_is_never_told_who_works_for_its_tenant(world):
    for name, answer in own_answers(world).items():
        if "client" in name[0]:
            assert world.mine.technician not in answer.text, name
    manager = [answer.text for name, answer in own_answers(world).items() if "token of a manager" in name[0]]
    assert any(world.mine.technician in text for text in manager)


def test_a_key_that_another_tenant_has_used_is_new(world):
    """Idempotency keys of another tenant: the same request under the same key is a request of our own."""
    asking, theirs = Asking(world.server, world), world.other.secrets()
    for number, name in enumerate(BODY_IDS):
        method, path = name.split()
        if path in APART:
            continue
        route = next(row for row in ROUTES if (row["method"], row["path"]) == (method, path))
        _, target, kind = paths(route, world.other.ids)[0]
        keyed = Request(method, target, {}, {"Idempotency-Key": f"shared-{number}"}, BASE_BODIES.get(name, {}))
        first = asking.send(world.other.callers["token of a manager"], keyed)
        for caller in ("token of a manager", "session of a manager", "key of a manager"):
            mine = asking.send(world.mine.callers[caller], keyed)
            bare = asking.send(world.mine.callers[caller], keyed._replace(headers={}))
            assert "Idempotent-Replayed" not in mine.headers and mine.status == bare.status, (name, caller, mine)
            assert not foreign_text(mine, keyed, theirs), mine
            if kind is not None:
                assert plain(mine, "", "") == plain(bare, "", "")
            elif "job" in first.json:
                assert mine.json["job"]["id"] != first.json["job"]["id"]
                world.server.finished(mine.json["job"]["id"])


def test_what_jobs_of_both_write_at_once_is_of_one_tenant_each(world):
    sides = (world.mine, world.other)

    def export(number):
        side = sides[number % 2]
        return side, side.server.post("/v1/exports", {"force": True, "from": FROM, "to": FROM},
                                      headers=dict(side.callers["key of a manager"].headers)).must(202)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for side, answer in pool.map(export, range(AT_ONCE)):
            job = side.server.finished(answer.json["job"]["id"])
            assert job["state"] == "succeeded", job
    for side, other in (sides, sides[::-1]):
        seen = 0
        for folder, _, names in os.walk(os.path.join(world.server.exports, f"tenant={side.slug}")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                assert other.mark.encode() not in content and other.slug.encode() not in content, (folder, name)
                seen += side.mark.encode() in content
        assert seen >= 3


def test_signing_in_and_out_tells_nothing_of_who_exists(world):
    server, asking = world.server, Asking(world.server, world)
    body = {"email": world.other.ids["user"], "password": "wrong"}
    route = next(row for row in ROUTES if row["path"] == "/v1/auth/login")
    probe = Probe(route, "login", Request("POST", "/v1/auth/login", {}, {}, body), body["email"], world.unlike("user"))
    one, other = (asking.send(Caller("nobody", None, None, {}), request) for request in (probe.request, probe.twin()))
    assert one.status == 401 and probe.is_answered_alike(one, other)
    token = server.token("manager", world.mine.slug, jti="of this test")
    answer = server.post("/v1/auth/logout", {}, token=token).must(200, 204)
    assert not foreign_text(answer, probe.request, world.other.secrets())
    wait_until(lambda: server.get("/v1/me", token=token).status == 401, 5, "the token to be ended")
    server.get("/v1/me", headers=world.mine.callers["token of a manager"].headers).must(200)
    server.get("/v1/me", headers=world.other.callers["token of a manager"].headers).must(200)


@pytest.mark.alone
def test_a_foreign_id_takes_as_long_as_an_unknown_one(world):
    """Medians of alternating requests; far from equal would tell, as a second look at the database would."""
    asking, manager = Asking(world.server, world), world.mine.callers["token of a manager"]
    for route in ROUTES:
        if route["credential"] != "person" or "manager" not in route["roles"] or "{" not in route["path"]:
            continue
        for probe in probes(route, world):
            if not probe.label.startswith("{}"):
                continue
            times = {True: [], False: []}
            for number in range(80):
                foreign = number % 2 == 0
                begun = time.perf_counter()
                asking.send(manager, probe.request if foreign else probe.twin())
                times[foreign].append(time.perf_counter() - begun)
            known, unknown = (statistics.median(times[which]) for which in (True, False))
            assert abs(known - unknown) < 0.002 + 0.5 * min(known, unknown), (probe.request.path, known, unknown)


def test_a_route_that_nobody_described_fails_this_test(world):
    made_up = {"method": "GET", "path": "/v1/things/{id}", "credential": "person", "roles": ["manager"], "of_tenant": True,
               "query": "", "has_body": False, "streams_body": False, "keeps_answer": False}
    for change in ({}, {"path": "/v1/things", "query": "colour"},
                   {"path": "/v1/things", "method": "POST", "has_body": True}):
        with pytest.raises(AssertionError, match="does not know what to put"):
            list(probes({**made_up, **change}, world))
    assert len(ROUTES) >= 40

"""What strangers may take of the server: bodies, nesting, values, names, memory, connections. Past a bound there is
a clear answer for that request, and the same processes answer the next."""

import concurrent.futures
import contextlib
import json
import resource
import socket
import time

import pytest

from harness import processes
from harness.server import SECRETS
from harness.tickets import ticket
from harness.waiting import wait_until

INGEST = "/internal/ingest/tickets"
LONGEST = 262144
MIB = 1 << 20


def send(server, body, **headers):
    fields = {"Content-Type": "application/json", **headers}
    return server.request("POST", INGEST, body, token=SECRETS["SERVICE_TOKEN"], headers=fields)


def padded(slug, size):
    """A body of exactly that many bytes that pushes nothing."""
    text = json.dumps({"tenant_id": slug, "tickets": []})
    return (text[:-1] + " " * (size - len(text)) + "}").encode()


# ---- what a body may be ----

@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_may_have_256_kib_and_not_a_byte_more(server, tenant, chunked):
    slug = tenant()

    def body(size):
        text = padded(slug, size)
        return iter([text[:1000], text[1000:]]) if chunked else text
    send(server, body(LONGEST)).must(200)
    send(server, body(LONGEST + 1)).problem(413, "body_too_large")


def test_the_longest_body_is_a_setting(new_server, tenant):
    server = new_server(MAX_BODY_BYTES="4096")
    slug = tenant(on=server)
    send(server, padded(slug, 4096)).must(200)
    send(server, padded(slug, 4097)).problem(413, "body_too_large")


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}")])
def test_a_body_may_be_32_deep(server, tenant, opening, closing):
    slug = tenant()

    def nested(depth):
        # The body is one level, the list of tickets another.
        inside = opening * (depth - 2) + "1" + closing * (depth - 2)
        return ('{"tenant_id":"%s","tickets":[%s]}' % (slug, inside)).encode()
    assert send(server, nested(32)).must(200).json["stats"]["rejected"] == 1
    send(server, nested(33)).problem(400, "json_too_deep")


def test_a_body_may_have_20000_values(server, tenant):
    slug = tenant()

    def values(count):
        return ('{"tenant_id":"%s","tickets":[{"x":[%s]}]}' % (slug, ",".join(["1"] * count))).encode()
    send(server, values(19000)).must(200)
    send(server, values(20001)).problem(413, "json_too_many_values")


def operations(server):
    """(method, path with something for its parts, operation) of every address there is."""
    for path, methods in server.get("/openapi.json").must(200).json["paths"].items():
        for method, operation in methods.items():
            parts = [part if not part.startswith("{") else "x" for part in path.split("/")]
            yield method.upper(), "/".join(parts), operation


def as_the_right_one(server, slug, method, path, query="", body=None):
    """Asks with a credential that the address takes."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    tokens = [SECRETS["SERVICE_TOKEN"], server.token("admin"), server.token("manager", slug)]
    for token in tokens:
        answer = server.request(method, path + query, body, token=token, headers=headers)
        if answer.status not in (401, 403):
            break
    return answer


def test_every_address_refuses_a_query_name_it_does_not_know(server, tenant):
    slug, asked = tenant(), 0
    for method, path, _ in operations(server):
        if path == "/":
            continue
        answer = as_the_right_one(server, slug, method, path, "?colour=red")
        answer.problem(400, "query_name_unknown")
        assert answer.pointers() == ["/colour"]
        asked += 1
    assert asked > 30


def test_every_address_that_takes_a_body_refuses_a_member_it_does_not_know(server, tenant):
    slug, asked = tenant(), 0
    for method, path, operation in operations(server):
        if "requestBody" not in operation:
            continue
        named = any(p.get("name") == "tenant" or p.get("$ref", "").endswith("/Tenant") for p in operation["parameters"])
        query = f"?tenant={slug}" if named else ""
        answer = as_the_right_one(server, slug, method, path, query, b'{"colour":"red"}')
        answer.problem(400, "unknown_member")
        assert answer.pointers() == ["/colour"]
        asked += 1
    assert asked > 10


# ---- when there is no more to be had ----

def test_a_request_that_gets_no_database_connection_is_503_with_retry_after(new_server, tenant):
    server = new_server(HTTP_WORKERS="1", DB_POOL_SIZE="1", DB_POOL_WAIT_MS="100")
    slug = tenant(on=server)
    path = "/v1/tickets?day=2024-03-01"
    blocker = server.stack.postgres.connect(server.stack.database)
    try:
        with blocker.cursor() as cursor, concurrent.futures.ThreadPoolExecutor(1) as crowd:
            cursor.execute("BEGIN; LOCK TABLE msp.raw_tickets IN ACCESS EXCLUSIVE MODE")
            first = crowd.submit(lambda: server.get(path, token=server.token("manager", slug)))
            try:
                wait_until(lambda: busy(server), 10, "the pool to be empty")
                began = time.monotonic()
                answer = server.get(path, token=server.token("tech", slug))
                assert time.monotonic() - began < 5
                answer.problem(503, "database_busy")
                assert answer.headers["Retry-After"] == "1"
                # What needs no database is not held up.
                server.get("/v1/me", token=server.token("tech", slug)).must(200)
            finally:
                cursor.execute("ROLLBACK")
            first.result(30).must(200)
    finally:
        blocker.close()


def busy(server):
    """Whether PostgreSQL holds up a statement of the HTTP worker."""
    return server.stack.query("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'msp http worker%%'"
                              " AND wait_event_type = 'Lock'")


def test_connections_end_with_their_answer_while_nearly_all_are_taken(new_server):
    server = new_server(HTTP_WORKERS="1", HTTP_THREADS="10")
    with contextlib.ExitStack() as open_ones:
        # Heads that never end, so that they are no idle connections that would be let go.
        for _ in range(9):
            peer = open_ones.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            peer.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        wait_until(lambda: server.get("/livez").headers["Connection"] == "close", 4, "the crowd to be there")
    wait_until(lambda: stays_open(server), 10, "connections to be kept again")


def stays_open(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
        peer.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        return b"connection: close" not in peer.recv(65536).lower()


# ---- memory ----

@contextlib.contextmanager
def holding(server, size):
    """Announces a body, waits for what the server says to it, and sends no byte of it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
        peer.sendall((f"POST {INGEST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRETS['SERVICE_TOKEN']}\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {size}\r\n"
                      "Expect: 100-continue\r\n\r\n").encode())
        yield peer.recv(65536)


def test_bodies_past_their_share_of_memory_are_503_and_short_requests_go_on(new_server, tenant, expect_log):
    expect_log("memory_busy")
    server = new_server(HTTP_WORKERS="1", HTTP_MEMORY_MIB="32")
    slug = tenant(on=server)
    before = server.workers()
    with contextlib.ExitStack() as holders:
        # Of half of the 32 MiB each holds half a one while it comes; parsed it would hold nearly five more.
        for _ in range(31):
            assert holders.enter_context(holding(server, LONGEST)).startswith(b"HTTP/1.1 100 ")
        refused = send(server, padded(slug, LONGEST))
        refused.problem(503, "memory_busy")
        assert refused.headers["Retry-After"] == "1"
        server.stream(slug, b"").problem(503, "memory_busy")
        send(server, padded(slug, 2000)).must(200)
        server.v1(slug, "/v1/me").must(200)
        assert holders.enter_context(holding(server, LONGEST)).startswith(b"HTTP/1.1 100 ")
        late = holders.enter_context(holding(server, LONGEST))
        assert late.startswith(b"HTTP/1.1 503 ") and b"memory_busy" in late and b"\r\nRetry-After: 1\r\n" in late
    wait_until(lambda: send(server, padded(slug, LONGEST)).status == 200, 10, "the bodies' share to be free again")
    assert server.workers() == before


def data_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))


def is_limited(pid):
    return resource.prlimit(pid, resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY


def test_a_worker_limits_its_own_memory(new_server):
    server = new_server(HTTP_WORKERS="1", HTTP_MEMORY_MIB="64")
    [worker] = server.workers()
    if not is_limited(worker):
        pytest.skip("a sanitizer needs memory of its own")
    room = resource.prlimit(worker, resource.RLIMIT_DATA)[0] - data_bytes(worker)
    assert 40 * MIB < room <= 65 * MIB, room


@pytest.mark.parametrize("room_kib", [0, 200, 1000, 4000])
def test_a_worker_without_memory_answers_503_lives_and_recovers(new_server, tenant, expect_log, room_kib):
    # Which of these words is met depends on where the memory ends.
    expect_log("(?i)memory|database|PostgreSQL|connection|job")
    server = new_server(HTTP_WORKERS="1", HTTP_THREADS="32")
    slug = tenant(on=server)
    [worker] = server.workers()
    if not is_limited(worker):
        pytest.skip("a sanitizer needs memory of its own")
    server.push(slug, [ticket(f"M{n}", "2024-03-01T08:00:00Z") for n in range(50)])
    soft, hard = resource.prlimit(worker, resource.RLIMIT_DATA)
    resource.prlimit(worker, resource.RLIMIT_DATA, (data_bytes(worker) + room_kib * 1024, hard))
    try:
        with concurrent.futures.ThreadPoolExecutor(12) as crowd:
            answers = list(crowd.map(lambda number: attempt(server, slug, number), range(240)))
    finally:
        resource.prlimit(worker, resource.RLIMIT_DATA, (soft, hard))
    met = {answer.status for answer in answers}
    assert met <= {200, 202, 503}, [answer for answer in answers if answer.status not in (200, 202, 503)][:5]
    for answer in answers:
        if answer.status == 503:
            assert "Retry-After" in answer.headers and answer.json["code"], answer
    if room_kib == 0:
        assert 503 in met, "there was memory all the same"
    assert [worker] == server.workers(), "the worker did not live"
    wait_until(lambda: {attempt(server, slug, number).status for number in range(6)} <= {200, 202}, 20,
               "the worker to recover")
    assert processes.alive(worker)


def attempt(server, slug, number):
    """One of several requests, among them those that take the most memory."""
    values = ",".join(["[]"] * 6000)
    large = ('{"tenant_id":"%s","tickets":[{"external_id":"V%d","x":[%s]}]}' % (slug, number, values)).encode()
    kinds = [lambda: send(server, large), lambda: server.get("/livez"),
             lambda: server.v1(slug, "/v1/tickets", day="2024-03-01", limit=50),
             lambda: server.v1(slug, "/v1/kpis/daily", from_="2022-01-01", to="2024-12-31"),
             lambda: server.v1(slug, "/v1/me"), lambda: server.get("/openapi.json")]
    return kinds[number % len(kinds)]()

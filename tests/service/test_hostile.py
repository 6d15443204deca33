"""What strangers send: nested tokens, smuggled requests, slow bodies. The answer is a clear problem, and we live."""

import json
import socket
import threading
import time

import pytest

from harness import http, tokens
from harness.load import Load
from harness.server import SECRETS
from harness.tickets import ticket
from harness.waiting import wait_until

SECRET = SECRETS["JWT_SECRET"]
DAILY = "/v1/kpis/daily?from=2024-03-01&to=2024-03-02"


@pytest.fixture(scope="module")
def slug(server):
    """A tenant for callers."""
    return server.add_tenant("hostile")


# ---- tokens ----

def payload(slug, **more):
    now = int(time.time())
    return {"sub": "x", "role": "manager", "tenant": slug, "aud": "msp-analytics", "exp": now + 600, **more}


def nested(depth, opening="[", closing="]"):
    return opening * depth + closing * depth


@pytest.mark.parametrize("depth", [33, 400, 1300, 2000])
@pytest.mark.parametrize("where", ["header", "payload"])
@pytest.mark.parametrize("kind", ["lists", "objects"])
def test_a_deeply_nested_token_is_401_and_the_same_processes_answer_the_next(server, slug, depth, where, kind):
    deep = nested(depth) if kind == "lists" else '{"a":' * depth + "1" + "}" * depth
    header, body = '{"alg":"HS256","typ":"JWT"}', json.dumps(payload(slug))
    if where == "header":
        header = '{"alg":"HS256","x":' + deep + "}"
    else:
        body = body[:-1] + ',"x":' + deep + "}"
    before = server.workers()
    for _ in range(4):
        server.get(DAILY, token=tokens.sign(SECRET, header, body)).problem(401)
        server.get("/livez").must(200)
    assert server.workers() == before


def test_an_unsigned_nested_token_is_401_too(server, slug):
    before = server.workers()
    token = f"{tokens.base64url(nested(2000).encode())}.{tokens.base64url(nested(2000).encode())}.AAAA"
    for _ in range(4):
        server.get(DAILY, token=token).problem(401)
    assert server.workers() == before


def bad_tokens(slug):
    good = tokens.token(SECRET, "manager", slug)
    now = int(time.time())

    def with_payload(header='{"alg":"HS256","typ":"JWT"}', secret=SECRET, **more):
        members = {name: value for name, value in payload(slug, **more).items() if value is not None}
        return tokens.sign(secret, header, json.dumps(members))
    head, body, signature = good.split(".")
    return {
        "empty": "", "a word": "nonsense", "two parts": f"{head}.{body}", "four parts": good + ".x",
        "no signature": f"{head}.{body}.", "another secret": with_payload(secret="x" * 40),
        "cut signature": good[:-2], "padded": good + "=",
        "flipped payload": f"{head}.{body[:-2]}AA.{signature}",
        "alg none": tokens.sign(SECRET, '{"alg":"none"}', json.dumps(payload(slug))),
        "alg hs256": with_payload('{"alg":"hs256"}'), "alg HS512": with_payload('{"alg":"HS512"}'),
        "alg RS256": with_payload('{"alg":"RS256"}'), "no alg": with_payload('{"typ":"JWT"}'),
        "alg twice": with_payload('{"alg":"none","alg":"HS256"}'),
        "crit": with_payload('{"alg":"HS256","crit":["exp"]}'), "b64": with_payload('{"alg":"HS256","b64":false}'),
        "expired": with_payload(exp=now - 120), "no exp": with_payload(exp=None),
        "exp as a text": with_payload(exp=str(now + 600)), "exp as a list": with_payload(exp=[now + 600]),
        "nbf ahead": with_payload(nbf=now + 600), "nbf as a text": with_payload(nbf="9999999999"),
        "no aud": with_payload(aud=None), "another aud": with_payload(aud="somebody-else"),
        "no sub": with_payload(sub=None), "no role": with_payload(role=None), "unknown role": with_payload(role="root"),
        "no tenant": with_payload(tenant=None), "unknown tenant": with_payload(tenant="no-such-tenant"),
        "tenant as a number": with_payload(tenant=1),
        "zip": with_payload('{"alg":"HS256","zip":"DEF"}'), "jwk": with_payload('{"alg":"HS256","jwk":{"kty":"oct"}}'),
        "jku": with_payload('{"alg":"HS256","jku":"https://keys.example"}'),
        "kid as a number": with_payload('{"alg":"HS256","kid":1}'), "alg as a list": with_payload('{"alg":["HS256"]}'),
        "iat ahead": with_payload(iat=now + 600), "iat as a text": with_payload(iat=str(now)),
        "exp as a real": with_payload(exp=now + 600.5), "exp as true": with_payload(exp=True),
        "exp past 64 bits": with_payload(exp=2 ** 64), "jti as a number": with_payload(jti=7), "jti empty": with_payload(jti=""),
        "jti over 255 bytes": with_payload(jti="x" * 256), "aud as an object": with_payload(aud={"msp-analytics": 1}),
        "aud list with a number": with_payload(aud=["msp-analytics", 1]), "an admin with a tenant": with_payload(role="admin"),
        "a NUL in sub": with_payload(sub="a\0b"), "an API key": "mspk_0000000000000000_" + "0" * 49,
        "spaces around": " ".join(["", good, ""]).replace(" ", "%20"), "slash for underscore": good.replace("_", "/", 1) + "/",
        "a list": tokens.sign(SECRET, '{"alg":"HS256"}', "[1]"),
        "claims twice": tokens.sign(SECRET, '{"alg":"HS256"}',
                                    json.dumps(payload(slug))[:-1] + ',"role":"admin"}'),
        "over 4 KiB": with_payload(pad="x" * 5000),
    }


@pytest.mark.parametrize("name", bad_tokens("x").keys())
def test_a_bad_token_is_401_and_says_how_to_come_in(server, slug, name):
    answer = server.get(DAILY, headers={"Authorization": f"Bearer {bad_tokens(slug)[name]}"})
    members = answer.problem(401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert SECRET not in json.dumps(members)


@pytest.mark.parametrize("value", ["", "Bearer", "Basic abc", "bearer", "Bearer a b"])
def test_no_or_an_odd_authorization_is_401(server, value):
    server.get(DAILY, headers={"Authorization": value} if value else {}).problem(401)


def test_two_authorizations_do_not_add_up(server, slug):
    good = server.token("manager", slug)
    stream = http.raw(server.port, (f"GET {DAILY} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n"
                                    f"Authorization: Bearer {good}\r\n\r\n").encode())
    assert http.statuses(stream)[0] in (400, 401)


def test_a_persons_token_does_not_open_internal_routes_nor_the_service_token_public_ones(server, slug):
    for role, tenant in (("manager", slug), ("admin", None)):
        answer = server.get("/internal/tenants", token=server.token(role, tenant))
        answer.must(401, 403).problem(answer.status)
    answer = server.get(DAILY, token=SECRETS["SERVICE_TOKEN"])
    answer.must(401, 403).problem(answer.status)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "CF-Connecting-IP",
                                  "CF-Ray", "cf-visitor"])
def test_internal_routes_refuse_what_came_through_a_proxy_even_with_the_token(server, name):
    answer = server.internal("GET", "/internal/tenants", headers={name: "127.0.0.1"})
    answer.must(403, 404).problem(answer.status)


def test_a_disabled_tenants_token_opens_nothing(server, tenant):
    mine = tenant()
    server.v1(mine, "/v1/kpis/daily", from_="2024-03-01", to="2024-03-01").must(200)
    assert server.command("tenant", "disable", mine).returncode == 0
    wait_until(lambda: server.v1(mine, "/v1/kpis/daily", from_="2024-03-01", to="2024-03-01").status in (401, 403),
               2, "the disabling to hold")


# ---- requests that two servers would read in two ways ----

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def head(*lines, request=b"POST /internal/ingest/tickets HTTP/1.1", host=True):
    start = [request] + ([b"Host: localhost"] if host else [])
    return b"\r\n".join(start + list(lines)) + b"\r\n\r\n"


AMBIGUOUS = {
    "length and chunked": head(b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunked and length": head(b"Transfer-Encoding: chunked", b"Content-Length: 4") + b"0\r\n\r\n",
    "length twice": head(b"Content-Length: 0", b"Content-Length: 45"),
    "length twice the same": head(b"Content-Length: 0", b"Content-Length: 0"),
    "length list": head(b"Content-Length: 0, 0"), "length +0": head(b"Content-Length: +0"),
    "length -1": head(b"Content-Length: -1"), "length 0x0": head(b"Content-Length: 0x0"),
    "length 0abc": head(b"Content-Length: 0abc"), "length empty": head(b"Content-Length:"),
    "length huge": head(b"Content-Length: 99999999999999999999999"), "length spaced": head(b"Content-Length: 1 0"),
    "identity then chunked": head(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunked twice": head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "gzip, chunked": head(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "chunked, identity": head(b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "xchunked": head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "chunked in quotes": head(b'Transfer-Encoding: "chunked"') + b"0\r\n\r\n",
    "empty encoding": head(b"Transfer-Encoding:"),
    "chunked on 1.0": head(b"Transfer-Encoding: chunked", request=b"POST /livez HTTP/1.0") + b"0\r\n\r\n",
    "space before colon": head(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "folded line": head(b"X-A: 1\r\n Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "tab folded line": head(b"X-A: 1\r\n\tb"), "line that starts with a colon": head(b": x", b"Content-Length: 45"),
    "line without a colon": head(b"Content-Length", b"X-A: 1"), "empty name": head(b":"),
    "byte past ASCII in a name": head(b"X-\xffA: 1", b"Content-Length: 45"),
    "bare line feeds": b"GET /livez HTTP/1.1\nHost: localhost\n\n",
    "one bare line feed": b"GET /livez HTTP/1.1\r\nHost: localhost\nX-A: 1\r\n\r\n",
    "bare line feed hides a length": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: 1\n\r\nContent-Length: 45\r\n\r\n",
    "bare carriage return": head(b"X-A: 1\rContent-Length: 45"), "NUL in a value": head(b"X-A: a\0b"),
    "control in a value": head(b"X-A: a\x01b"), "DEL in a value": head(b"X-A: a\x7fb"),
    "leading blank lines": b"\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no host": head(request=b"GET /livez HTTP/1.1", host=False),
    "host twice": head(b"Host: localhost", request=b"GET /livez HTTP/1.1"),
    "host with a space": head(b"Host: local host", request=b"GET /livez HTTP/1.1", host=False),
    "host with a path": head(b"Host: localhost/x", request=b"GET /livez HTTP/1.1", host=False),
    "host with a user": head(b"Host: a@localhost", request=b"GET /livez HTTP/1.1", host=False),
    "host empty": head(b"Host:", request=b"GET /livez HTTP/1.1", host=False),
    "absolute form": head(request=b"GET http://localhost/livez HTTP/1.1"),
    "authority form": head(request=b"CONNECT localhost:80 HTTP/1.1"),
    "star": head(request=b"OPTIONS * HTTP/1.1"), "two spaces": head(request=b"GET  /livez HTTP/1.1"),
    "tab in the request line": head(request=b"GET\t/livez HTTP/1.1"),
    "space behind the version": head(request=b"GET /livez HTTP/1.1 "),
    "four words": head(request=b"GET /livez /x HTTP/1.1"), "no version": head(request=b"GET /livez"),
    "HTTP/0.9": b"GET /livez\r\n\r\n", "HTTP/2.0": head(request=b"GET /livez HTTP/2.0"),
    "HTTP/1.10": head(request=b"GET /livez HTTP/1.10"), "http/1.1": head(request=b"GET /livez http/1.1"),
    "lower-case method": head(request=b"get /livez HTTP/1.1"), "odd method": head(request=b"G@T /livez HTTP/1.1"),
    "fragment": head(request=b"GET /livez#x HTTP/1.1"), "backslash": head(request=b"GET /livez\\x HTTP/1.1"),
    "byte past ASCII in the path": head(request=b"GET /liv\xe9z HTTP/1.1"),
    "upgrade": head(b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                    b"Sec-WebSocket-Version: 13", request=b"GET /livez HTTP/1.1"),
    "h2c": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 64,
}


@pytest.mark.parametrize("bytes_", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_an_ambiguous_request_is_refused_and_nothing_behind_it_is_read(server, bytes_):
    before = server.workers()
    stream = http.raw(server.port, bytes_ + SMUGGLED)
    codes = http.statuses(stream)
    assert len(codes) <= 1, f"two answers: {stream[:400]!r}"
    # Where CivetWeb cannot even find a request it closes without an answer.
    assert not codes or codes[0] in (400, 404, 405, 501, 505), stream[:400]
    if codes and codes[0] == 400:
        assert b"application/problem+json" in stream and b"x-request-id" in stream.lower()
    server.get("/livez").must(200)
    assert server.workers() == before


FRAMED = {"chunk size with a sign": b"+5\r\nhello\r\n0\r\n\r\n", "chunk size 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
          "negative chunk": b"-1\r\n\r\n", "huge chunk": b"ffffffffffffffffff\r\nx", "no size": b"\r\nhello\r\n0\r\n\r\n",
          "chunk longer than told": b"3\r\nhello\r\n0\r\n\r\n", "chunk without its end": b"5\r\nhelloX\r\n0\r\n\r\n",
          "size in words": b"five\r\nhello\r\n"}


@pytest.mark.parametrize("body", FRAMED.values(), ids=FRAMED.keys())
def test_broken_chunks_end_the_request_and_nothing_behind_it_is_read(server, slug, body):
    start = head(b"Authorization: Bearer " + SECRETS["SERVICE_TOKEN"].encode(), b"Transfer-Encoding: chunked",
                 b"Content-Type: application/x-ndjson",
                 request=f"POST /internal/ingest/tickets?tenant_id={slug} HTTP/1.1".encode())
    stream = http.raw(server.port, start + body + SMUGGLED)
    assert b"/smuggled" not in stream
    codes = http.statuses(stream)
    assert not codes or codes[0] == 400, stream[:300]
    server.get("/livez").must(200)


def test_good_requests_in_a_row_on_one_connection_are_all_answered(server):
    stream = http.raw(server.port, head(request=b"GET /livez HTTP/1.1") * 3
                      + head(b"Connection: close", request=b"GET /nowhere HTTP/1.1"))
    assert http.statuses(stream) == [200, 200, 200, 404]


def test_too_many_or_too_long_header_lines_are_refused(server):
    many = head(*[b"X-%d: 1" % n for n in range(100)], request=b"GET /livez HTTP/1.1")
    long_one = head(b"X-A: " + b"x" * 40000, request=b"GET /livez HTTP/1.1")
    long_path = head(request=b"GET /" + b"x" * 40000 + b" HTTP/1.1")
    for bytes_ in (many, long_one, long_path):
        codes = http.statuses(http.raw(server.port, bytes_))
        assert not codes or codes[0] in (400, 414, 431)
    server.get("/livez").must(200)


@pytest.mark.parametrize("value,status", [("100-continue", 200), ("200-ok", 417), ("100-continue, x", 417)])
def test_expect_is_kept_or_refused(server, slug, value, status):
    body = json.dumps({"tenant_id": slug, "tickets": []}).encode()
    start = head(b"Authorization: Bearer " + SECRETS["SERVICE_TOKEN"].encode(), b"Expect: " + value.encode(),
                 b"Content-Type: application/json", b"Content-Length: %d" % len(body), b"Connection: close")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
        peer.sendall(start)
        if status == 200:
            assert peer.recv(1024).startswith(b"HTTP/1.1 100")
            peer.sendall(body)
        assert http.statuses(http.read_all(peer))[-1] == status


def test_a_large_body_that_is_refused_does_not_get_its_100_continue(server):
    start = head(b"Expect: 100-continue", b"Content-Type: application/json", b"Content-Length: 104857600")
    stream = http.raw(server.port, start, finish=False, timeout=5)
    assert 100 not in http.statuses(stream) and http.statuses(stream)[0] in (401, 413)


# ---- methods and addresses ----

def test_head_answers_like_get_without_a_body(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
        peer.sendall(head(b"Connection: close", request=b"HEAD /livez HTTP/1.1"))
        stream = http.read_all(peer)
    assert stream.startswith(b"HTTP/1.1 200") and stream.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "DELETE", "PUT", "PATCH", "LOCK"])
@pytest.mark.parametrize("path", ["/livez", "/v1/kpis/daily"])
def test_other_methods_are_refused_and_echo_nothing(server, method, path):
    answer = server.request(method, path, headers={"X-Canary": "bird", "Origin": "https://evil.example",
                                                   "Access-Control-Request-Method": "GET"})
    assert 400 <= answer.status < 500 or answer.status == 501, answer
    assert b"bird" not in answer.body
    assert "Access-Control-Allow-Origin" not in answer.headers
    if answer.status == 405:
        answer.problem(405)
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/v1/", "/livez/", "//livez", "/LIVEZ", "/v1/kpis/daily/", "/..",
                                  "/../etc/passwd", "/%2e%2e/etc/passwd", "/livez/../livez", "/internal/nowhere",
                                  "/v1/kpis/%2e%2e/kpis/daily", "/.git/config", "/v1/jobs/a/b/c",
                                  "/livez%00", "/livez%zz", "/livez%", "/%6Civez", "/livez;x"])
def test_an_address_that_is_not_there_is_a_404_problem(server, slug, path):
    answer = server.get(path, token=server.token("manager", slug))
    answer.must(400, 404).problem(answer.status)


def test_a_wrong_method_on_a_known_address_is_405_and_names_the_right_one(server):
    for method, path, right in (("POST", "/livez", "GET"), ("GET", "/internal/kpi/compute-daily", "POST")):
        answer = server.internal(method, path)
        answer.problem(405)
        assert right in answer.headers["Allow"]


def test_a_body_where_none_is_expected_is_refused(server, slug):
    answer = server.request("GET", DAILY, body=b"x" * 100, token=server.token("manager", slug))
    answer.must(400, 413, 415).problem(answer.status)


def test_every_answer_carries_its_own_request_id_and_no_server_name(server):
    seen = set()
    for path in ("/livez", "/readyz", "/nowhere", DAILY):
        answer = server.get(path)
        seen.add(answer.headers["X-Request-Id"])
        assert "Server" not in answer.headers
    assert len(seen) == 4 and None not in seen


# ---- slow clients ----

class Slow:
    """A client that sends its parts far apart and notes when the server ends it."""

    def __init__(self, port, first, drip, pause):
        self.peer = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.begun = time.monotonic()
        self.ended = None
        self.answer = b""
        self._first, self._drip, self._pause = first, drip, pause

    def run(self):
        try:
            self.peer.sendall(self._first)
            while time.monotonic() - self.begun < 40:
                self.peer.settimeout(self._pause)
                try:
                    piece = self.peer.recv(4096)
                    if not piece:
                        break
                    self.answer += piece
                except TimeoutError:
                    self.peer.sendall(self._drip)
        except OSError:
            pass
        self.ended = time.monotonic() - self.begun
        self.peer.close()


def test_slow_clients_are_ended_in_time_and_keep_nobody_else_from_being_served(new_server):
    server = new_server(HTTP_THREADS="400")
    slug = server.add_tenant("slow-clients")
    service = b"Authorization: Bearer " + SECRETS["SERVICE_TOKEN"].encode()
    line = json.dumps(ticket("A", "2024-03-01T08:00:00Z")).encode()
    crowds = {
        "head": (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n", b"X-A: 1\r\n"),
        "body": (head(service, b"Content-Type: application/json", b"Content-Length: 50000") + b"{", b" "),
        "stream": (head(service, b"Content-Type: application/x-ndjson", b"Transfer-Encoding: chunked",
                        request=f"POST /internal/ingest/tickets?tenant_id={slug} HTTP/1.1".encode()),
                   b"%x\r\n%s\n\r\n" % (len(line) + 1, line)),
        "stream of known length": (head(service, b"Content-Type: application/x-ndjson", b"Content-Length: 9000000",
                                        request=f"POST /internal/ingest/tickets?tenant_id={slug} HTTP/1.1".encode()),
                                   line + b"\n"),
    }
    slow = {name: [Slow(server.port, first, drip, 0.9) for _ in range(50)] for name, (first, drip) in crowds.items()}
    threads = [threading.Thread(target=one.run) for many in slow.values() for one in many]
    for thread in threads:
        thread.start()
    reader = {"Authorization": "Bearer " + server.token("manager", slug)}
    with Load(server.port, "/livez", threads=2, keep_alive=False) as load, \
            Load(server.port, DAILY, reader, threads=2) as reading:
        for thread in threads:
            thread.join(60)
    assert load.failures == [] and reading.failures == []
    assert load.answered > 200 and load.slowest < 3 and reading.answered > 200
    for name, many in slow.items():
        longest = max(one.ended for one in many)
        assert longest < 20, f"a slow {name} was kept for {longest:.1f} s"
    for one in slow["stream"]:
        assert not one.answer or http.statuses(one.answer)[0] in (400, 408), one.answer[:200]
    server.get("/readyz").must(200)


def test_a_client_that_does_not_read_is_ended(new_server):
    server = new_server()
    slug = server.add_tenant("slow-reader")
    request = (f"GET /v1/kpis/daily?from=2021-01-01&to=2024-01-01 HTTP/1.1\r\nHost: localhost\r\n"
               f"Authorization: Bearer {server.token('manager', slug)}\r\n\r\n").encode()
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(30)
        peer.connect(("127.0.0.1", server.port))
        ours = peer.getsockname()[1]
        peer.sendall(request * 40)
        assert held_by_server(server.port, ours)
        wait_until(lambda: not held_by_server(server.port, ours), 25, "the server to end a client that does not read",
                   interval=0.2)
    server.get("/livez").must(200)


def held_by_server(port, peer_port):
    """Whether the server's end of that connection is still established; our end cannot know while it does not read."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(fields[1].endswith(f":{port:04X}") and fields[2].endswith(f":{peer_port:04X}")
                   and fields[3] == "01" for fields in (line.split() for line in table))

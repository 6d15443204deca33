"""A request is read in one way or refused, whatever is sent; and what good clients send is taken."""

import concurrent.futures
import http.client
import io
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest
from harness import http as plain
from harness.databases import REPOSITORY
from harness.server import SECRETS

sys.path.insert(0, os.path.join(REPOSITORY, "tests", "support"))
import smuggling_corpus as corpus  # noqa: E402
from smuggling_corpus import LAST, MARKER, ONE, REFUSED, STRICT  # noqa: E402

# What a framing is refused with; an answer to the request itself would be 404.
REFUSALS = (400, 408, 413, 414, 417, 431, 501, 505)
MUTANTS = int(os.environ.get("MSP_MUTANTS", "1500"))


class Reply:
    """One answer on a connection."""

    def __init__(self, status, head, body):
        self.status, self.head, self.body = status, head, body
        found = re.search(rb'"instance":"([^"]*)"', body)
        self.instance = found.group(1).decode() if found else None

    def __repr__(self):
        return f"<{self.status} of {self.instance}>"


def replies(stream, first_is_head=False):
    """The answers in a stream of bytes, in order; those of before the end (1xx) left out."""
    found = []
    while stream.startswith(b"HTTP/1."):
        head, end, rest = stream.partition(b"\r\n\r\n")
        assert end, f"half a head: {stream[:200]!r}"
        status = int(head.split()[1])
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        size = int(length.group(1)) if length and status >= 200 and (found or not first_is_head) else 0
        if status >= 200:
            found.append(Reply(status, head, rest[:size]))
        stream = rest[size:]
    assert not stream, f"bytes that are no answer: {stream[:200]!r}"
    return found


def whole(port, sent):
    return plain.raw(port, sent, timeout=20)


def in_two(port, sent):
    """The same bytes in two packets, cut at a place that differs from case to case."""
    at = random.Random(sent).randrange(1, max(2, min(len(sent), 400)))
    return _pieces(port, [sent[:at], sent[at:]], 0.01)


def byte_by_byte(port, sent):
    first = sent[:300]
    return _pieces(port, [first[at:at + 1] for at in range(len(first))] + [sent[300:]], 0)


def _pieces(port, pieces, pause):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                peer.sendall(piece)
                time.sleep(pause)
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has had enough
        return plain.read_all(peer)


def behind_another(port, sent):
    """Behind a good request on the same connection."""
    stream = whole(port, b"GET /first HTTP/1.1\r\nHost: h\r\n\r\n" + sent)
    assert b'"/first"' in stream, f"a good request was not answered: {stream[:200]!r}"
    head, _, rest = stream.partition(b"\r\n\r\n")
    return rest[int(re.search(rb"(?i)content-length: *(\d+)", head).group(1)):]


def judge(case, stream):
    """What is wrong with the answers to a case, or None."""
    try:
        got = replies(stream, first_is_head=case.sent.startswith(b"HEAD "))
    except AssertionError as fault:
        return str(fault)
    if b'"/inner"' in stream:
        return f"read a body as a request: {got}"
    marked = [reply for reply in got if reply.instance == "/marker"]
    refused = bool(got) and got[-1].status in REFUSALS and got[-1].instance != "/marker"
    if refused and b"connection: close" not in got[-1].head.lower():
        return f"refused without saying that it closes: {got}"
    if case.verdict == REFUSED:
        return None if refused and not marked else f"not refused: {got} {stream[:300]!r}"
    answered = len(marked) == 1 and got[-1] is marked[0] and len(got) >= 2 and not any(r.status in REFUSALS for r in got[:-1])
    if case.verdict == ONE:
        return None if answered else f"not answered, or not in one reading: {got} {stream[:300]!r}"
    if case.verdict == LAST:
        return None if len(got) == 1 and not marked and got[0].status not in REFUSALS else f"did not end: {got}"
    # Answered for itself and closed is one reading as well.
    closed = len(got) == 1 and not marked and b"connection: close" in got[0].head.lower()
    return None if answered or refused or closed else f"neither refused nor read in one way: {got} {stream[:300]!r}"


def run(server, cases, send):
    """Every case, eight at a time; the faults."""
    before = server.workers()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda case: judge(case, send(server.port, case.sent + MARKER)), cases))
    faults = [f"{case.name}: {fault}" for case, fault in zip(cases, found) if fault]
    if faults:
        pytest.fail(f"{len(faults)} of {len(cases)} cases:\n" + "\n".join(faults[:25]), pytrace=False)
    server.get("/livez").must(200)
    assert server.workers() == before


@pytest.mark.parametrize("send", [whole, in_two, byte_by_byte, behind_another])
def test_a_head_is_read_in_one_way_or_refused(server, send):
    cases = corpus.heads()
    if send is byte_by_byte:
        cases = cases[::5]
    elif send is behind_another:  # the first of a connection alone may come behind a blank line
        cases = [case for case in cases if not case.name.startswith("beginning")]
    assert len(cases) > 100
    run(server, cases, send)


@pytest.fixture(scope="module")
def slug(server):
    return server.add_tenant("smuggled")


def chunked_head(slug, *fields):
    return corpus.head(b"Authorization: Bearer " + SECRETS["SERVICE_TOKEN"].encode(), b"Transfer-Encoding: chunked",
                       b"Content-Type: application/x-ndjson", *fields,
                       line=f"POST /internal/ingest/tickets?tenant_id={slug} HTTP/1.1".encode())


@pytest.mark.parametrize("send", [whole, in_two])
def test_the_chunks_of_a_body_are_read_in_one_way_or_refused(server, slug, send):
    cases = [corpus.Case("chunks", name, chunked_head(slug) + body, verdict)
             for name, body, verdict in corpus.chunked_bodies()]
    run(server, cases, send)


def test_mutants_are_read_as_the_standard_reads_them_or_refused(server):
    """What is answered is a beginning of what a reader of our own finds, and ends in a refusal if it is less."""
    def ask(mutant):
        name, sent = mutant
        stream = whole(server.port, sent + MARKER)
        right = [target.split(b"?")[0].decode("ascii", "replace") for target in corpus.read_rows(sent + MARKER)]
        try:
            got = replies(stream)
        except AssertionError as fault:
            return f"{name}: {fault} {sent!r}"
        answered = [reply.instance for reply in got if reply.status not in REFUSALS]
        refusals = [reply for reply in got if reply.status in REFUSALS]
        fine = answered == right[:len(answered)] and len(refusals) <= 1 and (not refusals or got[-1] is refusals[0])
        return None if fine else f"{name}: {got} but the standard reads {right}: {sent!r}"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        faults = [fault for fault in pool.map(ask, corpus.mutants(MUTANTS)) if fault]
    if faults:
        pytest.fail(f"{len(faults)} of {MUTANTS}:\n" + "\n".join(faults[:10]), pytrace=False)


def test_what_is_no_http_at_all_is_refused(server):
    draw = random.Random(3)
    noise = [bytes(draw.randrange(256) for _ in range(draw.randrange(1, 600))) for _ in range(100)]
    known = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 64, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
             b"SSH-2.0-x\r\n", b"EHLO h\r\n", b"*1\r\n$4\r\nPING\r\n", b"\x00" * 100, b"\xff" * 100, b"\r" * 200]
    for sent in known + noise:
        got = replies(whole(server.port, sent + MARKER))
        assert not got or (len(got) == 1 and got[0].status in REFUSALS), (sent, got)
    server.get("/livez").must(200)


# ---- good clients ----

TICKETS = [{"external_id": "G1", "created_at": "2024-03-01T08:00:00Z", "updated_at": "2024-03-01T08:00:00Z", "status": "new"}]


def bodies(slug):
    return {"json": json.dumps({"tenant_id": slug, "tickets": TICKETS}).encode(),
            "lines": b"".join(json.dumps({**TICKETS[0], "external_id": f"L{n}", "title": "x" * 400}).encode() + b"\n"
                              for n in range(400))}


def curl(*arguments, body=None):
    done = subprocess.run(["curl", "-sS", "--max-time", "30", *arguments], input=body, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_is_served_in_every_way_it_asks(server, slug, tmp_path):
    base, auth = f"http://127.0.0.1:{server.port}", ["-H", f"Authorization: Bearer {SECRETS['SERVICE_TOKEN']}"]
    push = [*auth, "-o", "-", "-w", "\n%{http_code}", f"{base}/internal/ingest/tickets"]
    lines = [*auth, "-H", "Content-Type: application/x-ndjson", "-w", "\n%{http_code}", f"{base}/internal/ingest/tickets?tenant_id={slug}"]
    made = bodies(slug)
    (tmp_path / "lines").write_bytes(made["lines"])
    for version in ("--http1.0", "--http1.1", "--http2-prior-knowledge"):
        if version != "--http2-prior-knowledge":
            assert b"alive" in curl(version, f"{base}/livez")
    assert curl("-I", f"{base}/livez").startswith(b"HTTP/1.1 200")
    assert curl("--head", "--http1.0", f"{base}/livez").startswith(b"HTTP/1.1 200")
    # Two addresses share one connection.
    assert curl("-o", os.devnull, "-o", os.devnull, "-w", "%{num_connects} ", f"{base}/livez", f"{base}/livez") == b"1 0 "
    # An offer to change to HTTP/2 is refused, so that no proxy and we read on in two protocols.
    assert curl("--http2", "-o", os.devnull, "-w", "%{http_code}", f"{base}/livez") in (b"400", b"200")
    for arguments, body in ((["-H", "Content-Type: application/json", "--data-binary", "@-"], made["json"]),
                            (["-H", "Content-Type: application/json", "-H", "Expect: 100-continue", "--data-binary", "@-"], made["json"]),
                            (["-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked", "--data-binary", "@-"], made["json"]),
                            (["--http1.0", "-H", "Content-Type: application/json", "--data-binary", "@-"], made["json"])):
        assert curl(*arguments, *push, body=body).endswith(b"\n200"), arguments
    for arguments in (["-X", "POST", "-T", "-"], ["--data-binary", "@-"], ["-H", "Transfer-Encoding: chunked", "--data-binary", "@-"],
                      ["-X", "POST", "-T", str(tmp_path / "lines")], ["-H", "Expect:", "--data-binary", "@-"]):
        assert curl(*arguments, *lines, body=made["lines"]).endswith(b"\n200"), arguments


def test_wrk_is_served_without_a_fault(server):
    done = subprocess.run(["wrk", "-t", "1", "-c", "8", "-d", "1s", f"http://127.0.0.1:{server.port}/livez"],
                          capture_output=True, text=True, timeout=30, check=True)
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    assert int(re.search(r"(\d+) requests in", done.stdout).group(1)) > 100


def test_python_clients_are_served(server, slug):
    made = bodies(slug)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    service = {"Authorization": f"Bearer {SECRETS['SERVICE_TOKEN']}"}
    for method, path, body, headers in (
            ("GET", "/livez", None, {}), ("HEAD", "/livez", None, {}),
            ("POST", "/internal/ingest/tickets", made["json"], {"Content-Type": "application/json"}),
            ("POST", f"/internal/ingest/tickets?tenant_id={slug}", io.BytesIO(made["lines"]), {"Content-Type": "application/x-ndjson"}),
            ("GET", "/livez", None, {"Accept-Encoding": "gzip, deflate", "User-Agent": "x/1 (y; z)", "Accept": "*/*"})):
        connection.request(method, path, body=body, headers={**service, **headers})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (method, path, answer.status)
    connection.close()
    urllib3 = pytest.importorskip("urllib3")
    with urllib3.PoolManager(maxsize=1) as pool:
        base = f"http://127.0.0.1:{server.port}"
        for _ in range(3):
            assert pool.request("GET", f"{base}/livez").status == 200
        for chunked in (False, True):
            answer = pool.request("POST", f"{base}/internal/ingest/tickets?tenant_id={slug}", body=made["lines"], chunked=chunked,
                                  headers={**service, "Content-Type": "application/x-ndjson"})
            assert answer.status == 200, answer.data
        answer = pool.request("POST", f"{base}/internal/ingest/tickets", body=made["json"],
                              headers={**service, "Content-Type": "application/json"})
        assert answer.status == 200
        assert pool.request("HEAD", f"{base}/livez").status == 200


NODE = r"""
const http = require('http');
const [base, token, slug, json, lines] = process.argv.slice(2);
const auth = { Authorization: 'Bearer ' + token };
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const ask = (method, path, headers, body, chunked) => new Promise((good, bad) => {
  const request = http.request(base + path, { method, agent, headers: { ...auth, ...headers } }, (answer) => {
    answer.resume(); answer.on('end', () => good(answer.statusCode)); });
  request.on('error', bad);
  if (body && chunked) { for (const piece of body.match(/[^]{1,1000}/g)) request.write(piece); request.end(); }
  else if (body) request.end(body); else request.end();
});
(async () => {
  const seen = [], push = '/internal/ingest/tickets', stream = push + '?tenant_id=' + slug;
  const asJson = { 'Content-Type': 'application/json' }, asLines = { 'Content-Type': 'application/x-ndjson' };
  seen.push(await ask('GET', '/livez', {}), await ask('HEAD', '/livez', {}));
  seen.push(await ask('POST', push, { ...asJson, 'Content-Length': Buffer.byteLength(json) }, json));
  seen.push(await ask('POST', push, asJson, json, true), await ask('POST', stream, asLines, lines, true));
  for (let i = 0; i < 3; i++) { const a = await fetch(base + '/livez'); await a.text(); seen.push(a.status); }
  let a = await fetch(base + push, { method: 'POST', headers: { ...auth, ...asJson }, body: json });
  await a.text(); seen.push(a.status);
  const body = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode(lines)); c.close(); } });
  a = await fetch(base + stream, { method: 'POST', headers: { ...auth, ...asLines }, body, duplex: 'half' });
  await a.text(); seen.push(a.status);
  a = await fetch(base + '/livez', { method: 'HEAD' }); seen.push(a.status);
  console.log(JSON.stringify(seen)); process.exit(0);
})().catch((fault) => { console.error(fault); process.exit(1); });
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_node_clients_are_served(server, slug, tmp_path):
    script = tmp_path / "client.js"
    script.write_text(NODE)
    made = bodies(slug)
    done = subprocess.run(["node", str(script), f"http://127.0.0.1:{server.port}", SECRETS["SERVICE_TOKEN"], slug,
                           made["json"].decode(), made["lines"][:60000].rsplit(b"\n", 1)[0].decode()],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert len(seen) == 11 and set(seen) == {200}, seen

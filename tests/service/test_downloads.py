"""Exports over HTTP: stable addresses for Power BI, whole or refused, from whatever storage lies behind."""

import datetime
import gzip
import hashlib
import http.client
import os
import signal
import socket
import threading
import time

import pytest

from harness import exports, processes
from harness.tickets import crowd
from harness.waiting import wait_until

LATEST = "/v1/exports/kpi_daily/latest.csv"


def get(server, tenant, path=LATEST, role="manager", **headers):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    target = f"{path}?tenant={tenant}" if role == "admin" else path
    return server.get(target, token=server.token(role, None if role == "admin" else tenant), headers=fields)


@pytest.fixture
def placed(stack, server, tenant):
    """A tenant with a latest file of 1,000 bytes: (slug, its content, its id)."""
    slug = tenant()
    content = exports.content_of(1000)
    return slug, content, exports.place(stack, server, slug, content)


# ---- the whole file ----

def test_an_export_comes_over_http_as_it_lies_in_the_storage(server, tenant):
    slug = tenant(timezone="Europe/Paris")
    first, last = datetime.date(2024, 3, 1), datetime.date(2024, 3, 5)
    server.feed(slug, crowd(3, 100, first, last))
    server.compute(slug, first, last)
    job = server.job("/internal/exports/generate", {"tenant_id": slug, "from": str(first), "to": str(last)})
    assert job["state"] == "succeeded", job
    files = server.v1(slug, "/v1/exports").must(200).json["exports"]
    assert files
    for entry in files:
        answer = get(server, slug, f"/v1/exports/files/{entry['id']}").must(200)
        assert hashlib.sha256(answer.body).hexdigest() == entry["sha256"]
        day = entry["day"] or "latest"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{slug}-{entry["dataset"]}-{day}.csv"'
    latest = next(entry for entry in files if entry["day"] is None and entry["dataset"] == "kpi_daily")
    answer = get(server, slug).must(200)
    assert answer.headers["ETag"] == f'"{latest["sha256"]}"'
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Length"] == str(latest["bytes"])
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.body.startswith(b"\xef\xbb\xbf")


def test_an_admin_names_the_tenant_and_others_are_kept_out(server, tenant, placed):
    slug, content, number = placed
    other = tenant()
    for path in (LATEST, f"/v1/exports/files/{number}"):
        assert get(server, slug, path, "admin").must(200).body == content
        get(server, slug, path, "tech").problem(403)
        get(server, slug, path, "client").problem(403)
        get(server, other, path).problem(404)
        get(server, other, path, "admin").problem(404)
        server.get(path, token=server.token("admin")).problem(400, "tenant_missing")
        server.get(path).problem(401)


def test_what_is_not_there_is_404_and_says_what_to_do(server, tenant, placed):
    slug, _, _ = placed
    assert "POST /v1/exports" in get(server, slug, "/v1/exports/tickets/latest.csv").problem(404)["detail"]
    get(server, slug, "/v1/exports/nonsense/latest.csv").problem(404, "dataset_unknown")
    unknown = get(server, slug, "/v1/exports/files/6f2c1b1e-4a0e-4c1e-9a55-0d6d2b6b7f10").problem(404)
    for path in ("/v1/exports/files/nonsense", "/v1/exports/files/latest.csv"):
        malformed = get(server, slug, path).problem(404)
        assert malformed["detail"] == unknown["detail"] and malformed["code"] == unknown["code"]
    get(server, slug, "/v1/exports/files/" + placed[2].upper()).problem(404)


def test_the_two_addresses_of_a_file_answer_head_without_reading_it(server, placed, expect_log):
    slug, content, number = placed
    for path in (LATEST, f"/v1/exports/files/{number}"):
        answer = server.request("HEAD", path, token=server.token("manager", slug)).must(200)
        assert answer.headers["Content-Length"] == str(len(content)) and answer.body == b""
        assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'


# ---- conditions and parts ----

def test_a_copy_that_is_still_good_costs_a_304(stack, server, placed):
    slug, content, _ = placed
    etag = get(server, slug).must(200).headers["ETag"]
    for field in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        answer = get(server, slug, If_None_Match=field).must(304)
        assert answer.body == b"" and answer.headers["ETag"] == etag
        assert "Content-Length" not in answer.headers and "Content-Type" not in answer.headers
    assert get(server, slug, If_None_Match='"other"').must(200).body == content
    exports.place(stack, server, slug, content + b"more\r\n")
    assert get(server, slug, If_None_Match=etag).must(200).body == content + b"more\r\n"


@pytest.mark.parametrize("field, part", [
    ("bytes=0-0", slice(0, 1)), ("bytes=10-19", slice(10, 20)), ("bytes=990-", slice(990, 1000)),
    ("bytes=-5", slice(995, 1000)), ("bytes=-5000", slice(0, 1000)), ("bytes=10-99999999999999999999", slice(10, 1000)),
])
def test_a_range_is_answered_with_206(server, placed, field, part):
    slug, content, _ = placed
    answer = get(server, slug, Range=field).must(206)
    assert answer.body == content[part]
    assert answer.headers["Content-Range"] == f"bytes {part.start}-{part.stop - 1}/1000"
    assert answer.headers["Content-Length"] == str(part.stop - part.start)


@pytest.mark.parametrize("field", ["bytes=1000-", "bytes=99999999999999999999-", "bytes=-0"])
def test_a_range_outside_is_416_with_the_size(server, placed, field):
    answer = get(server, placed[0], Range=field)
    answer.problem(416, "range_outside")
    assert answer.headers["Content-Range"] == "bytes */1000"


@pytest.mark.parametrize("field", ["bytes=5-4", "bytes=a-b", "lines=1-2", "bytes=1-2,4-5", "bytes=", "bytes=-", "x"])
def test_a_range_that_cannot_be_served_as_one_part_is_ignored(server, placed, field):
    slug, content, _ = placed
    assert get(server, slug, Range=field).must(200).body == content


def test_a_range_of_an_older_copy_gets_the_whole_new_file(stack, server, placed):
    slug, content, _ = placed
    etag = get(server, slug).must(200).headers["ETag"]
    assert get(server, slug, Range="bytes=0-9", If_Range=etag).must(206).body == content[:10]
    exports.place(stack, server, slug, b"new" + content)
    assert get(server, slug, Range="bytes=0-9", If_Range=etag).must(200).body == b"new" + content
    assert get(server, slug, Range="bytes=0-9", If_Range="Wed, 21 Oct 2015 07:28:00 GMT").must(200)


# ---- compressed ----

def test_a_compressed_export_says_so(stack, server, tenant):
    slug = tenant()
    text = exports.content_of(5000)
    packed = gzip.compress(text)
    number = exports.place(stack, server, slug, packed, "latest.csv.gz")
    coded = get(server, slug, Accept_Encoding="deflate, gzip;q=0.5").must(200)
    assert coded.headers["Content-Encoding"] == "gzip" and coded.headers["Content-Type"].startswith("text/csv")
    assert gzip.decompress(coded.body) == text and "Accept-Encoding" in coded.headers.get_all("Vary")
    for path, encodings in ((LATEST, "identity"), (LATEST, "gzip;q=0"), (f"/v1/exports/files/{number}", "gzip")):
        plain = get(server, slug, path, Accept_Encoding=encodings).must(200)
        assert plain.headers["Content-Type"] == "application/gzip" and "Content-Encoding" not in plain.headers
        assert plain.headers["Content-Disposition"].endswith('latest.csv.gz"') and plain.body == packed
        assert plain.headers["ETag"] != coded.headers["ETag"]
    exports.place(stack, server, slug, text)
    assert get(server, slug, Accept_Encoding="gzip").must(200).body == text


# ---- what goes wrong ----

def test_a_file_that_is_gone_is_404_and_one_that_is_another_is_never_sent(stack, server, placed, expect_log):
    slug, content, _ = placed
    path = exports.location(server, slug, "latest.csv")
    with open(path, "ab") as out:
        out.write(b"x")
    answer = get(server, slug)
    answer.problem(503, "export_changed")
    assert "Retry-After" in answer.headers
    with open(path, "wb") as out:
        out.write(content[:999])
    get(server, slug).problem(503, "export_changed")
    os.remove(path)
    get(server, slug).problem(404, "file_missing")


def test_a_file_that_is_not_what_its_record_says_never_arrives_whole(server, placed):
    slug, content, _ = placed
    with open(exports.location(server, slug, "latest.csv"), "wb") as out:
        out.write(content[:-1] + b"?")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        get(server, slug)


def test_an_export_that_is_being_written_is_asked_for_again(stack, server, placed):
    slug, content, number = placed
    stack.query("UPDATE msp.exports SET revision = -1 WHERE export_id = %s", (number,))
    get(server, slug).problem(503, "export_changed")
    stack.query("UPDATE msp.exports SET revision = 2 WHERE export_id = %s", (number,))
    assert get(server, slug).must(200).body == content


def begin(server, slug, window=65536):
    """A download whose client has read nothing yet, with a small window."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    peer.settimeout(30)
    peer.connect(("127.0.0.1", server.port))
    peer.sendall(f"GET {LATEST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token('manager', slug)}\r\n\r\n"
                 .encode())
    return peer


def receive(peer):
    try:
        return peer.recv(1 << 20)
    except ConnectionResetError:
        return b""


def read_rest(peer):
    """(the declared length, the body as far as it came)."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += receive(peer)
    head, _, body = raw.partition(b"\r\n\r\n")
    length = int(dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])[b"Content-Length"])
    pieces, came = [body], len(body)
    while came < length and (piece := receive(peer)):
        pieces.append(piece)
        came += len(piece)
    return length, b"".join(pieces)


def test_a_file_that_shrinks_under_way_ends_the_connection(stack, server, tenant):
    slug = tenant()
    exports.place(stack, server, slug, exports.content_of(32 << 20))
    with begin(server, slug) as peer:
        peer.recv(1, socket.MSG_PEEK)
        os.truncate(exports.location(server, slug, "latest.csv"), 1 << 20)
        length, body = read_rest(peer)
    assert length == 32 << 20 and len(body) < length


def test_a_file_that_is_replaced_under_way_is_never_mixed(stack, server, tenant):
    slug = tenant()
    old, new = exports.content_of(24 << 20), b"n" * (24 << 20)
    exports.place(stack, server, slug, old)
    path = exports.location(server, slug, "latest.csv")
    with begin(server, slug) as peer:
        peer.recv(1, socket.MSG_PEEK)
        with open(path + ".new", "wb") as out:
            out.write(new)
        os.rename(path + ".new", path)
        length, body = read_rest(peer)
    assert len(body) < length and body == old[:len(body)]


def test_without_a_job_worker_a_download_is_503_and_goes_on_behind_it(new_stack, expect_log):
    expect_log("job worker", "crashed", "SIGKILL", "signal")
    own = new_stack()
    server = own.server().start()
    slug = server.add_tenant("alone")
    content = exports.content_of(48 << 20)
    exports.place(own, server, slug, content)
    etag = get(server, slug, Range="bytes=0-0").must(206).headers["ETag"]
    worker = server.job_worker()
    with begin(server, slug) as peer:
        peer.recv(1, socket.MSG_PEEK)
        os.kill(worker, signal.SIGKILL)
        length, body = read_rest(peer)
    assert length == len(content) and body == content  # the next worker went on where this one ended
    worker = wait_until(lambda: [pid for pid in server.workers("job worker") if pid != worker], 20, "another")[0]
    os.kill(worker, signal.SIGSTOP)
    try:
        answer = get(server, slug)
        answer.problem(503)
        assert int(answer.headers["Retry-After"]) > 0
        get(server, slug, If_None_Match=etag).must(304)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert get(server, slug, Range="bytes=0-9").must(206).body == content[:10]


# ---- load ----

def test_clients_that_do_not_read_harm_nobody_in_constant_memory(stack, new_server, tenant):
    server = new_server()
    slug, other = tenant(on=server), tenant(on=server)
    content = exports.content_of(40 << 20)
    exports.place(stack, server, slug, content)
    exports.place(stack, server, other, content)
    get(server, other).must(200)
    family = [server.job_worker(), *server.workers()]
    before = [processes.pss_bytes(pid) for pid in family]
    idle = [begin(server, slug) for _ in range(40)]
    try:
        for peer in idle[:12]:
            peer.recv(1, socket.MSG_PEEK)  # these have been begun with
        results = []

        def read():
            results.append(get(server, other).must(200).body == content)
        readers = [threading.Thread(target=read) for _ in range(4)]
        begun = time.monotonic()
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(60)
        assert results == [True] * 4 and time.monotonic() - begun < 30
        grown = [processes.pss_bytes(pid) - size for pid, size in zip(family, before)]
        assert max(grown) < 24 << 20, grown
        # A tenant that holds its share is told to come back; it starves none but itself.
        get(server, slug).problem(503, "downloads_busy")
    finally:
        for peer in idle:
            peer.close()
    wait_until(lambda: get(server, slug, Range="bytes=0-1").status == 206, 20, "room again")
    assert processes.alive(family[0])

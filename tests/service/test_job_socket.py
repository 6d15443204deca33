"""The job worker's socket: what it answers, whom it lets in, and that nobody there can harm the others."""

import hashlib
import os
import socket
import stat
import struct
import time

import pytest

from harness import exports, jobsocket, processes
from harness.jobsocket import JobSocket, frame, frame_of, pack
from harness.tickets import ticket
from harness.waiting import wait_until

UNKNOWN = "6f2c1b1e-4a0e-4c1e-9a55-0d6d2b6b7f10"


@pytest.fixture
def placed(stack, server, tenant):
    """(tenant's number, export id, sha256, content) of a file of 300,000 bytes."""
    slug = tenant()
    content = exports.content_of(300000)
    number = exports.place(stack, server, slug, content)
    return exports.tenant_number(stack, slug), number, hashlib.sha256(content).hexdigest(), content


def test_the_socket_is_its_owners_alone(server):
    path = os.path.join(server.values["STATE_DIR"], "jobs.sock")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_another_user_is_shown_the_door_even_past_the_folder(server, expect_log):
    path = os.path.join(server.values["STATE_DIR"], "jobs.sock")
    reader, writer = os.pipe()
    # The descriptor of the folder is opened as root: what is refused is the peer, not the path.
    os.chmod(path, 0o666)
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
    try:
        child = os.fork()
        if child == 0:
            try:
                os.setgid(65534)
                os.setuid(65534)
                peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                peer.settimeout(10)
                peer.connect(f"/proc/self/fd/{folder}/jobs.sock")
                peer.sendall(frame(jobsocket.STATUS))
                os.write(writer, b"refused" if peer.recv(100) == b"" else b"let in")
            except (ConnectionResetError, BrokenPipeError):
                os.write(writer, b"refused")
            except OSError as error:
                os.write(writer, f"stopped sooner: {error}".encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        told = os.read(reader, 200)
    finally:
        os.chmod(path, 0o600)
        os.close(folder)
        os.close(reader)
        os.close(writer)
    assert told == b"refused" or told.startswith(b"stopped sooner: [Errno 13]"), told


def test_the_worker_tells_how_it_is(server):
    with JobSocket(server) as one, JobSocket(server) as other:
        other.figures()
        figures = one.figures()
        assert figures["short_threads"] + figures["long_threads"] == 4
        assert figures["clients"] >= 2 and figures["fetches"] == 0
        begun = figures["uptime_seconds"]
        wait_until(lambda: one.figures()["uptime_seconds"] > begun, 10, "time to pass")


def test_a_subscriber_hears_of_progress_and_of_the_end(server, tenant):
    slug = tenant()
    server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    with JobSocket(server) as peer:
        job = server.internal("POST", "/internal/kpi/compute-daily",
                              {"tenant_id": slug, "from": "2023-01-01", "to": "2024-03-31"}).must(202).json["job"]
        peer.say(jobsocket.SUBSCRIBE, job_id=job["id"])
        heard = []
        while not heard or heard[-1]["operation"] != jobsocket.ENDED:
            heard.append(peer.hear())
        assert all(message["job_id"] == job["id"] and message["kind"] == "kpi" for message in heard)
        dones = [message.get("done", 0) for message in heard if message["operation"] == jobsocket.PROGRESS]
        assert dones == sorted(dones)
        peer.say(jobsocket.SUBSCRIBE, job_id=job["id"])  # asked too late: told at once
        assert peer.hear()["operation"] == jobsocket.ENDED


def test_a_wake_finds_a_job_that_nobody_announced(stack, server, tenant):
    slug = tenant()
    connection = stack.postgres.connect(stack.database)
    try:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO msp.jobs (tenant_id, kind, lane, parameters) SELECT tenant_id, 'kpi', 1,"
                           " '{\"date\":\"2024-03-01\"}' FROM msp.tenants WHERE slug = %s RETURNING job_id::text",
                           (slug,))
            number = cursor.fetchone()[0]
    finally:
        connection.close()
    with JobSocket(server) as peer:
        peer.say(jobsocket.WAKE)
    assert server.finished(number)["state"] == "succeeded"


# ---- fetch ----

@pytest.mark.parametrize("offset, length", [(0, 300000), (0, 1), (299999, 1), (61439, 3), (1000, 245760), (5, 245761)])
def test_a_fetch_gives_exactly_the_part(server, placed, offset, length):
    tenant_id, number, sha256, content = placed
    with JobSocket(server) as peer:
        assert peer.fetch(tenant_id, number, sha256, offset, length) == content[offset:offset + length]
        assert peer.fetch(tenant_id, number, sha256, offset, length) == content[offset:offset + length]


def test_a_fetch_is_refused_where_record_and_order_differ(stack, server, tenant, placed):
    tenant_id, number, sha256, _ = placed
    foreign = exports.tenant_number(stack, tenant())
    with JobSocket(server) as peer:
        assert peer.fetch(foreign, number, sha256, 0, 10) == "export_unknown"
        assert peer.fetch(tenant_id, UNKNOWN, sha256, 0, 10) == "export_unknown"
        assert peer.fetch(tenant_id, number, "0" * 64, 0, 10) == "export_changed"
        assert peer.fetch(tenant_id, number, sha256, 299999, 2) == "export_changed"
        assert peer.fetch(tenant_id, number, sha256, 0, 1) != "export_unknown"


def test_two_fetches_at_once_on_one_connection_end_it(server, placed):
    tenant_id, number, sha256, _ = placed
    order = frame(jobsocket.FETCH, tenant_id=tenant_id, export_id=number, sha256=sha256, offset=0, length=300000)
    with JobSocket(server) as peer:
        peer.peer.sendall(order + order)
        while peer.hear() is not None:
            pass


# ---- hostile and lazy peers ----

def hostile_frames():
    good = frame(jobsocket.STATUS)
    fields = {0: 1, 1: jobsocket.FETCH, 4: 1, 7: UNKNOWN, 8: "0" * 64, 9: 0, 10: 1}
    yield b"\0\0\0\0", "an empty frame"
    yield b"\xff\xff\xff\xff", "a frame of 4 GiB"
    yield b"\0\1\0\1" + b"x" * 65537, "a frame over the cap"
    yield frame_of(b"\xdf\xff\xff\xff\xff"), "a map of 2^32 - 1"
    yield frame_of(b"\xc1"), "the byte that means nothing"
    yield frame_of(good[4:] + b"\0"), "bytes behind the map"
    yield frame_of(pack({0: 2, 1: jobsocket.STATUS})), "another version"
    yield frame_of(pack({0: 1, 1: 99})), "an unknown operation"
    yield frame_of(pack({1: jobsocket.STATUS})), "no version"
    yield frame(jobsocket.SUBSCRIBE), "a subscription to nothing"
    yield frame(jobsocket.CANCEL, job_id="nonsense"), "a cancel of nonsense"
    for name in (jobsocket.PROGRESS, jobsocket.ENDED, jobsocket.FIGURES, jobsocket.DATA, jobsocket.DATA_END):
        yield frame(name, job_id=UNKNOWN), "what only the worker says"
    for key, value in ((4, 0), (7, "../../etc/passwd"), (8, "0"), (10, 0), (10, 1 << 63), (9, (1 << 63) - 1)):
        yield frame_of(pack({**fields, key: value})), f"a fetch with {key} = {value}"
    yield b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP"


@pytest.mark.parametrize("raw, what", hostile_frames(), ids=lambda value: value if isinstance(value, str) else "")
def test_nonsense_is_shown_the_door(server, raw, what):
    with JobSocket(server) as peer, JobSocket(server) as other:
        other.figures()
        try:
            peer.peer.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert peer.hear() is None, what
        assert other.figures()["long_threads"] > 0


def test_a_half_frame_is_not_waited_for_for_ever(server):
    with JobSocket(server) as peer:
        peer.peer.sendall(frame(jobsocket.STATUS)[:-1])
        begun = time.monotonic()
        assert peer.hear() is None
        assert time.monotonic() - begun > 2


def test_peers_that_never_read_harm_nobody_in_constant_memory(stack, server, tenant, placed):
    tenant_id, number, sha256, content = placed
    slug = tenant()
    big = exports.content_of(8 << 20)
    lazy_number = exports.place(stack, server, slug, big)
    lazy_tenant = exports.tenant_number(stack, slug)
    lazy_order = frame(jobsocket.FETCH, tenant_id=lazy_tenant, export_id=lazy_number,
                       sha256=hashlib.sha256(big).hexdigest(), offset=0, length=len(big))
    worker = server.job_worker()
    with JobSocket(server) as watcher:
        watcher.figures()
        before = processes.pss_bytes(worker)
        lazy = [JobSocket(server) for _ in range(60)]
        try:
            for peer in lazy[:30]:
                peer.peer.sendall(lazy_order)
            for peer in lazy[30:]:
                peer.peer.sendall(b"".join(frame(jobsocket.SUBSCRIBE, job_id=f"{n:08x}-0000-4000-8000-000000000000")
                                           for n in range(64)) + frame(jobsocket.STATUS) * 200)
            wait_until(lambda: watcher.figures()["fetches"] > 0, 10, "fetches to begin")
            for _ in range(20):  # four threads read for all, and the lazy ones hold none of them
                with JobSocket(server) as peer:
                    begun = time.monotonic()
                    assert peer.fetch(tenant_id, number, sha256, 0, len(content)) == content
                    assert time.monotonic() - begun < 5
            assert watcher.figures()["fetches"] <= 16, "a tenant has no more than its share"
            assert server.compute(slug, "2024-03-01")["days"] == 1
            assert processes.pss_bytes(worker) - before < 16 << 20
        finally:
            for peer in lazy:
                peer.peer.close()
        wait_until(lambda: watcher.figures()["fetches"] == 0, 10, "their fetches to end")


def test_more_connections_than_there_is_room_for_do_not_stop_the_others(server):
    with JobSocket(server) as early:
        early.figures()
        crowd_of_peers = []
        try:
            for _ in range(1100):
                crowd_of_peers.append(JobSocket(server))
            assert early.figures()["clients"] <= 1024
        finally:
            for peer in crowd_of_peers:
                peer.peer.close()
        wait_until(lambda: early.figures()["clients"] < 20, 20, "room again")
        with JobSocket(server) as late:
            assert late.figures()["uptime_seconds"] >= 0


def test_a_frame_may_come_in_any_pieces(server):
    whole = frame(jobsocket.STATUS) * 3
    with JobSocket(server) as peer:
        for at in range(len(whole)):
            peer.peer.sendall(whole[at:at + 1])
        for _ in range(3):
            assert peer.hear()["operation"] == jobsocket.FIGURES
    assert struct.unpack(">I", whole[:4])[0] == len(whole) // 3 - 4

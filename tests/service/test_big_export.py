"""An export of two million tickets, to a folder and to object storage, in constant memory.

Takes minutes and some gigabytes of disk, so it runs only with MSP_BIG_EXPORT=1 (./ops/test big-export);
MSP_BIG_EXPORT_TICKETS says how many tickets instead of 2,000,000.
"""

import contextlib
import datetime
import hashlib
import json
import os
import threading
import time

import pytest

from harness import processes
from harness.s3 import S3
from harness.tickets import stamp
from harness.waiting import wait_until

pytestmark = pytest.mark.skipif(os.environ.get("MSP_BIG_EXPORT") != "1", reason="runs by name: ./ops/test big-export")

GENERATE = "/internal/exports/generate"
TICKETS = int(os.environ.get("MSP_BIG_EXPORT_TICKETS", "2000000"))
DAYS = 60
FIRST = datetime.date(2024, 1, 1)
LAST = FIRST + datetime.timedelta(DAYS - 1)
ORDER = {"tenant_id": "big", "from": str(FIRST), "to": str(LAST), "datasets": ["tickets"], "format": "csv"}
MORE_BYTES = 64 << 20
PATIENCE = 1800


def lines():
    """Tickets spread evenly over the days, all resolved an hour after they came."""
    begin = int(datetime.datetime.combine(FIRST, datetime.time(), datetime.timezone.utc).timestamp())
    step = DAYS * 86400 / TICKETS
    for number in range(TICKETS):
        created = begin + int(number * step)
        yield (b'{"external_id":"T-%08d","title":"Printer %d does not answer, floor %d","status":"closed",'
               b'"priority":"%s","category":"Printing","assignee":"Ann %d","requester":"user%d@example.com",'
               b'"group":"Desk","channel":"email","created_at":"%s","updated_at":"%s","resolved_at":"%s"}\n'
               % (number, number % 997, number % 7, (b"low", b"high", b"medium")[number % 3], number % 40,
                  number % 5000, *(stamp(moment).encode() for moment in (created, created + 3600, created + 3600))))


@contextlib.contextmanager
def watched_memory(pid):
    """Samples the memory of a process; yields a list of one number, the most bytes seen."""
    most, stop = [0], threading.Event()

    def watch():
        while not stop.wait(0.1) and processes.alive(pid):
            most[0] = max(most[0], processes.pss_bytes(pid))
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        stop.set()
        thread.join(10)


def start_export(server):
    return server.internal("POST", GENERATE, ORDER).must(202).json["job"]["id"]


def error_code(server, job_id):
    job = server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]
    return (job["error"] or {}).get("code")


def only_job_worker(server):
    """After a reload the old one may still be leaving."""
    return wait_until(lambda: (found := server.workers("job worker")) and len(found) == 1 and found, 60,
                      "a single job worker")[0]


def measured_export(server, what):
    """Runs the export; its result, with its memory held to its promise and its figures printed."""
    pid = only_job_worker(server)
    idle = processes.pss_bytes(pid)
    begun = time.monotonic()
    with watched_memory(pid) as most:
        job = server.finished(start_export(server), timeout=PATIENCE)
    seconds = time.monotonic() - begun
    assert processes.alive(pid), "the job worker was replaced meanwhile"
    assert job["state"] == "succeeded", job
    told = job["result"]["export_locations"]
    total = sum(entry["bytes"] for entry in told)
    print(f"\n{what}: {TICKETS:,} tickets, {total / 1e6:,.0f} MB in {seconds:.1f} s, idle {idle / 1e6:.1f} MB, "
          f"at most {(most[0] - idle) / 1e6:.1f} MB more")
    assert most[0] - idle <= MORE_BYTES
    return told


def tell_elsewhere(server, storage, **settings):
    server.configure(**{**settings, "EXPORT_STORAGE": storage})
    assert server.reload(timeout=120).returncode == 0


def digest_of_file(path):
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def sums(told, storage):
    return {entry["location"].removeprefix(storage): (entry["rows"], entry["bytes"], entry["sha256"]) for entry in told}


def check_bucket(s3, storage, told):
    """Every object is what the job tells, and the bucket holds nothing else below the storage."""
    prefix = storage.removeprefix(f"s3://{s3.bucket}/") + "/"
    keys = [entry["location"].removeprefix(f"s3://{s3.bucket}/") for entry in told]
    for key, entry in zip(keys, told):
        assert s3.sha256(key) == entry["sha256"], key
    manifest = prefix + "tenant=big/dataset=tickets/manifest.json"
    assert sorted(s3.keys(prefix)) == sorted([*keys, manifest])
    assert sorted(entry["sha256"] for entry in json.loads(s3.read(manifest))["files"]) == \
        sorted(entry["sha256"] for entry in told)
    assert s3.unfinished() == []


def test_two_million_tickets_leave_in_constant_memory_to_a_folder_and_to_a_bucket(new_stack, expect_log):
    expect_log(r"(?i)storage|export|s3")
    server = new_stack({"max_wal_size": "8GB"}.items()).server().start()
    s3 = S3()
    try:
        s3.start()
        server.add_tenant("small")
        server.add_tenant("big")
        begun = time.monotonic()
        stats = server.stream("big", blocks(lines()), timeout=PATIENCE).must(200).json["stats"]
        assert stats["inserted"] == TICKETS
        print(f"\ningested in {time.monotonic() - begun:.1f} s")
        begun = time.monotonic()
        job = server.internal("POST", "/internal/kpi/compute-daily",
                              {"tenant_id": "big", "from": str(FIRST), "to": str(LAST)}).must(202).json["job"]
        assert server.finished(job["id"], timeout=PATIENCE)["state"] == "succeeded"
        print(f"computed in {time.monotonic() - begun:.1f} s")

        told = measured_export(server, "folder")
        folder = server.values["EXPORT_STORAGE"]
        for entry in told:
            assert digest_of_file(entry["location"].removeprefix("file://")) == entry["sha256"]
        latest = [entry for entry in told if entry["location"].endswith("/latest.csv")]
        assert latest[0]["rows"] == TICKETS and latest[0]["bytes"] > 64 << 20

        first = f"s3://{s3.bucket}/first"
        tell_elsewhere(server, first, **s3.settings())
        sent = measured_export(server, "bucket")
        assert sums(sent, first) == sums(told, folder)
        check_bucket(s3, first, sent)

        # The storage dies while the latest file is sent in parts, and comes back.
        second = f"s3://{s3.bucket}/second"
        tell_elsewhere(server, second)
        s3.fail_at_put("die", 3)
        started = start_export(server)
        wait_until(s3.died, PATIENCE, "the S3 server to die")
        wait_until(lambda: error_code(server, started) == "storage_unavailable", PATIENCE, "the job to give up for now")
        s3.start()
        assert s3.unfinished() != []
        job = server.finished(started, timeout=PATIENCE)
        assert job["state"] == "succeeded", job
        assert sums(job["result"]["export_locations"], second) == sums(told, folder)
        check_bucket(s3, second, job["result"]["export_locations"])
    finally:
        s3.remove()


def blocks(source, size=1 << 18):
    """Joins lines into blocks, so that a chunk is worth its head."""
    held, total = [], 0
    for line in source:
        held.append(line)
        total += len(line)
        if total >= size:
            yield b"".join(held)
            held, total = [], 0
    yield b"".join(held)

"""Exports that are slow, killed or short of room: whole or not at all, and never silent."""

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile

import pytest

from harness.exported import GENERATE, all_files, assert_latest_is_the_parts_joined, export, exported, folder, read
from harness.narrow import NarrowWay
from harness.tickets import crowd, ticket
from harness.waiting import wait_until

DAYS = 150
FIRST = datetime.date(2024, 1, 1)
LAST = FIRST + datetime.timedelta(DAYS - 1)
NEWER = "2026-01-01T00:00:00Z"


@pytest.fixture
def narrow_way():
    """narrow_way(stack): a way to its PostgreSQL that can be made narrow, and the settings that send a job worker there."""
    made = []

    def make(stack):
        folder = tempfile.mkdtemp(prefix="msp-", dir="/tmp")
        made.append((NarrowWay(stack.postgres, folder), folder))
        url = stack.settings()["JOBS_DATABASE_URL"].replace(stack.postgres.folder, folder)
        return made[-1][0], {"JOBS_DATABASE_URL": url}
    yield make
    for way, folder in made:
        way.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_an_export_tells_how_far_it_is_while_the_rows_stream(new_stack, narrow_way):
    stack = new_stack()  # no other server's job worker takes the job
    way, settings = narrow_way(stack)
    server = stack.server(**settings).start()
    slug = server.add_tenant("halfway")
    server.feed(slug, crowd(5, 12000, FIRST, LAST))
    server.compute(slug, FIRST, LAST)

    def halfway():
        job = server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]
        assert job["state"] in ("queued", "running"), job
        return 0 < job["progress"]["done"] < job["progress"]["total"] and job["progress"]
    with way.narrowed():
        job_id = server.internal("POST", GENERATE, {
            "tenant_id": slug, "from": str(FIRST), "to": str(LAST), "datasets": ["tickets"]}).must(202).json["job"]["id"]
        progress = wait_until(halfway, 60, "the export to be halfway", interval=0.02)
    assert progress["stage"] == "exporting tickets" and progress["total"] == DAYS and progress["eta_seconds"] is not None
    assert server.finished(job_id)["progress"]["done"] == DAYS


def sums_in_manifest(server, slug, dataset):
    with open(os.path.join(folder(server, slug, dataset), "manifest.json"), encoding="utf-8") as text:
        return {entry["location"]: entry["sha256"] for entry in json.load(text)["files"]}


def sums_of_files(server, slug, dataset):
    """Of everything that has a final name, but for the manifest."""
    root = folder(server, slug, dataset)
    found = {}
    for name in all_files(root):
        if name != "manifest.json" and not name.startswith(".writing"):
            path = os.path.join(root, name)
            found[os.path.relpath(path, server.exports)] = hashlib.sha256(read(path)).hexdigest()
    return found


def test_a_worker_killed_in_the_middle_of_an_export_leaves_what_was_there_and_the_next_does_it_right(
        new_stack, narrow_way, expect_log):
    expect_log(r"signal|killed|crash")
    stack = new_stack()
    way, settings = narrow_way(stack)
    server = stack.server(**settings).start()
    slug = server.add_tenant("killed")
    tickets = list(crowd(5, 12000, FIRST, LAST))
    server.feed(slug, tickets)
    server.compute(slug, FIRST, LAST)
    order = {"from": str(FIRST), "to": str(LAST), "datasets": ["tickets"]}
    exported(server, slug, **order)
    before = sums_in_manifest(server, slug, "tickets")
    assert sums_of_files(server, slug, "tickets") == before
    server.feed(slug, [{**one, "title": "Another", "updated_at": NEWER} for one in tickets])
    server.compute(slug, FIRST, LAST)

    def halfway():
        progress = server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]["progress"]
        return progress["done"] > 0 and progress["stage"] == "exporting tickets"
    with way.narrowed():
        job_id = server.internal("POST", GENERATE, {"tenant_id": slug, **order}).must(202).json["job"]["id"]
        wait_until(halfway, 60, "the export to be halfway", interval=0.02)
        os.kill(server.job_worker(), signal.SIGKILL)
        assert sums_of_files(server, slug, "tickets") == before
    job = server.finished(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1), job
    after = sums_in_manifest(server, slug, "tickets")
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())
    assert sums_of_files(server, slug, "tickets") == after
    assert os.listdir(os.path.join(folder(server, slug, "tickets"), ".writing")) == ["lock"]


def test_a_full_disk_fails_the_job_cleanly_and_leaves_nothing_partial(new_stack, expect_log):
    expect_log(r"(?i)no space|storage|export")
    stack = new_stack()
    server = stack.server(JOB_THREADS="2")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", server.exports],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small tmpfs here: {mounted.stderr.decode().strip()}")
    try:
        server.start()
        slug = server.add_tenant("full-disk")
        server.feed(slug, [ticket(f"T{n}", f"2024-03-{n % 5 + 1:02}T08:00:00Z", title="x" * 500) for n in range(200)])
        server.compute(slug, "2024-03-01", "2024-03-05")
        assert len(exported(server, slug, datasets=["kpi_daily"])) == 6
        whole = {name: read(os.path.join(server.exports, name)) for name in all_files(server.exports)}
        server.feed(slug, [ticket(f"U{n}", f"2024-03-{n % 5 + 1:02}T08:00:00Z", title="x" * 500) for n in range(900)])
        job = export(server, slug)
        assert job["state"] == "failed" and job["error"]["code"] and job["error"]["detail"]
        left = all_files(server.exports)
        assert not [name for name in left if "tickets" in name and name.endswith(".csv")], left
        for name, content in whole.items():
            if "dataset=tickets" not in name and name.endswith("part-0.csv"):
                assert read(os.path.join(server.exports, name)).startswith(b"\xef\xbb\xbf")
        used = os.statvfs(server.exports)
        assert used.f_bfree * used.f_bsize > 128 << 10, "the failed export's space was not given back"
        assert "No space left on device" in job["error"]["detail"]
        server.get("/readyz").must(200)
        server.compute(slug, "2024-03-01", "2024-03-05")
        other = server.add_tenant("small")
        assert len(exported(server, other, datasets=["tenants"])) == 1
        subprocess.run(["mount", "-o", "remount,size=8m", server.exports], check=True)
        assert len(exported(server, slug, datasets=["tickets"])) == 6
        assert_latest_is_the_parts_joined(server, slug, "tickets")
    finally:
        server.stop()
        subprocess.run(["umount", server.exports], check=True)


def test_an_unwritable_folder_fails_the_job_with_a_reason_and_works_again_once_mended(new_stack, expect_log):
    expect_log(r"(?i)storage|export")
    server = new_stack().server().start()
    slug = server.add_tenant("no-folder")
    server.compute(slug, "2024-03-01")
    os.rmdir(server.exports)
    with open(server.exports, "w", encoding="ascii") as blocker:
        blocker.write("a file where a folder should be")
    job = export(server, slug)
    assert job["state"] == "failed" and job["error"]["detail"]
    os.remove(server.exports)
    os.mkdir(server.exports)
    assert len(exported(server, slug, datasets=["kpi_daily"])) == 2

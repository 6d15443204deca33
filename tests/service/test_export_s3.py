"""Exports to object storage: whole or not at all, by a real S3 server that checks every signature."""

import contextlib
import datetime
import hashlib
import json

import pytest

from harness import expected
from harness.s3 import S3
from harness.tickets import crowd, ticket
from harness.waiting import wait_until

GENERATE = "/internal/exports/generate"
FIRST, LAST = datetime.date(2024, 3, 1), datetime.date(2024, 3, 3)
RANGE = {"from": str(FIRST), "to": str(LAST), "datasets": ["kpi_daily"]}
EXPECTED_ALARMS = r"(?i)storage|export|s3"


@pytest.fixture(scope="module")
def s3():
    made = S3()
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.fixture
def server(new_stack, s3, request):
    """A server of the test's own that exports below a prefix of the test's own."""
    made = new_stack().server(**s3.settings("/" + request.node.name[:60]))
    return made.start()


def prefix_of(server):
    """The key below which everything of this server lies."""
    return server.values["EXPORT_STORAGE"].split("/", 3)[3] + "/"


def computed(server, slug="s3-tenant"):
    server.add_tenant(slug, "Europe/Paris")
    server.feed(slug, crowd(17, 200, FIRST, LAST))
    server.compute(slug, FIRST, LAST)
    return slug


def root(server, slug, dataset="kpi_daily"):
    return f"{prefix_of(server)}tenant={slug}/dataset={dataset}/"


def check_whole(server, s3, slug):
    """Everything the manifest names is there, whole, and nothing else is."""
    below = root(server, slug)
    manifest = json.loads(s3.read(below + "manifest.json"))
    names = []
    for entry in manifest["files"]:
        content = s3.read(prefix_of(server) + entry["location"])
        assert entry["bytes"] == len(content) and entry["sha256"] == hashlib.sha256(content).hexdigest()
        names.append(entry["location"].removeprefix(below.removeprefix(prefix_of(server))))
    assert sorted(s3.keys(below)) == sorted(below + name for name in [*names, "manifest.json"])
    days = {f"date={day}/part-0.csv" for day in expected.days_between(FIRST, LAST)}
    assert days | {"latest.csv"} == set(names)
    assert s3.unfinished() == []


def generate(server, slug, **parameters):
    return server.job(GENERATE, {"tenant_id": slug, **RANGE, **parameters})


def test_objects_read_back_as_told_and_only_what_changed_is_sent_again(server, s3):
    slug = computed(server)
    job = generate(server, slug)
    assert job["state"] == "succeeded", job
    told = job["result"]["export_locations"]
    assert len(told) == 4
    for entry in told:
        assert entry["location"].startswith(server.values["EXPORT_STORAGE"] + "/tenant=")
        content = s3.read(entry["location"].removeprefix(f"s3://{s3.bucket}/"))
        assert entry["bytes"] == len(content) and entry["sha256"] == hashlib.sha256(content).hexdigest()
    check_whole(server, s3, slug)
    latest = server.v1(slug, "/v1/exports/kpi_daily/latest.csv").must(200)
    assert latest.body == s3.read(root(server, slug) + "latest.csv")
    part = server.get("/v1/exports/kpi_daily/latest.csv", token=server.token("manager", slug),
                      headers={"Range": "bytes=10-19"}).must(206)
    assert part.body == latest.body[10:20]
    sent = [key for key in s3.puts() if key.startswith(prefix_of(server))]
    assert [key.rsplit("/", 1)[1] for key in sent[-2:]] == ["latest.csv", "manifest.json"]

    seen = len(s3.requests())
    assert generate(server, slug)["state"] == "succeeded"
    assert s3.puts(seen) == []

    seen = len(s3.requests())
    server.push(slug, [ticket("late", "2024-03-02T10:00:00Z", "2024-05-01T00:00:00Z", status="closed",
                              resolved_at="2024-03-02T11:00:00Z", closed_at="2024-03-02T11:00:00Z")])
    assert generate(server, slug)["state"] == "succeeded"
    assert [key.removeprefix(root(server, slug)) for key in s3.puts(seen)] == \
        ["date=2024-03-02/part-0.csv", "latest.csv", "manifest.json"]
    check_whole(server, s3, slug)


def code_of(server, job_id):
    """What the job says of its last failure."""
    job = server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]
    return (job["error"] or {}).get("code")


def start(server, slug):
    return server.internal("POST", GENERATE, {"tenant_id": slug, **RANGE}).must(202).json["job"]["id"]


def reconfigure(server, **settings):
    server.configure(**settings)
    assert server.reload().returncode == 0


def test_a_storage_that_is_set_up_wrongly_or_away_is_told_with_what_to_do(server, s3, expect_log):
    expect_log(EXPECTED_ALARMS)
    slug = computed(server)
    reconfigure(server, S3_SECRET_KEY="another-secret")
    job = generate(server, slug)
    assert job["state"] == "failed" and job["error"]["code"] == "storage_refused", job
    assert "S3_SECRET_KEY" in job["error"]["detail"] and "another-secret" not in json.dumps(job)
    assert s3.keys(prefix_of(server)) == []

    right = server.values["EXPORT_STORAGE"]
    reconfigure(server, **{**s3.settings(), "EXPORT_STORAGE": "s3://no-such-bucket/x"})
    job = generate(server, slug)
    assert job["state"] == "failed" and job["error"]["code"] == "bucket_missing", job
    assert "no-such-bucket" in job["error"]["detail"] and "create it" in job["error"]["detail"]

    reconfigure(server, EXPORT_STORAGE=right, S3_ENDPOINT="http://127.0.0.1:9")
    started = start(server, slug)
    wait_until(lambda: code_of(server, started) == "storage_unavailable", 60, "the job to tell that it is away")
    reconfigure(server, **s3.settings("/" + prefix_of(server).rstrip("/")))
    assert server.finished(started)["state"] == "succeeded"
    check_whole(server, s3, slug)


def test_a_storage_that_dies_or_stands_still_in_mid_upload_leaves_nothing_half(server, s3, expect_log):
    expect_log(EXPECTED_ALARMS)
    slug = computed(server)
    s3.fail_at_put("stall", 2)
    started = start(server, slug)
    wait_until(s3.failed, 60, "the upload to stand still")
    server.internal("POST", f"/internal/jobs/{started}/cancel").must(200, 202)
    assert server.finished(started, timeout=20)["state"] == "cancelled"
    assert not [key for key in s3.keys(root(server, slug)) if "part-0" not in key]

    s3.fail_at_put("die", 2)
    started = start(server, slug)
    wait_until(s3.died, 60, "the S3 server to die")
    # Whoever needs no storage goes on.
    other = server.add_tenant("other")
    server.push(other, [ticket("A", "2024-03-01T08:00:00Z")])
    server.compute(other, FIRST)
    assert server.internal("GET", f"/internal/jobs/{started}").must(200).json["job"]["state"] in ("running", "queued")
    s3.start()
    assert server.finished(started)["state"] == "succeeded"
    check_whole(server, s3, slug)


@contextlib.contextmanager
def record_locked(stack):
    """While inside, an export stands still before it reads what is on record."""
    blocker = stack.postgres.connect(stack.database, autocommit=False)
    try:
        blocker.cursor().execute("LOCK TABLE msp.exports")
        yield
    finally:
        blocker.rollback()
        blocker.close()


def stage_of(server, job_id):
    return server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]["progress"]["stage"]


def test_two_nodes_that_export_the_same_dataset_take_turns(new_stack, s3):
    stack = new_stack()
    settings = s3.settings("/two-nodes")
    first, second = (stack.server(**settings).start() for _ in range(2))
    slug = computed(first)
    wait_until(lambda: slug in second.tenants(), 5, "the second node to know the tenant")
    with record_locked(stack):
        parts = [RANGE, {**RANGE, "to": str(FIRST)}]
        jobs = [first.internal("POST", GENERATE, {"tenant_id": slug, **part}).must(202).json["job"]["id"] for part in parts]
        wait_until(lambda: "waiting for another export" in [stage_of(first, job) for job in jobs], 20,
                   "one of them to wait for the other")
        wait_until(lambda: stack.query("SELECT count(DISTINCT split_part(worker, '.', 1)) FROM msp.jobs"
                                       " WHERE job_id = ANY (%s::uuid[]) AND state = 'running'", (jobs,)) == [(2,)], 20,
                   "both nodes to have one")
    ended = [first.finished(job) for job in jobs]
    assert [(job["state"], job["attempt"]) for job in ended] == [("succeeded", 1)] * 2, ended
    check_whole(first, s3, slug)


def test_an_export_that_waits_long_for_its_turn_leaves_its_thread_to_others(server):
    slug = computed(server)
    other = server.stack.postgres.connect(server.stack.database)
    try:
        other.cursor().execute("SELECT msp.export_turn_try(tenant_id, 'kpi_daily') FROM msp.tenants WHERE slug = %s", (slug,))
        job_id = server.internal("POST", GENERATE, {"tenant_id": slug, **RANGE}).must(202).json["job"]["id"]

        def put_off():
            job = server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]
            return job["state"] == "queued" and (job["error"] or {}).get("code") == "export_under_way"
        wait_until(put_off, 30, "the job to be put off")
    finally:
        other.close()
    job = server.finished(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1), job


def test_an_export_whose_turn_was_lost_on_the_way_shows_nothing_and_is_made_again(server, s3, expect_log):
    slug = computed(server)
    stack = server.stack
    expect_log(r"(?i)export|database|connection|PostgreSQL")
    turns = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 4"
    wait_until(lambda: stack.query(turns) == [(0,)], 60, "exports of other tests to end")
    with record_locked(stack):
        job_id = server.internal("POST", GENERATE, {"tenant_id": slug, **RANGE}).must(202).json["job"]["id"]
        # Between two statements its connection would only be made anew.
        wait_until(lambda: stack.query("SELECT count(*) FROM pg_locks turn JOIN pg_locks record USING (pid)"
                                       " WHERE turn.locktype = 'advisory' AND turn.classid = 4"
                                       " AND record.relation = 'msp.exports'::regclass AND NOT record.granted") == [(1,)],
                   20, "the export to have its turn and to stand still")
        stack.query("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 4")
        wait_until(lambda: stack.query("SELECT excused + claims > 1 OR state = 'queued' FROM msp.jobs WHERE job_id = %s",
                                       (job_id,)) == [(True,)], 30, "the attempt to end")
        assert s3.keys(root(server, slug)) == []
    job = server.finished(job_id)
    assert job["state"] == "succeeded", job
    check_whole(server, s3, slug)


def test_an_erased_tenant_leaves_no_object_behind(server, s3):
    slug, other = computed(server), computed(server, "s3-tenant-2")
    for one in (slug, other):
        assert generate(server, one)["state"] == "succeeded"
    kept = s3.keys(root(server, other))
    done = server.command("tenant", "erase", slug, "--confirm", slug)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 exported files removed" in done.stdout
    assert s3.keys(f"{prefix_of(server)}tenant={slug}/") == [] and s3.keys(root(server, other)) == kept != []

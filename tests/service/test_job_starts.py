"""Starting jobs: the same work twice is one job, one job after another, what a call takes, cancelling and retrying."""

import concurrent.futures
import contextlib
import os
import signal

import pytest

from harness.tickets import ticket
from harness.waiting import wait_until

COMPUTE, GENERATE = "/internal/kpi/compute-daily", "/internal/exports/generate"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
PRIVATE = "http://127.0.0.1:9999/"


@pytest.fixture(scope="module")
def server(module_stack):
    """A server whose queue is nobody else's."""
    made = module_stack.server(EGRESS_ALLOW="hooks.example.com,http://127.0.0.1:9999+private",
                               CALLBACK_SECRET="whsec_" + "QUJD" * 11).start()
    made.add_tenant("alpha")
    made.add_tenant("beta", "Asia/Tokyo")
    made.push("alpha", [ticket("A", "2024-03-01T08:00:00Z")])
    return made


@contextlib.contextmanager
def standstill(server):
    """Nothing is taken from the queue meanwhile."""
    worker = server.job_worker()
    os.kill(worker, signal.SIGSTOP)
    try:
        # A claim that was sent before still takes a job.
        wait_until(lambda: not server.stack.query(
            "SELECT FROM pg_stat_activity WHERE usename = 'msp_worker' AND state = 'active'"), 10, "its last statement to end")
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def start(server, path, body, **options):
    return server.internal("POST", path, body, **options).must(202).json["job"]


def at_once(number, call):
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        return [one.result() for one in [pool.submit(call, n) for n in range(number)]]


def march(day, **more):
    return {"tenant_id": "alpha", "date": f"2024-03-{day:02}", **more}


# ---- merging ----

def test_the_same_work_asked_for_by_eight_at_once_is_one_job(server):
    with standstill(server):
        ids = {job["id"] for job in at_once(8, lambda n: start(server, COMPUTE, march(1)))}
        assert len(ids) == 1
        others = [march(2), {"tenant_id": "beta", "date": "2024-03-01"}, {"date": "2024-03-01"},
                  {"tenant_id": "alpha", "from": "2024-03-01", "to": "2024-03-01"}]
        different = {start(server, COMPUTE, body)["id"] for body in others}
        assert len(different | ids) == len(others) + 1
        exported = {start(server, GENERATE, {"tenant_id": "alpha", **more})["id"]
                    for more in ({}, {"force": True}, {"datasets": ["tenants"]}, {"format": "csv.gz"})}
        assert len(exported) == 4
        assert start(server, GENERATE, {"tenant_id": "alpha"})["id"] in exported
    for job_id in ids | different | exported:
        assert server.finished(job_id)["state"] == "succeeded"


def test_a_job_that_was_taken_once_is_not_shared_any_more(server):
    with standstill(server):
        first = start(server, COMPUTE, march(3))["id"]
        server.stack.query("UPDATE msp.jobs SET claims = 1, excused = 1 WHERE job_id = %s", (first,))
        second = start(server, COMPUTE, march(3))["id"]
        assert second != first
    assert server.finished(first)["state"] == server.finished(second)["state"] == "succeeded"
    assert start(server, COMPUTE, march(3))["id"] not in (first, second)


def test_merging_loses_no_callback_and_no_order(server):
    with standstill(server):
        plain = start(server, COMPUTE, march(4))["id"]
        told = start(server, COMPUTE, march(4, callback_url=PRIVATE + "one?signature=a%2Fb"))["id"]
        other = start(server, COMPUTE, march(4, callback_url=PRIVATE + "two"))["id"]
        assert len({plain, told, other}) == 3
        assert start(server, COMPUTE, march(4, callback_url=PRIVATE + "two"))["id"] == other
        assert start(server, COMPUTE, march(4))["id"] == plain
        later = start(server, COMPUTE, march(4, after_job=plain))["id"]
        assert later not in (plain, told, other)
        assert start(server, COMPUTE, march(4, after_job=plain))["id"] == later
        assert start(server, COMPUTE, march(4, after_job=other))["id"] not in (plain, later)
        kept = server.stack.query("SELECT callback_url FROM msp.jobs WHERE job_id = %s", (told,))
        assert kept == [(PRIVATE + "one?signature=a%2Fb",)], "the query of a callback_url must stay as it is"
        for job_id in (told, other):
            server.internal("POST", f"/internal/jobs/{job_id}/cancel").must(200)


# ---- one after another ----

def test_a_job_runs_after_the_one_it_names(server):
    with standstill(server):
        first = start(server, COMPUTE, march(5))
        second = start(server, GENERATE, {"tenant_id": "alpha", "after_job": first["id"]})
        third = start(server, COMPUTE, {"date": "2024-03-05", "after_job": second["id"]})
        assert second["state"] == third["state"] == "queued"
        assert second["progress"]["stage"] == "waiting for another job"
    jobs = [server.finished(job["id"]) for job in (first, second, third)]
    assert [job["state"] for job in jobs] == ["succeeded"] * 3
    assert jobs[0]["finished_at"] <= jobs[1]["started_at"] and jobs[1]["finished_at"] <= jobs[2]["started_at"]


def test_a_job_after_one_that_has_succeeded_starts_at_once(server):
    first = server.job(COMPUTE, march(6))
    answer = server.internal("POST", COMPUTE, march(7, after_job=first["id"]), headers={"Prefer": "wait=30"})
    assert answer.must(200).json["job"]["state"] == "succeeded"


def test_a_job_after_one_that_ends_badly_fails_without_running(server):
    with standstill(server):
        first = start(server, COMPUTE, march(8))["id"]
        chain = [start(server, COMPUTE, march(8, after_job=first))["id"]]
        for _ in range(30):
            chain.append(start(server, COMPUTE, march(8, after_job=chain[-1]))["id"])
        assert server.internal("POST", f"/internal/jobs/{first}/cancel").must(200).json["job"]["state"] == "cancelled"
        for job_id in chain:
            job = server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]
            assert job["state"] == "failed" and job["error"]["code"] == "after_job_failed"
            assert job["started_at"] is None and job["finished_at"] is not None
        late = start(server, COMPUTE, march(9, after_job=first))
        assert late["state"] == "failed" and late["error"]["code"] == "after_job_failed"
        # Seen by a client that waits: no top-level "error", or n8n would send it again.
        waited = server.internal("POST", COMPUTE, march(10, after_job=first), headers={"Prefer": "wait=5"}).must(200)
        assert waited.json["job"]["state"] == "failed" and "error" not in waited.json
        server.internal("POST", f"/internal/jobs/{first}/retry").must(200)
    assert server.finished(first)["state"] == "succeeded"
    for job_id in chain:
        assert server.finished(job_id)["state"] == "succeeded", "a retry must bring back those that waited"


def test_a_client_that_waits_hears_of_an_end_that_no_worker_has_made(server):
    with standstill(server), concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = start(server, COMPUTE, march(18))["id"]
        waiting = pool.submit(server.internal, "POST", COMPUTE, march(18, after_job=first), headers={"Prefer": "wait=60"})
        wait_until(lambda: server.stack.query("SELECT 1 FROM msp.jobs WHERE waiting_for = %s", (first,)), 10)
        server.internal("POST", f"/internal/jobs/{first}/cancel").must(200)
        job = waiting.result(timeout=20).must(200).json["job"]
        assert job["state"] == "failed" and job["error"]["code"] == "after_job_failed"


def test_jobs_that_begin_to_wait_while_the_other_ends_are_never_forgotten(server):
    for day in range(11, 16):
        first = start(server, COMPUTE, march(day))["id"]
        jobs = at_once(8, lambda n: start(server, COMPUTE, march(20 + n, after_job=first)))
        for job in jobs:
            assert server.finished(job["id"], timeout=30)["state"] == "succeeded"


@pytest.mark.parametrize("name", [UNKNOWN, "nonsense", ""])
def test_an_unknown_job_to_wait_for_is_refused(server, name):
    answer = server.internal("POST", COMPUTE, march(1, after_job=name))
    answer.problem(400, "after_job_unknown")
    assert answer.pointers() == ["/after_job"]


def test_a_foreign_job_to_wait_for_is_as_unknown_as_none(server):
    job = server.job(COMPUTE, {"tenant_id": "beta", "date": "2024-03-01"})
    texts = set()
    for name in (job["id"], UNKNOWN):
        answer = server.post("/v1/exports", {"after_job": name}, token=server.token("manager", "alpha"))
        members = answer.problem(400, "after_job_unknown")
        texts.add((members["detail"], str(members["errors"])))
    assert len(texts) == 1
    # The service works for all tenants, and may wait for any tenant's.
    assert server.job(COMPUTE, march(16, after_job=job["id"]))["state"] == "succeeded"


# ---- what a call takes ----

@pytest.mark.parametrize("path,body,pointer", [
    (COMPUTE, {"force": True}, "/force"), (COMPUTE, {"datasets": ["tickets"]}, "/datasets"),
    (GENERATE, {"date": "2024-03-01"}, "/date"), (GENERATE, {"format": "xlsx"}, "/format"),
    (GENERATE, {"format": 5}, "/format"), (GENERATE, {"datasets": ["kpi_daily", "people"]}, "/datasets/1"),
    (GENERATE, {"after_job": 7}, "/after_job"),
    ("/internal/pipelines/daily", {"from": "2024-03-01", "to": "2024-03-02"}, "/from"),
    ("/internal/pipelines/daily", {"date": "tomorrow"}, "/date")])
def test_a_member_that_a_call_does_not_take_is_refused(server, path, body, pointer):
    answer = server.internal("POST", path, body)
    answer.problem(400)
    assert answer.pointers() == [pointer]


@pytest.mark.parametrize("url", [
    "http://hooks.example.com/", "https://example.com/", "https://hooks.example.com.evil.org/", "ftp://hooks.example.com/",
    "https://user@hooks.example.com/", "https://hooks.example.com/#part", "hooks.example.com", "",
    "http://127.0.0.1:9998/", "http://127.0.0.1/", "https://hooks.example.com/" + "x" * 2100])
def test_a_callback_url_that_no_setting_allows_is_refused(server, url):
    answer = server.internal("POST", COMPUTE, march(1, callback_url=url))
    answer.problem(400)
    assert answer.pointers() == ["/callback_url"]


def test_a_callback_without_a_secret_to_sign_it_is_refused(server):
    bare = server.stack.server(EGRESS_ALLOW="hooks.example.com").start()
    try:
        answer = bare.internal("POST", COMPUTE, march(1, callback_url="https://hooks.example.com/x"))
        assert "CALLBACK_SECRET" in answer.problem(400, "callback_secret_missing")["detail"]
        assert answer.pointers() == ["/callback_url"]
    finally:
        bare.stop()


# ---- cancelling and retrying ----

def test_a_tenants_manager_cancels_and_retries_its_own_jobs_only(server):
    with standstill(server):
        own = server.post("/v1/exports", {}, token=server.token("manager", "alpha")).must(202).json["job"]["id"]
        texts = set()
        for role, tenant, name, status in (("manager", "beta", own, 404), ("manager", "alpha", UNKNOWN, 404),
                                           ("manager", "alpha", "nonsense", 404), ("tech", "alpha", own, 403)):
            for action in ("cancel", "retry"):
                answer = server.post(f"/v1/jobs/{name}/{action}", token=server.token(role, tenant))
                members = answer.problem(status)
                if status == 404:
                    texts.add((members["code"], members["detail"]))
        assert len(texts) == 1
        manager = server.token("manager", "alpha")
        assert server.post(f"/v1/jobs/{own}/cancel", token=manager).must(200).json["job"]["state"] == "cancelled"
        assert server.post(f"/v1/jobs/{own}/cancel", token=manager).must(200).json["job"]["state"] == "cancelled"
        assert server.post(f"/v1/jobs/{own}/retry", token=manager).must(200).json["job"]["state"] == "queued"
        server.post(f"/v1/jobs/{own}/cancel", {"reason": "x"}, token=manager).problem(400)
    assert server.finished(own)["state"] == "succeeded"


def test_a_running_job_is_cancelled_within_seconds(server):
    blocker = server.stack.postgres.connect(server.stack.database, autocommit=False)
    try:
        blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
        job_id = start(server, COMPUTE, march(17))["id"]
        wait_until(lambda: server.internal("GET", f"/internal/jobs/{job_id}").json["job"]["state"] == "running", 15)
        server.internal("POST", f"/internal/jobs/{job_id}/cancel").must(200)
        assert server.finished(job_id, timeout=15)["state"] == "cancelled"
    finally:
        blocker.rollback()
        blocker.close()

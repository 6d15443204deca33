"""Jobs are rows: they outlive whoever works on them, end exactly once, and say how far they are."""

import datetime
import os
import re
import signal
import time

import pytest

from harness import expected, processes
from harness.ledger import Ledger
from harness.tickets import crowd, ticket
from harness.waiting import wait_until

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
COMPUTE = "/internal/kpi/compute-daily"
FIRST, LAST = datetime.date(2024, 3, 1), datetime.date(2024, 3, 31)
MEMBERS = {"id", "kind", "state", "progress", "attempt", "created_at", "started_at", "finished_at", "result", "error"}


def check_shape(job):
    assert MEMBERS <= set(job), job
    assert UUID.match(job["id"])
    assert job["state"] in ("queued", "running", "succeeded", "failed", "cancelled")
    assert set(job["progress"]) == {"done", "total", "stage", "eta_seconds"}
    assert job["created_at"].endswith("Z")


# ---- starting and asking ----

def test_starting_a_job_answers_202_with_its_address_and_its_shape(server, tenant):
    answer = server.internal("POST", COMPUTE, {"tenant_id": tenant(), "date": "2024-03-01"}).must(202)
    job = answer.json["job"]
    check_shape(job)
    assert answer.headers["Location"] == f"/internal/jobs/{job['id']}"
    assert job["state"] in ("queued", "running", "succeeded")
    done = server.finished(job["id"])
    check_shape(done)
    assert done["state"] == "succeeded" and done["error"] is None
    assert done["started_at"] >= done["created_at"] and done["finished_at"] >= done["started_at"]
    assert set(done["result"]) == {"rows_written", "tenants", "days"}


def test_prefer_wait_answers_200_with_the_results_members_on_top(server, tenant):
    slug = tenant()
    server.push(slug, [ticket("A", "2024-03-01T08:00:00Z", group="G")])
    answer = server.internal("POST", COMPUTE, {"tenant_id": slug, "from": "2024-03-01", "to": "2024-03-03"},
                             headers={"Prefer": "wait=30"}).must(200)
    members = answer.json
    assert members["job"]["state"] == "succeeded"
    assert members["days"] == 3 and members["tenants"] == 1 and members["rows_written"] >= 3
    assert members["job"]["result"] == {name: members[name] for name in ("rows_written", "tenants", "days")}
    assert "error" not in members


@pytest.mark.parametrize("prefer", ["wait=0", "wait=-1", "wait=x", "respond-async", ""])
def test_a_preference_that_asks_for_no_wait_answers_202(server, tenant, prefer):
    answer = server.internal("POST", COMPUTE, {"tenant_id": tenant(), "date": "2024-03-01"},
                             headers={"Prefer": prefer}).must(202)
    server.finished(answer.json["job"]["id"])


def test_a_wait_that_is_too_short_answers_202_in_time(new_stack, new_server):
    stack = new_stack()
    server = stack.server().start()
    slug = server.add_tenant("slow")
    blocker = stack.postgres.connect(stack.database, autocommit=False)
    blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
    begun = time.monotonic()
    answer = server.internal("POST", COMPUTE, {"tenant_id": slug, "date": "2024-03-01"},
                             headers={"Prefer": "wait=1"}).must(202)
    assert 0.9 <= time.monotonic() - begun < 4
    blocker.rollback()
    blocker.close()
    assert server.finished(answer.json["job"]["id"])["state"] == "succeeded"


@pytest.mark.parametrize("body,pointer", [
    ({"tenant": "x"}, "/tenant"), ({"date": "2024-02-30"}, "/date"), ({"date": 20240301}, "/date"),
    ({"from": "2024-03-01"}, "/to"), ({"to": "2024-03-01"}, "/from"),
    ({"from": "2024-03-02", "to": "2024-03-01"}, "/to"),
    ({"date": "2024-03-01", "from": "2024-03-01", "to": "2024-03-01"}, None),
    ({"tenant_id": 5}, "/tenant_id"), ({"tenant_id": ""}, "/tenant_id"),
    ({"from": "1900-01-01", "to": "2200-01-01"}, "/to"),
    ({"callback_url": "http://127.0.0.1:1/"}, "/callback_url")])
def test_a_wrong_order_is_refused_before_there_is_a_job(server, stack, body, pointer):
    before = stack.query("SELECT count(*) FROM msp.jobs")
    answer = server.internal("POST", COMPUTE, body)
    answer.must(400, 404).problem(answer.status)
    if pointer is not None:
        assert pointer in answer.pointers()
    assert stack.query("SELECT count(*) FROM msp.jobs") == before


def test_an_order_for_an_unknown_tenant_is_404(server):
    server.internal("POST", COMPUTE, {"tenant_id": "no-such-tenant"}).problem(404)


def test_an_unknown_foreign_or_malformed_job_is_the_same_404(server, tenant):
    own, other = tenant(), tenant()
    job = server.job(COMPUTE, {"tenant_id": own, "date": "2024-03-01"})
    assert server.v1(own, f"/v1/jobs/{job['id']}").must(200).json["job"]["id"] == job["id"]
    texts = set()
    for slug, name in ((other, job["id"]), (own, "00000000-0000-4000-8000-000000000000"), (own, "nonsense")):
        members = server.v1(slug, f"/v1/jobs/{name}").problem(404)
        texts.add((members["code"], members["detail"]))
    assert len(texts) == 1
    server.internal("GET", "/internal/jobs/00000000-0000-4000-8000-000000000000").problem(404)
    server.internal("GET", "/internal/jobs/nonsense").problem(404)


@pytest.mark.parametrize("role", ["tech", "client"])
def test_jobs_are_not_for_technicians_and_clients(server, tenant, role):
    server.v1(tenant(), "/v1/jobs", role=role).problem(403)


def test_a_tenants_list_holds_its_own_jobs_only(server, tenant):
    own, other = tenant(), tenant()
    ids = {slug: server.job(COMPUTE, {"tenant_id": slug, "date": "2024-03-01"})["id"] for slug in (own, other)}
    listed = {job["id"] for job in server.v1(own, "/v1/jobs").must(200).json["jobs"]}
    assert ids[own] in listed and ids[other] not in listed


def test_the_internal_list_filters_and_pages_newest_first(server, tenant):
    slug = tenant()
    ids = [server.job(COMPUTE, {"tenant_id": slug, "date": f"2024-03-{n:02}"})["id"] for n in range(1, 8)]
    path = f"/internal/jobs?tenant_id={slug}&kind=kpi&state=succeeded&limit=3"
    seen, cursor = [], None
    while True:
        page = server.internal("GET", path + (f"&cursor={cursor}" if cursor else "")).must(200).json
        for job in page["jobs"]:
            check_shape(job)
        seen += [job["id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    assert server.internal("GET", f"/internal/jobs?tenant_id={slug}&state=failed").must(200).json["jobs"] == []


@pytest.mark.parametrize("query", ["state=done", "cursor=nonsense", "order=asc", "limit=0", "limit=x", "kind=none"])
def test_a_wrong_filter_is_refused(server, query):
    server.internal("GET", f"/internal/jobs?{query}").problem(400)


# ---- all tenants ----

def test_a_call_for_all_tenants_is_a_parent_with_one_child_each_and_a_merged_result(new_stack):
    stack = new_stack()
    server = stack.server().start()
    slugs = [server.add_tenant(f"all-{n}", zone) for n, zone in enumerate(("UTC", "Asia/Tokyo", "America/Lima"))]
    server.command("tenant", "disable", server.add_tenant("all-gone"))
    wait_until(lambda: server.tenants().get("all-gone", {}).get("status") != "active", 5, "the disabling to be known")
    for slug in slugs:
        server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    job = server.job(COMPUTE, {"from": "2024-03-01", "to": "2024-03-02"})
    assert job["state"] == "succeeded"
    assert job["result"]["tenants"] == 3 and job["result"]["days"] == 6
    children = stack.query("SELECT t.slug, j.state, (j.result->>'rows_written')::int FROM msp.jobs j"
                           " JOIN msp.tenants t USING (tenant_id) WHERE j.parent_id = %s ORDER BY 1", (job["id"],))
    assert [(slug, state) for slug, state, _ in children] == [(slug, "succeeded") for slug in slugs]
    assert job["result"]["rows_written"] == sum(rows for _, _, rows in children)
    for slug in slugs:
        assert server.days(slug, "2024-03-01", "2024-03-01")["2024-03-01", ""]["tickets_created"] == 1


def test_a_call_for_all_tenants_when_there_is_none_succeeds_with_nothing(new_stack):
    server = new_stack().server().start()
    job = server.job(COMPUTE, {})
    assert job["state"] == "succeeded" and job["result"] == {"rows_written": 0, "tenants": 0, "days": 0}


# ---- workers that die ----

@pytest.fixture
def fragile(new_stack, expect_log):
    """A stack of its own with 4,000 tickets, a ledger, and a log in which a killed worker is announced."""
    expect_log(r"crash|signal|SIGKILL|killed")
    stack = new_stack()
    server = stack.server().start()
    slug = server.add_tenant("fragile", "Europe/Paris")
    server.feed(slug, crowd(3, 4000, FIRST, LAST))
    return stack, server, slug, Ledger(stack)


def right_rows(server, slug):
    cells = expected.kpis(crowd(3, 4000, FIRST, LAST), "Europe/Paris", FIRST, LAST)
    return expected.differences(server.days(slug, FIRST, LAST), cells)


def order(server, slug, skipped=0):
    """Orders the days but for the first few; orders that differ are not merged."""
    first = FIRST + datetime.timedelta(days=skipped)
    answer = server.internal("POST", COMPUTE, {"tenant_id": slug, "from": str(first), "to": str(LAST)}).must(202)
    return answer.json["job"]["id"]


def kill_job_worker(server):
    victim = server.job_worker()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: not processes.alive(victim), 5)
    return victim


def test_a_job_whose_worker_is_killed_in_mid_compute_ends_exactly_once_with_the_right_rows(fragile):
    stack, server, slug, ledger = fragile
    blocker = stack.postgres.connect(stack.database, autocommit=False)
    blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
    job_id = order(server, slug)
    wait_until(lambda: stack.query("SELECT 1 FROM pg_stat_activity WHERE usename = 'msp_worker'"
                                   " AND wait_event_type = 'Lock'"), 15, "the compute to be under way")
    assert server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]["state"] == "running"
    kill_job_worker(server)
    server.job_worker()
    blocker.rollback()
    blocker.close()
    job = server.finished(job_id, timeout=60)
    assert job["state"] == "succeeded", job
    assert job["attempt"] == 1, "a worker that died must burn no attempt"
    assert ledger.ends(job_id) == ["succeeded"]
    assert right_rows(server, slug) == []


def test_jobs_end_exactly_once_however_often_their_worker_is_killed(fragile):
    stack, server, slug, ledger = fragile
    ids = []
    for _ in range(4):
        ids += [order(server, slug, skipped) for skipped in range(3)]
        wait_until(lambda: stack.query("SELECT 1 FROM msp.jobs WHERE state = 'running'")
                   or not stack.query("SELECT 1 FROM msp.jobs WHERE state = 'queued'"), 30, "a job to run")
        kill_job_worker(server)
    for job_id in ids:
        assert server.finished(job_id, timeout=90)["state"] == "succeeded"
        assert ledger.ends(job_id) == ["succeeded"]
    assert right_rows(server, slug) == []


def test_a_job_queued_while_the_worker_stands_still_is_picked_up(fragile):
    stack, server, slug, ledger = fragile
    worker = server.job_worker()
    os.kill(worker, signal.SIGSTOP)
    job_id = order(server, slug)
    assert server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]["state"] == "queued"
    os.kill(worker, signal.SIGKILL)
    assert server.finished(job_id)["state"] == "succeeded"
    assert ledger.ends(job_id) == ["succeeded"]
    assert right_rows(server, slug) == []


def test_jobs_queued_while_no_server_runs_are_run_by_the_next(fragile):
    stack, server, slug, ledger = fragile
    os.kill(server.job_worker(), signal.SIGSTOP)
    ids = [order(server, slug, skipped) for skipped in range(3)]
    server.kill()
    server.start()
    for job_id in ids:
        assert server.finished(job_id)["state"] == "succeeded"
        assert ledger.ends(job_id) == ["succeeded"]


def test_a_stop_in_mid_compute_hands_the_job_back_and_burns_no_attempt(fragile):
    stack, server, slug, ledger = fragile
    blocker = stack.postgres.connect(stack.database, autocommit=False)
    blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
    job_id = order(server, slug)
    wait_until(lambda: stack.query("SELECT 1 FROM pg_stat_activity WHERE usename = 'msp_worker'"
                                   " AND wait_event_type = 'Lock'"), 15, "the compute to be under way")
    assert server.stop(timeout=60) == 0
    blocker.rollback()
    blocker.close()
    assert ledger.ends(job_id) == []
    server.start()
    job = server.finished(job_id, timeout=60)
    assert job["state"] == "succeeded" and job["attempt"] == 1
    assert ledger.ends(job_id) == ["succeeded"]


def test_a_pull_of_tickets_does_not_wait_behind_long_recomputes(fragile):
    stack, server, slug, _ = fragile
    from harness.tickets import write_mock
    pulled = server.add_tenant("short-lane", source="mock")
    write_mock(server, pulled, [ticket("A", "2024-03-01T08:00:00Z")])
    blocker = stack.postgres.connect(stack.database, autocommit=False)
    blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
    ids = [order(server, slug, skipped) for skipped in range(8)]
    begun = time.monotonic()
    answer = server.internal("POST", "/internal/ingest/tickets", {"tenant_id": pulled}).must(200)
    assert answer.json["stats"]["inserted"] == 1
    assert time.monotonic() - begun < 5
    blocker.rollback()
    blocker.close()
    for job_id in ids:
        assert server.finished(job_id)["state"] == "succeeded"

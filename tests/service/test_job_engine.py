"""The queue's promises: tenants take turns, cancelled jobs stop, failed ones can be revived, nothing is stuck."""

import contextlib
import os
import signal
import time

import psycopg2
import pytest

from harness import processes
from harness.ledger import Ledger
from harness.queue import LONG, SHORT, all_ended, as_staff, column, put, wait_state
from harness.server import SECRETS
from harness.tickets import ticket
from harness.waiting import wait_until

MONTH = {"from": "2024-03-01", "to": "2024-03-31"}


@pytest.fixture(scope="module")
def engine(module_stack):
    """A server of this file's own with three tenants that have one ticket each."""
    server = module_stack.server(JOB_THREADS="4").start()
    for slug in ("anna", "bert", "carl"):
        server.add_tenant(slug)
        server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    return module_stack, server


@contextlib.contextmanager
def computing_blocked(stack):
    """While inside, every KPI computation waits for a lock within its statement."""
    blocker = stack.postgres.connect(stack.database, autocommit=False)
    try:
        blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
        yield
    finally:
        with contextlib.suppress(psycopg2.Error):  # a database that was stopped took the lock with it
            blocker.rollback()
        blocker.close()


def wait_in_statement(stack, count=1):
    """Until that many job threads wait for the lock."""
    wait_until(lambda: stack.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'msp_worker'"
                                   " AND wait_event_type = 'Lock'")[0][0] >= count, 20, "a compute to be under way")


# ---- turns ----

@pytest.mark.parametrize("lane", [SHORT, LONG], ids=["short", "long"])
def test_a_thousand_jobs_of_one_tenant_delay_anothers_single_job_by_a_few_picks(engine, lane):
    stack, _ = engine
    flood = put(stack, "anna", lane=lane, count=1000)
    wait_until(lambda: stack.query("SELECT count(*) FROM msp.jobs WHERE job_id = ANY (%s::uuid[]) AND claims > 0",
                                   (flood,))[0][0] >= 20, 20, "the flood to flow")
    single, = put(stack, "bert", lane=lane)
    # From when it was there for everybody; its created_at is when its transaction began.
    there = stack.query("SELECT clock_timestamp()")[0][0]
    wait_state(stack, single, "succeeded")
    picks, left = stack.query("""
        SELECT count(*) FILTER (WHERE f.claimed_at BETWEEN %s AND s.claimed_at),
               count(*) FILTER (WHERE f.claimed_at IS NULL OR f.claimed_at > s.claimed_at)
          FROM msp.jobs f, msp.jobs s WHERE f.job_id = ANY (%s::uuid[]) AND s.job_id = %s""", (there, flood, single))[0]
    assert left > 0, "the flood was over too soon to tell"
    assert picks <= 10
    stack.query("DELETE FROM msp.jobs WHERE job_id = ANY (%s::uuid[]) AND state = 'queued'", (flood,))
    all_ended(stack, flood)


def test_one_tenant_leaves_a_thread_of_the_lane_to_others(engine):
    stack, _ = engine
    with computing_blocked(stack):
        many = put(stack, "anna", parameters=MONTH, count=4)
        wait_in_statement(stack)
        single, = put(stack, "bert", parameters=MONTH)
        wait_state(stack, single, "running", timeout=10)
        assert stack.query("SELECT count(*) FROM msp.jobs WHERE job_id = ANY (%s::uuid[]) AND state = 'running'",
                           (many,))[0][0] == 1
    all_ended(stack, [*many, single])


def test_a_higher_priority_goes_first(engine):
    stack, _ = engine
    # One transaction: they all come to be seen at once.
    ids = [row[0] for row in stack.query("""
        INSERT INTO msp.jobs (tenant_id, kind, lane, parameters, priority)
        SELECT t.tenant_id, 'kpi', 1, '{"dirty_only":true}', n / 20
          FROM msp.tenants t, generate_series(1, 20) AS n WHERE t.slug IN ('anna', 'bert', 'carl')
        RETURNING job_id::text""")]
    all_ended(stack, ids)
    first = stack.query("SELECT priority FROM msp.jobs WHERE job_id = ANY (%s::uuid[]) ORDER BY claimed_at LIMIT 2",
                        (ids,))
    assert first == [(1,), (1,)]


def test_what_a_person_starts_goes_first_but_only_a_few_of_a_tenant_at_a_time(engine):
    stack, server = engine

    def ask(number, slug, path="/v1/exports", **more):
        parameters = {"from": "2024-03-01", "to": "2024-03-01", "datasets": ["tenants"], **more}
        if number is not None:  # a day each, so that they do not become one job
            parameters["from"] = parameters["to"] = f"2024-02-{number:02}"
        token = server.token("manager", slug) if path.startswith("/v1") else SECRETS["SERVICE_TOKEN"]
        return server.post(path, parameters, token=token).must(202).json["job"]["id"]
    internal = "/internal/exports/generate"
    with computing_blocked(stack):
        blockers = [*put(stack, "anna", parameters=MONTH), *put(stack, "carl", parameters=MONTH)]
        wait_in_statement(stack, 2)  # all threads of the lane
        scheduled = ask(None, "bert", internal, tenant_id="bert")
        persons = [ask(number, "bert") for number in range(1, 6)]
        parent = ask(9, None, internal)
        assert [column(stack, job, "priority") for job in (scheduled, *persons, parent)] == [0, 1, 1, 1, 0, 0, 0]
        assert ask(1, "bert", internal, tenant_id="bert") == persons[0]
        waiting = ask(20, "anna", internal, tenant_id="anna")
        assert ask(20, "anna") == waiting and column(stack, waiting, "priority") == 1, "it was joined by a person"
    all_ended(stack, [*blockers, scheduled, *persons, parent, waiting])
    assert server.command("export", "generate", "--tenant", "carl", "--no-wait").returncode == 0
    assert stack.query("SELECT j.priority FROM msp.jobs j JOIN msp.tenants t USING (tenant_id)"
                       " WHERE t.slug = 'carl' AND j.kind = 'export' AND j.parent_id IS NULL") == [(1,)]
    all_ended(stack, [job for job, in stack.query("SELECT job_id::text FROM msp.jobs")])


def test_polling_alone_finds_jobs_that_nobody_told_of(engine):
    stack, _ = engine
    begun = time.monotonic()
    quiet, = put(stack, "anna", lane=SHORT)
    wait_state(stack, quiet, "succeeded", timeout=20)
    assert time.monotonic() - begun < 10
    later, = put(stack, "anna", run_at="infinity")
    stack.query("UPDATE msp.jobs SET run_at = now() + interval '1 second' WHERE job_id = %s", (later,))
    wait_state(stack, later, "succeeded", timeout=20)


# ---- cancelling ----

def test_a_queued_job_is_cancelled_at_once_and_never_runs(engine):
    stack, server = engine
    job_id, = put(stack, "anna", run_at="2099-01-01")
    assert as_staff(stack, "job_cancel_any", job_id) is True
    job = server.finished(job_id)
    assert job["state"] == "cancelled" and job["attempt"] == 0 and job["started_at"] is None
    assert as_staff(stack, "job_cancel_any", job_id) is False


@pytest.mark.parametrize("told", [True, False], ids=["by a notification", "by looking"])
def test_a_cancelled_job_is_stopped_within_its_statement(engine, told):
    stack, server = engine
    with computing_blocked(stack):
        job_id, = put(stack, "anna", parameters=MONTH)
        wait_in_statement(stack)
        begun = time.monotonic()
        if told:
            assert as_staff(stack, "job_cancel_any", job_id) is True
        else:
            stack.query("UPDATE msp.jobs SET cancel_requested_at = now() WHERE job_id = %s", (job_id,))
        job = server.finished(job_id, timeout=20)
        took = time.monotonic() - begun
    assert job["state"] == "cancelled" and job["error"] is None, job
    assert took < 4, "two seconds are promised; a busy machine gets two more"
    assert not stack.query("SELECT 1 FROM pg_stat_activity WHERE usename = 'msp_worker' AND wait_event_type = 'Lock'")


def test_cancelling_a_parent_cancels_its_children_and_keeps_what_has_ended(engine):
    stack, server = engine
    with computing_blocked(stack):
        parent, = put(stack, None, parameters=MONTH)
        wait_in_statement(stack, 2)
        assert as_staff(stack, "job_cancel_any", parent) is True
        assert server.finished(parent, timeout=20)["state"] == "cancelled"
    assert stack.query("SELECT state, count(*) FROM msp.jobs WHERE parent_id = %s GROUP BY 1",
                       (parent,)) == [("cancelled", 3)]


def test_a_tenant_cancels_and_retries_its_own_jobs_only(engine):
    stack, _ = engine
    job_id, = put(stack, "anna", run_at="2099-01-01")
    ids = dict(stack.query("SELECT slug, tenant_id FROM msp.tenants"))
    for function in ("job_cancel", "job_retry"):
        for current, claimed in (("bert", "bert"), ("bert", "anna")):
            with pytest.raises(Exception, match="job_unknown|another tenant"):
                stack.query(f"SET ROLE msp_api; SELECT msp.set_tenant(%s); SELECT msp.{function}(%s, %s)",
                            (ids[current], ids[claimed], job_id))
        with pytest.raises(Exception, match="permission denied"):
            stack.query(f"SET ROLE msp_api; SELECT msp.{function}_any(%s)", (job_id,))
    assert column(stack, job_id, "state") == "queued"
    assert stack.query("SET ROLE msp_api; BEGIN; SELECT msp.set_tenant(%s); SELECT msp.job_cancel(%s, %s)",
                       (ids["anna"], ids["anna"], job_id)) == [(True,)]


# ---- failing and reviving ----

def test_a_wrong_order_fails_for_good_and_a_retry_has_fresh_attempts(engine):
    stack, server = engine
    job_id, = put(stack, "anna", parameters={"date": "never"})
    job = server.finished(job_id)
    assert (job["state"], job["attempt"], job["error"]["code"]) == ("failed", 1, "day_malformed")
    stack.query("UPDATE msp.jobs SET parameters = '{\"dirty_only\":true}' WHERE job_id = %s", (job_id,))
    assert as_staff(stack, "job_retry_any", job_id) is True
    job = server.finished(job_id)
    assert (job["state"], job["attempt"], job["error"]) == ("succeeded", 1, None)
    assert as_staff(stack, "job_retry_any", job_id) is False


@contextlib.contextmanager
def unable_to_store(stack, slug, sqlstate):
    """While inside, no KPI row of that tenant can be written."""
    stack.query(f"""
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'refused by the test' USING ERRCODE = '{sqlstate}'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON msp.kpi_daily FOR EACH ROW
            WHEN (NEW.tenant_id = {stack.query("SELECT tenant_id FROM msp.tenants WHERE slug = %s", (slug,))[0][0]})
            EXECUTE FUNCTION public.refuse()""")
    try:
        yield
    finally:
        stack.query("DROP TRIGGER refuse ON msp.kpi_daily; DROP FUNCTION public.refuse()")


def test_retrying_a_parent_runs_what_failed_again_and_only_that(engine):
    stack, server = engine
    with unable_to_store(stack, "bert", "22023"):
        parent, = put(stack, None, parameters=MONTH)
        job = server.finished(parent)
        assert job["state"] == "failed" and "bert" in job["error"]["detail"]
    before = dict(stack.query("SELECT job_id::text, claims FROM msp.jobs WHERE parent_id = %s", (parent,)))
    assert as_staff(stack, "job_retry_any", parent) is True
    job = server.finished(parent)
    assert job["state"] == "succeeded", job
    assert job["result"]["tenants"] == 3 and job["progress"]["done"] == job["progress"]["total"] == 3
    after = dict(stack.query("SELECT job_id::text, claims FROM msp.jobs WHERE parent_id = %s", (parent,)))
    assert sorted(after[one] - before[one] for one in after) == [0, 0, 1]


def test_a_passing_failure_is_tried_again_until_it_works(engine):
    stack, server = engine
    with unable_to_store(stack, "carl", "40001"):
        job_id, = put(stack, "carl", parameters=MONTH)
        wait_until(lambda: column(stack, job_id, "state = 'queued' AND claims > 0"), 20, "a first failure")
        assert column(stack, job_id, "error ->> 'code'") == "sql_40001"
        assert column(stack, job_id, "run_at > claimed_at")
    stack.query("UPDATE msp.jobs SET run_at = now() WHERE job_id = %s", (job_id,))
    job = server.finished(job_id)
    assert job["state"] == "succeeded" and job["attempt"] >= 2 and job["error"] is None


def test_being_asked_to_slow_down_burns_no_attempt(engine):
    stack, _ = engine
    job_id, = put(stack, "anna", state="running", claims=3, excused=0, worker="w", heartbeat_at="infinity")
    stack.query("SET ROLE msp_jobs; SELECT msp.job_requeue(%s, 3, 'w', 3600, 1, 1, '{\"code\":\"rate_limited\"}')", (job_id,))
    assert column(stack, job_id, "(state, claims - excused, rate_limited, run_at > now() + interval '59 minutes')") \
        == "(queued,2,1,t)"
    as_staff(stack, "job_cancel_any", job_id)


def test_the_tenth_loss_of_its_worker_is_a_jobs_last(engine):
    stack, server = engine
    ids = [put(stack, "anna", state="running", claims=10, excused=losses, losses=losses, worker="gone:life.0.0",
               heartbeat_at="2024-01-01")[0] for losses in (8, 9)]
    again, last = (server.finished(job_id) for job_id in ids)
    assert again["state"] == "succeeded"
    assert last["state"] == "failed" and last["error"]["code"] == "worker_lost"


# ---- workers that are not dead, only thought so ----

def test_a_worker_that_is_asked_to_leave_hands_its_job_back_at_once(engine):
    stack, server = engine
    worker = server.job_worker()
    with computing_blocked(stack):
        job_id, = put(stack, "anna", parameters=MONTH)
        wait_in_statement(stack)
        begun = time.monotonic()
        os.kill(worker, signal.SIGTERM)
        wait_until(lambda: column(stack, job_id, "claims") == 2, 30, "the next worker to take the job")
        assert time.monotonic() - begun < 20, "a worker found silent is waited for for 45 s"
    job = server.finished(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1), job
    assert (column(stack, job_id, "losses"), column(stack, job_id, "excused")) == (0, 1)


def test_a_zombie_cannot_write_what_another_worker_does_now(new_stack, expect_log):
    expect_log(r"taken from this worker", r"crash|signal|SIGKILL|killed")
    stack = new_stack()
    first = stack.server().start()
    first.add_tenant("anna")
    first.push("anna", [ticket("A", "2024-03-01T08:00:00Z")])
    ledger = Ledger(stack)
    with computing_blocked(stack):
        job_id, = put(stack, "anna", parameters=MONTH)
        wait_in_statement(stack)
        zombie = first.job_worker()
        os.kill(zombie, signal.SIGSTOP)
        try:
            # As if the 45 s of silence had passed.
            stack.query("UPDATE msp.jobs SET heartbeat_at = now() - interval '1 minute' WHERE job_id = %s", (job_id,))
            second = stack.server().start()
            wait_until(lambda: column(stack, job_id, "claims") == 2, 20, "the second worker to take the job")
        finally:
            os.kill(zombie, signal.SIGCONT)
    job = second.finished(job_id)
    assert job["state"] == "succeeded" and job["attempt"] == 1, job
    wait_until(lambda: "taken from this worker" in first.log(), 20, "the zombie to see that it lost the job")
    assert ledger.ends(job_id) == ["succeeded"]
    assert first.job_worker() == zombie and processes.alive(zombie)
    other, = put(stack, "anna")
    wait_state(stack, other, "succeeded")


# ---- what is old, and how it all stands ----

def test_history_is_forgotten_when_it_is_old_and_nothing_hangs_on_it(engine):
    stack, server = engine
    old = {"state": "succeeded", "created_at": "2024-01-01", "finished_at": "2024-01-01"}
    gone = put(stack, "anna", count=5, **old) + put(stack, None, **old)
    gone += put(stack, "anna", parent_id=gone[-1], **old)
    waiting, = put(stack, "anna", run_at="2099-01-01")
    kept = [put(stack, "anna", **{**old, "finished_at": "2099-01-01"})[0],
            put(stack, "anna", parent_id=waiting, **old)[0],
            put(stack, "anna", created_at="2024-01-01", run_at="2099-01-01")[0], waiting]
    worker = server.job_worker()
    os.kill(worker, signal.SIGTERM)  # the next one looks at once

    def left():
        return {one for one, in stack.query("SELECT job_id::text FROM msp.jobs WHERE job_id = ANY (%s::uuid[])",
                                            (gone + kept,))}
    wait_until(lambda: left() == set(kept), 20, "the old jobs to be gone")
    stack.query("DELETE FROM msp.jobs WHERE job_id = ANY (%s::uuid[])", (kept,))


def test_progress_tells_when_the_end_is_to_be_expected(engine):
    stack, server = engine
    with computing_blocked(stack):
        job_id, = put(stack, "anna", parameters=MONTH)
        wait_in_statement(stack)
        path = f"/internal/jobs/{job_id}"
        assert server.internal("GET", path).must(200).json["job"]["progress"]["eta_seconds"] is None
        stack.query("UPDATE msp.jobs SET done = 1, total = 4, claimed_at = now() - interval '100 seconds'"
                    " WHERE job_id = %s", (job_id,))
        assert 300 <= server.internal("GET", path).must(200).json["job"]["progress"]["eta_seconds"] <= 320
    assert server.finished(job_id)["progress"]["eta_seconds"] is None

"""The daily pipeline: one job a tenant that pulls, computes and exports, and one over all of them."""

import datetime
import os
import signal
import zoneinfo

import pytest

from harness import processes
from harness.tickets import stamp, ticket, write_mock
from harness.waiting import wait_until

DAILY = "/internal/pipelines/daily"


@pytest.fixture(scope="module")
def server(module_stack):
    return module_stack.server().start()


@pytest.fixture
def alone(server):
    """Disables the tenants of other tests, so that "all tenants" are those of this one."""
    for slug, known in server.tenants().items():
        if known["status"] == "active":
            server.command("tenant", "disable", slug)
    wait_until(lambda: all(known["status"] != "active" for known in server.tenants().values()), 5)


def yesterday(zone):
    return datetime.datetime.now(zoneinfo.ZoneInfo(zone)).date() - datetime.timedelta(days=1)


def noon(day, zone="UTC"):
    moment = datetime.datetime.combine(day, datetime.time(12), zoneinfo.ZoneInfo(zone))
    return stamp(moment)


def steps(server, job):
    """(kind, state) of a job's children in the order in which they began."""
    return server.stack.query("SELECT kind, state FROM msp.jobs WHERE parent_id = %s ORDER BY created_at", (job["id"],))


def run(server, **body):
    return server.job(DAILY, body)


def test_a_tenant_is_pulled_computed_and_exported(server):
    slug = server.add_tenant("whole", "Europe/Paris", source="mock")
    day = yesterday("Europe/Paris")
    write_mock(server, slug, [ticket(f"T{n}", noon(day, "Europe/Paris")) for n in range(5)])
    answer = server.internal("POST", DAILY, {"tenant_id": slug}, headers={"Prefer": "wait=60"}).must(200)
    job = answer.json["job"]
    assert job["state"] == "succeeded", job
    assert job["kind"] == "pipeline" and job["attempt"] == 1
    assert job["progress"]["done"] == job["progress"]["total"] == 3
    result = job["result"]
    assert result["tenants"] == [{"tenant_id": slug, "date": str(day)}]
    assert result["ingest"]["stats"]["inserted"] == 5 and result["ingest"]["pulls"] == 1
    assert result["kpi"]["tenants"] == 1 and result["kpi"]["days"] >= 1 and result["kpi"]["rows_written"] >= 1
    locations = {entry["location"] for entry in result["export"]["export_locations"]}
    assert any(f"tenant={slug}/dataset=kpi_daily/date={day}/" in location for location in locations), locations
    assert {name: answer.json[name] for name in result} == result and "error" not in answer.json
    assert steps(server, job) == [("ingest", "succeeded"), ("kpi", "succeeded"), ("export", "succeeded")]
    assert server.days(slug, day, day)[str(day), ""]["tickets_created"] == 5


def test_a_tenant_whose_tickets_are_pushed_has_nothing_to_pull(server):
    slug = server.add_tenant("pushed")
    server.push(slug, [ticket("A", noon(yesterday("UTC")))])
    job = run(server, tenant_id=slug)
    assert job["state"] == "succeeded" and job["result"]["ingest"] is None
    assert [kind for kind, _ in steps(server, job)] == ["kpi", "export"]


def test_a_source_is_pulled_until_it_is_drained(server):
    slug = server.add_tenant("much", source="mock")
    write_mock(server, slug, [ticket("A", noon(yesterday("UTC")))])
    # The first two pulls of this tenant say that there is more.
    server.stack.query("""
        CREATE FUNCTION public.more_to_come() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            IF (SELECT count(*) FROM msp.jobs WHERE parent_id = NEW.parent_id) < 3 THEN
                NEW.result := jsonb_set(NEW.result::jsonb, '{has_more}', 'true');
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER more_to_come BEFORE UPDATE ON msp.jobs FOR EACH ROW
            WHEN (NEW.kind = 'ingest' AND NEW.parent_id IS NOT NULL AND NEW.state = 'succeeded')
            EXECUTE FUNCTION public.more_to_come()""")
    try:
        job = run(server, tenant_id=slug)
    finally:
        server.stack.query("DROP FUNCTION public.more_to_come CASCADE")
    assert job["state"] == "succeeded", job
    assert [kind for kind, _ in steps(server, job)] == ["ingest", "ingest", "ingest", "kpi", "export"]
    assert job["result"]["ingest"]["pulls"] == 3 and job["result"]["ingest"]["stats"]["inserted"] == 1


def test_each_tenant_has_its_own_yesterday(server, alone):
    # 25 hours apart: it is never the same day in both.
    zones = {"east": "Pacific/Kiritimati", "west": "Pacific/Pago_Pago"}
    for slug, zone in zones.items():
        server.add_tenant(slug, zone)
    before = {slug: yesterday(zone) for slug, zone in zones.items()}
    job = run(server)
    after = {slug: yesterday(zone) for slug, zone in zones.items()}
    assert job["state"] == "succeeded", job
    told = {entry["tenant_id"]: entry["date"] for entry in job["result"]["tenants"]}
    assert set(told) == set(zones) and told["east"] != told["west"]
    for slug, day in told.items():
        assert day in (str(before[slug]), str(after[slug]))
        assert server.days(slug, day, day)[day, ""]["tickets_created"] == 0
    assert job["result"]["kpi"]["tenants"] == 2


def test_one_tenants_failure_stops_no_other_and_is_named(server, alone):
    for slug in ("good-1", "bad-1", "good-2"):
        server.add_tenant(slug, source="mock")
    day = yesterday("UTC")
    for slug in ("good-1", "good-2"):
        write_mock(server, slug, [ticket("A", noon(day))])
    job = run(server)
    assert job["state"] == "failed" and job["error"]["code"] == "children_failed"
    assert "bad-1" in job["error"]["detail"] and "good" not in job["error"]["detail"].split("The others")[0]
    for slug in ("good-1", "good-2"):
        assert server.days(slug, day, day)[str(day), ""]["tickets_created"] == 1
        assert os.path.exists(os.path.join(server.exports, f"tenant={slug}/dataset=kpi_daily/date={day}/part-0.csv"))
    # What failed is done on a retry, and nothing else.
    write_mock(server, "bad-1", [ticket("B", noon(day))])
    server.internal("POST", f"/internal/jobs/{job['id']}/retry").must(200)
    job = server.finished(job["id"])
    assert job["state"] == "succeeded", job
    assert job["result"]["ingest"]["stats"]["inserted"] == 3 and len(job["result"]["tenants"]) == 3


def test_no_tenant_at_all_is_no_fault(server, alone):
    job = run(server)
    assert job["state"] == "succeeded"
    assert job["result"] == {"tenants": [], "ingest": None, "export": {"export_locations": []},
                             "kpi": {"rows_written": 0, "tenants": 0, "days": 0}}


def test_a_named_day_that_is_not_over_fails_in_the_export_and_says_so(server):
    slug = server.add_tenant("early")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    job = run(server, tenant_id=slug, date=str(today))
    assert job["state"] == "failed" and job["error"]["code"] == "day_not_complete", job
    assert '"export"' in job["error"]["detail"]
    assert steps(server, job) == [("kpi", "succeeded"), ("export", "failed")]
    past = today - datetime.timedelta(days=40)
    job = run(server, tenant_id=slug, date=str(past))
    assert job["state"] == "succeeded" and job["result"]["tenants"] == [{"tenant_id": slug, "date": str(past)}]


def test_cancelling_the_whole_cancels_the_step_under_way(server):
    slug = server.add_tenant("stopped")
    blocker = server.stack.postgres.connect(server.stack.database, autocommit=False)
    try:
        blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
        job = server.internal("POST", DAILY, {"tenant_id": slug}).must(202).json["job"]
        wait_until(lambda: ("kpi", "running") in steps(server, job), 20)
        server.internal("POST", f"/internal/jobs/{job['id']}/cancel").must(200)
        assert server.finished(job["id"], timeout=20)["state"] == "cancelled"
    finally:
        blocker.rollback()
        blocker.close()
    assert steps(server, job) == [("kpi", "cancelled")]


def test_a_pipeline_outlives_the_death_of_its_worker(server, expect_log):
    expect_log(r"crash|signal|SIGKILL|killed")
    slug = server.add_tenant("survivor", source="mock")
    write_mock(server, slug, [ticket("A", noon(yesterday("UTC")))])
    blocker = server.stack.postgres.connect(server.stack.database, autocommit=False)
    try:
        blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
        job = server.internal("POST", DAILY, {"tenant_id": slug}).must(202).json["job"]
        # The recompute that the pull has queued may be before it in the tenant's turn.
        wait_until(lambda: [kind for kind, _ in steps(server, job)] == ["ingest", "kpi"], 20)
        victim = server.job_worker()
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: not processes.alive(victim), 5)
    finally:
        blocker.rollback()
        blocker.close()
    assert server.finished(job["id"], timeout=60)["state"] == "succeeded"
    assert [kind for kind, _ in steps(server, job)] == ["ingest", "kpi", "export"]

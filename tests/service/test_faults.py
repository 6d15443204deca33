"""Processes die and databases go away under load: what was not in the dead one's hands is not lost."""

import os
import signal
import time

import pytest

from harness import processes
from harness.load import Load
from harness.tickets import ticket
from harness.waiting import wait_until

# The full drill of `./ops/test faults`; a few rounds show the same in the everyday run.
ROUNDS = int(os.environ.get("MSP_FAULT_ROUNDS", "8"))
DAILY = "/v1/kpis/daily?from=2024-03-01&to=2024-03-31"


@pytest.fixture
def own(new_stack):
    """A stack and server of the test's own, with one computed tenant."""
    stack = new_stack()
    server = stack.server(HTTP_WORKERS="3").start()
    slug = server.add_tenant("faults")
    server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    server.compute(slug, "2024-03-01", "2024-03-31")
    return stack, server, slug


def load_on(server, slug, **options):
    return Load(server.port, DAILY, {"Authorization": "Bearer " + server.token("manager", slug)}, **options)


def replaced(server, victim, count=3):
    """Whether the victim's place is taken again."""
    pids = server.workers()
    return victim not in pids and len(pids) == count


@pytest.mark.alone
@pytest.mark.parametrize("keep_alive", [True, False], ids=["keep-alive", "a connection each"])
def test_a_killed_worker_costs_only_what_was_in_its_hands(own, expect_log, keep_alive):
    stack, server, slug = own
    expect_log(r"crash|signal|SIGKILL|killed")
    threads, kills = 9, max(3, ROUNDS // 2)
    gaps = []
    with load_on(server, slug, threads=threads, keep_alive=keep_alive) as load:
        for _ in range(kills):
            wait_until(load.answers_more(100), 20, "the load to flow")
            victim = server.workers()[0]
            before = len(load.failures)
            begun = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: replaced(server, victim), 5, "a new worker", interval=0.005)
            gaps.append(time.monotonic() - begun)
            wait_until(load.answers_more(100), 20, "the load to flow on")
            assert len(load.failures) - before <= threads, load.failures[before:]
    assert load.answered > 200 * kills
    assert min(gaps) < 0.2, f"a new worker took {gaps}"


def test_asking_workers_to_leave_under_load_fails_no_request(own):
    stack, server, slug = own
    with load_on(server, slug, threads=9) as load:
        for number in range(ROUNDS):
            wait_until(load.answers_more(60), 20, "the load to flow")
            pids = server.workers()
            victim = pids[number % len(pids)]
            os.kill(victim, signal.SIGTERM)
            wait_until(lambda: replaced(server, victim), 20, "a new worker")
        wait_until(load.answers_more(60), 20, "the load to flow on")
    assert load.failures == []


def test_new_connections_under_load_fail_neither_when_workers_leave(own):
    stack, server, slug = own
    with load_on(server, slug, threads=6, keep_alive=False) as load:
        for number in range(ROUNDS):
            wait_until(load.answers_more(60), 20, "the load to flow")
            pids = server.workers()
            victim = pids[number % len(pids)]
            os.kill(victim, signal.SIGTERM)
            wait_until(lambda: replaced(server, victim), 20, "a new worker")
        wait_until(load.answers_more(60), 20, "the load to flow on")
    assert load.failures == []


def test_an_ingest_stream_outlives_the_request_to_leave(own):
    stack, server, slug = own

    def lines():
        for number in range(4000):
            if number == 2000:
                for pid in server.workers():
                    os.kill(pid, signal.SIGTERM)
            yield ticket(f"S{number}", "2024-03-02T08:00:00Z", title="x" * 300)
    assert server.feed(slug, lines())["inserted"] == 4000


def test_what_fails_only_when_it_is_committed_is_told_and_keeps_the_connection(own, expect_log):
    stack, server, slug = own
    expect_log(r"too late")

    def sessions():
        return stack.query("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'msp http worker %'")
    stack.query("""
        CREATE FUNCTION msp.refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'too late'; END $$;
        CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON msp.jobs DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION msp.refuse_late()""")
    known = stack.query("SELECT count(*) FROM msp.jobs")
    order = {"tenant_id": slug, "from": "2024-03-01", "to": "2024-03-02"}
    for _ in range(8):
        server.internal("POST", "/internal/kpi/compute-daily", order).problem(500)
    before = sessions()
    assert stack.query("SELECT count(*) FROM msp.jobs") == known
    server.v1(slug, "/v1/kpis/daily", from_="2024-03-01", to="2024-03-31").must(200)
    stack.query("DROP TRIGGER refuse_late ON msp.jobs")
    server.internal("POST", "/internal/kpi/compute-daily", order).must(202)
    assert before and set(before) <= set(sessions()), "a connection was given up"


def test_without_postgresql_answers_are_503_in_time_and_all_comes_back_by_itself(own, expect_log):
    stack, server, slug = own
    expect_log(r"(?i)postgres|database|connect|terminat|job|claim|heartbeat|listen|tenants")
    token = server.token("manager", slug)
    pids = sorted(processes.children(server.process.pid))
    stack.postgres.stop(signal.SIGQUIT)
    for path in (DAILY, "/v1/jobs"):
        begun = time.monotonic()
        answer = server.get(path, token=token)
        assert time.monotonic() - begun < 6
        answer.problem(503)
        assert int(answer.headers["Retry-After"]) >= 1
    answer = server.internal("POST", "/internal/kpi/compute-daily", {"tenant_id": slug})
    answer.problem(503)
    answer = server.internal("POST", "/internal/ingest/tickets",
                             {"tenant_id": slug, "tickets": [ticket("B", "2024-03-01T08:00:00Z")]})
    answer.problem(503)
    server.get("/livez").must(200)
    wait_until(lambda: server.get("/readyz").status == 503, 10, "/readyz to say so")
    stack.postgres.start()
    wait_until(lambda: server.get(DAILY, token=token).status == 200, 10, "answers to come back")
    wait_until(lambda: server.get("/readyz").status == 200, 15, "/readyz to come back")
    assert server.compute(slug, "2024-03-01", "2024-03-02")["days"] >= 2
    assert sorted(processes.children(server.process.pid)) == pids, "nobody had to be restarted"


def test_a_postgresql_that_stands_still_delays_nobody_past_the_deadline(own, expect_log):
    stack, server, slug = own
    expect_log(r"(?i)postgres|database|connect|timed|time-out|timeout|deadline|job|claim|heartbeat|listen|tenants")
    token = server.token("manager", slug)
    server.get(DAILY, token=token).must(200)
    family = [stack.postgres.process.pid, *processes.children(stack.postgres.process.pid)]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        answer = server.get("/v1/tickets?day=2024-03-02", token=token)  # no kept answer is of use here
        took = time.monotonic() - begun
        answer.problem(503)
        assert took < 12, f"{took:.1f} s"
        begun = time.monotonic()
        server.get("/livez").must(200)
        assert time.monotonic() - begun < 1
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
    wait_until(lambda: server.get(DAILY, token=token).status == 200, 15, "answers to come back")


def test_without_redis_everything_goes_on(own, expect_log):
    stack, server, slug = own
    expect_log(r"(?i)redis")
    with load_on(server, slug, threads=3) as load:
        wait_until(load.answers_more(50), 20)
        stack.redis.stop()
        wait_until(load.answers_more(200), 20, "the load to flow on without Redis")
        stack.redis.start()
        wait_until(load.answers_more(100), 20)
    assert load.failures == []
    assert server.compute(slug, "2024-03-01")["days"] >= 1


def test_no_child_outlives_a_killed_master_and_the_port_is_free_at_once(own):
    stack, server, slug = own
    server.kill()
    server.start()
    assert server.days(slug, "2024-03-01", "2024-03-01")["2024-03-01", ""]["tickets_created"] == 1


def test_many_requests_leak_neither_descriptors_nor_threads(own):
    stack, server, slug = own

    def open_now():
        return {pid: (len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task")))
                for pid in server.workers()}
    with load_on(server, slug, threads=6, keep_alive=False) as load:
        wait_until(load.answers_more(600), 60)
    wait_until(lambda: all(fds < 80 for fds, _ in open_now().values()), 20, "connections to be gone")
    before = open_now()
    with load_on(server, slug, threads=6, keep_alive=False) as load:
        wait_until(load.answers_more(1500), 90)
    assert load.failures == []
    wait_until(lambda: all(open_now()[pid][0] <= before[pid][0] + 2 and open_now()[pid][1] <= before[pid][1] + 1
                           for pid in before), 20, "descriptors to be given back")

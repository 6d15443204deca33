"""Idempotency-Key: whatever is sent again, is answered twice at once, or loses Redis, is done once."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import time

import pytest

from harness import processes
from harness.http import read_all
from harness.server import SECRETS
from harness.tickets import ticket
from harness.waiting import wait_until

COMPUTE, EXPORTS = "/internal/kpi/compute-daily", "/v1/exports"


@pytest.fixture(scope="module")
def server(module_stack):
    # Nobody listens there: what is sent fails later, as a job.
    made = module_stack.server(SLACK_WEBHOOK_URL="http://127.0.0.1:9/hook").start()
    made.add_tenant("alpha")
    made.add_tenant("beta")
    return made


@pytest.fixture
def key(request):
    return f"{request.node.name[:200]}-{time.monotonic_ns()}"


def compute(server, key, day=1, **more):
    """One start under the key; `more` goes to the request."""
    headers = {"Idempotency-Key": key, **more.pop("headers", {})}
    return server.internal("POST", COMPUTE, {"tenant_id": "alpha", "date": f"2024-03-{day:02}"}, headers=headers, **more)


def replayed(answer):
    return answer.headers.get("Idempotent-Replayed") == "true"


def job_id(answer):
    return answer.json["job"]["id"]


def at_once(number, call):
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        return [one.result() for one in [pool.submit(call, n) for n in range(number)]]


def number_of_jobs(server):
    return server.stack.query("SELECT count(*) FROM msp.jobs")[0][0]


@contextlib.contextmanager
def table_locked(server, name):
    blocker = server.stack.postgres.connect(server.stack.database, autocommit=False)
    try:
        blocker.cursor().execute(f"LOCK TABLE {name}")
        yield
    finally:
        blocker.rollback()
        blocker.close()


# ---- what was done is told again ----

def test_a_request_sent_again_shows_the_job_as_it_is_now(server, key):
    first = compute(server, key).must(202)
    assert not replayed(first)
    server.finished(job_id(first))
    again = compute(server, key).must(202)
    assert replayed(again) and job_id(again) == job_id(first)
    assert again.json["job"]["state"] == "succeeded"
    assert again.headers["Location"] == first.headers["Location"]
    waited = compute(server, key, headers={"Prefer": "wait=10"}).must(200)
    assert replayed(waited) and job_id(waited) == job_id(first) and waited.json["days"] == 1


def test_without_a_key_or_with_a_new_one_it_is_a_new_job(server, key):
    first = job_id(compute(server, key).must(202))
    server.finished(first)
    other = job_id(compute(server, key + "2").must(202))
    server.finished(other)
    bare = server.job(COMPUTE, {"tenant_id": "alpha", "date": "2024-03-01"})["id"]
    assert len({first, other, bare}) == 3


def test_the_order_of_members_and_the_form_of_the_key_do_not_matter(server, key):
    def send(body, sent_key):
        return server.request("POST", COMPUTE, body=body, token=SECRETS["SERVICE_TOKEN"], headers={
            "Content-Type": "application/json", "Idempotency-Key": sent_key}).must(202)
    first = send(b'{"tenant_id":"alpha","date":"2024-03-02"}', key)
    again = send(b'{ "date" : "2024-03-02",\n "tenant_id": "alpha" }', f'"{key}"')
    assert replayed(again) and job_id(again) == job_id(first)


def test_another_request_under_the_key_is_422_and_does_nothing(server, key):
    compute(server, key, day=3).must(202)
    before = number_of_jobs(server)
    compute(server, key, day=4).problem(422, "idempotency_key_reused")
    assert number_of_jobs(server) == before


def test_a_key_is_good_for_one_tenant_caller_and_route(server, key):
    def export(tenant, subject, path=EXPORTS):
        return server.post(path, {"force": True}, headers={"Idempotency-Key": key},
                           token=server.token("manager", tenant, subject=subject)).must(202)
    answers = [export("alpha", "ann"), export("alpha", "bob"), export("beta", "ann"),
               server.internal("POST", "/internal/exports/generate", {"force": True}, headers={"Idempotency-Key": key}),
               server.internal("POST", "/internal/pipelines/daily", {}, headers={"Idempotency-Key": key})]
    assert not any(replayed(answer.must(202)) for answer in answers)
    again = export("alpha", "ann")
    assert replayed(again) and job_id(again) == job_id(answers[0])
    admin = server.post(f"{EXPORTS}?tenant=beta", {"force": True}, headers={"Idempotency-Key": key},
                        token=server.token("admin", subject="ann"))
    assert not replayed(admin.must(202)), "an admin of the same name is somebody else"


def test_what_was_refused_is_not_kept(server, key):
    def send(body):
        return server.internal("POST", COMPUTE, body, headers={"Idempotency-Key": key})
    send({"tenant_id": "alpha", "date": "2024-03-99"}).problem(400)
    send({"tenant_id": "alpha", "after_job": "nonsense"}).problem(400)
    assert not replayed(send({"tenant_id": "alpha", "date": "2024-03-05"}).must(202))


def test_cancelling_and_retrying_are_done_once_a_key(server, key):
    with table_locked(server, "msp.kpi_daily"):
        job = job_id(server.internal("POST", COMPUTE, {"tenant_id": "beta", "date": "2024-03-06"}).must(202))
        other = job_id(server.internal("POST", COMPUTE, {"tenant_id": "beta", "date": "2024-03-07"}).must(202))

        def control(action, name=job):
            return server.internal("POST", f"/internal/jobs/{name}/{action}", headers={"Idempotency-Key": key})
        assert not replayed(control("cancel").must(200))
        server.finished(job, timeout=20)
        assert not replayed(control("retry").must(200))
        again = control("cancel").must(200)
        assert replayed(again) and again.json["job"]["state"] in ("queued", "running")
        assert replayed(control("retry").must(200))
        control("cancel", other).problem(422, "idempotency_key_reused")
    assert server.finished(job)["state"] == server.finished(other)["state"] == "succeeded"


def test_a_message_is_sent_once_a_key_and_never_merged(server, key):
    def send(**headers):
        body = {"channel": "slack", "text": "The night was quiet."}
        return job_id(server.internal("POST", "/internal/notifications", body, headers=headers).must(202))
    keyed = {"Idempotency-Key": key}
    ids = [send(**keyed), send(**keyed), send(), send()]
    assert ids[0] == ids[1] and len(set(ids)) == 3
    for name in ids:
        server.internal("POST", f"/internal/jobs/{name}/cancel").must(200)


def test_taking_in_tickets_needs_no_key_and_ignores_one(server, key):
    for number in range(2):
        body = {"tenant_id": "alpha", "tickets": [ticket(f"K{number}", "2024-03-01T08:00:00Z")]}
        answer = server.internal("POST", "/internal/ingest/tickets", body, headers={"Idempotency-Key": key}).must(200)
        assert answer.json["stats"]["inserted"] == 1 and not replayed(answer)


@pytest.mark.parametrize("sent", ["", "two words", "é", "x" * 256, '"open', '""', '"a"b', '"a\\n"', 'a"b'])
def test_a_key_that_cannot_be_read_is_refused(server, sent):
    compute(server, sent.encode("utf-8")).problem(400, "idempotency_key_malformed")


def test_two_keys_in_one_request_are_refused(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
        peer.sendall((f"POST {COMPUTE} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {SECRETS['SERVICE_TOKEN']}\r\n"
                      "Idempotency-Key: a\r\nidempotency-key: b\r\nConnection: close\r\n\r\n").encode())
        answer = read_all(peer)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"idempotency_key_malformed" in answer


# ---- at once, and in spite of what breaks ----

def test_eight_at_once_start_one_job(server, key):
    for round_number in range(5):
        before = number_of_jobs(server)
        answers = at_once(8, lambda n, k=f"{key}-{round_number}": compute(server, k, day=8 + round_number).must(202))
        assert len({job_id(answer) for answer in answers}) == 1
        assert sorted(replayed(answer) for answer in answers) == [False] + [True] * 7
        server.finished(job_id(answers[0]))
        assert number_of_jobs(server) == before + 1


def test_a_key_whose_request_is_still_being_worked_on_is_409(server, key):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with table_locked(server, "msp.jobs"):
            first = pool.submit(compute, server, key, 13)
            wait_until(lambda: server.stack.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 2"), 10)
            compute(server, key, 13).problem(409, "idempotency_key_in_use")
        job = job_id(first.result().must(202))
    again = compute(server, key, 13).must(202)
    assert replayed(again) and job_id(again) == job


def test_a_start_whose_http_worker_dies_before_it_answers_is_found_again(server, key, expect_log):
    expect_log(r"crash|signal|SIGKILL|killed")
    before = number_of_jobs(server)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with table_locked(server, "msp.jobs"):
            lost = pool.submit(compute, server, key, 14)
            wait_until(lambda: server.stack.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 2"), 10)
            for victim in server.workers():
                os.kill(victim, signal.SIGKILL)
                wait_until(lambda pid=victim: not processes.alive(pid), 5)
        assert lost.exception(timeout=20) is not None
    server.wait_ready()
    first = wait_until(lambda: (lambda a: a if a.status == 202 else None)(compute(server, key, 14)), 20)
    again = compute(server, key, 14).must(202)
    assert job_id(again) == job_id(first) and number_of_jobs(server) == before + 1


@pytest.mark.parametrize("trouble", ["flushed", "stopped", "killed"])
def test_redis_neither_doubles_nor_blocks(server, key, trouble, expect_log):
    expect_log(r"(?i)redis")
    redis = server.stack.redis
    first = compute(server, key, 15).must(202)
    server.finished(job_id(first))
    pid = redis.process.pid
    if trouble == "flushed":
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(redis.path)
            peer.sendall(b"FLUSHALL\r\n")
            assert peer.recv(64).startswith(b"+OK")
    elif trouble == "stopped":
        os.kill(pid, signal.SIGSTOP)
    else:
        redis.stop()
    try:
        before = number_of_jobs(server)
        begun = time.monotonic()
        answers = at_once(8, lambda n: compute(server, key, 15).must(202))
        assert all(replayed(answer) and job_id(answer) == job_id(first) for answer in answers)
        fresh = at_once(8, lambda n: compute(server, key + "-new", 16).must(202))
        assert len({job_id(answer) for answer in fresh}) == 1
        assert time.monotonic() - begun < 10
        server.finished(job_id(fresh[0]))
        assert number_of_jobs(server) == before + 1
    finally:
        if trouble == "stopped":
            os.kill(pid, signal.SIGCONT)
        elif trouble == "killed":
            redis.start()


# ---- the end of a key ----

def test_a_key_holds_for_a_day_and_is_forgotten_afterwards(server, key):
    first = compute(server, key, 17).must(202)
    server.finished(job_id(first))
    server.stack.query("UPDATE msp.idempotency_keys SET created_at = created_at - interval '23 hours 59 minutes'"
                       " WHERE key = %s", (key,))
    assert replayed(compute(server, key, 17).must(202))
    server.stack.query("UPDATE msp.idempotency_keys SET created_at = created_at - interval '2 minutes' WHERE key = %s", (key,))
    later = compute(server, key, 18).must(202)
    assert not replayed(later) and job_id(later) != job_id(first)
    assert replayed(compute(server, key, 18).must(202)), "the key holds again"


def test_the_job_worker_forgets_old_keys_and_sees_no_others(server, key):
    for name in (key + "-old", key + "-new"):
        server.finished(job_id(compute(server, name, 19).must(202)))
    server.stack.query("UPDATE msp.idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = %s", (key + "-old",))
    worker = server.stack.postgres.login(server.stack.database, "msp_worker", "worker-password-of-the-tests")
    with worker.cursor() as cursor:
        cursor.execute("SET ROLE msp_jobs")
        cursor.execute("SELECT count(*) FROM msp.idempotency_keys")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT msp.idempotency_prune(1000)")
        assert cursor.fetchone() == (1,)
    worker.close()
    assert server.stack.query("SELECT key FROM msp.idempotency_keys WHERE key LIKE %s", (key + "%",)) == [(key + "-new",)]

"""Redis stands still, dies or forgets everything under load: answers are as quick, nothing is refused or done twice."""

import concurrent.futures
import os
import socket
import time

import pytest

from harness.latency import Pace
from harness.load import Load
from harness.tickets import ticket
from harness.waiting import seconds_that_stay_a_window, wait_until

DAILY = "/v1/kpis/daily?from=2024-03-01&to=2024-03-31"
COMPUTE = "/internal/kpi/compute-daily"
WINDOW = seconds_that_stay_a_window()
SECONDS = 8 if os.environ.get("MSP_SLOW") else 3


@pytest.fixture
def own(new_stack, expect_log):
    """A server whose limits are leased from Redis all the time, and never reached."""
    expect_log(r"(?i)redis")
    stack = new_stack()
    server = stack.server(RATE_LIMITS="read=1000000/60 write=6000/60 export=6000/60 service=60000/60").start()
    slug = server.add_tenant("leased")
    server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    server.compute(slug, "2024-03-01", "2024-03-31")
    return stack, server, slug


def flush(stack):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(stack.redis.path)
        peer.sendall(b"FLUSHALL\r\n")
        assert peer.recv(64).startswith(b"+OK")


@pytest.mark.alone
def test_a_redis_that_stands_still_costs_less_than_a_tenth_of_a_second(own):
    stack, server, slug = own
    headers = {"Authorization": f"Bearer {server.token('manager', slug)}"}
    with Load(server.port, DAILY, headers, threads=2) as load, Pace(server.port, DAILY, headers) as pace:
        wait_until(load.answers_more(50), 20, "the load to flow")
        pace.during("before", SECONDS)
        stack.redis.pause()
        try:
            pace.during("stopped", SECONDS)
        finally:
            stack.redis.resume()
        pace.during("after", SECONDS)
    assert load.failures == [] and pace.failures == []
    before, stopped, after = (pace.p99(phase) for phase in ("before", "stopped", "after"))
    print(f"p99 before {before * 1000:.1f} ms, Redis stopped {stopped * 1000:.1f} ms, after {after * 1000:.1f} ms")
    assert stopped <= before + 0.1 and after <= before + 0.1, (before, stopped, after)


def requests_passed(server, slug, count):
    with concurrent.futures.ThreadPoolExecutor(8) as crowd:
        return list(crowd.map(lambda _: server.v1(slug, "/v1/me").status, range(count))).count(200)


def test_a_limit_is_neither_passed_nor_cut_short_whatever_becomes_of_redis(new_stack, expect_log):
    expect_log(r"(?i)redis")
    stack = new_stack()
    server = stack.server(RATE_LIMITS=f"read=120/{WINDOW} write=60000/60 export=60000/60 service=60000/60").start()

    def back():
        stack.redis.stop()
        stack.redis.start()
    # What becomes of Redis in the middle of a window, and what makes it good again for the next tenant.
    for trouble, mended in ((lambda: flush(stack), None), (stack.redis.pause, stack.redis.resume), (back, None),
                            (stack.redis.stop, None)):
        slug = server.add_tenant(f"limited-{server.number}-{len(server.tenants())}")
        assert requests_passed(server, slug, 50) == 50
        trouble()
        passed = requests_passed(server, slug, 120)
        if mended is not None:
            mended()
        assert passed == 70, f"{50 + passed} of 120 were let through"


def test_a_key_is_used_once_while_redis_dies_comes_back_and_forgets(own):
    stack, server, slug = own

    def start(number):
        answer = server.internal("POST", COMPUTE, {"tenant_id": slug, "date": f"2024-03-{1 + number % 28:02}"},
                                 headers={"Idempotency-Key": f"order-{number}"}, timeout=30)
        return number, answer.must(202).json["job"]["id"]
    with Load(server.port, DAILY, {"Authorization": f"Bearer {server.token('manager', slug)}"}, threads=2) as load, \
            concurrent.futures.ThreadPoolExecutor(8) as pool:
        ids = {}
        for trouble in (lambda: None, stack.redis.stop, stack.redis.start, lambda: flush(stack), stack.redis.pause,
                        stack.redis.resume):
            trouble()
            # Each order is sent four times at once, and again in every later state.
            for number, job in pool.map(start, sorted(list(range(len(ids) + 5)) * 4)):
                assert ids.setdefault(number, job) == job, f"order {number} became two jobs"
        wait_until(load.answers_more(50), 20, "the load to flow on")
    assert load.failures == []
    assert len(ids) == 30
    stored = stack.query("SELECT count(*) FROM msp.idempotency_keys WHERE key LIKE 'order-%%'")[0][0]
    assert stored == 30


def test_leases_come_back_by_themselves(own):
    """After Redis was away, nodes share their limits again."""
    stack, server, slug = own
    server.v1(slug, "/v1/me").must(200)
    stack.redis.stop()
    for _ in range(20):
        server.v1(slug, "/v1/me").must(200)
    stack.redis.start()

    def leased():
        server.v1(slug, "/v1/me").must(200)
        requests_passed(server, slug, 200)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(stack.redis.path)
            peer.sendall(b"DBSIZE\r\n")
            return int(peer.recv(64)[1:].split()[0]) > 0
    begun = time.monotonic()
    wait_until(leased, 60, "a lease to be taken from Redis again", interval=0.2)
    print(f"leases are taken again after {time.monotonic() - begun:.1f} s")

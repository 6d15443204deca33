"""Callbacks: the end of a job is told by a signed POST, at least once, never before its answer, until it is taken."""

import datetime
import os
import signal
import threading
import time

import pytest

from harness import processes
from harness.databases import PASSWORDS
from harness.receivers import Receiver
from harness.waiting import wait_until

COMPUTE = "/internal/kpi/compute-daily"
KEY, PREVIOUS = b"0123456789abcdef0123456789abcdef", b"an earlier key of the same kind"
RECEIVERS = 14


@pytest.fixture(scope="module")
def receivers():
    made = [Receiver() for _ in range(RECEIVERS)]
    yield made
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def stack(module_stack):
    """Job workers of other settings must not take these callbacks."""
    return module_stack


@pytest.fixture(scope="module")
def teller(stack, receivers):
    """A server that may call the receivers."""
    allowed = ",".join(f"http://127.0.0.1:{one.port}+private" for one in receivers)
    one = stack.server(EGRESS_ALLOW=allowed, CALLBACK_SECRET="whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                       CALLBACK_SECRET_PREVIOUS=PREVIOUS.decode())
    one.start()
    one.add_tenant("told")
    return one


@pytest.fixture
def receiver(receivers):
    """A receiver that no other test of this file uses."""
    return receivers.pop()


def start(server, url, **more):
    """Starts a quick job that tells its end to `url`; its id."""
    answer = server.internal("POST", COMPUTE, {"tenant_id": "told", "date": "2024-03-01", "callback_url": url, **more})
    return answer.must(202).json["job"]["id"]


def callback(server, job_id):
    return server.internal("GET", f"/internal/jobs/{job_id}").must(200).json["callback"]


def ended(server, job_id, timeout=20):
    """The callback's state once nothing more will be sent."""
    return wait_until(lambda: (lambda c: c if c["state"] in ("taken", "failed") else None)(callback(server, job_id)),
                      timeout, "the callback to end")


def insert(stack, url, **columns):
    """A job with a callback whose caller has had no answer yet; its id."""
    names = ["tenant_id", "kind", "lane", "parameters", "callback_url", *columns]
    values = ["told", "kpi", 1, '{"date": "2024-03-01"}', url, *columns.values()]
    places = ["(SELECT tenant_id FROM msp.tenants WHERE slug = %s)", *["%s"] * (len(names) - 1)]
    row, = stack.query(f"INSERT INTO msp.jobs ({', '.join(names)}) VALUES ({', '.join(places)}) RETURNING job_id::text",
                       values)
    return row[0]


def release(stack, job_id):
    stack.query("UPDATE msp.callback_deliveries SET answered_at = now() WHERE job_id = %s", (job_id,))


def test_the_end_is_told_once_signed_and_as_the_job_is_shown(teller, receiver):
    query = "/webhook-waiting/4?signature=a%2Fb%20c&x=1&&y=%C3%A9&z"
    job_id = start(teller, receiver.url(query))
    assert ended(teller, job_id) == {"state": "taken", "attempts": 1, "last_status": 200}
    told, = receiver.deliveries
    assert told.path == query, "the query string must arrive byte for byte"
    assert told.json == {"job": teller.internal("GET", f"/internal/jobs/{job_id}").must(200).json["job"]}
    assert told.json["job"]["state"] == "succeeded"
    assert told.headers["Content-Type"] == "application/json"
    assert told.id.startswith("msg_") and "." not in told.id
    assert abs(int(told.headers["webhook-timestamp"]) - time.time()) < 60
    assert told.is_signed_with(KEY) and told.is_signed_with(PREVIOUS)
    assert not told.is_signed_with(b"another key")


def test_one_that_took_it_and_answered_500_is_told_again_and_may_say_409_until_it_counts_as_taken(teller, stack,
                                                                                                 receiver):
    receiver.answer = lambda delivery, number: 500 if number == 1 else 409
    job_id = start(teller, receiver.url())
    receiver.wait_for(4)
    assert len({told.id for told in receiver.deliveries}) == 1
    assert callback(teller, job_id)["state"] == "waiting"
    # The minute of short steps is over.
    stack.query("UPDATE msp.callback_deliveries SET conflicts = 12 WHERE job_id = %s", (job_id,))
    state = ended(teller, job_id)
    assert state["state"] == "taken" and state["last_status"] == 409


def test_a_409_of_one_that_does_not_wait_yet_is_repeated_after_half_a_second(teller, receiver):
    receiver.answer = lambda delivery, number: 409 if number == 1 else 200
    job_id = start(teller, receiver.url())
    assert ended(teller, job_id) == {"state": "taken", "attempts": 2, "last_status": 200}
    first, second = receiver.deliveries
    assert 0.45 <= second.at - first.at < 5


@pytest.mark.parametrize("slow,quick", [(500, 200), (200, 500)])
def test_a_5xx_beside_an_acceptance_counts_as_taken_whichever_is_heard_first(teller, stack, receivers, slow, quick):
    receiver, go_on = receivers.pop(), threading.Event()

    def answer(delivery, number):
        if number == 1:
            go_on.wait(30)
        return {1: slow, 2: quick}.get(number, 503)
    receiver.answer = answer
    job_id = start(teller, receiver.url())
    receiver.wait_for(1)
    # As if the first try were lost with the node that made it.
    stack.query("UPDATE msp.callback_deliveries SET next_at = now() WHERE job_id = %s", (job_id,))
    receiver.wait_for(2)
    wait_until(lambda: callback(teller, job_id)["last_status"] == quick, 10, "the second answer to be written")
    go_on.set()
    assert ended(teller, job_id)["state"] == "taken"
    time.sleep(0.7)  # longer than the first step
    assert callback(teller, job_id)["state"] == "taken" and len(receiver.deliveries) <= 3


@pytest.mark.parametrize("status,headers,state", [
    (410, {}, "taken"), (422, {}, "failed"), (401, {}, "failed"), (302, {"Location": "/elsewhere"}, "failed")])
def test_a_word_that_is_final_ends_it_with_one_call(teller, receivers, status, headers, state):
    receiver = receivers[0]
    before = len(receiver.deliveries)
    receiver.answer = lambda delivery, number: (status, headers)
    job_id = start(teller, receiver.url("/here"))
    assert ended(teller, job_id) == {"state": state, "attempts": 1, "last_status": status}
    assert [told.path for told in receiver.deliveries[before:]] == ["/here"]
    if state == "failed":
        assert "Callback failed" in teller.log()


def test_a_receiver_that_asks_for_time_is_given_it(teller, receiver):
    receiver.answer = lambda delivery, number: (429, {"Retry-After": "2"}) if number == 1 else 200
    assert ended(teller, start(teller, receiver.url()))["attempts"] == 2
    first, second = receiver.deliveries
    assert 1.9 <= second.at - first.at < 10


def test_silent_and_late_receivers_are_told_until_they_take_it_and_hold_nobody_up(teller, receivers):
    silent, late, lively = receivers.pop(), receivers.pop(), receivers.pop()
    silent.answer = lambda delivery, number: None
    for day in range(1, 7):
        start(teller, silent.url(), date=f"2024-04-{day:02}")
    silent.wait_for(2)
    until = time.monotonic() + 3
    late.answer = lambda delivery, number: 404 if time.monotonic() < until else 200
    late_job = start(teller, late.url())
    begun = time.monotonic()
    for day in range(1, 7):
        start(teller, lively.url(), date=f"2024-05-{day:02}")
    lively.wait_for(6, timeout=10)
    assert time.monotonic() - begun < 10
    assert len(silent.deliveries) == 2, "a host has two senders at most"

    state = ended(teller, late_job)
    assert state["state"] == "taken" and state["last_status"] == 200
    assert len(late.deliveries) == state["attempts"] >= 3
    assert len({told.id for told in late.deliveries}) == 1, "the id must stay over all tries"
    assert len({told.body for told in late.deliveries}) == 1
    assert all(told.is_signed_with(KEY) for told in late.deliveries)

    silent.answer = lambda delivery, number: 200
    first = silent.deliveries[0]
    wait_until(lambda: [told for told in silent.deliveries[1:] if told.id == first.id], 40, "the first to be told again")


def test_nothing_is_told_before_the_answer_is_out(teller, stack, receivers):
    receiver = receivers[0]
    receiver.answer = lambda delivery, number: 200
    before = len(receiver.deliveries)
    job_id = insert(stack, receiver.url("/early"))
    teller.finished(job_id)
    wait_until(lambda: callback(teller, job_id)["state"] == "waiting", 5, "the callback to be due")
    time.sleep(1.5)  # two looks of the callback thread
    assert len(receiver.deliveries) == before and callback(teller, job_id)["attempts"] == 0
    release(stack, job_id)
    assert ended(teller, job_id)["state"] == "taken"
    assert receiver.deliveries[-1].path == "/early"


def test_an_answer_that_waited_for_the_end_releases_the_callback_too(teller, receivers):
    receiver = receivers[0]
    receiver.answer = lambda delivery, number: 200
    job = teller.job(COMPUTE, {"tenant_id": "told", "date": "2024-03-02", "callback_url": receiver.url("/waited")})
    assert ended(teller, job["id"], timeout=10)["state"] == "taken"


def test_failed_cancelled_and_retried_jobs_are_told_too(teller, stack, receivers):
    receiver = receivers[0]
    receiver.answer = lambda delivery, number: 200
    before = len(receiver.deliveries)
    job_id = insert(stack, receiver.url("/parked"), run_at="infinity")
    release(stack, job_id)
    teller.internal("POST", f"/internal/jobs/{job_id}/cancel").must(200)
    assert ended(teller, job_id)["state"] == "taken"
    teller.internal("POST", f"/internal/jobs/{job_id}/retry").must(200)
    receiver.wait_for(before + 2)
    cancelled, succeeded = receiver.deliveries[before:]
    assert cancelled.json["job"]["state"] == "cancelled" and succeeded.json["job"]["state"] == "succeeded"
    assert cancelled.id != succeeded.id, "another end is another message"


def test_a_job_that_failed_is_told_with_its_error(teller, receivers):
    receiver = receivers[0]
    receiver.answer = lambda delivery, number: 200
    today = datetime.date.today().isoformat()
    body = {"tenant_id": "told", "from": today, "to": today, "callback_url": receiver.url("/failed")}
    job_id = teller.internal("POST", "/internal/exports/generate", body).must(202).json["job"]["id"]
    assert ended(teller, job_id)["state"] == "taken"
    told = receiver.deliveries[-1].json["job"]
    assert told["state"] == "failed" and told["error"]["code"] and told["result"] is None


def test_a_call_for_all_tenants_is_told_once_by_its_parent(teller, receivers):
    receiver = receivers[0]
    receiver.answer = lambda delivery, number: 200
    before = len(receiver.deliveries)
    answer = teller.internal("POST", COMPUTE, {"date": "2024-03-01", "callback_url": receiver.url("/all")}).must(202)
    job_id = answer.json["job"]["id"]
    assert ended(teller, job_id, timeout=60)["state"] == "taken"
    assert [told.json["job"]["id"] for told in receiver.deliveries[before:]] == [job_id]


def test_a_callback_goes_only_where_the_operator_allows(teller, stack):
    before = stack.query("SELECT count(*) FROM msp.callback_deliveries")
    for url in ("http://127.0.0.1:1/", "https://example.com/", "ftp://127.0.0.1/", "http://user@127.0.0.1/", "x"):
        body = {"tenant_id": "told", "date": "2024-03-01", "callback_url": url}
        assert teller.internal("POST", COMPUTE, body).must(400).pointers() == ["/callback_url"]
    assert stack.query("SELECT count(*) FROM msp.callback_deliveries") == before


def test_jobs_without_a_callback_show_none(teller):
    job = teller.job(COMPUTE, {"tenant_id": "told", "date": "2024-03-03"})
    assert "callback" not in teller.internal("GET", f"/internal/jobs/{job['id']}").must(200).json


def test_what_was_told_is_forgotten_with_its_job(teller, stack, receivers):
    receivers[0].answer = lambda delivery, number: 200
    job_id = start(teller, receivers[0].url())
    ended(teller, job_id)
    worker = stack.postgres.login(stack.database, "msp_worker", PASSWORDS["worker"])
    try:
        cursor = worker.cursor()
        cursor.execute("SET ROLE msp_jobs")
        cursor.execute("DELETE FROM msp.jobs WHERE job_id = %s", (job_id,))
    finally:
        worker.close()
    assert stack.query("SELECT count(*) FROM msp.callback_deliveries WHERE job_id = %s", (job_id,)) == [(0,)]


# ---- workers that die ----

def kill_job_worker(server):
    victim = server.job_worker()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: not processes.alive(victim), 5)


def test_a_worker_killed_between_the_end_and_the_telling_forgets_nothing(teller, stack, receivers, expect_log):
    expect_log(r"crash|signal|SIGKILL|killed")
    receiver = receivers[0]
    receiver.answer = lambda delivery, number: 200
    job_id = insert(stack, receiver.url("/survivor"))
    assert teller.finished(job_id)["state"] == "succeeded"
    kill_job_worker(teller)
    release(stack, job_id)
    assert ended(teller, job_id, timeout=30)["state"] == "taken"
    assert receiver.deliveries[-1].path == "/survivor"


def test_a_worker_killed_while_it_tells_is_followed_by_one_that_tells_again(teller, stack, receiver, expect_log):
    expect_log(r"crash|signal|SIGKILL|killed")
    receiver.answer = lambda delivery, number: None if number == 1 else 200
    job_id = start(teller, receiver.url())
    receiver.wait_for(1)
    kill_job_worker(teller)
    assert callback(teller, job_id) == {"state": "waiting", "attempts": 1, "last_status": None}
    # The lease of the dead worker is over.
    stack.query("UPDATE msp.callback_deliveries SET next_at = now() WHERE job_id = %s", (job_id,))
    assert ended(teller, job_id, timeout=30) == {"state": "taken", "attempts": 2, "last_status": 200}
    first, second = receiver.deliveries
    assert first.id == second.id

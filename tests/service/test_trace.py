"""A trace passes through: from the request's traceparent to the job it starts, its children, its lines and its calls."""

import re

import pytest

from harness.receivers import Receiver
from harness.waiting import wait_until

COMPUTE = "/internal/kpi/compute-daily"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def server(new_stack, receiver):
    """A server of two tenants whose jobs nobody else takes."""
    made = new_stack().server(EGRESS_ALLOW=f"http://127.0.0.1:{receiver.port}+private",
                              CALLBACK_SECRET="whsec_" + "QUJD" * 11).start()
    made.add_tenant("alpha")
    made.add_tenant("beta")
    return made


def start(server, receiver, traceparent, date, **more):
    """Starts a job and waits for its callback; its id and that."""
    before = len(receiver.deliveries)
    job = server.internal("POST", COMPUTE, {"date": date, "callback_url": receiver.url(), **more},
                          headers={"traceparent": traceparent}).must(202).json["job"]
    return job["id"], receiver.wait_for(before + 1)[before]


def lines_of(server, job_id, word):
    return wait_until(lambda: [line for line in server.log().splitlines() if f"job={job_id}" in line and word in line],
                      10, f"{word} of {job_id}")


def test_a_trace_goes_on_to_a_job_its_children_and_its_callback_and_a_malformed_one_nowhere(server, receiver):
    job_id, told = start(server, receiver, f"00-{TRACE}-{SPAN}-01", "2024-03-01")
    passed = told.headers.get_all("traceparent")
    spans = [re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-01", one) for one in passed]
    assert len(spans) == 1 and spans[0], passed
    assert spans[0][1] not in (SPAN, "0" * 16), "a call has a span of its own"
    for word in ("Job succeeded", "Callback taken"):
        assert all(f" trace={TRACE}" in line for line in lines_of(server, job_id, word))
    children = server.stack.query("SELECT job_id::text, trace FROM msp.jobs WHERE parent_id = %s", (job_id,))
    assert [trace for _, trace in children] == [TRACE, TRACE]
    for child, _ in children:
        assert all(f" trace={TRACE}" in line for line in lines_of(server, child, "Job succeeded"))

    job_id, told = start(server, receiver, f"00-{TRACE.upper()}-{SPAN}-01", "2024-03-02", tenant_id="alpha")
    assert "traceparent" not in told.headers
    assert server.stack.query("SELECT trace FROM msp.jobs WHERE job_id = %s", (job_id,)) == [("",)]
    for word in ("Job succeeded", "Callback taken"):
        assert not any("trace=" in line for line in lines_of(server, job_id, word))

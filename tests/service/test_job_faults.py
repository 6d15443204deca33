"""Workers are killed and PostgreSQL goes away in the middle of a stream of jobs: each ends exactly once, soon.

A few rounds show it in the everyday run. `./ops/test ledger` is the full drill: 100 kills, a database that is away for
a minute, a worker that stands still for longer than the dead are waited for. Its figures are printed."""

import contextlib
import hashlib
import json
import os
import random
import signal
import time

import pytest

from harness import processes
from harness.ledger import Ledger
from harness.queue import column, put, wait_state
from harness.stream import Stream
from harness.tickets import crowd
from harness.waiting import wait_until
from test_job_engine import computing_blocked, wait_in_statement
from test_jobs import FIRST, LAST

DRILL = bool(os.environ.get("MSP_LEDGER"))
KILLS = 100 if DRILL else 5
AWAY_SECONDS = 60 if DRILL else 7
SLUGS = ("anna", "bert", "carl")
KILLED = r"crash|signal|SIGKILL|killed"
AWAY = (r"Cannot claim jobs", r"Cannot look after the jobs", r"postgres|PostgreSQL|database",
        r"Cannot write a job's end", r"sql_57P|unavailable|timed.?out")


@pytest.fixture(scope="module")
def busy(module_stack):
    """A server with three tenants of 300 tickets each, and a ledger."""
    stack = module_stack
    server = stack.server(JOB_THREADS="4").start()
    for number, slug in enumerate(SLUGS):
        server.add_tenant(slug, "Europe/Paris")
        server.feed(slug, crowd(number, 300, FIRST, LAST))
        server.compute(slug, FIRST, LAST)
    return stack, server, Ledger(stack)


def settle(stack, acknowledged, timeout=90):
    """Waits until every acknowledged job has ended; how long each took from its 202 to its end, longest first."""
    ids = list(acknowledged)
    wait_until(lambda: not stack.query("SELECT 1 FROM msp.jobs WHERE job_id = ANY (%s::uuid[])"
                                       " AND state IN ('queued', 'running') LIMIT 1", (ids,)), timeout,
               "every acknowledged job to end", interval=0.2)
    ends = dict(stack.query("SELECT job_id::text, extract(epoch FROM finished_at)::float8 FROM msp.jobs"
                            " WHERE job_id = ANY (%s::uuid[])", (ids,)))
    assert set(ends) == set(ids), "an acknowledged job has no row"
    return sorted((ends[one] - acknowledged[one] for one in ids), reverse=True)


def check_ledger(ledger, acknowledged):
    ends = ledger.counts()
    odd = {one: ends.get(one) for one in acknowledged if ends.get(one) != ["succeeded"]}
    assert not odd, odd


def check_files(server):
    """Nothing half written, and every file is what its manifest says."""
    manifests = 0
    for folder, _, names in os.walk(server.exports):
        assert not [name for name in names if name.endswith(".tmp")], (folder, names)
        if "manifest.json" not in names:
            continue
        manifests += 1
        with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as text:
            for entry in json.load(text)["files"]:
                with open(os.path.join(server.exports, entry["location"]), "rb") as data:
                    assert hashlib.sha256(data.read()).hexdigest() == entry["sha256"], (folder, entry)
    assert manifests > 0


def tell(record_property, name, value):
    record_property(name, value)
    print(f"\n{name}: {value}")


def test_every_acknowledged_job_ends_exactly_once_however_often_the_worker_is_killed(busy, expect_log, record_property):
    expect_log(KILLED)
    stack, server, ledger = busy
    draw = random.Random(20240301)
    begun = time.monotonic()
    with Stream(server, SLUGS) as stream:
        for _ in range(KILLS):
            victim = server.job_worker()
            time.sleep(draw.uniform(0.05, 1.5))  # the random moment itself
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: server.workers("job worker") not in ([], [victim]), 40, "the next job worker")
    took = settle(stack, stream.acknowledged)
    check_ledger(ledger, stream.acknowledged)
    check_files(server)
    losses, most = stack.query("SELECT coalesce(sum(losses), 0), max(losses) FROM msp.jobs")[0]
    tell(record_property, "ledger", f"{KILLS} kills in {time.monotonic() - begun:.0f} s, {len(took)} jobs acknowledged, "
         f"{losses} attempts lost (one job at most {most}), slowest end after {took[0]:.1f} s, "
         f"{len(stream.refused)} starts not acknowledged")
    assert stream.refused == []
    assert len(took) >= KILLS
    assert losses > 0 or not DRILL, "of a hundred kills some must have hit a job that ran; five may all miss"
    assert took[0] < 60


# ---- the database goes away ----

class Away:
    """PostgreSQL and all its backends stand still: connections stay open, nothing answers."""

    def __init__(self, postgres):
        self.pid = postgres.process.pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        for pid in processes.children(self.pid):
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *_):
        for pid in processes.children(self.pid):
            os.kill(pid, signal.SIGCONT)
        os.kill(self.pid, signal.SIGCONT)


@pytest.mark.parametrize("how", ["restarted", "cut off"])
def test_jobs_go_on_by_themselves_once_the_database_is_back(busy, expect_log, record_property, how):
    expect_log(*AWAY)
    stack, server, ledger = busy
    with Stream(server, SLUGS) as stream:
        wait_until(lambda: len(stream.acknowledged) >= 5, 30, "the stream to flow")
        with contextlib.ExitStack() as held:
            # Some are caught in the middle of their statements, and others wait behind them.
            held.enter_context(computing_blocked(stack))
            wait_in_statement(stack)
            if how == "restarted":
                stack.postgres.stop()
                stack.postgres.start()
            else:
                with Away(stack.postgres):
                    time.sleep(AWAY_SECONDS)  # the very thing that is to be outlived
        back = time.time()
        before = len(ledger.counts())
        wait_until(lambda: len(ledger.counts()) >= before + 5, 60, "the stream to flow on")
    took = settle(stack, stream.acknowledged)
    check_ledger(ledger, stream.acknowledged)
    check_files(server)
    ids = list(stream.acknowledged)
    caught, attempts, losses = stack.query(
        "SELECT count(*) FILTER (WHERE created_at < to_timestamp(%s)), max(claims - excused), sum(losses) FROM msp.jobs"
        " WHERE job_id = ANY (%s::uuid[]) AND finished_at > to_timestamp(%s)", (back, ids, back))[0]
    seconds = stack.query("SELECT extract(epoch FROM min(at))::float8 - %s FROM public.ended"
                          " WHERE at > to_timestamp(%s)", (back, back))[0][0]
    tell(record_property, f"database {how}", f"the first job ended {seconds:.1f} s after its return; {len(took)} jobs, "
         f"{caught} of them caught by it, at most {attempts} attempts, {losses} taken from workers")
    assert caught > 0
    assert seconds < (5 if DRILL else 10)
    assert losses == 0, "who was silent only with the database must be left his jobs"


@pytest.mark.skipif(not DRILL, reason="takes a minute; part of ./ops/test ledger")
def test_a_worker_that_stands_still_loses_its_job_in_under_a_minute(busy, expect_log, record_property):
    # Who was stopped in the middle of connecting says so.
    expect_log(r"taken from this worker", *AWAY)
    stack, first, ledger = busy
    second = stack.server().start()
    os.kill(second.job_worker(), signal.SIGSTOP)
    with computing_blocked(stack):
        job_id, = put(stack, "anna", parameters={"from": str(FIRST), "to": str(LAST)})
        wait_state(stack, job_id, "running")
        wait_until(lambda: column(stack, job_id, "heartbeat_at > claimed_at"), 20, "a heartbeat")
        zombie = first.job_worker()
        os.kill(zombie, signal.SIGSTOP)
        os.kill(second.job_worker(), signal.SIGCONT)
        begun = time.monotonic()
        wait_until(lambda: column(stack, job_id, "claims") == 2, 90, "the other worker to take the job")
        seconds = time.monotonic() - begun
        os.kill(zombie, signal.SIGCONT)
    wait_state(stack, job_id, "succeeded")
    wait_until(lambda: "taken from this worker" in first.log(), 20, "the zombie to see that it lost the job")
    assert ledger.ends(job_id) == ["succeeded"]
    tell(record_property, "zombie", f"its job ran again after {seconds:.1f} s")
    assert seconds < 60

"""Figures for Prometheus: well-formed, small in number, the same whoever is asked."""

import http.client
import json
import os
import re
import signal
import time

from harness import processes
from harness.server import SECRETS
from harness.tickets import ticket
from harness.waiting import wait_until

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\}'
SAMPLE = re.compile(rf"^({NAME})({LABELS})? (-?[0-9]+(?:\.[0-9]+)?)$")
BELONGS = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def scrape(server, connection=None):
    """{(name, labels): value}, after the whole answer was held to the format."""
    answer = server.get("/metrics", token=SECRETS["SERVICE_TOKEN"], connection=connection).must(200)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    samples, helped, types = {}, set(), {}
    current = None
    for line in answer.text.splitlines():
        if line.startswith("# HELP "):
            name, told = line[7:].split(" ", 1)
            assert name not in helped and told
            helped.add(name)
            current = name
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == current and name not in types, "TYPE comes once, behind its HELP"
            types[name] = kind
        else:
            name, labels, value = SAMPLE.match(line).groups()
            assert name in [current + end for end in BELONGS[types[current]]], line
            assert types[current] != "counter" or name.endswith("_total")
            assert (name, labels or "") not in samples, f"twice: {line}"
            samples[name, labels or ""] = float(value)
    assert helped == set(types)
    return samples


def test_the_answer_is_well_formed_and_small(server, tenant):
    for _ in range(5):
        tenant()
    samples = scrape(server)
    assert len(samples) < 1500
    assert samples["msp_processes_ready", '{kind="http"}'] == 2
    assert samples["msp_processes_ready", '{kind="jobs"}'] == 1
    assert samples["msp_dependency_up", '{name="postgresql"}'] == 1
    assert samples["msp_db_pool_connections", ""] == 8
    assert not any('tenant=' in labels or 'tenant_id=' in labels for _, labels in samples)


def test_only_internal_callers_with_the_service_token_are_answered(server, tenant):
    server.get("/metrics").problem(401)
    server.get("/metrics", token=server.token("admin")).problem(401)
    server.get("/metrics", token=server.token("manager", tenant())).problem(401)
    server.get("/metrics", token=SECRETS["SERVICE_TOKEN"], headers={"X-Forwarded-For": "127.0.0.1"}).problem(403)
    server.get("/metrics?name=x", token=SECRETS["SERVICE_TOKEN"]).problem(400)


def test_jobs_and_their_run_times_are_counted(server, tenant):
    before = scrape(server)
    slug = tenant()
    server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    server.compute(slug, "2024-03-01")

    def counted():
        now = scrape(server)
        grown = {key: now[key] - before.get(key, 0) for key in now}
        return grown if grown["msp_job_run_seconds_count", '{kind="kpi"}'] >= 1 else None
    grown = wait_until(counted, 10, "the run to be counted")
    assert grown["msp_job_attempts_total", '{kind="kpi"}'] >= 1
    assert grown["msp_job_outcomes_total", '{kind="kpi",outcome="succeeded"}'] >= 1
    assert grown["msp_job_run_seconds_bucket", '{kind="kpi",le="+Inf"}'] == \
        grown["msp_job_run_seconds_count", '{kind="kpi"}']
    now = scrape(server)
    bounds = [value for (name, labels), value in now.items() if name.endswith("_bucket") and 'kind="kpi"' in labels]
    assert bounds == sorted(bounds)


def test_every_worker_gives_the_same_figures(server):
    def quiet(samples):
        """Without what asking itself changes."""
        return {key: value for key, value in samples.items() if "http_requests_total" not in key[0]}
    connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=20) for _ in range(12)]
    try:
        answers = []
        for connection in connections:  # held open, so that they spread over the workers
            answers.append(scrape(server, connection))
        requests = [answer["msp_http_requests_total", ""] for answer in answers]
        assert requests == sorted(requests)
        # A request is counted once its answer has left, so the last one may be missing.
        assert wait_until(lambda: scrape(server)["msp_http_requests_total", ""] >= requests[0] + 12, 10, "the rest")
        names = {frozenset(quiet(answer)) for answer in answers}
        assert len(names) == 1
    finally:
        for connection in connections:
            connection.close()


def test_counters_never_fall_when_children_come_and_go(new_server, expect_log):
    expect_log("SIGKILL", "crashed", "signal")
    server = new_server(HTTP_WORKERS="2")
    seen = 0  # of an answer that has just left, the count may still be on its way: never less, soon more
    for _ in range(2):
        for _ in range(20):
            now = scrape(server)["msp_http_requests_total", ""]
            assert now >= seen
            seen = now
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: not processes.alive(victim) and len(server.workers()) == 2, 15, "a new worker")
        server.wait_ready()
    samples = scrape(server)
    assert samples["msp_http_requests_total", ""] >= 40
    assert samples["msp_child_restarts_total", ""] == 2
    server.configure(LOG_LEVEL="warning")
    assert server.reload().returncode == 0
    assert scrape(server)["msp_http_requests_total", ""] >= samples["msp_http_requests_total", ""]


# ---- msp-analytics status ----

def test_status_tells_the_same_figures_and_how_the_job_worker_is(server, tenant):
    slug = tenant()
    server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    server.compute(slug, "2024-03-01")
    told = json.loads(server.command("status", "--json").stdout)
    lanes = wait_until(lambda: json.loads(server.command("status", "--json").stdout)["jobs"], 20, "a look at the queue")
    assert set(lanes["lanes"]) == {"short", "long"}
    assert told["job_worker"]["short_threads"] + told["job_worker"]["long_threads"] == 4
    kinds = {entry["kind"]: entry for entry in told["jobs"]["kinds"]}
    assert kinds["kpi"]["attempts"] >= 1 and kinds["kpi"]["run_seconds_mean"] > 0
    assert told["http"]["requests"] > 0 and told["http"]["pool_connections"] == 8
    people = server.command("status").stdout
    for words in ("short lane", "long lane", "job worker   answers", "database connections", "kpi"):
        assert words in people, people


def test_status_does_not_wait_for_a_job_worker_that_is_stuck(new_server):
    server = new_server()
    worker = server.job_worker()
    os.kill(worker, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        told = server.command("status", "--json")
        assert told.returncode == 0 and json.loads(told.stdout)["job_worker"] is None
        assert "does not answer" in server.command("status").stdout
        assert time.monotonic() - begun < 10
    finally:
        os.kill(worker, signal.SIGCONT)

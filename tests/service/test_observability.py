"""What the Grafana board and the alert rules stand on: every figure and label they name is served by /metrics, and what
a request leaves behind: its line, its time, its trace."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from harness.server import SECRETS
from harness.tickets import ticket
from harness.waiting import seconds_that_stay_a_window, wait_until

FOLDER = Path(__file__).resolve().parents[2] / "ops" / "observability"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
# What Prometheus makes itself, and what a rule names without asking a figure for it.
OTHERS = {"up", "instance", "job"}
WORDS = {"sum", "rate", "by", "increase", "histogram_quantile", "max", "min", "absent", "topk", "time", "or", "and"}


def figures(server):
    """{metric: its label names} as /metrics describes and gives them."""
    text = server.get("/metrics", token=SECRETS["SERVICE_TOKEN"]).must(200).text
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    found = {}
    for name, kind in kinds.items():
        for end in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            found[name + end] = set()
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found[name].update(re.findall(r'(\w+)="', labels or ""))
    return found


def expressions():
    """(where, PromQL) of each panel and each rule."""
    board = json.loads((FOLDER / "grafana.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"} and rule["annotations"]["summary"]
            assert rule["labels"]["severity"] in ("critical", "warning", "info")
            yield f"rule {rule['alert']}", rule["expr"]


def test_every_figure_that_board_and_rules_name_is_served(server, tenant):
    slug = tenant(source="mock")
    server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    server.compute(slug, "2024-03-01")
    server.v1(slug, "/v1/kpis/daily", from_="2024-03-01", to="2024-03-01").must(200)
    served = wait_until(lambda: (lambda found: found if found["msp_job_run_seconds_bucket"] else None)(figures(server)), 10,
                        "a run to be counted")
    checked = 0
    for where, text in expressions():
        bare = re.sub(r'"[^"]*"', '""', text)
        named = set(re.findall(r"\b(msp_\w+)", bare))
        assert named or "up{" in bare, f"{where} asks for nothing"
        assert named <= set(served), f"{where} names {named - set(served)}"
        checked += len(named)
        # Labels in braces are those of the figure in front of them; those behind `by`, of any named.
        for name, inside in re.findall(r"\b(msp_\w+)\{([^}]*)\}", bare):
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside)) - OTHERS
            assert not served[name] or labels <= served[name], f"{where}: {name} has no {labels - served[name]}"
        known = OTHERS | {"le"} | set().union(*(served[name] for name in named)) if named else OTHERS
        empty = any(not served[name] for name in named)
        by = {label for labels in re.findall(r"\bby \(([^)]*)\)", bare) for label in re.split(r",\s*", labels)}
        assert empty or by <= known, f"{where}: by {by - known}"
    assert checked > 30


def test_the_rules_pass_promtool():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    done = subprocess.run([promtool, "check", "rules", str(FOLDER / "alerts.yml")], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_requests_are_counted_by_route_and_status_in_buckets_of_time(new_server):
    server = new_server()
    token = server.token("admin")
    for _ in range(5):
        server.get("/v1/me", token=token).must(200)
    for _ in range(3):
        server.get("/v1/me").problem(401)
    server.get("/v1/nowhere").problem(404)

    def counted():
        text = server.get("/metrics", token=SECRETS["SERVICE_TOKEN"]).must(200).text
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}
    label = 'method="GET",route="/v1/me"'
    found = wait_until(lambda: (lambda now: now if now.get(f"msp_http_request_seconds_count{{{label}}}") == 8 else None)(
        counted()), 10, "eight requests")
    assert found[f'msp_http_route_requests_total{{{label},status="2xx"}}'] == 5
    assert found[f'msp_http_route_requests_total{{{label},status="4xx"}}'] == 3
    assert found[f'msp_http_request_seconds_bucket{{{label},le="+Inf"}}'] == 8
    assert 0 < found[f"msp_http_request_seconds_sum{{{label}}}"] < 60
    assert found['msp_http_route_requests_total{method="-",route="-",status="4xx"}'] == 1
    assert not any("nowhere" in name for name in found), "what strangers make up is no label"
    server.configure(RATE_LIMITS=f"read=1/{seconds_that_stay_a_window()}")
    assert server.reload().returncode == 0
    assert 429 in [server.get("/v1/me", token=token).status for _ in range(3)]
    wait_until(lambda: counted()['msp_rate_limited_total{class="read"}'] >= 1, 5, "a limited request")


def line_of(server, answer):
    marker = f"request_id={answer.headers['X-Request-Id']}"
    return wait_until(lambda: next((line for line in server.log().splitlines() if marker in line), None), 10, marker)


def test_a_request_leaves_one_line_that_says_all_and_tells_its_time(server, tenant):
    slug = tenant()
    server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    server.compute(slug, "2024-03-01")
    path = "/v1/kpis/daily?from=2024-03-01&to=2024-03-01"
    token = server.token("manager", slug)
    made = server.get(path, token=token, headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}).must(200)
    kept = wait_until(lambda: (lambda answer: answer if "cache;desc=hit" in answer.headers["Server-Timing"] else None)(
        server.get(path, token=token, headers={"traceparent": f"00-{TRACE.upper()}-00f067aa0ba902b7-01"})), 10, "a kept answer")
    number = r"\d+\.\d{3}"
    assert re.fullmatch(rf"total;dur={number}, db;dur={number}, cache;desc=miss", made.headers["Server-Timing"])
    assert re.fullmatch(rf"total;dur={number}, cache;desc=hit", kept.headers["Server-Timing"])
    line = line_of(server, made)
    for part in (f"tenant={slug}", "role=manager", "method=GET", "route=/v1/kpis/daily", "status=200", "cache=miss",
                 f"trace={TRACE}"):
        assert f" {part}" in line, (part, line)
    assert re.search(rf" ms={number} bytes=\d+ ", line)
    assert "2024-03-01" not in line, "a query is not for the log"
    line = line_of(server, kept)
    assert " cache=hit" in line and " trace=" not in line, "an unsound traceparent is none"
    assert "Server-Timing" not in server.get("/livez").must(200).headers


def test_how_long_we_looked_is_not_told_of_what_was_refused(server, tenant):
    token = server.token("manager", tenant())
    for answer in (server.get("/v1/jobs/00000000-0000-0000-0000-000000000000", token=token).must(404),
                   server.get("/v1/me").must(401),
                   server.post("/v1/auth/login", {"email": "nobody@example.org", "password": "x" * 20}).must(401)):
        assert "Server-Timing" not in answer.headers


def test_readyz_tells_what_is_degraded_and_since_when(new_stack, expect_log):
    expect_log("Redis", "redis")
    stack = new_stack()
    server = stack.server().start()
    whole = wait_until(lambda: (lambda told: told if told["checks"]["redis"] == "ok" else None)(
        server.get("/readyz").must(200).json), 20, "Redis to be looked at")
    assert whole["degraded"] == []
    stack.redis.stop()
    told = wait_until(lambda: (lambda told: told if told["degraded"] else None)(server.get("/readyz").must(200).json), 30,
                      "Redis to be missed")
    fault, = told["degraded"]
    assert told["status"] == "degraded" and fault["check"] == "redis"
    again = server.get("/readyz").must(200).json["degraded"][0]["since"]
    assert fault["since"] == again and re.fullmatch(r"20\d\d-\d\d-\d\dT.*Z", again)

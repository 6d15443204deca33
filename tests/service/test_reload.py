"""Reloading under load: nothing fails, a broken file changes nothing, workers are renewed one after another."""

import os
import re
import signal
import time

import pytest

from harness import processes
from harness.load import Load
from harness.server import SECRETS
from harness.waiting import seconds_that_stay_a_window, wait_until

RELOADS = int(os.environ.get("MSP_RELOADS", "40"))
CRASH = r"Process ended unasked.*killed by signal 9"

# A line each that no reload may take, and what is said of it.
BROKEN = [("HTTP_THREADS=lots", "HTTP_THREADS"), ("RATE_LIMITS=read=60", "RATE_LIMITS"), ("LOG_LEVEL=loud", "LOG_LEVEL"),
          ("this is no setting", "NAME=value"), ("JWT_SECRET=short", "JWT_SECRET"), ('STATE_DIR="/tmp', "quoted"),
          ("EGRESS_ALLOW=ftp://example.com", "EGRESS_ALLOW"), ("TRUSTED_PROXIES=10.0.0.0/40", "TRUSTED_PROXIES"),
          ("S3_SECRET_KEY_FILE=/nowhere/at/all", "S3_SECRET_KEY_FILE"), ("EXPORT_STORAGE=ftp://x", "EXPORT_STORAGE")]


def secret(number):
    return f"jwt-secret-number-{number:04d}-of-the-reload-tests-0123456789"


class Changes:
    """What the reloads change, in turns: the settings, and what the command must say of them."""

    def __init__(self):
        self.secret = SECRETS["JWT_SECRET"]
        self.number = 0

    def next(self):
        self.number += 1
        number = self.number
        kind = number % 6
        if kind == 0:
            return {"LOG_LEVEL": ("warning", "info")[number // 6 % 2]}, "LOG_LEVEL changed from"
        if kind == 1:
            return {"RATE_LIMITS": f"read={10 ** 7 + number}/60"}, "RATE_LIMITS changed from"
        if kind == 2:
            return {"EGRESS_ALLOW": f"hooks{number}.example.com"}, "EGRESS_ALLOW changed from"
        if kind == 3:
            # The load goes on with a token of the secret before.
            self.secret = secret(number)
            return {"JWT_SECRET": self.secret, "JWT_SECRET_PREVIOUS": SECRETS["JWT_SECRET"]}, "JWT_SECRET changed, in force"
        if kind == 4:
            return {"HTTP_THREADS": str(65 + number % 100)}, "in force with new workers"
        return {"LISTEN": f"127.0.0.1:{20000 + number}"}, "not in force: it needs a restart"


def serving(server):
    """Waits until all have been ready: one may answer before the others are."""
    wait_until(lambda: " Serving " in server.log(), 20, "all workers")


def generation(server):
    return server.get("/healthz").must(200).json["settings_generation"]


def break_file(server, number):
    """Adds a line that is wrong; what must be said of it."""
    line, word = BROKEN[number % len(BROKEN)]
    with open(server.env_path, "a", encoding="utf-8") as env:
        env.write(line + "\n")
    with open(server.env_path, encoding="utf-8") as env:
        return word, f"{server.env_path}:{len(env.readlines())}"


def test_reloads_under_load_fail_no_request_and_a_broken_file_changes_nothing(new_server, expect_log):
    """Half of them read a broken file. MSP_RELOADS=1000 is `./ops/test reload`."""
    expect_log("Reload failed")
    server = new_server(LOG_LEVEL="warning", HTTP_WORKERS="2")
    master_files = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    memory = processes.pss_bytes(server.process.pid)
    token = {"Authorization": f"Bearer {server.token('admin')}"}
    changes, good, broken, slowest = Changes(), 0, 0, 0.0
    with Load(server.port, "/v1/me", token, threads=3) as kept, \
            Load(server.port, "/v1/me", token, threads=1, keep_alive=False) as fresh, \
            Load(server.port, "/readyz", threads=1, keep_alive=False) as probes:
        for number in range(RELOADS):
            begun = time.monotonic()
            if number % 2:
                before = generation(server)
                word, place = break_file(server, number // 2)
                done = server.reload()
                assert done.returncode == 1 and word in done.stderr and place in done.stderr, (place, done.stderr)
                assert generation(server) == before, "a broken file changed something"
                broken += 1
            else:
                settings, told = changes.next()
                server.configure(**settings)
                done = server.reload()
                assert done.returncode == 0 and told in done.stdout, (settings, done.stdout, done.stderr)
                good += 1
            slowest = max(slowest, time.monotonic() - begun)
        wait_until(kept.answers_more(), 20, "the load to go on")
        wait_until(fresh.answers_more(), 20, "the load to go on")
    failures = kept.failures + fresh.failures + probes.failures
    print(f"{good} reloads and {broken} of a broken file, the slowest in {slowest:.2f} s; {kept.answered} requests on kept "
          f"and {fresh.answered} on new connections, {len(failures)} failed, the slowest in "
          f"{max(kept.slowest, fresh.slowest):.2f} s")
    assert not failures, failures[:5]
    wait_until(lambda: len(server.workers()) == 2 and len(server.workers("job worker")) == 1, 60, "the old ones to be gone")
    assert len(os.listdir(f"/proc/{server.process.pid}/fd")) == master_files, "the master keeps descriptors"
    assert processes.pss_bytes(server.process.pid) < memory + 8 * 1024 * 1024, "the master grows"


def test_what_holds_at_once_holds_for_the_next_request(new_server):
    """Proxies, internal callers, rate limits and log level without a new worker; egress by new ones."""
    server = new_server(EGRESS_ALLOW="", CALLBACK_SECRET="callback-secret-of-the-service-tests")
    serving(server)

    def changed(**settings):
        server.configure(**settings)
        done = server.reload()
        assert done.returncode == 0, done.stderr

    def tell(url):
        return server.internal("POST", "/internal/kpi/compute-daily", {"callback_url": url}).status
    assert tell("https://hooks.example.com/x") == 400
    changed(EGRESS_ALLOW="https://hooks.example.com")
    assert tell("https://hooks.example.com/x") == 202
    wait_until(lambda: len(server.workers()) == 2 and len(server.workers("job worker")) == 1, 20, "the old ones to be gone")
    pids = server.workers() + server.workers("job worker")
    changed(TRUSTED_PROXIES="127.0.0.1")
    server.internal("GET", "/internal/tenants").problem(403)
    changed(TRUSTED_PROXIES="", INTERNAL_ALLOW="10.0.0.0/8")
    server.internal("GET", "/internal/tenants").problem(403)
    changed(INTERNAL_ALLOW="127.0.0.0/8")
    server.internal("GET", "/internal/tenants").must(200)
    changed(RATE_LIMITS=f"read=1/{seconds_that_stay_a_window()}")
    statuses = [server.get("/v1/me", token=server.token("admin")).status for _ in range(2)]
    assert statuses[-1] == 429
    changed(RATE_LIMITS="read=100000/60")
    quiet = server.log().count(" Request ")
    changed(LOG_LEVEL="warning")
    wait_until(lambda: not follows_log(server), 5, "the level to be taken up")
    assert quiet > 0
    changed(LOG_LEVEL="info", LOG_FORMAT="json")
    wait_until(lambda: job_leaves_json(server), 10, "the job worker to take the format up", interval=0.5)
    assert sorted(pids) == sorted(server.workers() + server.workers("job worker"))


def job_leaves_json(server):
    server.job("/internal/kpi/compute-daily", {})
    return any(line.startswith("{") and '"job worker"' in line for line in server.log().splitlines())


def follows_log(server):
    """Whether a request leaves a line."""
    before = len(server.log_bytes())
    server.get("/v1/me", token=server.token("admin")).must(200)
    time.sleep(0.05)
    return b"Request request_id" in server.log_bytes()[before:]


def test_the_service_token_before_is_honoured_until_it_is_left_out(new_server):
    server = new_server()
    old, new = SECRETS["SERVICE_TOKEN"], "another-service-token-of-the-tests-0123456789"
    server.configure(SERVICE_TOKEN=new, SERVICE_TOKEN_PREVIOUS=old)
    done = server.reload()
    assert done.returncode == 0 and "SERVICE_TOKEN changed, in force" in done.stdout and new not in done.stdout
    for token in (old, new):
        server.get("/internal/tenants", token=token).must(200)
    server.configure(SERVICE_TOKEN_PREVIOUS=None)
    assert server.reload().returncode == 0
    server.get("/internal/tenants", token=old).problem(401)
    server.get("/internal/tenants", token=new).must(200)


def steps(server, since):
    """What the master's log says of http workers from that byte on: ("started" or "ready" or "left", number)."""
    words = {"Process started": "started", "Process ready": "ready", "Process has left": "left"}
    found = re.findall(r"(Process (?:started|ready|has left)) name=\"http worker (\d+)\"",
                       server.log_bytes()[since:].decode())
    return [(words[what], int(number)) for what, number in found]


def test_workers_are_renewed_one_after_another_and_a_new_one_before_the_old(new_server):
    server = new_server(HTTP_WORKERS="4", LOG_LEVEL="debug")
    serving(server)
    since = len(server.log_bytes())
    server.configure(HTTP_THREADS="72")
    with Load(server.port, "/livez", threads=2, keep_alive=False) as load:
        assert server.reload().returncode == 0
        wait_until(lambda: len([step for step in steps(server, since) if step[0] == "left"]) == 4, 20,
                   "the old ones to be gone")
    assert not load.failures, load.failures[:5]
    seen = steps(server, since)
    assert [step for step in seen if step[0] != "left"] == [(what, number) for number in (1, 2, 3, 4)
                                                              for what in ("started", "ready")], seen
    for number in (1, 2, 3, 4):
        assert seen.index(("ready", number)) < seen.index(("left", number)), seen


def test_a_worker_that_fails_on_the_way_brings_the_old_ones_back(new_server, expect_log):
    expect_log(CRASH, "Reload failed")
    server = new_server(HTTP_WORKERS="6")
    for attempt in range(5):
        old = set(server.workers())
        with Load(server.port, "/livez", threads=2, keep_alive=False) as load:
            server.configure(HTTP_THREADS=str(70 + attempt))
            server.process.send_signal(signal.SIGHUP)
            victim = wait_until(lambda known=old: [pid for pid in server.workers("http worker 2") if pid not in known], 20,
                                "the second new one", interval=0.001)[0]
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: server.command("status", "--json").returncode == 0, 10, "the board")
            wait_until(lambda: "Reload" in server.log()[-20000:], 30, "the end of the reload")
            wait_until(lambda: len(server.workers()) == 6 and victim not in server.workers(), 30, "six workers again")
        assert not load.failures, load.failures[:5]
        if "did not get ready: killed by signal 9" in server.log():
            break
    else:
        pytest.fail("the new worker was always killed too late")
    wait_until(lambda: server.get("/readyz").status == 200, 10, "the server to be ready")
    names = sorted(processes.title(pid) for pid in server.workers())
    assert names == [f"msp-analytics: http worker {number}" for number in range(1, 7)]
    done = server.reload()
    assert done.returncode == 0 and "HTTP_THREADS changed from" in done.stdout, "the old settings were in force"

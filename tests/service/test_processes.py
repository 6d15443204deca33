"""The master and its children: titles, replacement, stopping, reloading, and what systemd hands over and hears."""

import json
import os
import re
import signal
import socket
import time

import pytest

from harness import processes
from harness.handover import start_behind, start_with
from harness.load import Load
from harness.server import SECRETS, binary
from harness.waiting import wait_until

CRASH = r"Process ended unasked.*killed by signal 9"
TITLES = {"msp-analytics: master", "msp-analytics: http worker 1", "msp-analytics: http worker 2",
          "msp-analytics: job worker", "msp-analytics: snapshot"}


def family(server):
    """The pids of the master and its children."""
    return [server.process.pid, *processes.children(server.process.pid)]


def status(server):
    done = server.command("status", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ---- names ----

def test_ps_shows_titles_and_nothing_of_a_command_line(new_server):
    server = new_server()
    assert {processes.title(pid) for pid in family(server)} == TITLES
    for pid in family(server):
        with open(f"/proc/{pid}/environ", "rb") as environ:
            assert SECRETS["JWT_SECRET"].encode() not in environ.read()


def test_status_names_every_process_and_its_health(new_server):
    server = new_server()
    wait_until(lambda: all(one["state"] == "ready" for one in status(server)["processes"]), 10, "all to be ready")
    wait_until(lambda: status(server)["redis"]["ok"], 10, "Redis to be looked at")
    board = status(server)
    assert board["master_pid"] == server.process.pid
    assert board["postgresql"]["ok"] and board["restarts"] == 0 and board["last_reload"] is None
    named = {f"msp-analytics: {one['name']}": one for one in board["processes"]}
    assert set(named) == TITLES - {"msp-analytics: master"}
    assert {one["pid"] for one in named.values()} == set(processes.children(server.process.pid))
    readable = server.command("status")
    assert readable.returncode == 0 and "http worker 2" in readable.stdout


def test_status_and_reload_say_that_no_server_runs(stack):
    for command in ("status", "reload"):
        done = stack.run(command)
        assert done.returncode == 1
        assert "no server runs with STATE_DIR" in done.stderr


# ---- replacement ----

@pytest.mark.parametrize("kind", ["http worker 1", "job worker", "snapshot"])
def test_killed_child_is_replaced_at_once(new_server, expect_log, kind):
    expect_log(CRASH)
    server = new_server()
    victim = server.workers(kind)[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: re.search(r"Process ready.*ms_since_death", server.log()), 10, "a replacement")
    took = float(re.search(r"ms_since_death\"?[=:] ?\"?([0-9.]+)", server.log()).group(1))
    print(f"{kind}: {took} ms from its death to the ready one")
    assert took < 2000
    assert [pid for pid in server.workers(kind) if pid != victim]
    assert f"child_pid={victim}" in server.log() and "killed by signal 9" in server.log()
    assert status(server)["restarts"] == 1


def test_child_asked_to_leave_by_somebody_is_replaced_while_it_drains(new_server):
    server = new_server()
    before = server.workers()
    with Load(server.port, "/livez", threads=4) as load:
        for pid in before:
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda gone=pid: gone not in server.workers(), 20, "the asked one to be gone")
        wait_until(lambda: len(server.workers()) == 2, 10, "two workers")
    assert not load.failures, load.failures[:5]
    assert not set(before) & set(server.workers())


def test_child_that_dies_before_it_is_ready_waits_longer_each_time(new_stack, expect_log):
    """The keeper is ready with the first tenants: without PostgreSQL it can be killed before."""
    expect_log(CRASH, "Not reachable", "database")
    stack = new_stack()
    stack.postgres.stop()
    server = stack.server().start(ready=False)
    killed = None
    for least in (0, 0.9, 1.9):
        began = time.monotonic()
        keeper = wait_until(lambda old=killed: [pid for pid in server.workers("snapshot") if pid != old], 15,
                            "another keeper")[0]
        assert time.monotonic() - began >= least
        os.kill(keeper, signal.SIGKILL)
        killed = keeper
    stack.postgres.start()
    server.wait_ready()


def test_server_started_without_postgresql_serves_once_it_is_there(new_stack, expect_log):
    expect_log("Not reachable", "database")
    stack = new_stack()
    stack.postgres.stop()
    server = stack.server().start(ready=False)
    wait_until(lambda: "Not reachable" in server.log(), 15, "the keeper to say it")
    time.sleep(2.5)
    assert server.log().count("what=PostgreSQL") == 1, "a state is logged once, not each try"
    stack.postgres.start()
    server.wait_ready(40)


def test_wrong_login_of_the_job_worker_stops_the_start_with_exit_code_2(stack, new_server, expect_log):
    expect_log("superuser", "Process ended unasked", "Stopping", "configuration")
    server = new_server(start=False, JOBS_DATABASE_URL=stack.postgres.url("postgres", "", stack.database))
    server.start(ready=False)
    assert server.process.wait(30) == 2
    server.process = None
    assert "the configuration is wrong" in server.log()


# ---- stopping ----

@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stop_ends_every_process_and_exits_0(new_server, how):
    server = new_server()
    pids = family(server)
    server.process.send_signal(how)
    assert server.process.wait(30) == 0
    server.process = None
    assert not any(processes.alive(pid) for pid in pids)
    state = server.values["STATE_DIR"]
    assert not os.path.exists(os.path.join(state, "jobs.sock"))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", server.port))


def test_no_child_outlives_a_killed_master(new_server):
    server = new_server(DRAIN_SECONDS="5")
    pids = family(server)
    began = time.monotonic()
    server.process.kill()
    server.process.wait(10)
    server.process = None
    wait_until(lambda: not any(processes.alive(pid) for pid in pids), 7, "the children to follow")
    print(f"gone {time.monotonic() - began:.2f} s after the master")


def test_stopped_child_does_not_outlive_a_killed_master_for_long(new_server):
    """A child that cannot listen, here because it is stopped for a while, is ended by its alarm."""
    server = new_server(DRAIN_SECONDS="2")
    child = server.workers("job worker")[0]
    os.kill(child, signal.SIGSTOP)
    server.process.kill()
    server.process.wait(10)
    server.process = None
    time.sleep(0.1)
    os.kill(child, signal.SIGCONT)
    wait_until(lambda: not processes.alive(child), 5, "the child to end")


def test_server_starts_again_right_after_its_master_was_killed(new_server):
    server = new_server()
    server.kill()
    server.start()
    assert server.get("/livez").status == 200


# ---- one STATE_DIR, one master ----

def test_second_master_on_a_state_dir_is_refused(new_server, expect_log):
    server = new_server()
    second = server.command("serve", "--set", f"LISTEN=127.0.0.1:{processes.free_port()}")
    assert second.returncode == 1
    assert f"Another server (pid {server.process.pid}) runs with STATE_DIR" in second.stderr
    assert server.get("/livez").status == 200
    with open(os.path.join(server.values["STATE_DIR"], "lock"), encoding="ascii") as lock:
        assert int(lock.read()) == server.process.pid
    assert os.stat(os.path.join(server.values["STATE_DIR"], "jobs.sock")).st_mode & 0o777 == 0o600


def test_port_in_use_is_said_clearly(new_server):
    server = new_server(start=False)
    with socket.create_server(("127.0.0.1", server.port)):
        done = server.command("serve")
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{server.port}" in done.stderr


# ---- configuration ----

def test_check_config_says_every_fault_at_once(new_server, stack):
    server = new_server(start=False)
    fine = server.command("check-config")
    assert (fine.returncode, fine.stdout) == (0, "configuration is fine\n")
    server.configure(JWT_SECRET="short", HTTP_WORKERS="many", DATABASE_URL=None)
    wrong = server.command("check-config")
    assert wrong.returncode == 2 and wrong.stdout == ""
    for name in ("JWT_SECRET", "HTTP_WORKERS", "DATABASE_URL"):
        assert name in wrong.stderr
    assert "short" not in wrong.stderr.replace("shorter", "")
    server.configure(JWT_SECRET=SECRETS["JWT_SECRET"], HTTP_WORKERS="2", DATABASE_URL=stack.settings()["DATABASE_URL"])
    assert server.command("check-config", "--database").returncode == 0
    server.configure(DATABASE_URL=stack.postgres.url("postgres", "", stack.database), JOBS_DATABASE_URL="postgresql:///x?host=/nowhere")
    wrong = server.command("check-config", "--database")
    assert wrong.returncode == 2 and "DATABASE_URL: " in wrong.stderr and "superuser" in wrong.stderr
    assert "JOBS_DATABASE_URL: " in wrong.stderr
    server.configure(HTTP_WORKERS="many")
    assert server.command("serve").returncode == 2


def test_superuser_login_is_refused_with_exit_code_2(new_server, stack):
    server = new_server(start=False, DATABASE_URL=stack.postgres.url("postgres", "", stack.database))
    done = server.command("serve")
    assert done.returncode == 2
    assert "superuser" in done.stderr


def test_wrong_usage_says_what_is_wrong_and_exits_2(stack):
    for arguments, sentence in [
            ((), "usage: msp-analytics"), (("dance",), 'there is no command "dance"'),
            (("tenant",), "add"), (("tenant", "add"), "TENANT is missing"),
            (("tenant", "add", "x"), "--name is missing"),
            (("token", "--role", "tech"), "needs --tenant"),
            (("token", "--role", "admin", "--tenant", "x"), "leave --tenant out"),
            (("token", "--role", "king", "--tenant", "x"), 'no role "king"'),
            (("kpi", "compute", "--date", "2024-02-30"), "--date must be a day"),
            (("kpi", "compute", "--from", "2024-02-03"), "--from and --to come together"),
            (("status", "--colour"), "there is no option --colour")]:
        done = stack.run(*arguments)
        assert done.returncode == 2, arguments
        assert sentence in done.stderr, (arguments, done.stderr)
        assert "usage: msp-analytics" in done.stderr
    helped = stack.run("kpi", "compute", "--help")
    assert helped.returncode == 0 and "--tenant" in helped.stdout


def test_token_of_the_command_line_opens_the_api(server, tenant):
    slug = tenant()
    done = server.command("token", "--tenant", slug, "--role", "manager", "--subject", "somebody")
    assert done.returncode == 0, done.stderr
    server.get("/v1/kpis/definitions", token=done.stdout.strip()).must(200)


def test_tenant_changes_are_known_within_a_second(server, tenant):
    slug = tenant()
    began = time.monotonic()
    assert server.command("tenant", "disable", slug).returncode == 0
    wait_until(lambda: server.tenants()[slug]["status"] == "disabled", 5, "the tenant to be disabled")
    print(f"known after {time.monotonic() - began:.3f} s, the command included")
    assert server.command("tenant", "enable", slug).returncode == 0
    assert server.command("tenant", "set", slug, "--name", "Another name").returncode == 0
    wait_until(lambda: server.tenants()[slug]["name"] == "Another name", 5, "the name to change")
    listed = json.loads(server.command("tenant", "list", "--json").stdout)["tenants"]
    shown, = (one for one in listed if one["id"] == slug)
    assert shown.pop("limits") is None  # what the command tells beyond what n8n needs
    assert shown == server.tenants()[slug]


# ---- reload ----

def test_reload_with_a_broken_file_keeps_everything_and_names_the_line(new_server, expect_log):
    expect_log("Reload failed")
    server = new_server()
    pids = family(server)
    with open(server.env_path, "a", encoding="utf-8") as env:
        env.write("HTTP_THREADS=lots\n")
    with open(server.env_path, encoding="utf-8") as env:
        line = len(env.readlines())
    done = server.reload()
    assert done.returncode == 1
    assert f"{server.env_path}:{line}" in done.stderr and "HTTP_THREADS" in done.stderr
    assert family(server) == pids
    assert server.get("/livez").status == 200
    assert status(server)["last_reload"]["failed"] is True


def test_reload_without_a_change_says_so(new_server):
    server = new_server()
    done = server.reload()
    assert (done.returncode, done.stdout) == (0, "No setting has changed\n")


def test_reload_puts_new_workers_in_place_without_a_failed_request(new_server):
    server = new_server()
    before = server.workers() + server.workers("job worker")
    keeper = server.workers("snapshot")
    with Load(server.port, "/livez", threads=4, keep_alive=False) as load:
        for threads in ("72", "80", "64"):
            server.configure(HTTP_THREADS=threads)
            done = server.reload()
            assert done.returncode == 0, done.stderr
            assert f'to "{threads}", in force with new workers' in done.stdout
    assert load.answered > 0 and not load.failures, load.failures[:5]
    wait_until(lambda: len(server.workers()) == 2 and len(server.workers("job worker")) == 1, 30,
               "the old workers to be gone")
    assert not set(before) & set(server.workers() + server.workers("job worker"))
    assert server.workers("snapshot") == keeper


def test_reload_changes_the_number_of_workers(new_server):
    server = new_server()
    for count in (3, 1):
        server.configure(HTTP_WORKERS=str(count))
        assert server.reload().returncode == 0
        wait_until(lambda wanted=count: len(server.workers()) == wanted, 30, f"{count} workers")
    assert server.get("/livez").status == 200


def test_reload_changes_what_it_can_at_once_and_names_what_needs_a_restart(new_server):
    server = new_server()
    before = family(server)
    port = processes.free_port()
    server.configure(ALLOWED_HOSTS="example.com", LISTEN=f"127.0.0.1:{port}",
                     JWT_SECRET="another-secret-of-the-service-tests-0123456789")
    done = server.reload()
    assert done.returncode == 0, done.stderr
    assert "ALLOWED_HOSTS changed" in done.stdout
    assert re.search(r"LISTEN changed.*needs a restart", done.stdout)
    assert "JWT_SECRET changed" in done.stdout and "another-secret" not in done.stdout
    assert family(server) == before
    again = server.reload()
    assert re.search(r"LISTEN changed.*needs a restart", again.stdout), "named until it is done"


@pytest.mark.parametrize("fault", ["too powerful", "not there", "wrong password"])
def test_reload_keeps_the_old_workers_when_the_new_cannot_use_the_database(new_server, stack, expect_log, fault):
    expect_log("Reload failed", "Process ended unasked", "superuser", "database")
    server = new_server()
    before = set(family(server))
    good = server.values["DATABASE_URL"]
    server.configure(DATABASE_URL={"too powerful": stack.postgres.url("postgres", "", stack.database),
                                   "not there": "postgresql://msp_server@/msp?host=/nowhere",
                                   "wrong password": stack.postgres.url("msp_server", "wrong", stack.database)}[fault])
    done = server.reload()
    assert done.returncode == 1
    assert "did not get ready" in done.stderr
    wait_until(lambda: set(family(server)) == before, 30, "the new workers to be gone")
    server.configure(DATABASE_URL=good)
    done = server.reload()
    assert (done.returncode, done.stdout) == (0, "No setting has changed\n")
    assert server.get("/readyz").status == 200


# ---- systemd ----

def test_socket_handed_over_by_systemd_is_served(new_server):
    server = new_server(start=False)
    with socket.create_server(("127.0.0.1", server.port), backlog=128) as listener:
        start_behind(server, listener)
        server.wait_ready()
        assert server.get("/livez").status == 200
        assert server.stop() == 0
        # The socket is systemd's: who comes while the server is away waits for its return.
        with socket.create_connection(("127.0.0.1", server.port), timeout=5):
            pass


def test_unfit_hand_over_is_refused(new_server):
    server = new_server(start=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wrong:
        wrong.bind(("127.0.0.1", 0))
        start_behind(server, wrong)
        assert server.process.wait(20) == 2
        server.process = None
    assert "exactly one listening IPv4 TCP socket" in server.log()
    server.log_read = len(server.log_bytes())


class Notifications:
    """The socket that systemd would read."""

    def __init__(self, path):
        self.path = path
        self.peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.peer.bind(path)
        self.peer.settimeout(0.2)
        self.heard = []

    def until(self, word, timeout=30):
        def came():
            try:
                self.heard.append(self.peer.recv(4096).decode())
            except TimeoutError:
                pass
            return any(word in message.split("\n") for message in self.heard)
        wait_until(came, timeout, f"{word} among {self.heard}")
        found = [message for message in self.heard if word in message.split("\n")]
        self.heard.clear()
        return found[-1]


def test_systemd_hears_ready_reloading_and_stopping(new_server):
    server = new_server(start=False)
    hears = Notifications(os.path.join(server.folder, "notify"))
    start_with(server, [binary(), "serve", "--env-file", server.env_path], env={"NOTIFY_SOCKET": hears.path})
    ready = hears.until("READY=1")
    assert f"STATUS=Serving on 127.0.0.1:{server.port}" in ready
    assert {processes.title(pid) for pid in family(server)} == TITLES, "all were ready by then"
    server.process.send_signal(signal.SIGHUP)
    assert re.search(r"MONOTONIC_USEC=\d+", hears.until("RELOADING=1"))
    hears.until("READY=1")
    server.process.send_signal(signal.SIGTERM)
    hears.until("STOPPING=1")
    assert server.process.wait(30) == 0
    server.process = None

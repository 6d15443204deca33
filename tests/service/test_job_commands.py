"""msp-analytics job …: watched by people at a terminal and by scripts in a pipe, ended and tried again."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from harness.server import binary, clean_environment
from harness.waiting import wait_until

COMPUTE = "/internal/kpi/compute-daily"


@pytest.fixture
def held(stack, server, tenant):
    """Makes jobs that cannot end before they are let go: their tenant's computing is locked by us."""
    connections = []

    def make():
        slug = tenant()
        connection = stack.postgres.connect(stack.database, autocommit=False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT msp.lock_compute(tenant_id) FROM msp.tenants WHERE slug = %s", (slug,))
        connections.append(connection)
        answer = server.internal("POST", COMPUTE, {"tenant_id": slug, "from": "2024-01-01", "to": "2024-01-03"})
        number = answer.must(202).json["job"]["id"]
        wait_until(lambda: state(server, number) == "running", 20, "the job to run")
        return slug, number, connection.rollback
    yield make
    for connection in connections:
        connection.close()


def state(server, number):
    return server.internal("GET", f"/internal/jobs/{number}").must(200).json["job"]["state"]


def begin(server, *arguments, **streams):
    return subprocess.Popen([binary(), *arguments, "--env-file", server.env_path], env=clean_environment(), cwd="/",
                            **streams)


def keep_what_is_printed_at_an_interrupt(terminal):
    """The kernel signals first and then drops what waits to be read, so a quick last word would be lost by chance."""
    modes = termios.tcgetattr(terminal)
    modes[3] |= termios.NOFLSH
    termios.tcsetattr(terminal, termios.TCSANOW, modes)


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, server, *arguments, columns=100, terminal="xterm"):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        keep_what_is_printed_at_an_interrupt(slave)
        environment = {**clean_environment(), "TERM": terminal}
        self.process = subprocess.Popen([binary(), *arguments, "--env-file", server.env_path], env=environment, cwd="/",
                                        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.master = master
        self.seen = b""

    def read_until(self, pattern, timeout=20):
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.seen):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.seen!r}"
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    piece = os.read(self.master, 65536)
                except OSError:
                    piece = b""
                assert piece or re.search(pattern, self.seen), f"it ended with {self.seen!r}"
                self.seen += piece
        return self.seen

    def end(self, timeout=20):
        try:
            while True:
                piece = os.read(self.master, 65536)
                if not piece:
                    break
                self.seen += piece
        except OSError:
            pass
        code = self.process.wait(timeout)
        os.close(self.master)
        return code


def test_watch_draws_a_bar_on_a_terminal_and_ends_with_the_result(server, held):
    _, number, let_go = held()
    terminal = Terminal(server, "job", "watch", number)
    terminal.read_until(rb"\r\x1b\[K\[[#.]{30}\] +\d+% \d+/\d+ ")
    let_go()
    assert terminal.end() == 0
    drawn, _, rest = terminal.seen.rpartition(b"\r\x1b[K")
    assert b"rows_written" in rest and json.loads(rest)["days"] == 3
    for line in re.split(rb"\r\x1b\[K|\r\n", drawn):
        assert len(line) < 100, "a bar never wraps"


@pytest.mark.parametrize("columns, terminal", [(30, "xterm"), (100, "dumb")])
def test_a_bar_fits_a_narrow_terminal_and_a_dumb_one_gets_lines(server, held, columns, terminal):
    _, number, let_go = held()
    watching = Terminal(server, "job", "watch", number, columns=columns, terminal=terminal)
    watching.read_until(rb"\[[#.]{5}" if terminal == "xterm" else rb"job [0-9a-f-]{36} running \d+/\d+")
    let_go()
    assert watching.end() == 0
    for line in re.split(rb"\r\x1b\[K", watching.seen)[1:-1]:
        assert len(line) < columns
    assert (b"\x1b" in watching.seen) == (terminal == "xterm")


def test_watch_says_plain_lines_in_a_pipe(server, held):
    _, number, let_go = held()
    watching = begin(server, "job", "watch", number, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert watching.stderr.readline().decode().startswith(f"job {number} running ")
    let_go()
    out, err = watching.communicate(timeout=30)
    assert watching.returncode == 0 and json.loads(out)["days"] == 3
    assert b"\x1b" not in err and b"\r" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_the_job_running_and_says_so(server, held, number):
    _, job, let_go = held()
    watching = begin(server, "job", "watch", job, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watching.stderr.readline()
    watching.send_signal(number)
    out, err = watching.communicate(timeout=20)
    assert watching.returncode == 1 and out == ""
    assert f"job {job} goes on without you" in err and f"job cancel {job}" in err
    assert state(server, job) == "running"
    let_go()
    assert server.finished(job)["state"] == "succeeded"


def test_ctrl_c_at_a_terminal_takes_the_bar_away(server, held):
    _, job, _ = held()
    terminal = Terminal(server, "job", "watch", job)
    terminal.read_until(rb"\[[#.]{30}\]")
    os.write(terminal.master, b"\x03")
    assert terminal.end() == 1
    last = terminal.seen.rsplit(b"\x1b[K", 1)[1]
    assert b"[#" not in last and b"[." not in last and b"goes on without you" in last


def test_watch_ends_with_1_when_the_job_did_not_succeed(server, held):
    _, number, _ = held()
    watching = begin(server, "job", "watch", number, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watching.stderr.readline()
    begun = time.monotonic()
    done = server.command("job", "cancel", number)
    assert done.returncode == 0 and "asked to stop" in done.stdout, done
    out, err = watching.communicate(timeout=30)
    assert watching.returncode == 1 and "cancelled" in err and out == ""
    assert time.monotonic() - begun < 15
    assert state(server, number) == "cancelled"


def test_cancel_and_retry_say_what_they_did_and_refuse_the_rest(server, held):
    _, number, let_go = held()
    assert server.command("job", "retry", number).returncode == 1
    assert server.command("job", "cancel", number).returncode == 0
    assert server.finished(number)["state"] == "cancelled"
    again = server.command("job", "cancel", number)
    assert again.returncode == 1 and "has ended already" in again.stderr
    let_go()
    revived = server.command("job", "retry", number, "--json")
    assert revived.returncode == 0 and json.loads(revived.stdout)["job"]["state"] in ("queued", "running", "succeeded")
    assert server.command("job", "watch", number).returncode == 0
    ended = server.command("job", "retry", number)
    assert ended.returncode == 1 and "succeeded" in ended.stderr
    for command in ("show", "watch", "cancel", "retry"):
        unknown = server.command("job", command, "6f2c1b1e-4a0e-4c1e-9a55-0d6d2b6b7f10")
        assert unknown.returncode == 1 and "no such job" in unknown.stderr
        assert server.command("job", command).returncode == 2


def test_list_filters_and_prints_json(server, held):
    slug, number, let_go = held()
    other = server.command("job", "list", "--tenant", slug, "--state", "running", "--kind", "kpi", "--json")
    assert [job["id"] for job in json.loads(other.stdout)["jobs"]] == [number]
    assert json.loads(server.command("job", "list", "--tenant", slug, "--state", "failed", "--json").stdout) == {"jobs": []}
    assert number in server.command("job", "list", "--tenant", slug).stdout
    assert len(json.loads(server.command("job", "list", "--limit", "1", "--json").stdout)["jobs"]) == 1
    assert server.command("job", "list", "--state", "nonsense").returncode == 2
    assert server.command("job", "list", "--limit", "0").returncode == 2
    assert server.command("job", "list", "--tenant", "nobody-here").returncode == 1
    shown = json.loads(server.command("job", "show", number, "--json").stdout)["job"]
    assert shown == server.internal("GET", f"/internal/jobs/{number}").must(200).json["job"]
    let_go()


def test_a_script_that_starts_and_waits_hears_of_the_end_at_once(server, tenant):
    slug = tenant()
    took = []
    for _ in range(3):
        begun = time.monotonic()
        done = server.command("kpi", "compute", "--tenant", slug, "--date", "2024-01-01")
        took.append(time.monotonic() - begun)
        assert done.returncode == 0 and json.loads(done.stdout)["days"] == 1
    assert min(took) < 1.5

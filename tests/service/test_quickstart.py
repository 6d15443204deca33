"""./ops/quickstart as a newcomer runs it: data in it, safe to repeat, everything gone after --stop. A stand-in of a
ticket system runs beside it, as ops/docs/sources.md tells to start one.
It has its own state folder, sockets and port, so it runs beside any other."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from harness import processes
from harness.server import binary
from harness.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "ops" / "quickstart"


class Quickstart:
    def __init__(self, folder):
        self.folder = folder
        self.port = processes.free_port()
        # HTTP_WORKERS is handed on; DATABASE_URL of somebody's shell must not be.
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": os.environ.get("HOME", "/"),
                    "MSP_STATE_DIR": str(folder), "MSP_BUILD_DIR": os.path.dirname(binary()),
                    "LISTEN": f"127.0.0.1:{self.port}", "HTTP_WORKERS": "1",
                    "DATABASE_URL": "postgresql://nobody@/nothing"}

    def run(self, *arguments, timeout=300):
        return subprocess.run([str(QUICKSTART), *arguments], env=self.env, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout, check=False, cwd="/")

    def settings(self):
        lines = (self.folder / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def get(self, path, token=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def tickets_of(self, tenant):
        """Those made in the last 300 days, as an admin sees them."""
        days = [time.strftime("%Y-%m-%d", time.gmtime(time.time() - ago * 86400)) for ago in (300, 1)]
        query, found = f"tenant={tenant}&metric=tickets_created&from={days[0]}&to={days[1]}", []
        page = {"next_cursor": ""}
        while page["next_cursor"] is not None:
            cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else ""
            page = self.get(f"/v1/tickets?{query}{cursor}", self.settings()["MSP_TOKEN_ADMIN"])
            found += page["tickets"]
        return found

    def places(self):
        lines = (self.folder / "places").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def processes(self):
        """Those of PostgreSQL, Redis and the server that this one started."""
        sockets = self.places()["SOCKETS"].encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and sockets in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


def documented():
    """The commands of sources.md for trying it: one starts a stand-in, the others test the source and pull from it."""
    section = (ROOT / "ops" / "docs" / "sources.md").read_text().partition("## Trying it without anybody's system")[2]
    fences = re.findall(r"^```(?:console|sh)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [line for line in "".join(fences).splitlines() if "standin" in line or "harbor-dental" in line]


def paste(line, env):
    """A line at the shell of somebody in the repository's folder."""
    return subprocess.run(["bash", "-c", line], env=env, cwd=ROOT, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300, check=False)


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """A quickstart that is not started yet."""
    return Quickstart(tmp_path_factory.mktemp("quickstart") / "state")


@pytest.fixture(scope="module")
def printed(settled, tmp_path_factory):
    """What a stand-in says to paste: a line that starts a server, and one that connects a tenant to it."""
    log = tmp_path_factory.mktemp("standin") / "log"
    port = processes.free_port()
    stand_in = processes.spawn([*shlex.split(documented()[0]), "--port", str(port)], log, env=settled.env, cwd=ROOT)
    try:
        yield wait_until(lambda: log.read_text().count("\n") == 2 and log.read_text().splitlines(), 20, "two lines")
    finally:
        processes.end(stand_in)


@pytest.fixture(scope="module")
def quickstart(settled, printed):
    done = paste(printed[0], settled.env)
    settled.output = done.stdout
    # In the environment for the next starts too, or they would take it out of the settings again.
    name, _, value = printed[0].split()[0].partition("=")
    settled.env[name] = value
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield settled
    finally:
        stopped = settled.run("--stop", "--fresh") if settled.folder.exists() else None
        assert stopped is None or stopped.returncode == 0, stopped.stdout + stopped.stderr


def test_env_is_ours_alone_and_names_the_running_master(quickstart):
    assert stat.S_IMODE((quickstart.folder / "env").stat().st_mode) == 0o600
    settings = quickstart.settings()
    for name in ("DATABASE_URL", "JOBS_DATABASE_URL", "MIGRATE_DATABASE_URL", "REDIS_URL", "JWT_SECRET",
                 "SERVICE_TOKEN", "LISTEN", "MOCK_DATA_PATH", "EXPORT_STORAGE", "MSP_MASTER_PID"):
        assert settings[name], name
    assert settings["HTTP_WORKERS"] == "1"
    assert "nothing" not in settings["DATABASE_URL"]
    assert processes.title(int(settings["MSP_MASTER_PID"])).startswith("msp-analytics: master")


def test_each_role_reads_its_month(quickstart):
    settings = quickstart.settings()
    definitions = quickstart.get("/v1/kpis/definitions", settings["MSP_TOKEN_CLIENT"])
    assert definitions
    for role, more in (("MANAGER", ""), ("TECH", ""), ("CLIENT", ""), ("ADMIN", "&tenant=sakura-logistics")):
        yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 2 * 86400))
        month_ago = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 31 * 86400))
        summary = quickstart.get(f"/v1/kpis/summary?from={month_ago}&to={yesterday}{more}",
                                 settings[f"MSP_TOKEN_{role}"])
        assert summary["total"]["tickets_created"] > 50, role


def test_each_role_signs_in_with_the_printed_password(quickstart):
    settings = quickstart.settings()
    for role in ("ADMIN", "MANAGER", "TECH", "CLIENT"):
        email, password = settings[f"MSP_EMAIL_{role}"], settings[f"MSP_PASSWORD_{role}"]
        assert email in quickstart.output and password in quickstart.output
        request = urllib.request.Request(f"http://{settings['LISTEN']}/v1/auth/login",
                                         json.dumps({"email": email, "password": password}).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["role"] == role.lower() and "HttpOnly" in answer.headers["Set-Cookie"]


def test_the_printed_curl_lines_work_when_pasted(quickstart):
    lines = re.findall(r"^  (curl .*)$", quickstart.output, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        done = subprocess.run(["bash", "-c", line.replace("curl -s", "curl -sf", 1)], capture_output=True,
                              timeout=30, check=False)
        assert done.returncode == 0 and done.stdout, line


def test_exports_hold_every_tenant(quickstart):
    tenants = {path.name for path in (quickstart.folder / "exports").iterdir()}
    assert {"tenant=atelier-lumiere", "tenant=harbor-dental", "tenant=sakura-logistics",
            "tenant=uci-incidents"} <= tenants


def test_tickets_come_from_a_stand_in_that_one_documented_command_started(quickstart, printed):
    # What the environment names wins over the file of settings, and so would somebody's DATABASE_URL.
    env = {name: value for name, value in quickstart.env.items() if name != "DATABASE_URL"}
    said = paste(printed[1], env)
    assert said.returncode == 0 and "zammad" in said.stdout, said.stdout + said.stderr
    tested, pulled = (paste(f". ops/try && {line}", env) for line in documented()[1:])
    assert tested.returncode == 0 and "zammad" in tested.stdout, tested.stdout + tested.stderr
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    assert json.loads(pulled.stdout)["stats"]["inserted"] == 300
    settings = quickstart.settings()
    source = quickstart.get("/v1/admin/sources/harbor-dental", settings["MSP_TOKEN_ADMIN"])["source"]
    assert source["kind"] == "zammad" and source["lag_seconds"] is not None and source["last_error"] is None
    # The mock data's ids begin with letters, the stand-in's are numbers.
    seen = {one["external_id"] for one in quickstart.tickets_of("harbor-dental") if one["external_id"].isdigit()}
    assert seen and seen <= {str(number) for number in range(1001, 1301)}


def test_a_second_start_is_quick_and_changes_nothing(quickstart):
    before = quickstart.settings()
    began = time.monotonic()
    again = quickstart.run("--detach")
    assert again.returncode == 0, again.stdout + again.stderr
    assert time.monotonic() - began < 30
    after = quickstart.settings()
    for name in ("MSP_MASTER_PID", "JWT_SECRET", "SERVICE_TOKEN", "DATABASE_URL", "MSP_PASSWORD_TECH"):
        assert after[name] == before[name]


def test_a_taken_address_is_said_plainly(quickstart, tmp_path):
    other = Quickstart(tmp_path / "other")
    other.env["LISTEN"] = quickstart.env["LISTEN"]
    done = other.run("--detach")
    assert done.returncode == 1
    assert "already listens" in done.stderr
    assert not other.processes(), "what did not come up whole is taken down"
    assert other.run("--stop", "--fresh").returncode == 0


def test_stop_ends_all_of_it_and_the_next_start_keeps_the_data(quickstart):
    master = int(quickstart.settings()["MSP_MASTER_PID"])
    stopped = quickstart.run("--stop")
    assert stopped.returncode == 0, stopped.stderr
    assert not processes.alive(master)
    assert not quickstart.processes()
    assert "MSP_MASTER_PID" not in quickstart.settings()
    again = quickstart.run("--detach")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "0 refused" in again.stdout, "nothing is pulled twice"


def test_ctrl_c_stops_all_of_it(quickstart):
    assert quickstart.run("--stop").returncode == 0
    log = quickstart.folder / "foreground.txt"
    with open(log, "wb") as out:
        # Where the tests themselves run in the background, SIGINT is ignored, which bash cannot undo.
        front = subprocess.Popen([str(QUICKSTART)], env=quickstart.env, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=out, start_new_session=True, cwd="/",
                                 preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        wait_until(lambda: b"Ctrl-C stops" in log.read_bytes() or front.poll() is not None, 120, "the end of starting")
        assert front.poll() is None, log.read_text()
        assert quickstart.processes()
        # As the terminal does it: to the whole process group.
        os.killpg(front.pid, signal.SIGINT)
        assert front.wait(60) == 0, log.read_text()
        assert not quickstart.processes()
    finally:
        if front.poll() is None:
            front.kill()
            front.wait(10)


@pytest.mark.parametrize("argument", ["--detatch", "now"])
def test_a_misspelt_argument_is_refused(argument, tmp_path):
    done = Quickstart(tmp_path / "none").run(argument)
    assert done.returncode == 2
    assert "unknown argument" in done.stderr

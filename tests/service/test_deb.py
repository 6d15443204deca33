"""The .deb on a clean Debian 12: installed with its dependencies, started as its unit says, asked, removed.

Takes a minute and the network the first time (the clean root is kept in $MSP_BUILD_DIR/deb-root), and needs root, so it
runs only with MSP_DEB=1 (./ops/test deb). There is no systemd in the root: the tests start ExecStart themselves, under
the unit's user, system-call filter and limits, with a socket handed over and READY=1 waited for.
"""

import json
import os
import re
import signal
import socket
import subprocess

import pytest

from harness import http, processes
from harness.server import SECRETS, Stack, binary
from harness.tickets import ticket
from harness.tokens import token
from harness.unit_file import Unit, confinement
from harness.waiting import wait_until

pytestmark = pytest.mark.skipif(os.environ.get("MSP_DEB") != "1", reason="runs by name: ./ops/test deb")


def must(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900, check=False,
                          **more)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def sources():
    """Where this machine has Debian from, as {suite: address}."""
    listed = must("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages")
    found = dict(line.split() for line in listed.splitlines())
    return {suite: address for suite, address in found.items() if suite.split("-")[0] == "bookworm"}


class CleanRoot:
    """A copy of a minimal Debian 12, with /proc and the databases' sockets in it."""

    def __init__(self, folder, shown):
        kept = os.path.join(os.path.dirname(binary()), "deb-root")
        if not os.path.exists(os.path.join(kept, "whole")):
            must("rm", "-rf", kept)
            must("debootstrap", "--variant=minbase", "bookworm", kept, sources()["bookworm"])
            with open(os.path.join(kept, "whole"), "w", encoding="ascii"):
                pass
        self.path = folder
        must("cp", "-a", "--reflink=auto", kept + "/.", folder)
        with open(os.path.join(folder, "etc/apt/sources.list"), "w", encoding="ascii") as out:
            out.writelines(f"deb {address} {suite} main\n" for suite, address in sources().items())
        must("cp", "-L", "/etc/resolv.conf", os.path.join(folder, "etc/resolv.conf"))
        self.mounts = []
        self._mount("-t", "proc", "proc", at="proc")
        for outside in shown:
            self._mount("--bind", outside, at=outside.lstrip("/"))

    def _mount(self, *what, at):
        place = os.path.join(self.path, at)
        os.makedirs(place, exist_ok=True)
        must("mount", *what, place)
        self.mounts.append(place)

    def close(self):
        for place in reversed(self.mounts):
            must("umount", place)

    def run(self, *command, check=True):
        done = subprocess.run(["chroot", self.path, *command], capture_output=True, text=True, timeout=900, check=False,
                              stdin=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                                             "DEBIAN_FRONTEND": "noninteractive"})
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def read(self, name):
        with open(os.path.join(self.path, name.lstrip("/")), encoding="utf-8") as file:
            return file.read()

    def stat(self, name):
        return self.run("stat", "-c", "%a %U %G", name).stdout.strip()

    def account(self):
        uid, gid = self.run("getent", "passwd", "msp-analytics").stdout.split(":")[2:4]
        return int(uid), int(gid)

    def running(self):
        """Pids of the program, of this root only."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                inside = os.path.samefile(f"/proc/{pid}/root", self.path)
                if inside and "msp-analytics" in os.readlink(f"/proc/{pid}/exe"):
                    found.append(int(pid))
            except OSError:
                continue
        return found


@pytest.fixture(scope="module")
def databases():
    made = Stack()
    try:
        # Migrated by the package, not by the tests.
        made.database = "msp"
        made.start()
        made.postgres.create_database(made.database)
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def root(tmp_path_factory, databases):
    folder = tmp_path_factory.mktemp("root")
    os.chmod(folder, 0o755)
    made = CleanRoot(str(folder), [databases.postgres.folder, databases.redis.folder])
    try:
        yield made
    finally:
        for pid in made.running():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not made.running(), 10, "the program to be gone")
        made.close()
        must("rm", "-rf", str(folder))


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("deb"))
    must("cpack", "-G", "DEB", "-B", folder, "--config", os.path.join(os.path.dirname(binary()), "CPackConfig.cmake"),
         cwd=folder)
    name, = (name for name in os.listdir(folder) if name.endswith(".deb"))
    return os.path.join(folder, name)


class Service:
    """What systemd would do with the two units."""

    def __init__(self, root):
        self.root = root
        self.unit = Unit(root.read("/usr/lib/systemd/system/msp-analytics.service"))
        self.port = processes.free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = os.path.join(root.path, "run/notify")
        if os.path.exists(address):
            os.unlink(address)
        self.notices.bind(address)
        os.chmod(address, 0o666)
        self.log = os.path.join(root.path, "var/log/msp-analytics.log")
        self.process = None

    def _start(self, directive):
        confine = confinement(self.unit, self.root.path, *self.root.account(), self.listener.fileno())
        command = ["/bin/sh", "-c", f"LISTEN_PID=$$ exec {self.unit.one(directive)}"]
        env = {"PATH": "/usr/bin:/bin", "LISTEN_FDS": "1", "NOTIFY_SOCKET": "/run/notify", **self.unit.environment()}
        with open(self.log, "ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                    preexec_fn=confine, pass_fds=(3,), close_fds=True)

    def start(self):
        """The exit code of ExecStartPre; if that is 0, the server is ready afterwards."""
        code = self._start("ExecStartPre").wait(30)
        if code == 0:
            self.process = self._start("ExecStart")
            self.notices.settimeout(30)
            wait_until(lambda: b"READY=1" in self.notices.recv(4096), 30, "READY=1")
        return code

    def reload(self):
        return self._start("ExecReload").wait(60)

    def close(self):
        self.listener.close()
        self.notices.close()

    def ask(self, method, path, body=None, **headers):
        return http.request(self.port, method, path, body, headers)


@pytest.fixture(scope="module")
def service(root, deb, databases):
    """The package installed and configured; the tests below go along its life, in their order."""
    must("cp", deb, os.path.join(root.path, "package.deb"))
    root.run("apt-get", "update")
    root.run("apt-get", "install", "-y", "--no-install-recommends", "/package.deb")
    made = Service(root)
    yield made
    made.close()


def configure(root, databases, **more):
    settings = {**databases.settings(), **SECRETS, "HTTP_WORKERS": "2", **more}
    with open(os.path.join(root.path, "etc/msp-analytics/msp-analytics.env"), "a", encoding="ascii") as out:
        out.writelines(f"{name}={value}\n" for name, value in settings.items())


def test_it_installs_with_its_dependencies_and_starts_nothing(service, root):
    assert "installed" in root.run("dpkg-query", "-W", "-f", "${db:Status-Status}", "msp-analytics").stdout
    assert root.stat("/etc/msp-analytics/msp-analytics.env") == "640 root msp-analytics"
    assert root.stat("/etc/msp-analytics") == "750 root msp-analytics"
    assert root.stat("/var/lib/msp-analytics") == "750 msp-analytics msp-analytics"
    assert root.running() == []
    missing = [line for line in root.run("ldd", "/usr/bin/msp-analytics").stdout.splitlines() if "not found" in line]
    assert missing == []


def test_without_a_configuration_it_says_what_is_missing(service):
    assert service.start() == 2
    with open(service.log, encoding="utf-8") as log:
        said = log.read()
    for name in ("DATABASE_URL", "SERVICE_TOKEN", "JWT_SECRET"):
        assert name in said


def test_it_serves_within_the_bounds_of_its_unit(service, root, databases):
    configure(root, databases)
    uid, gid = root.account()
    command = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "msp-analytics"]
    env_file = ["--env-file", "/etc/msp-analytics/msp-analytics.env"]
    root.run(*command, "migrate", *env_file)
    root.run(*command, "tenant", "add", "acme", "--name", "Acme", "--timezone", "Europe/Paris", *env_file)
    assert service.start() == 0
    bearer = {"Authorization": f"Bearer {SECRETS['SERVICE_TOKEN']}", "Content-Type": "application/json"}
    sent = [ticket(f"T-{n}", "2024-03-05T08:00:00Z", status="resolved", resolved_at="2024-03-05T09:00:00Z")
            for n in range(7)]
    service.ask("POST", "/internal/ingest/tickets", json.dumps({"tenant_id": "acme", "tickets": sent}).encode(),
                **bearer).must(200)
    job = service.ask("POST", "/internal/kpi/compute-daily",
                      json.dumps({"tenant_id": "acme", "date": "2024-03-05"}).encode(),
                      Prefer="wait=30", **bearer).must(200).json["job"]
    assert job["state"] == "succeeded", job
    exported = service.ask("POST", "/internal/exports/generate", json.dumps(
        {"tenant_id": "acme", "from": "2024-03-05", "to": "2024-03-05", "force": True}).encode(),
        Prefer="wait=30", **bearer).must(200).json["job"]
    assert exported["state"] == "succeeded", exported
    asked = service.ask("GET", "/v1/kpis/daily?from=2024-03-05&to=2024-03-05",
                        Authorization=f"Bearer {token(SECRETS['JWT_SECRET'], 'manager', 'acme')}").must(200)
    assert asked.json["rows"][0]["tickets_resolved"] == 7
    assert service.reload() == 0
    titles = {re.sub(r" \d+$", "", processes.title(pid)) for pid in root.running()}
    assert titles == {"msp-analytics: master", "msp-analytics: http worker", "msp-analytics: job worker",
                      "msp-analytics: snapshot"}
    for pid in root.running():
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            status = status.read()
        assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE) and re.search(r"^Seccomp:\t2$", status, re.MULTILINE)
        assert re.search(rf"^Uid:\t{uid}\t{uid}", status, re.MULTILINE)


def test_removal_leaves_no_process_and_keeps_the_data(service, root, databases):
    assert len(root.running()) >= 5
    removing = subprocess.Popen(["chroot", root.path, "apt-get", "remove", "-y", "msp-analytics"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
    assert service.process.wait(60) == 0, "it was not let end by itself"
    assert removing.wait(120) == 0
    assert root.running() == []
    assert not os.path.exists(os.path.join(root.path, "usr/bin/msp-analytics"))
    assert SECRETS["JWT_SECRET"] in root.read("/etc/msp-analytics/msp-analytics.env")
    kept = os.path.join(root.path, "var/lib/msp-analytics/exports/tenant=acme/dataset=kpi_daily/latest.csv")
    assert os.path.exists(kept)
    assert databases.query("SELECT count(*) FROM msp.raw_tickets") == [(7,)]


def test_installed_again_it_goes_on_where_it_was(service, root):
    root.run("apt-get", "install", "-y", "--no-install-recommends", "/package.deb")
    assert service.start() == 0
    asked = service.ask("GET", "/v1/kpis/daily?from=2024-03-05&to=2024-03-05",
                        Authorization=f"Bearer {token(SECRETS['JWT_SECRET'], 'manager', 'acme')}").must(200)
    assert asked.json["rows"][0]["tickets_resolved"] == 7


def test_purge_takes_settings_and_state_but_not_the_database(service, root, databases):
    process = service.process
    purging = subprocess.Popen(["chroot", root.path, "apt-get", "purge", "-y", "msp-analytics"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
    assert process.wait(60) == 0
    assert purging.wait(120) == 0
    assert root.running() == []
    for gone in ("etc/msp-analytics", "var/lib/msp-analytics"):
        assert not os.path.exists(os.path.join(root.path, gone)), gone
    assert databases.query("SELECT count(*) FROM msp.raw_tickets") == [(7,)]

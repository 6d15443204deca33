"""Restarts behind a listening socket that somebody else holds, as systemd's socket unit does: a new program takes the
place of the old one, and nobody is turned away. And what the old one stored reads the same after."""

import datetime
import os
import shutil
import signal
import socket
import subprocess
import time
import zoneinfo

from harness import processes
from harness.handover import start_behind
from harness.load import Load
from harness.server import binary, clean_environment
from harness.tickets import crowd
from harness.waiting import wait_until

FIRST, LAST = datetime.date(2024, 3, 1), datetime.date(2024, 3, 31)
RESTARTS = int(os.environ.get("MSP_RESTARTS", "3"))

class Unit:
    """A socket that is held while the server behind it comes and goes."""

    def __init__(self, server, program):
        self.server, self.program = server, program
        self.listener = socket.create_server(("127.0.0.1", server.port), backlog=1024)

    def check(self):
        """What ExecStartPre does."""
        return subprocess.run([self.program, "check-config", "--env-file", self.server.env_path], env=clean_environment(),
                              capture_output=True, text=True, timeout=30, check=False)

    def start(self):
        start_behind(self.server, self.listener, self.program)

    def restart(self):
        """What `systemctl restart` does: asks the old master to leave, waits for its end, starts the new one."""
        family = processes.children(self.server.process.pid)
        assert processes.end(self.server.process, signal.SIGTERM, 30) == 0
        assert not any(processes.alive(pid) for pid in family), "it left children behind"
        self.start()


def test_restarts_behind_a_held_socket_fail_no_request(new_server, tmp_path):
    """The program is replaced by a copy each time, as an upgrade does. MSP_RESTARTS=20 is `./ops/test reload`."""
    server = new_server(start=False, LOG_LEVEL="warning")
    program = tmp_path / "msp-analytics"
    shutil.copy(binary(), program)
    unit = Unit(server, str(program))
    unit.start()
    server.wait_ready()
    token = {"Authorization": f"Bearer {server.token('admin')}"}
    away = []
    with unit.listener, Load(server.port, "/v1/me", token, threads=4) as kept, \
            Load(server.port, "/v1/me", token, threads=4, keep_alive=False) as fresh:
        for _ in range(RESTARTS):
            wait_until(kept.answers_more(20), 20, "the load to run on kept connections")
            shutil.copy(binary(), tmp_path / "next")
            os.replace(tmp_path / "next", program)
            assert unit.check().returncode == 0
            old = server.process.pid
            begun = time.monotonic()
            unit.restart()
            wait_until(fresh.answers_more(1), 20, "an answer of the new one", interval=0.005)
            away.append(time.monotonic() - begun)
            assert server.process.pid != old
        wait_until(kept.answers_more(), 20, "the load to go on")
        wait_until(fresh.answers_more(), 20, "the load to go on")
    failures = kept.failures + fresh.failures
    print(f"{RESTARTS} restarts, the new one answered {max(away):.2f} s after the order at most; {kept.answered} requests on "
          f"kept and {fresh.answered} on new connections, {len(failures)} failed, the slowest in "
          f"{max(kept.slowest, fresh.slowest):.2f} s")
    assert not failures, failures[:5]
    assert server.stop() == 0


def test_requests_under_way_end_and_kept_connections_are_told_to_close(new_server, tenant):
    """A request that runs while the old master is asked to leave gets its answer, with Connection: close."""
    server = new_server(start=False, HTTP_WORKERS="1")
    unit = Unit(server, binary())
    with unit.listener:
        unit.start()
        server.wait_ready()
        slug = tenant()
        wait_until(lambda: slug in server.tenants(), 5, "the tenant to be known")
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection, \
                socket.create_connection(("127.0.0.1", server.port), timeout=30) as idle:
            idle.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"\r\nConnection: close" not in idle.recv(65536)
            token = server.token("manager", slug)
            head = (f"GET /v1/kpis/definitions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n").encode()
            connection.sendall(head)  # half a head: the request has begun
            server.process.send_signal(signal.SIGTERM)
            assert idle.recv(1) == b"", "an idle connection is let go"
            connection.sendall(b"\r\n")
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        head, body = answer.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200 ") and b"\r\nConnection: close" in head and body.endswith(b"}")
        assert server.process.wait(30) == 0
        server.process = None


def test_a_wrong_configuration_is_found_before_the_old_server_leaves(new_server):
    """And if nobody looked: the socket holds whoever comes until the way back is taken."""
    server = new_server(start=False)
    unit = Unit(server, binary())
    with unit.listener:
        unit.start()
        server.wait_ready()
        server.configure(HTTP_THREADS="lots")
        found = unit.check()
        assert found.returncode == 2 and "HTTP_THREADS" in found.stderr
        assert server.get("/livez").status == 200, "the old one still serves"
        unit.restart()
        assert server.process.wait(30) == 2, "not to be started again: RestartPreventExitStatus"
        with Load(server.port, "/livez", threads=2, keep_alive=False) as waiting:
            server.configure(HTTP_THREADS="64")
            assert unit.check().returncode == 0
            unit.start()
            wait_until(waiting.answers_more(2), 20, "those who waited to be answered")
        assert not waiting.failures, waiting.failures[:3]
        server.alarms([".*"])
        assert server.stop() == 0


def test_what_an_older_program_stored_reads_the_same_after_migrate(new_stack):
    """The database as migration 0036 left it, with rows in it."""
    server = new_stack().server().start()
    slug = server.add_tenant("older", "Europe/Paris")
    server.feed(slug, crowd(3, 300, FIRST, LAST, zoneinfo.ZoneInfo("Europe/Paris")))
    server.compute(slug, FIRST, LAST)
    pages = [("/v1/kpis/daily", {}), ("/v1/kpis/daily", {"by": "priority"}), ("/v1/kpis/summary", {"by": "assignee"})]
    before = [server.v1(slug, path, from_=FIRST, to=LAST, **query).must(200).json for path, query in pages]
    assert before[0]["complete_through"]
    server.stop()
    server.stack.query("""
        ALTER TABLE msp.kpi_daily DROP COLUMN figures; DROP FUNCTION msp.kpi_figures;
        ALTER TABLE msp.tenant_state DROP COLUMN first_day;
        CREATE OR REPLACE FUNCTION msp.set_tenant(tenant bigint) RETURNS void LANGUAGE sql
            AS $$ SELECT set_config('msp.tenant_id', tenant::text, true) $$;
        DELETE FROM msp.migrations WHERE number >= 37""")
    told = server.command("migrate")
    assert told.returncode == 0, told.stderr
    server.start()
    assert [server.v1(slug, path, from_=FIRST, to=LAST, **query).must(200).json for path, query in pages] == before

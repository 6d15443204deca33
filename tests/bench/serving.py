"""Parts that answer requests: read, livez, connections."""

import os
import re
import socket
import subprocess
from statistics import median

from bench import POOL, TENANT, WORKERS, wrk
from harness import processes
from harness.databases import PASSWORDS, REPOSITORY
from harness.server import clean_environment
from nginx import Nginx


def read(bench):
    """Uncached: each answer is made of what PostgreSQL says. Four weeks of a month on both sides."""
    bench.ready()
    bench.server.configure(ANSWER_CACHE="false")
    assert bench.server.reload().returncode == 0
    lua = os.path.join(bench.folder, "read.lua")
    with open(lua, "w", encoding="ascii") as out:
        out.write(f"""
            local headers = {{ ["Authorization"] = "Bearer {bench.server.token('manager', TENANT)}" }}
            local months = {{}}
            init = function()
                for month = 2, 6 do
                    months[month - 1] = wrk.format("GET", string.format("/v1/kpis/daily?from=2026-%02d-01&to=2026-%02d-28",
                                                                        month, month), headers)
                end
            end
            request = function() return months[math.random(5)] end
        """)
    queries = {}
    for name in ("kpi_daily", "kpi_freshness"):
        with open(os.path.join(REPOSITORY, "db", "queries", f"{name}.sql"), encoding="utf-8") as source:
            lines = [line.split("--")[0].strip() for line in source]
        text = " ".join(line for line in lines if line)
        for number, value in enumerate((":tenant", "'all'", "make_date(2026, :month, 1)",
                                        "make_date(2026, :month, 28)", "NULL"), 1):
            text = text.replace(f"${number}", value)
        queries[name] = text
    choices = f"\\set tenant {bench.key}\n\\set month random(2, 6)\n"
    statements = f"SELECT msp.set_tenant(:tenant);\n{queries['kpi_daily']};\n{queries['kpi_freshness']};\n"
    # As we ask, in one round trip, and as a script of pgbench is usually written, in one for each statement.
    scripts = {name: os.path.join(bench.folder, f"{name}.pgbench") for name in ("pipeline", "plain")}
    with open(scripts["pipeline"], "w", encoding="utf-8") as out:
        out.write(f"{choices}\\startpipeline\n{statements}\\endpipeline\n")
    with open(scripts["plain"], "w", encoding="utf-8") as out:
        out.write(f"{choices}BEGIN;\n{statements}COMMIT;\n")
    clients = WORKERS * POOL

    def pgbench(name):
        told = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(bench.options.seconds),
             "-f", scripts[name], bench.stack.database], check=True, capture_output=True, text=True,
            env={**clean_environment(), "PGHOST": bench.stack.postgres.folder, "PGUSER": "msp_server",
                 "PGPASSWORD": PASSWORDS["server"], "PGOPTIONS": "-c role=msp_api"}).stdout
        return float(re.search(r"tps = ([0-9.]+)", told).group(1))
    rounds = [{"ours": wrk(bench.server.port, "/", bench.options, clients, lua),
               **{name: pgbench(name) for name in scripts}} for _ in range(bench.options.rounds)]
    bench.server.configure(ANSWER_CACHE="true")
    assert bench.server.reload().returncode == 0
    for name, words, hold in (("pipeline", "in one round trip", ">= 0.7"), ("plain", "in five", None)):
        # Of rounds in turns the middle one: the best of each side may have seen different weather.
        row = sorted(rounds, key=lambda row, name=name: row["ours"] / row[name])[len(rounds) // 2]
        bench.tell("read", f"/v1/kpis/daily {row['ours']:,.0f}/s", f"pgbench, the same {words} {row[name]:,.0f}/s",
                   row["ours"] / row[name], hold)


def livez(bench):
    """Held at 64 connections. 16 and 256 are shown: with a thread a connection, many connections cost more."""
    with Nginx(bench.folder) as nginx:
        targets = ((bench.server.port, "/livez"), (nginx.port, "/bare"), (nginx.port, "/same"))
        for connections_open in (16, 64, 256):
            held = connections_open == 64
            # Short rounds in turns, so that all see the same weather.
            rounds = [[wrk(*target, bench.options, connections_open, seconds=2) for target in targets]
                      for _ in range(bench.options.rounds * (3 if held else 1))]
            for number, name in ((1, "bare"), (2, "our fields")):
                bench.tell(f"livez {connections_open}", f"/livez {median(row[0] for row in rounds):,.0f}/s",
                           f"return 200, {name} {median(row[number] for row in rounds):,.0f}/s",
                           median(row[0] / row[number] for row in rounds), ">= 0.6" if held else None)


def connections(bench):
    wanted = bench.options.connections
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"

    def memory():
        master = bench.server.process.pid
        return sum(processes.pss_bytes(pid) for pid in (master, *processes.children(master)))
    before = memory()
    peers = []
    try:
        for _ in range(wanted):
            peers.append(socket.create_connection(("127.0.0.1", bench.server.port), timeout=10))
            peers[-1].sendall(request)
            assert peers[-1].recv(4096).startswith(b"HTTP/1.1 200")
        for peer in peers:
            peer.sendall(request)
            assert peer.recv(4096).startswith(b"HTTP/1.1 200"), "a kept connection was closed"
        during = memory()
    finally:
        for peer in peers:
            peer.close()
    bench.tell("connections", f"{wanted:,} kept alive {during / 1e6:.0f} MB in all processes",
               f"without them {before / 1e6:.0f} MB", during / 200e6, "<= 1.0")

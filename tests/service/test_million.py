"""A million requests of many kinds: as many open files and as much memory afterwards as before. `./ops/test million`."""

import os
import re
import subprocess

import pytest

from harness import processes
from harness.tickets import ticket

pytestmark = pytest.mark.skipif(not os.environ.get("MSP_MILLION"), reason="takes minutes: ./ops/test million")
COUNT = int(os.environ.get("MSP_MILLION_REQUESTS", "1000000"))
STEPS = 10
MOST_GROWTH_BYTES = 4 << 20  # of a worker between the second step and the last: an allocator's own ups and downs
LUA = """
local auth = {["Authorization"] = "Bearer %(token)s"}
local same = {["Authorization"] = "Bearer %(token)s", ["If-None-Match"] = '%(tag)s'}
local ways = {
  wrk.format("GET", "%(daily)s", auth), wrk.format("GET", "%(daily)s", same), wrk.format("GET", "%(daily)s"),
  wrk.format("GET", "/livez"), wrk.format("GET", "/v1/me", auth), wrk.format("GET", "/nowhere"),
  wrk.format("GET", "/v1/kpis/summary?from=2024-03-01&to=2024-03-31", auth), wrk.format("GET", "%(daily)s", same),
  wrk.format("GET", "/v1/tickets?day=2024-03-05&limit=20", auth), wrk.format("GET", "/v1/kpis/daily?from=x", auth),
  wrk.format("GET", "/v1/kpis/definitions", auth),
}
local at = 0
request = function() at = at %% #ways + 1; return ways[at] end
"""


def figures(server):
    return {pid: (len(os.listdir(f"/proc/{pid}/fd")), processes.pss_bytes(pid)) for pid in server.workers()}


def answered(server):
    text = server.internal("GET", "/metrics").must(200).text
    return sum(int(float(value)) for value in re.findall(r"^msp_http_requests_total(?:\{[^}]*\})? (\S+)$", text, re.M))


def test_a_million_requests_leave_nothing_behind(new_server, tmp_path):
    server = new_server(LOG_LEVEL="warning")
    slug = server.add_tenant("million")
    server.push(slug, [ticket(f"M{n}", "2024-03-05T08:00:00Z") for n in range(50)])
    server.compute(slug, "2024-03-01", "2024-03-31")
    daily = "/v1/kpis/daily?from=2024-03-01&to=2024-03-31"
    token = server.token("manager", slug, ttl=36000)
    script = tmp_path / "mixed.lua"
    tag = server.get(daily, token=token).must(200).headers["ETag"]
    script.write_text(LUA % {"token": token, "daily": daily, "tag": tag})
    begun, seen = answered(server), []
    for step in range(1, STEPS + 1):
        while answered(server) - begun < COUNT * step // STEPS:
            done = subprocess.run(["wrk", "-t", "1", "-c", "16", "-d", "3s", "-s", str(script), f"http://127.0.0.1:{server.port}"],
                                  capture_output=True, text=True, timeout=60, check=True)
            assert "Socket errors" not in done.stdout, done.stdout
        seen.append(figures(server))
        print(f"{answered(server) - begun} requests: " + ", ".join(f"{files} files {size >> 10} KiB" for files, size in seen[-1].values()))
    early, late = seen[1], seen[-1]
    assert early.keys() == late.keys(), "a worker was replaced"
    for pid in late:
        assert late[pid][0] <= early[pid][0] + 2, f"open files of {pid}: {[step[pid][0] for step in seen]}"
        assert late[pid][1] <= early[pid][1] + MOST_GROWTH_BYTES, f"memory of {pid}: {[step[pid][1] for step in seen]}"

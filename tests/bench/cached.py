"""The part cached: a month of days out of the answer cache, beside an open answer of its size, nginx and FastAPI.

An open answer of any size comes from the program bench_open: ours, with another handler at "/".
"""

import contextlib
import json
import os
from statistics import median

from bench import POOL, TENANT, WORKERS, answers, wrk
from harness import http, processes
from harness.databases import PASSWORDS, REPOSITORY
from harness.server import SECRETS, clean_environment
from harness.waiting import wait_until
from nginx import Nginx

MONTH = "/v1/kpis/daily?from=2026-05-01&to=2026-05-31"
MANY = 64                # connections to what comes out of memory
FEW = WORKERS * POOL     # and to what a database connection is needed for
UVICORN = ["/usr/bin/python3", "-m", "uvicorn", "peer_fastapi:app", "--loop", "uvloop", "--http", "httptools",
           "--no-access-log", "--log-level", "warning"]


@contextlib.contextmanager
def peer(bench, *manners):
    """The peer with as many processes and database connections as ours; its port. Manners: KEEPS, LEAN."""
    stack, port = bench.stack, processes.free_port()
    environment = {
        **clean_environment(), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONOPTIMIZE": "1", "PEER_POOL": str(POOL),
        "PEER_JWT_SECRET": SECRETS["JWT_SECRET"], "PEER_REDIS_URL": stack.redis.url,
        "PEER_DATABASE_URL": stack.postgres.url("msp_server", PASSWORDS["server"], stack.database),
        "PEER_FRESHNESS_SQL": os.path.join(REPOSITORY, "db", "queries", "kpi_freshness.sql"),
        "PEER_TENANTS": json.dumps({TENANT: [bench.key, "Europe/Paris"]}), **{f"PEER_{manner}": "1" for manner in manners}}
    log = os.path.join(bench.folder, f"peer-{port}.log")
    process = processes.spawn([*UVICORN, "--port", str(port), "--workers", str(WORKERS)], log,
                              env=environment, cwd=os.path.dirname(os.path.abspath(__file__)))

    def ready():
        with open(log, encoding="utf-8") as told:
            assert process.poll() is None, f"the peer ended:\n{told.read()[-3000:]}"
        return answers(port)
    try:
        wait_until(ready, 30, "the peer to answer")
        yield port
    finally:
        processes.end(process)


def same(ours, theirs):
    """Whether two answers are the same, numbers as far as their text may differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same(ours[name], theirs[name]) for name in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, (int, float)):
        return abs(ours - theirs) <= 1e-9 * max(1.0, abs(ours))
    return ours == theirs


class Target:
    """What is measured: an address with its fields, whose answer was looked at before."""

    def __init__(self, port, path, fields=None, connections=MANY):
        self.port, self.path, self.fields, self.connections = port, path, fields or {}, connections

    def get(self, status=200):
        return http.request(self.port, "GET", self.path, headers=self.fields).must(status)

    def rate(self, bench, seconds=2):
        return wrk(self.port, self.path, bench.options, self.connections, fields=self.fields, seconds=seconds)


def check(targets):
    """Every side answers with the same, before any of them is measured."""
    month = targets["cached"].get()
    body = month.json
    assert len(body["rows"]) == 31 and body["rows"][0]["tickets_created"] > 0, body["rows"][0]
    assert targets["cached"].get().headers["ETag"] == month.headers["ETag"]
    assert targets["cached"].get().headers["RateLimit"]
    assert targets["uncached"].get().body == month.body
    assert targets["behind"].get().body == month.body
    for name in ("peer", "lean peer", "peer keeping"):
        for _ in range(2):
            theirs = targets[name].get().json
            assert same(body, theirs), (name, body["rows"][0], theirs["rows"][0], {**theirs, "rows": 0}, {**body, "rows": 0})
    assert targets["nginx"].get().body == month.body
    assert len(targets["open"].get().body) == len(month.body)
    assert targets["same"].get(304).body == b""


def cached(bench):
    bench.ready()
    token = {"Authorization": f"Bearer {bench.server.token('manager', TENANT, ttl=86400)}"}
    with contextlib.ExitStack() as ends:
        uncached = bench.another(ANSWER_CACHE="false")
        ends.callback(uncached.stop)
        # At "debug" the log tells of open answers too, as of any other; nothing else here writes at that level.
        opened = bench.another("bench/bench_open", LOG_LEVEL="debug")
        ends.callback(opened.stop)
        untold = bench.another("bench/bench_open")
        ends.callback(untold.stop)
        nginx = ends.enter_context(Nginx(bench.folder))
        plain, lean, keeping = (ends.enter_context(peer(bench, *manners)) for manners in ((), ("LEAN",), ("KEEPS",)))
        month = Target(bench.server.port, MONTH, token).get()
        targets = {
            "cached": Target(bench.server.port, MONTH, token),
            "same": Target(bench.server.port, MONTH, {**token, "If-None-Match": month.headers["ETag"]}),
            "nginx": Target(nginx.port, nginx.put("month.json", month.body)),
            # Both of one program: its cached answer and its open one.
            "behind": Target(opened.port, MONTH, token),
            "open": Target(opened.port, f"/?{len(month.body)}"),
            "same head": Target(opened.port, f"/?{len(month.body)}", token),
            "untold": Target(untold.port, f"/?{len(month.body)}"),
            "peer keeping": Target(keeping, MONTH, token),
            "uncached": Target(uncached.port, MONTH, token, FEW),
            "peer": Target(plain, MONTH, token, FEW),
            "lean peer": Target(lean, MONTH, token, FEW),
        }
        check(targets)
        # Short rounds in turns, so that all see the same weather.
        rounds = [{name: target.rate(bench) for name, target in targets.items()}
                  for _ in range(bench.options.rounds * 3)]
    print(f"  a month is {len(month.body):,} bytes", flush=True)

    def tell(name, ours, our_words, theirs, their_words, hold):
        bench.tell(name, f"{our_words} {median(row[ours] for row in rounds):,.0f}/s",
                   f"{their_words} {median(row[theirs] for row in rounds):,.0f}/s",
                   median(row[ours] / row[theirs] for row in rounds), hold)
    tell("cached", "behind", "the month, cached", "open", "open answer of its size", ">= 0.85")
    # CivetWeb reads a head byte by byte, the token too: what is left is ours.
    tell("cached", "behind", "the month, cached", "same head", "open answer, same head", None)
    tell("cached", "cached", "the month, cached", "untold", "open answer, not logged", None)
    tell("cached", "cached", "the month, cached", "nginx", "nginx, a file of its size", ">= 0.55")
    tell("cached", "cached", "the month, cached", "peer", "FastAPI", ">= 40")
    tell("cached", "cached", "the month, cached", "peer keeping", "FastAPI keeping answers", ">= 10")
    tell("uncached", "uncached", "the month, made anew", "peer", "FastAPI", ">= 10")
    tell("uncached", "uncached", "the month, made anew", "lean peer", "FastAPI, past its conversion", None)
    tell("not modified", "same", "304", "cached", "the month, cached", ">= 1")

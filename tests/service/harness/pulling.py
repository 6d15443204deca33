"""Pulls from stand-ins of ticket systems (tests/support/standins), and what must come of them."""

import json
import os
import sys

from . import processes
from .waiting import wait_until

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "support"))

import standins  # noqa: E402
from standins import base  # noqa: E402, F401

COLUMNS = ("title", "status", "priority", "created_at", "updated_at", "resolved_at", "closed_at", "due_at",
           "first_response_at", "assignee")
KEY = "secret-key-of-the-service-tests-0123456789abcdef"


class Ports:
    """Ports for stand-ins, known before the server starts, since EGRESS_ALLOW must name them."""

    def __init__(self, count):
        self.free = [processes.free_port() for _ in range(count)]
        self.allow = ",".join(f"http://127.0.0.1:{port}+private" for port in self.free)

    def take(self):
        return self.free.pop()

    def give_back(self, port):
        self.free.append(port)


def connect(server, tenant, stand_in, **more):
    """`msp-analytics source set`, the secrets by files, and a bound that no test comes to."""
    words = ["source", "set", tenant, "--kind", stand_in.kind]
    for name, value in {"requests_per_minute": 60000, **stand_in.options(), **more}.items():
        words += ["--option", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    for name, value in stand_in.secrets().items():
        path = os.path.join(server.folder, f"{tenant}-{name}")
        with open(path, "w", encoding="utf-8") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(value + "\n")
        words += ["--secret-file", f"{name}={path}"]
    done = server.command(*words)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: server.tenants()[tenant]["source"] == stand_in.kind, 5, "the source to be known")


def pull(server, tenant, cursor=None):
    """One call of the route; the answer as it is."""
    body = {"tenant_id": tenant} if cursor is None else {"tenant_id": tenant, "cursor": cursor}
    return server.internal("POST", "/internal/ingest/tickets", body, timeout=90)


def pull_all(server, tenant, cursor=None, calls=50):
    """Pulls until nothing is left; the sum of what the answers say. A pull that is put off goes on by itself."""
    total = {"fetched": 0, "inserted": 0, "updated": 0, "unchanged": 0, "rejected": 0}
    for _ in range(calls):
        answer = pull(server, tenant, cursor)
        cursor = None
        if answer.status == 503:
            continue
        got = answer.must(200).json
        for name in total:
            total[name] += got["stats"][name]
        if not got["has_more"]:
            return total
    raise AssertionError(f"{tenant} is not drained after {calls} pulls")


def stored(stack, tenant):
    """{external_id: {column: value}} of raw_tickets, times as seconds."""
    shown = ", ".join(f"extract(epoch from r.{name})::bigint" if name.endswith("_at") else f"r.{name}"
                      for name in COLUMNS)
    rows = stack.query(f"SELECT r.external_id, {shown} FROM msp.raw_tickets r JOIN msp.tenants t USING (tenant_id)"
                       " WHERE t.slug = %s", (tenant,))
    return {row[0]: dict(zip(COLUMNS, row[1:])) for row in rows}


def assert_same(stack, tenant, stand_in, gone=()):
    """Every ticket of the stand-in is stored as it is there, and nothing else but `gone`."""
    wanted, found = stand_in.should_hold(), stored(stack, tenant)
    missing = sorted(set(wanted) - set(found))
    foreign = sorted(set(found) - set(wanted) - set(gone))
    assert not missing and not foreign, f"{len(missing)} missing {missing[:5]}, {len(foreign)} foreign {foreign[:5]}"
    for external_id, ticket in wanted.items():
        shown = {name: found[external_id][name] for name in stand_in.promised}
        assert shown == {name: ticket[name] for name in stand_in.promised}, external_id

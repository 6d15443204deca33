"""What the tests of the audit log share: lines as they lie in the database, verdicts, and the form of a line."""

import hashlib
import hmac
import itertools
import json
import struct

SECRET = "audit-secret-of-the-service-tests-0123456789abcdef"
ADMIN = "boss@example.com"
_numbers = itertools.count(1)


def make_chain(server, lines=4):
    """A fresh tenant with that many lines; returns (slug, its lines' ids in order)."""
    slug = f"chain{next(_numbers)}"
    run(server, "tenant", "add", slug, "--name", "Chain", "--timezone", "UTC")
    for number in range(1, lines):
        run(server, "tenant", "set", slug, "--name", f"Chain {number}")
    return slug, [row["audit_id"] for row in rows(server, slug)]


def run(server, *arguments, code=0):
    """A command that must end with that exit code."""
    done = server.command(*arguments)
    assert done.returncode == code, f"{arguments}: {done.returncode} {done.stdout} {done.stderr}"
    return done


def rows(server, slug):
    """A tenant's lines as the superuser sees them, in order."""
    return [row for row, in server.stack.query(
        "SELECT to_jsonb(l) FROM msp.audit_log l JOIN msp.tenants t USING (tenant_id) WHERE t.slug = %s"
        " ORDER BY place", (slug,))]


def verified(server, slug, code=0):
    """The verdict on a tenant's chain, which must be whole (or, with code 1, broken)."""
    done = run(server, "audit", "verify", "--tenant", slug, "--json", code=code)
    verdict, = json.loads(done.stdout)["chains"]
    assert verdict["whole"] is (code == 0), verdict
    return verdict


def broken(server, slug):
    """Where a tenant's chain, which must be broken, breaks first."""
    verdict = verified(server, slug, code=1)
    text = run(server, "audit", "verify", "--tenant", slug, code=1).stdout
    first = verdict["first_broken"]
    assert (f"line {first['id']} " if first["id"] else f"place {first['place']}") in text
    return first


def admin(server, method, path, body=None, **headers):
    """Asks as an admin; names of fields with _ for -."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.request(method, path, json_body=body, token=server.token("admin", subject=ADMIN), headers=fields)


# ---- the form, computed again as ops/docs/audit.md says ----

def _number(value):
    return struct.pack(">q", value)


def _text(value):
    return b"\0" if value is None else b"\1" + _number(len(value.encode())) + value.encode()


def key_id(secret):
    return hmac.new(secret.encode(), b"msp-audit-key-id", hashlib.sha256).hexdigest()[:16]


def sealed(line, previous, secret):
    """(digest, mac) of a line, as ops/docs/audit.md says."""
    digest = hashlib.sha256(line["salt"] + b"".join(_text(value) for value in line["payload"])).digest()
    message = (_text("msp-audit-1") + _number(line["tenant_id"]) + _number(line["place"]) + _number(line["audit_id"])
               + _number(line["us"]) + _text(line["action"]) + _text(key_id(secret)) + digest + previous)
    return digest, hmac.new(secret.encode(), message, hashlib.sha256).digest()

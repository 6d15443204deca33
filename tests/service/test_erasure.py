"""A tenant or a person that is erased is nowhere any more: no table, no file, no answer, and the audit log still holds
together. A tenant's export has all of it but secrets."""

import glob
import hashlib
import json
import os

import pytest

from harness.two_tenants import FROM, PASSWORD, TO, Side
from harness.waiting import wait_until

KEYS = {"AUDIT_SECRET": "audit-secret-of-the-erasure-tests-0123456789abcdef",
        "SECRET_KEY": "secret-key-of-the-erasure-tests-0123456789abcdefgh"}


@pytest.fixture(scope="module")
def server(module_stack):
    made = module_stack.server(**KEYS).start()
    yield made
    made.stop()


def tables(stack):
    """Every table of the schema, tenants' or not."""
    return [name for name, in stack.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'msp'::regnamespace AND relkind IN ('r', 'p')")]


def mentions(stack, *words):
    """The tables with a row that holds one of the words, in whatever column, and how many."""
    pattern = "|".join(words)
    counted = [(name, stack.query(f"SELECT count(*) FROM msp.{name} t WHERE t::text ~* %s", (pattern,))[0][0])
               for name in tables(stack)]
    return {name: count for name, count in counted if count}


def rows_of(stack, tenant_id):
    with_tenant = [name for name, in stack.query(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attname = 'tenant_id'"
        " AND c.relnamespace = 'msp'::regnamespace AND c.relkind IN ('r', 'p')")]
    counted = [(name, stack.query(f"SELECT count(*) FROM msp.{name} WHERE tenant_id = %s", (tenant_id,))[0][0])
               for name in with_tenant]
    return {name: count for name, count in counted if count}


def make(server, slug, mark):
    """A tenant with something in every table that can hold something."""
    side = Side(server, slug, mark)
    side.add_callers()
    side.fill(20)
    # A refused ticket, a source with a secret, a sign-out, a job of all tenants, answers kept under a key.
    server.internal("POST", "/internal/ingest/tickets", {"tenant_id": slug, "tickets": [
        {"external_id": f"{mark}-bad", "status": "nonsense", "created_at": f"{FROM}T08:00:00Z",
         "updated_at": f"{FROM}T08:00:00Z"}]}).must(200)
    server.post("/v1/auth/logout", headers=side.callers["session of a tech"].headers).must(200, 204)
    server.post("/v1/exports", {"from": FROM, "to": TO}, token=server.token("manager", slug),
                headers={"Idempotency-Key": f"key-{mark}"}).must(202)
    server.job("/internal/kpi/compute-daily", {"date": FROM})
    server.job("/internal/exports/generate", {"from": FROM, "to": TO, "format": "csv.gz"})
    server.stack.query("INSERT INTO msp.ticket_tombstones SELECT tenant_id, external_id || '-gone', 'mock', now(),"
                       " to_jsonb(r) FROM msp.raw_tickets r WHERE external_id = %s", (f"{mark}-1",))
    return side


def number(stack, slug):
    (tenant_id,), = stack.query("SELECT tenant_id FROM msp.tenants WHERE slug = %s", (slug,))
    return tenant_id


def verify(server):
    done = server.command("audit", "verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["chains"]


def test_an_erased_tenant_is_nowhere_and_the_audit_log_holds(server, module_stack):
    second = module_stack.server(EXPORT_STORAGE=server.values["EXPORT_STORAGE"], **KEYS).start()
    try:
        kept, side = make(server, "kept-one", "keptmark"), make(server, "gone-one", "gonemark")
        tenant_id = number(module_stack, side.slug)
        before = rows_of(module_stack, tenant_id)
        assert {"raw_tickets", "raw_rejects", "ticket_tombstones", "kpi_daily", "users", "api_keys", "exports",
                "summaries", "jobs", "idempotency_keys", "revoked_tokens", "audit_log"} <= set(before)
        its_files = os.path.join(server.exports, f"tenant={side.slug}")
        assert glob.glob(its_files + "/**/*.csv", recursive=True)

        refused = server.command("tenant", "erase", side.slug, "--confirm", "gone-two")
        assert refused.returncode == 2 and rows_of(module_stack, tenant_id) == before
        done = server.command("tenant", "erase", side.slug, "--confirm", side.slug)
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"raw_tickets": 20' in done.stdout and "files removed" in done.stdout

        assert set(rows_of(module_stack, tenant_id)) == {"audit_log", "audit_heads"}
        assert mentions(module_stack, side.slug, "gonemark") == {}
        assert not os.path.exists(its_files)
        chains = {chain["tenant"]: chain for chain in verify(server)}
        assert chains[f"(erased {tenant_id})"]["erased"] == before["audit_log"] + 2  # shut out, its last job
        assert chains["kept-one"]["erased"] == 0
        for one in (server, second):
            wait_until(lambda one=one: side.slug not in one.tenants(), 5, "every node to know")
            for caller in side.callers.values():
                assert one.get("/v1/me", headers=caller.headers).status in (401, 403), caller
            login = one.post("/v1/auth/login", {"email": "manager.gonemark@example.org", "password": PASSWORD})
            assert login.status == 401
        again = server.command("tenant", "add", side.slug, "--name", "Another", "--timezone", "UTC")
        assert again.returncode == 1 and "never given again" in again.stderr
        assert server.v1(kept.slug, "/v1/exports/tickets/latest.csv").must(200).body.count(b"keptmark-") == 20
        assert rows_of(module_stack, number(module_stack, kept.slug))["raw_tickets"] == 20
        assert server.command("tenant", "erase", side.slug, "--confirm", side.slug).returncode == 1
    finally:
        second.stop()


def test_a_stream_that_outlives_its_tenant_stores_nothing(server, module_stack):
    slug = server.add_tenant("streaming-one")
    tenant_id = number(module_stack, slug)
    erased = []

    def lines():
        for batch in range(4):
            for place in range(1500):
                yield json.dumps({"external_id": f"late-{batch}-{place}", "status": "open",
                                  "created_at": f"{FROM}T08:00:00Z", "updated_at": f"{FROM}T08:00:00Z"}).encode() + b"\n"
            if batch == 1:
                done = server.command("tenant", "erase", slug, "--confirm", slug)
                erased.append(done.returncode)
                assert done.returncode == 0, done.stderr
    answer = server.stream(slug, lines(), timeout=60)
    assert erased == [0] and answer.status >= 400, answer.text
    assert set(rows_of(module_stack, tenant_id)) <= {"audit_log", "audit_heads"}
    assert mentions(module_stack, "late-") == {}
    verify(server)


@pytest.fixture(scope="module")
def people(server):
    """A tenant that is handed out, and then loses a person."""
    return make(server, "people-one", "peoplemark")


def test_an_export_of_a_tenant_holds_its_rows_and_no_secret(server, module_stack, people, tmp_path):
    side = people
    out = tmp_path / "out"
    done = server.command("tenant", "export", side.slug, "--out", str(out))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["tenant"] == side.slug
    stored = rows_of(module_stack, number(module_stack, side.slug))
    assert {entry["file"].removesuffix(".ndjson"): entry["rows"] for entry in manifest["tables"]} == stored
    text = ""
    for entry in manifest["tables"]:
        body = (out / entry["file"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == entry["sha256"] and len(body) == entry["bytes"]
        assert len([json.loads(line) for line in body.splitlines()]) == entry["rows"]
        text += body.decode()
    assert "Requester peoplemark" in text and "keptmark" not in text
    hashes = [value for row in module_stack.query(
        "SELECT password_hash, NULL FROM msp.users WHERE email LIKE '%%peoplemark%%' UNION ALL"
        " SELECT encode(key_hash, 'hex'), NULL FROM msp.api_keys") for value in row if value]
    assert len(hashes) > 5 and not [value for value in hashes if value in text]
    assert out.stat().st_mode & 0o077 == 0
    assert server.command("tenant", "export", side.slug, "--out", str(out)).returncode == 1


def test_an_erased_person_is_in_no_ticket_kpi_file_user_or_audit_line(server, module_stack, people):
    side = people
    who = side.technician.swapcase()
    by_assignee = server.days(side.slug, FROM, TO, by="assignee")
    assert any(member == side.technician for _, member in by_assignee)
    other = mentions(module_stack, "Category peoplemark")

    done = server.command("tenant", "erase-person", side.slug, "--who", who)
    assert done.returncode == 0, done.stdout + done.stderr
    assert mentions(module_stack, side.technician) == {}
    assert mentions(module_stack, "Category peoplemark")["raw_tickets"] == other["raw_tickets"]
    after = server.days(side.slug, FROM, TO, by="assignee")
    assert {member for _, member in after} == {""}
    total = {day: row["tickets_created"] for (day, _), row in server.days(side.slug, FROM, TO).items()}
    assert total == {day: row["tickets_created"] for (day, _), row in after.items()} and sum(total.values()) == 20
    held = [path for path in glob.glob(f"{server.exports}/tenant={side.slug}/**/*.csv", recursive=True)
            if side.technician.encode() in open(path, "rb").read()]
    assert held == []

    email = "client.peoplemark@example.org"
    session = side.callers["session of a client"].headers
    server.get("/v1/me", headers=session).must(200)
    done = server.command("tenant", "erase-person", side.slug, "--who", email)
    assert done.returncode == 0 and '"users": 1' in done.stdout, done.stdout + done.stderr
    assert mentions(module_stack, email) == {}
    wait_until(lambda: server.get("/v1/me", headers=session).status == 401, 5, "the session to end")
    chain, = (chain for chain in verify(server) if chain["tenant"] == side.slug)
    assert chain["erased"] >= 2  # the user's making and sign-in
    assert server.command("tenant", "erase-person", side.slug, "--who", "ab").returncode == 2

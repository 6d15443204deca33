"""The chain of the audit log: a line that was changed, taken out or put in is found and named, whoever did it; erasing
keeps the chain whole; writers at once do not fork it; and no role that serves may touch a line."""

import concurrent.futures
import itertools
import json
import time

import psycopg2
import pytest

from harness.audit import SECRET, admin, broken, key_id, make_chain, rows, run, sealed, verified
from harness.databases import PASSWORDS

OTHER_SECRET = "another-audit-secret-of-the-tests-0123456789abcdef"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def stack(module_stack):
    """Chains are broken here on purpose: nobody else's."""
    return module_stack


@pytest.fixture(scope="module")
def server(stack):
    one = stack.server(AUDIT_SECRET=SECRET)
    yield one.start()
    one.stop()


@pytest.fixture
def chain(server):
    return lambda lines=4: make_chain(server, lines)


# ---- what is found ----

TAMPERING = {
    "tenant_id": None,  # below: the line goes to another tenant
    "audit_id": "DEFAULT",
    "at": "at + interval '1 microsecond'",
    "action": "'tenant.list'",
    "actor": "'somebody else'",
    "address": "'192.0.2.1'",
    "object": "'another'",
    "request_id": "'00'",
    "detail": "(detail::text || ' ')::json",
    "place": "place + 100",
    "key_id": "'database'",
    "salt": "substring(sha256(salt) FOR 16)",
    "digest": "sha256(digest)",
    "mac": "sha256(mac)",
}


def test_every_column_is_tampered_with_here(stack):
    columns = {name for name, in stack.query("SELECT column_name FROM information_schema.columns"
                                             " WHERE table_schema = 'msp' AND table_name = 'audit_log'")}
    assert columns == set(TAMPERING)


@pytest.mark.parametrize("column", [name for name, change in TAMPERING.items() if change])
def test_a_changed_column_is_found_and_the_line_named(server, chain, column):
    slug, ids = chain()
    assert verified(server, slug)["lines"] == 4
    server.stack.query(f"UPDATE msp.audit_log SET {column} = {TAMPERING[column]} WHERE audit_id = %s", (ids[1],))
    second = next((row["audit_id"] for row in rows(server, slug) if row["place"] == 2), None)
    first = broken(server, slug)
    assert (first["place"], first["id"]) == (2, second)


def test_a_line_moved_to_another_tenant_breaks_both_chains(server, chain):
    (one, ids), (other, _) = chain(), chain()
    server.stack.query("UPDATE msp.audit_log SET place = 5, tenant_id = (SELECT tenant_id FROM msp.tenants WHERE slug = %s)"
                       " WHERE audit_id = %s", (other, ids[3]))
    assert broken(server, one)["place"] == 4 and broken(server, other)["id"] == ids[3]


@pytest.mark.parametrize("gone", [0, 1, 3], ids=["first", "middle", "last"])
def test_a_removed_line_is_found(server, chain, gone):
    slug, ids = chain()
    server.stack.query("DELETE FROM msp.audit_log WHERE audit_id = %s", (ids[gone],))
    first = broken(server, slug)
    assert first["place"] == gone + 1 and first["id"] is None and "missing" in first["fault"]


def test_the_removal_of_all_lines_is_found(server, chain):
    slug, ids = chain()
    server.stack.query("DELETE FROM msp.audit_log WHERE audit_id = ANY(%s)", (ids,))
    assert broken(server, slug)["place"] == 1


def test_a_removed_line_whose_place_is_taken_by_those_behind_it_is_found(server, chain):
    slug, ids = chain()
    server.stack.query("DELETE FROM msp.audit_log WHERE audit_id = %s", (ids[1],))
    server.stack.query("UPDATE msp.audit_log SET place = 2 WHERE audit_id = %s", (ids[2],))
    server.stack.query("UPDATE msp.audit_log SET place = 3 WHERE audit_id = %s", (ids[3],))
    assert broken(server, slug)["id"] == ids[2]


def test_two_lines_that_change_places_are_found(server, chain):
    slug, ids = chain()
    for place, line in ((100, ids[1]), (2, ids[2]), (3, ids[1])):
        server.stack.query("UPDATE msp.audit_log SET place = %s WHERE audit_id = %s", (place, line))
    assert broken(server, slug)["id"] == ids[2]


def test_a_line_behind_the_end_is_found(server, chain):
    slug, ids = chain()
    server.stack.query("UPDATE msp.audit_heads SET place = 3, mac = (SELECT mac FROM msp.audit_log WHERE audit_id = %s)"
                       " WHERE tenant_id = (SELECT tenant_id FROM msp.tenants WHERE slug = %s)", (ids[2], slug))
    assert broken(server, slug)["place"] == 4


def test_a_changed_record_of_the_end_is_found(server, chain):
    slug, _ = chain()
    server.stack.query("UPDATE msp.audit_heads SET mac = sha256(mac)"
                       " WHERE tenant_id = (SELECT tenant_id FROM msp.tenants WHERE slug = %s)", (slug,))
    assert "end" in broken(server, slug)["fault"]


def test_a_line_planted_outside_the_chain_is_found(server, chain):
    slug, _ = chain()
    planted = put_outside(server, slug)
    assert broken(server, slug)["id"] == planted


def put_outside(server, slug, line=None):
    """A line that is in no chain, as there were before there was one; returns its id."""
    server.stack.query("ALTER TABLE msp.audit_log DROP CONSTRAINT IF EXISTS audit_log_chained,"
                       " DROP CONSTRAINT IF EXISTS audit_log_whole_or_erased")
    return server.stack.query(
        "INSERT INTO msp.audit_log (tenant_id, audit_id, actor, action, object) OVERRIDING SYSTEM VALUE"
        " SELECT tenant_id, coalesce(%s, nextval('msp.audit_log_audit_id_seq')), 'x', 'x', 'x' FROM msp.tenants"
        " WHERE slug = %s RETURNING audit_id", (line, slug))[0][0]


def test_lines_older_than_the_chain_are_counted_and_not_judged(server, chain):
    slug, ids = chain()
    old = put_outside(server, slug, -ids[0])
    verdict = verified(server, slug)
    assert (verdict["lines"], verdict["older_than_the_chain"]) == (4, 1)
    shown = json.loads(run(server, "audit", "list", "--tenant", slug, "--json").stdout)["lines"]
    assert [line["id"] for line in shown] == ids[::-1] + [old] and not shown[-1]["erased"]


def test_only_the_broken_chain_is_said_to_be_broken(server, chain):
    (good, _), (bad, ids) = chain(), chain()
    server.stack.query("UPDATE msp.audit_log SET actor = 'x' WHERE audit_id = %s", (ids[2],))
    done = run(server, "audit", "verify", code=1)
    lines = done.stdout.splitlines()
    assert any(line.startswith(f"{good}: whole, 4 lines") for line in lines)
    assert f"{bad}: broken at line {ids[2]} (place 3): what it says was changed" in lines


def test_a_long_chain_is_gone_through_page_by_page(server, chain):
    """More lines than are asked for at once, made as the program makes them."""
    slug, _ = chain(1)
    tenant, last = server.stack.query("SELECT h.tenant_id, encode(h.mac, 'hex') FROM msp.audit_heads h JOIN msp.tenants t"
                                      " USING (tenant_id) WHERE slug = %s", (slug,))[0]
    mac, made = bytes.fromhex(last), []
    for place in range(2, 1203):
        line = {"tenant_id": tenant, "place": place, "audit_id": 10 ** 9 + place, "us": 1700000000000000 + place,
                "action": "x", "payload": ("a", None, "o", None, None), "salt": bytes(16)}
        digest, mac = sealed(line, mac, SECRET)
        made.append((tenant, line["audit_id"], place, line["us"], key_id(SECRET), digest, mac))
    connection = server.stack.postgres.connect(server.stack.database)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO msp.audit_log (tenant_id, audit_id, place, at, action, actor, object, salt, key_id, digest, mac)"
            " OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, to_timestamp(0) + %s * interval '1 microsecond', 'x', 'a', 'o',"
            " decode(repeat('00', 16), 'hex'), %s, %s, %s)", made)
        cursor.execute("UPDATE msp.audit_heads SET place = 1202, mac = %s WHERE tenant_id = %s", (mac, tenant))
    connection.close()
    assert verified(server, slug)["lines"] == 1202
    server.stack.query("UPDATE msp.audit_log SET actor = 'b' WHERE tenant_id = %s AND place = 1100", (tenant,))
    assert broken(server, slug)["place"] == 1100


def test_the_chain_can_be_checked_by_another_program(server, chain):
    slug, _ = chain()
    mac = bytes(32)
    found = server.stack.query(
        "SELECT tenant_id, place, audit_id, (extract(epoch FROM at) * 1000000)::bigint, action, actor, address, object,"
        "       request_id, detail::text, encode(salt, 'hex'), encode(mac, 'hex'), key_id"
        "  FROM msp.audit_log JOIN msp.tenants USING (tenant_id) WHERE slug = %s ORDER BY place", (slug,))
    for row in found:
        line = dict(zip(("tenant_id", "place", "audit_id", "us", "action"), row),
                    payload=row[5:10], salt=bytes.fromhex(row[10]))
        assert row[12] == key_id(SECRET)
        _, mac = sealed(line, mac, SECRET)
        assert mac.hex() == row[11]
    assert verified(server, slug)["head"] == mac.hex()


# ---- erasing ----

def test_an_erased_line_is_blank_and_the_chain_holds(server, chain):
    slug, ids = chain()
    run(server, "tenant", "set", slug, "--name", "Ann Person")
    erased = rows(server, slug)[-1]["audit_id"]
    run(server, "audit", "erase", str(erased))
    verdict = verified(server, slug)
    assert (verdict["lines"], verdict["erased"]) == (6, 1)
    line, about = rows(server, slug)[-2:]
    assert [line[name] for name in ("actor", "address", "object", "request_id", "detail", "salt")] == [None] * 6
    assert line["action"] == "tenant.change" and "Ann Person" not in json.dumps(rows(server, slug))
    assert (about["action"], about["object"]) == ("audit.erase", str(erased))
    assert about["actor"].startswith("command line (") and about["detail"]["before"]["action"] == "tenant.change"
    shown = json.loads(run(server, "audit", "list", "--tenant", slug, "--json").stdout)["lines"]
    assert [(one["id"], one["erased"]) for one in shown[:2]] == [(about["audit_id"], False), (erased, True)]
    assert "Ann Person" not in json.dumps(shown) and ids[0] == shown[-1]["id"]
    assert "(erased)" in run(server, "audit", "list", "--tenant", slug).stdout


def test_what_cannot_be_erased_stays_as_it_is(server, chain):
    slug, ids = chain(2)
    run(server, "audit", "erase", str(ids[1]))
    before = rows(server, slug)
    assert "nothing was changed" in run(server, "audit", "erase", str(ids[1]), code=1).stderr
    assert "nothing was changed" in run(server, "audit", "erase", str(before[-1]["audit_id"]), code=1).stderr
    assert "no line" in run(server, "audit", "erase", str(10 ** 15), code=1).stderr
    run(server, "audit", "erase", "everything", code=2)
    assert rows(server, slug) == before
    verified(server, slug)


def test_a_line_that_was_blanked_without_a_trace_is_found(server, chain):
    slug, ids = chain()
    run(server, "audit", "erase", str(ids[0]))
    server.stack.query("UPDATE msp.audit_log SET actor = NULL, address = NULL, object = NULL, request_id = NULL, detail = NULL,"
                       " salt = NULL WHERE audit_id = %s", (ids[2],))
    first = broken(server, slug)
    assert first["id"] == ids[2] and "blank" in first["fault"]


# ---- keys ----

def by(server, *arguments, code=0, **settings):
    pairs = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return run(server, *arguments, *pairs, code=code)


def test_a_changed_secret_goes_on_and_the_old_one_still_checks(server, chain):
    slug, ids = chain(2)
    changed = {"AUDIT_SECRET": OTHER_SECRET, "AUDIT_SECRET_PREVIOUS": SECRET}
    by(server, "tenant", "set", slug, "--name", "New key", **changed)
    assert rows(server, slug)[2]["key_id"] == key_id(OTHER_SECRET)
    by(server, "audit", "verify", "--tenant", slug, **changed)
    forgotten = by(server, "audit", "verify", "--tenant", slug, code=1, AUDIT_SECRET=OTHER_SECRET)
    assert f"broken at line {ids[0]} " in forgotten.stdout and "AUDIT_SECRET_PREVIOUS" in forgotten.stdout


def test_without_the_secret_nothing_is_added_to_a_chain_that_has_one(stack, server, chain):
    slug, ids = chain(2)
    done = stack.run("tenant", "set", slug, "--name", "Without")
    assert done.returncode == 1 and "AUDIT_SECRET" in done.stderr
    assert [row["audit_id"] for row in rows(server, slug)] == ids
    assert stack.query("SELECT name FROM msp.tenants WHERE slug = %s", (slug,)) == [("Chain 1",)]


def test_without_any_secret_the_databases_key_is_used_and_said(stack, server):
    slug = f"plain{next(_numbers)}"
    done = stack.run("tenant", "add", slug, "--name", "Plain", "--timezone", "UTC")
    assert done.returncode == 0, done.stderr
    assert rows(server, slug)[0]["key_id"] == "database"
    run(server, "tenant", "set", slug, "--name", "With a secret from now on")
    verdict = verified(server, slug)
    assert (verdict["lines"], verdict["by_database_key"]) == (2, 1)
    assert "the database's own key" in run(server, "audit", "verify", "--tenant", slug).stdout


def test_a_line_of_the_databases_key_behind_lines_of_a_secret_is_found(stack, server, chain):
    """Whoever owns the database could make such a line."""
    slug, _ = chain(2)
    stack.query("UPDATE msp.audit_heads SET key_id = 'database' WHERE tenant_id ="
                " (SELECT tenant_id FROM msp.tenants WHERE slug = %s)", (slug,))
    assert stack.run("tenant", "set", slug, "--name", "Forged").returncode == 0
    assert broken(server, slug)["place"] == 3


# ---- many at once ----

def test_eight_writers_at_a_time_do_not_fork_the_chain(server, chain):
    slug, _ = chain(1)

    def write(number):
        return admin(server, "POST", "/v1/admin/keys", {"tenant": slug, "role": "tech", "name": f"w{number}"}).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(80))) == {201}
    assert verified(server, slug)["lines"] == 81
    places = [row["place"] for row in rows(server, slug)]
    assert places == list(range(1, 82))
    instants = [row["at"] for row in rows(server, slug)]
    assert instants == sorted(instants)


def test_a_chain_that_grows_is_whole_at_every_moment(server, chain):
    slug, _ = chain(1)

    def write(number):
        return admin(server, "POST", "/v1/admin/keys", {"tenant": slug, "role": "tech", "name": f"g{number}"}).must(201)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, number) for number in range(60)]
        while not all(one.done() for one in writing):
            verified(server, slug)
    assert verified(server, slug)["lines"] == 61


def test_somebody_who_stops_in_the_middle_holds_the_chain_for_seconds_only(stack, server, chain):
    slug, _ = chain(1)
    holder = stack.postgres.login(stack.database, "msp_server", PASSWORDS["server"])
    cursor = holder.cursor()
    cursor.execute("SET ROLE msp_admin; BEGIN")
    cursor.execute("SELECT msp.audit_next((SELECT tenant_id FROM msp.tenants WHERE slug = %s), false)", (slug,))
    begun = time.monotonic()
    run(server, "tenant", "set", slug, "--name", "Waited")
    assert 1 < time.monotonic() - begun < 14
    with pytest.raises(psycopg2.Error):
        cursor.execute("SELECT 1")
    verified(server, slug)


# ---- who may do what ----

@pytest.mark.parametrize("login, role", [("server", "msp_api"), ("server", "msp_admin"), ("worker", "msp_jobs")])
def test_no_role_that_serves_may_change_or_remove_a_line(stack, chain, login, role):
    chain(1)
    connection = stack.postgres.login(stack.database, f"msp_{login}", PASSWORDS[login])
    cursor = connection.cursor()
    cursor.execute(f"SET ROLE {role}")
    refused = ["UPDATE msp.audit_log SET actor = 'x'", "DELETE FROM msp.audit_log", "TRUNCATE msp.audit_log",
               "SELECT FROM msp.audit_log FOR UPDATE", "DELETE FROM msp.audit_heads", "TRUNCATE msp.audit_heads",
               "UPDATE msp.audit_key SET key = sha256('')", "DELETE FROM msp.audit_key"]
    if role != "msp_admin":
        refused += ["SELECT msp.audit_erase(1, 1)", "SELECT * FROM msp.audit_log"]
    if role == "msp_jobs":
        refused += ["SELECT key FROM msp.audit_key", "SELECT * FROM msp.audit_heads",
                    "INSERT INTO msp.audit_log (tenant_id, actor, action, object) VALUES (1, 'x', 'x', 'x')"]
    for statement in refused:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
    connection.close()


def test_a_tenant_cannot_write_into_anothers_chain(stack, server, chain):
    (one, _), (other, _) = chain(1), chain(1)
    ids = [stack.query("SELECT tenant_id FROM msp.tenants WHERE slug = %s", (slug,))[0][0] for slug in (one, other)]
    connection = stack.postgres.login(stack.database, "msp_server", PASSWORDS["server"])
    cursor = connection.cursor()
    cursor.execute("SET ROLE msp_api; BEGIN")
    cursor.execute("SELECT msp.set_tenant(%s)", (ids[0],))
    cursor.execute("UPDATE msp.audit_heads SET place = 0 WHERE tenant_id = %s", (ids[1],))
    assert cursor.rowcount == 0
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("SELECT msp.audit_next(%s, false)", (10 ** 9,))
    connection.close()
    verified(server, other)

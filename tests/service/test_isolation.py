"""The wall between tenants holds in the database itself, whatever the code in front of it does."""

import psycopg2
import pytest

from harness.databases import PASSWORDS
from harness.tickets import ticket

DAY = "2024-05-02"


@pytest.fixture(scope="module")
def pair(server):
    """Two tenants with the same external ids and different tickets."""
    made = [server.add_tenant("twin-one"), server.add_tenant("twin-two")]
    for number, slug in enumerate(made):
        server.push(slug, [ticket(f"INC{n}", f"{DAY}T08:00:00Z", title=f"of {slug}", assignee=f"Ann {slug}",
                                  category=f"Category {slug}") for n in range(number + 1)])
        server.compute(slug, DAY)
    return made


@pytest.fixture
def login(stack):
    """Connects as one of the server's own logins."""
    made = []

    def connect(which):
        made.append(stack.postgres.login(stack.database, f"msp_{which}", PASSWORDS[which]))
        return made[-1].cursor()
    yield connect
    for connection in made:
        connection.close()


def tenant_key(stack, slug):
    return stack.query("SELECT tenant_id FROM msp.tenants WHERE slug = %s", (slug,))[0][0]


def tenant_tables(stack):
    return [name for name, in stack.query(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        "  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped"
        " WHERE n.nspname = 'msp' AND c.relkind IN ('r', 'p') ORDER BY 1")]


def test_the_same_external_ids_under_two_tenants_do_not_meet(server, stack, pair):
    stored = dict(stack.query("SELECT t.slug, count(*) FROM msp.raw_tickets r JOIN msp.tenants t USING (tenant_id)"
                              " WHERE t.slug LIKE 'twin-%%' GROUP BY 1"))
    assert stored == {"twin-one": 1, "twin-two": 2}
    assert server.days(pair[0], DAY, DAY)[DAY, ""]["tickets_created"] == 1
    assert server.days(pair[1], DAY, DAY)[DAY, ""]["tickets_created"] == 2


def test_an_answer_holds_no_byte_of_the_other_tenant(server, pair):
    for own, other in (pair, pair[::-1]):
        for path, query in (("/v1/kpis/daily", {"by": "assignee"}), ("/v1/kpis/daily.csv", {"by": "category"}),
                            ("/v1/kpis/summary", {"by": "category"})):
            answer = server.v1(own, path, from_=DAY, to=DAY, **query).must(200)
            assert own in answer.text and other not in answer.text


def test_every_table_of_tenants_has_forced_row_security_and_a_checked_policy(stack):
    tables = tenant_tables(stack)
    assert {"raw_tickets", "raw_rejects", "ingest_cursors", "kpi_daily", "kpi_dirty_days", "jobs", "exports",
            "audit_log", "tenants", "users", "api_keys"} <= set(tables)
    flags = dict((name, (on, forced)) for name, on, forced in stack.query(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relnamespace = 'msp'::regnamespace AND relkind IN ('r', 'p')"))
    assert [name for name in tables if flags[name] != (True, True)] == []
    policies = stack.query("SELECT tablename, cmd, qual, with_check, roles FROM pg_policies WHERE schemaname = 'msp'")
    for name in tables:
        own = [p for p in policies if p[0] == name]
        walls = [p for p in own if "msp.tenant_id" in (p[2] or "") and p[1] == "ALL"]
        assert walls and all(p[3] == p[2] for p in walls), f"{name}: {own}"
        assert all(p[3] for p in own if p[1] in ("ALL", "INSERT", "UPDATE")), f"{name}: {own}"
        assert not any("SELECT" in (p[2] or "").upper() for p in own), f"{name}: a sub-select in a policy"


def test_an_open_policy_is_for_named_roles_only(stack):
    opened = stack.query("SELECT tablename, roles::text[] FROM pg_policies WHERE schemaname = 'msp' AND qual = 'true'")
    assert opened
    for name, roles in opened:
        assert set(roles) <= {"msp_admin", "msp_auth", "msp_jobs"}, name


def test_tenant_id_stands_first_in_the_key_of_every_table_the_workers_fill(stack):
    keys = dict(stack.query(
        "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        "  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
        " WHERE i.indisprimary AND c.relnamespace = 'msp'::regnamespace"))
    for name in tenant_tables(stack):
        # These have rows of no tenant, and are looked up by an id that is random.
        if name not in ("jobs", "users", "callback_deliveries"):
            assert keys[name] == "tenant_id", name


@pytest.mark.parametrize("which,role", [("server", "msp_api"), ("worker", "msp_jobs")])
def test_without_a_tenant_no_row_is_seen(login, stack, pair, which, role):
    cursor = login(which)
    cursor.execute(f"SET ROLE {role}")
    for name in ("raw_tickets", "kpi_daily", "kpi_dirty_days", "ingest_cursors", "exports"):
        cursor.execute(f"SELECT count(*) FROM msp.{name}")
        assert cursor.fetchone() == (0,), name


@pytest.mark.parametrize("which,role", [("server", "msp_api"), ("worker", "msp_jobs")])
def test_with_one_tenant_set_the_other_does_not_exist_and_cannot_be_written(login, stack, pair, which, role):
    own, other = (tenant_key(stack, slug) for slug in pair)
    cursor = login(which)
    cursor.execute(f"SET ROLE {role}")
    cursor.execute("BEGIN")
    cursor.execute("SELECT msp.set_tenant(%s)", (own,))
    cursor.execute("SELECT DISTINCT tenant_id FROM msp.raw_tickets")
    assert cursor.fetchall() == [(own,)]
    cursor.execute("SELECT count(*) FROM msp.raw_tickets WHERE tenant_id = %s", (other,))
    assert cursor.fetchone() == (0,)
    cursor.execute("UPDATE msp.raw_tickets SET title = 'stolen' WHERE tenant_id = %s", (other,))
    assert cursor.rowcount == 0
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("INSERT INTO msp.raw_tickets (tenant_id, external_id, created_at, updated_at)"
                       " VALUES (%s, 'planted', now(), now())", (other,))


def test_the_tenant_ends_with_its_transaction(login, stack, pair):
    cursor = login("server")
    cursor.execute("SET ROLE msp_api")
    cursor.execute("BEGIN")
    cursor.execute("SELECT msp.set_tenant(%s)", (tenant_key(stack, pair[0]),))
    cursor.execute("SELECT count(*) FROM msp.raw_tickets")
    assert cursor.fetchone()[0] > 0
    cursor.execute("COMMIT")
    cursor.execute("SELECT count(*) FROM msp.raw_tickets")
    assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("which,roles", [("server", ("msp_jobs", "msp_owner", "msp_auth", "postgres")),
                                         ("worker", ("msp_admin", "msp_api", "msp_owner", "msp_auth", "postgres"))])
def test_a_login_cannot_become_what_its_process_does_not_need(login, which, roles):
    cursor = login(which)
    for role in roles:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(f"SET ROLE {role}")


def test_no_login_of_ours_may_walk_around_the_wall(stack):
    rows = stack.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'msp\\_%%'"
                       " AND rolname <> 'msp_backup' AND (rolsuper OR rolbypassrls OR rolcreaterole)")
    assert rows == []
    owners = stack.query("SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class"
                         " WHERE relnamespace = 'msp'::regnamespace AND relkind IN ('r', 'p')")
    assert owners == [("msp_owner",)]


def test_nobody_who_serves_may_change_or_remove_an_audit_line(login):
    for which, role in (("server", "msp_api"), ("server", "msp_admin"), ("worker", "msp_jobs")):
        cursor = login(which)
        cursor.execute(f"SET ROLE {role}")
        for statement in ("DELETE FROM msp.audit_log", "UPDATE msp.audit_log SET actor = 'x'",
                          "TRUNCATE msp.audit_log"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)


@pytest.mark.parametrize("who", ["superuser", "owner"])
def test_serve_refuses_a_login_that_could_walk_through_the_wall(stack, new_server, expect_log, who):
    expect_log(r".")
    url = (f"postgresql://postgres@/{stack.database}?host={stack.postgres.folder}" if who == "superuser"
           else stack.settings()["MIGRATE_DATABASE_URL"])
    server = new_server(start=False, DATABASE_URL=url)
    server.start(ready=False)
    assert server.process.wait(20) == 2
    server.process = None
    assert "db/bootstrap.sql" in server.log(), "the log says what to do"


def test_a_job_and_a_tenant_of_somebody_else_do_not_exist_for_a_caller(server, pair):
    server.v1(pair[0], "/v1/kpis/daily", from_=DAY, to=DAY, tenant=pair[1]).problem(403)
    server.v1(pair[0], "/v1/kpis/daily", from_=DAY, to=DAY, tenant="nobody-at-all").problem(403)

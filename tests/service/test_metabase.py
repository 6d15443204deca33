"""What Metabase reads: the views of the schema `report`, by the login of a group, made as ops/metabase/setup makes it."""

import datetime
import re
import shlex
import subprocess
import sys
import zoneinfo
from pathlib import Path

import psycopg2
import psycopg2.errors
import pytest

from harness.databases import REPOSITORY
from harness.tickets import crowd, stamp, ticket

FOLDER = Path(REPOSITORY, "ops", "metabase")
QUESTIONS = sorted(path.stem for path in FOLDER.glob("*.sql"))
TODAY = datetime.datetime.now(datetime.timezone.utc).date()
FIRST, LAST = TODAY - datetime.timedelta(days=29), TODAY - datetime.timedelta(days=1)
DIMENSIONS = ("all", "priority", "category", "assignee", "group")
OWN, OTHER = ("north-one", "north-two"), ("south-one",)
DENIED = psycopg2.errors.InsufficientPrivilege


@pytest.fixture(scope="module")
def setup(stack):
    """Runs ops/metabase/setup as an operator would; what it printed."""
    def run(*arguments, code=0):
        reach = f"psql -h {stack.postgres.folder} -U postgres -d {stack.database}"
        done = subprocess.run([sys.executable, str(FOLDER / "setup"), "--psql", reach, *arguments], text=True,
                              capture_output=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr
    return run


def password_of(printed):
    return re.search(r"^ +Password +([0-9a-f]{48})$", printed, re.MULTILINE)[1]


@pytest.fixture(scope="module")
def filled(server):
    """Tenants of two groups, each marked in every text, with computed days and one job."""
    for slug in OWN + OTHER:
        server.add_tenant(slug, timezone="Europe/Paris", name=f"Name of {slug}")
        tickets = crowd(slug, 600, FIRST, LAST, zoneinfo.ZoneInfo("Europe/Paris"))
        for one in tickets:
            one["title"] = f"Title of {slug}"
            one["assignee"] = one.get("assignee") and f"{one['assignee']} of {slug}"
        now = stamp(datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1))
        server.feed(slug, [*tickets, ticket("OPEN", now, title=f"Title of {slug}", priority="high")])
        server.compute(slug, FIRST, LAST)
    return server


@pytest.fixture(scope="module")
def passwords(setup, filled):
    """Of the logins of both groups."""
    return {"north": password_of(setup("north", *OWN)), "south": password_of(setup("south", *OTHER))}


@pytest.fixture
def login(stack, passwords):
    """Connects as the login of a group."""
    made = []

    def connect(group="north"):
        made.append(stack.postgres.login(stack.database, f"msp_report_{group}", passwords[group]))
        return made[-1].cursor()
    yield connect
    for connection in made:
        connection.close()


def rows(cursor, sql, *parameters):
    cursor.execute(sql, parameters or None)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def views(cursor):
    return [row["viewname"] for row in rows(cursor, "SELECT viewname FROM pg_views WHERE schemaname = 'report'")]


def question(name, tenant=None):
    """The text as Metabase sends it: what stands in [[ ]] is left out without a value."""
    text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    if tenant is None:
        return re.sub(r"\[\[.*?\]\]", "", text, flags=re.DOTALL)
    return re.sub(r"\[\[(.*?)\]\]", r"\1", text, flags=re.DOTALL).replace("{{tenant}}", f"'{tenant}'")


# ---- what is right ----

@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_day_has_the_same_kpis_as_over_http(login, filled, dimension):
    query = {} if dimension == "all" else {"by": dimension}
    seen = {(str(row["day"]), row["member"]): row for row in
            rows(login(), "SELECT * FROM report.kpi_daily WHERE tenant = %s AND dimension = %s AND day BETWEEN %s AND %s",
                 OWN[0], dimension, FIRST, LAST)}
    days = filled.days(OWN[0], FIRST, LAST, **query)
    assert len(days) >= 29 and set(seen) == set(days)
    for key, told in days.items():
        for metric, value in told.items():
            if metric not in ("day", "member"):
                assert seen[key][metric] == (value if value is None else pytest.approx(value, rel=1e-9)), (key, metric)


def test_every_kpi_has_a_view_of_its_own(login):
    cursor = login()
    metrics = {row["column_name"] for row in rows(
        cursor, "SELECT column_name FROM information_schema.columns WHERE table_schema = 'report'"
                " AND table_name LIKE 'kpi\\_%%' AND table_name <> 'kpi_daily'")}
    whole = {row["column_name"] for row in rows(
        cursor, "SELECT column_name FROM information_schema.columns WHERE table_schema = 'report'"
                " AND table_name = 'kpi_daily'")}
    assert whole <= metrics


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_starter_question_runs_and_tells_of_its_group_alone(login, name):
    assert re.match(r"-- [A-Z].*\((line|bar|row|table|combo|stacked area)\)\n", question(name))
    for cursor in (login("north"), login("south")):
        told = rows(cursor, question(name))
        assert told or name == "failed-jobs"
        foreign = OTHER if "north" in cursor.connection.info.user else OWN
        assert not [slug for slug in foreign if slug in repr(told)]
    cursor = login()
    assert rows(cursor, question(name, OWN[0])) or name == "failed-jobs"
    assert OWN[1] not in repr(rows(cursor, question(name, OWN[0])))
    assert rows(cursor, question(name, "nobody")) == []


def test_percentiles_of_a_range_are_those_of_the_api(login, filled):
    only, = rows(login(), question("resolution-time-percentiles", OWN[0]))
    told = filled.v1(OWN[0], "/v1/kpis/summary", from_=TODAY - datetime.timedelta(days=30), to=TODAY).must(200).json["total"]
    assert only["tickets"] == told["resolution_count"] > 300
    for quantile in ("p50", "p90", "p95"):
        # A bin's value is cut to what its day counted here, to what the range counted there.
        assert float(only[f"minutes_{quantile}"]) == pytest.approx(told[f"resolution_minutes_{quantile}"], rel=0.02)


def test_tickets_and_jobs_are_all_there(login, stack):
    cursor = login()
    stored = stack.query("SELECT count(*) FROM msp.raw_tickets r JOIN msp.tenants t USING (tenant_id) WHERE slug = ANY(%s)",
                         (list(OWN),))[0][0]
    assert rows(cursor, "SELECT count(*) AS n, count(DISTINCT tenant) AS tenants FROM report.tickets") == \
        [{"n": stored, "tenants": 2}]
    assert {row["kind"] for row in rows(cursor, "SELECT kind FROM report.jobs")} == {"kpi"}


# ---- what is not there ----

def test_every_view_shows_the_tenants_of_the_group_and_no_other(login):
    for group, own in (("north", set(OWN)), ("south", set(OTHER))):
        cursor = login(group)
        for view in views(cursor):
            assert {row["tenant"] for row in rows(cursor, f"SELECT DISTINCT tenant FROM report.{view}")} == own, view


@pytest.mark.parametrize("trick", [
    "SET msp.tenant_id = '{other}'", "SELECT set_config('msp.tenant_id', '{other}', false)", "SET ROLE msp_report",
    "SET search_path = msp, report", "SET row_security = off"])
def test_nothing_a_login_may_set_widens_what_it_sees(login, stack, trick):
    other = stack.query("SELECT tenant_id FROM msp.tenants WHERE slug = %s", (OTHER[0],))[0][0]
    cursor = login()
    cursor.execute(trick.format(other=other))
    for view in views(cursor):
        try:
            assert OTHER[0] not in repr(rows(cursor, f"SELECT tenant FROM report.{view}")), view
        except DENIED:
            assert "row_security" in trick


def test_a_login_can_name_nothing_but_the_views(login, stack):
    cursor = login()
    for name, in stack.query("SELECT relname FROM pg_class WHERE relnamespace = 'msp'::regnamespace AND relkind IN"
                             " ('r', 'p', 'v', 'm', 'S')"):
        with pytest.raises(DENIED):
            cursor.execute(f"SELECT * FROM msp.{name}")
    for call in ("set_tenant(1)", "report_tenants()", "all_tenants()", "all_api_keys()"):
        with pytest.raises(DENIED):
            cursor.execute(f"SELECT msp.{call}")
    for role in ("msp_api", "msp_admin", "msp_auth", "msp_jobs", "msp_owner", "msp_report_south", "postgres"):
        with pytest.raises(DENIED):
            cursor.execute(f"SET ROLE {role}")


def test_a_login_can_write_nothing(login):
    cursor = login()
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        cursor.execute("CREATE TEMP TABLE t (x int)")
    cursor.execute("SET default_transaction_read_only = off")
    for view in views(cursor):
        for sql in (f"DELETE FROM report.{view}", f"UPDATE report.{view} SET tenant = 'x'",
                    f"INSERT INTO report.{view} (tenant) VALUES ('x')"):
            with pytest.raises((DENIED, psycopg2.errors.ObjectNotInPrerequisiteState)):
                cursor.execute(sql)
    for sql in ("CREATE TABLE report.t (x int)", "CREATE TABLE public.t (x int)", "CREATE TEMP TABLE t (x int)",
                "CREATE FUNCTION report.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE SCHEMA s"):
        with pytest.raises(DENIED):
            cursor.execute(sql)


def test_the_role_may_read_no_table_but_those_under_the_views(stack):
    """No key, password, source or setting of a tenant; and where it may read, no policy goes by what a session sets."""
    readable = {name for name, in stack.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'msp'::regnamespace"
        " AND (has_any_column_privilege('msp_report', oid, 'SELECT, INSERT, UPDATE, REFERENCES')"
        "      OR has_table_privilege('msp_report', oid, 'DELETE, TRUNCATE, TRIGGER')) AND relkind IN ('r', 'p')")}
    assert readable == {"tenants", "tenant_state", "kpi_daily", "raw_tickets", "jobs"}
    assert not stack.query("SELECT 1 FROM pg_class WHERE relnamespace = 'msp'::regnamespace AND relkind IN ('r', 'p')"
                           " AND has_any_column_privilege('msp_report', oid, 'INSERT, UPDATE, REFERENCES')")
    for name in readable:
        policies = stack.query("SELECT policyname, cmd, qual FROM pg_policies WHERE schemaname = 'msp' AND tablename = %s"
                               " AND roles && '{msp_report,public}'::name[]", (name,))
        assert [policy[:2] for policy in policies] == [("report", "SELECT")], policies
        assert policies[0][2] == "(tenant_id = ANY (msp.report_tenants()))"
    assert not stack.query("SELECT 1 FROM pg_class WHERE relnamespace = 'report'::regnamespace AND relkind = 'v'"
                           " AND NOT coalesce(reloptions @> '{security_invoker=true}', false)")


def test_the_tenants_are_asked_for_once_a_scan_not_once_a_row(login, stack):
    stack.query("ANALYZE msp.kpi_daily, msp.raw_tickets, msp.tenants, msp.jobs")
    stack.query("ALTER ROLE msp_report_north SET track_functions = 'all'")
    assert all(count > 1000 for count, in stack.query(
        "SELECT count(*) FROM msp.kpi_daily UNION ALL SELECT count(*) FROM msp.raw_tickets"))
    cursor = login()
    cursor.connection.autocommit = False
    for sql in [question(name) for name in QUESTIONS] + \
            ["SELECT sum(tickets_created) FROM report.kpi_daily", "SELECT count(*) FROM report.tickets",
             "SELECT avg(csat) FROM report.tickets WHERE title LIKE '%one'"]:
        cursor.execute(sql)
        cursor.execute("SELECT coalesce(sum(calls), 0) FROM pg_stat_xact_user_functions WHERE funcname = 'report_tenants'")
        calls, = cursor.fetchone()
        # The planner asks too, a few times a table.
        assert 0 < calls <= 100, (calls, sql)
        cursor.connection.rollback()


# ---- the script ----

def test_a_disabled_tenant_and_one_taken_from_the_group_are_gone_at_once(filled, stack, setup):
    slug = filled.add_tenant("west-one")
    filled.add_tenant("west-two")
    secret = password_of(setup("west", "west-one", "west-two"))
    cursor = stack.postgres.login(stack.database, "msp_report_west", secret).cursor()

    def seen():
        return [row["tenant"] for row in rows(cursor, "SELECT tenant FROM report.tenants ORDER BY tenant")]
    assert seen() == ["west-one", "west-two"]
    assert filled.command("tenant", "disable", slug).returncode == 0
    assert seen() == ["west-two"]
    assert "as before" in setup("west", "west-one") and seen() == []
    assert "msp_report_west: west-one\n" in setup("--list")
    assert password_of(setup("west", "west-two", "--new-password")) != secret and seen() == ["west-two"]
    setup("west", "--remove")
    with pytest.raises(psycopg2.OperationalError):
        seen()
    assert "west" not in setup("--list")


@pytest.mark.parametrize("arguments,code,says", [
    (["north", "north-one", "nobody"], 1, "no tenant nobody"), (["No'rth", "north-one"], 2, "a group's name"),
    (["north", "x'y"], 2, "no tenant's id"), (["north"], 2, "at least one tenant")])
def test_the_script_says_what_is_wrong_and_changes_nothing(setup, login, arguments, code, says):
    assert says in setup(*arguments, code=code)
    assert "msp_report_north: north-one north-two\n" in setup("--list")


def test_the_password_is_in_no_command_line(tmp_path, setup):
    """A stand-in for psql that keeps what it was called with."""
    stand_in = tmp_path / "psql"
    stand_in.write_text(f'#!/bin/sh\necho "$*" >>{shlex.quote(str(tmp_path))}/calls\ncat >>{tmp_path}/sql\n')
    stand_in.chmod(0o755)
    done = subprocess.run([sys.executable, str(FOLDER / "setup"), "east", "some-tenant", "--psql", str(stand_in)],
                          capture_output=True, text=True, timeout=60, check=False)
    secret, = re.findall(r"PASSWORD '([0-9a-f]{48})'", (tmp_path / "sql").read_text())
    assert secret not in (tmp_path / "calls").read_text() and done.returncode != 0

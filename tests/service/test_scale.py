"""ops/scale: what Citus refuses is not in the schema, citus.sql names every table, and nginx spreads over nodes.

There is no Citus here. Its rules are held against the catalogue of a migrated database and the text of the queries; what
of citus.sql plain PostgreSQL can run is run, with functions in Citus' place that note what they were asked.
"""

import http.client
import re
import shutil
from pathlib import Path

import pytest

from harness import processes
from harness.databases import REPOSITORY
from harness.tickets import ticket
from harness.waiting import wait_until

CITUS = Path(REPOSITORY, "ops", "scale", "citus.sql")
NGINX = Path(REPOSITORY, "ops", "scale", "nginx.conf")
QUERIES = sorted(Path(REPOSITORY, "db", "queries").glob("*.sql"))
DAY = "2024-03-05"


def placed():
    """{table: distributed, reference or local}, as citus.sql has it."""
    text = CITUS.read_text(encoding="utf-8")
    found = [(name, "distributed") for name in re.findall(r"create_distributed_table\('msp\.(\w+)', 'tenant_id'", text)]
    found += [(name, "reference") for name in re.findall(r"create_reference_table\('msp\.(\w+)'\)", text)]
    for line in text.partition("-- Left on the coordinator")[2].splitlines()[1:]:
        names = re.match(r"--   ((?:\w+ )*\w+)  ", line)
        found += [(name, "local") for name in names[1].split()]
    places = dict(found)
    assert len(places) == len(found), "a table stands in two lists"
    return places


PLACES = placed()


def of(*places):
    return sorted(name for name, place in PLACES.items() if place in places)


# ---- the schema ----

def test_every_table_has_a_place(stack):
    assert set(PLACES) == {name for name, in stack.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'msp'::regnamespace AND relkind IN ('r', 'p')")}


def test_the_tenant_stands_first_in_every_key_of_a_distributed_table(stack):
    firsts = stack.query(
        "SELECT c.relname, i.indexrelid::regclass::text, i.indisprimary, a.attname, i.indexprs IS NULL"
        "  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        "  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
        " WHERE c.relnamespace = 'msp'::regnamespace AND c.relname = ANY (%s) AND i.indisunique", (of("distributed"),))
    assert {row[0] for row in firsts if row[2]} == set(of("distributed")), "each has a primary key"
    assert [row for row in firsts if row[3] != "tenant_id" or not row[4]] == []
    kinds = stack.query("SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                        " WHERE c.relnamespace = 'msp'::regnamespace AND c.relname = ANY (%s) AND a.attname = 'tenant_id'"
                        "   AND a.atttypid = 'bigint'::regtype AND a.attnotnull", (of("distributed"),))
    assert {name for name, in kinds} == set(of("distributed")), "all may lie together only if the key is of one type"


def test_no_foreign_key_leads_from_one_place_to_another(stack):
    for name, to in stack.query("SELECT c.relname, f.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
                                "  JOIN pg_class f ON f.oid = k.confrelid"
                                " WHERE k.contype = 'f' AND k.connamespace = 'msp'::regnamespace"):
        assert PLACES[name] == PLACES[to] == "local", (name, to)


def test_no_trigger_is_left_on_what_citus_takes_over(stack):
    dropped = set(re.findall(r"DROP TRIGGER IF EXISTS (\w+) ON msp\.(\w+);", CITUS.read_text(encoding="utf-8")))
    kept = [(name, table) for name, table in stack.query(
        "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND c.relnamespace = 'msp'::regnamespace") if PLACES[table] != "local"]
    assert set(kept) == dropped


def test_counted_ids_are_bigint_and_whoever_writes_may_use_the_count(stack):
    identities = stack.query(
        "SELECT c.relname, a.atttypid = 'bigint'::regtype, pg_get_serial_sequence('msp.' || c.relname, a.attname)"
        "  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'msp'::regnamespace AND a.attidentity <> ''")
    assert all(row[1] for row in identities)
    for name, _, sequence in identities:
        if PLACES[name] != "local":
            refused = stack.query(
                "SELECT r.rolname FROM pg_roles r WHERE r.rolname = ANY (ARRAY['msp_api', 'msp_admin', 'msp_jobs'])"
                "  AND has_table_privilege(r.oid, %s, 'INSERT') AND NOT has_sequence_privilege(r.oid, %s, 'USAGE')",
                (f"msp.{name}", sequence))
            assert refused == [], (name, sequence)
    assert stack.query("SELECT adrelid::regclass::text FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid"
                       " WHERE c.relnamespace = 'msp'::regnamespace AND pg_get_expr(adbin, adrelid) ~ 'nextval'") == []


def test_no_policy_asks_a_query_and_no_view_sees_more_than_its_reader(stack):
    policies = stack.query("SELECT tablename, policyname, coalesce(qual, '') || coalesce(with_check, '') FROM pg_policies"
                           " WHERE schemaname = 'msp'")
    assert policies and [row for row in policies if re.search(r"\bselect\b", row[2], re.IGNORECASE)] == []
    assert stack.query("SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE n.nspname IN ('msp', 'report') AND c.relkind = 'v'"
                       "   AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)") == []


@pytest.mark.parametrize("query", QUERIES, ids=lambda path: path.stem)
def test_a_query_names_its_tenant_at_every_table_that_is_spread(query):
    text = re.sub(r"--.*", "", query.read_text(encoding="utf-8"))
    read = re.findall(r"\b(?:FROM|JOIN|UPDATE|USING)\s+msp\.(\w+)\b(?!\()(?:\s+(?:AS\s+)?([a-z]\w*))?", text)
    for table, alias in read:
        if PLACES.get(table) == "distributed":
            assert re.search(rf"\b{alias}\.tenant_id = \$1\b" if alias else r"\btenant_id = \$1\b", text), (table, alias)
    for table, columns, rest in re.findall(r"\bINSERT INTO msp\.(\w+)[^(]*\(([^)]*)\)\s+(.*?)(?=\bINSERT INTO\b|\Z)", text, re.S):
        assert columns.split(",")[0].strip() == "tenant_id", table
        assert re.match(r"SELECT \$1::bigint\b", rest), table
        assert re.search(r"\bON CONFLICT\b|\bRETURNING\b", rest), f"{table}: Citus would use COPY, which row security refuses"
    assert read or "INSERT" in text
    assert not re.search(r"\bMERGE\b", text)


def test_the_page_names_every_query_that_citus_may_not_take():
    """Those that write or read the coordinator's tables and the spread ones at once, or call what reads spread ones."""
    page = Path(REPOSITORY, "ops", "docs", "scale.md").read_text(encoding="utf-8")
    doubtful = set()
    for query in QUERIES:
        text = re.sub(r"--.*", "", query.read_text(encoding="utf-8"))
        places = {PLACES.get(name) for name in re.findall(r"\bmsp\.(\w+)\b(?!\()", text)}
        if {"distributed", "local"} <= places or "stored_tickets(" in text:
            doubtful.add(query.stem)
    assert doubtful and doubtful == set(re.findall(r"`(\w+)\.sql`", page)) - {"citus"}


# ---- citus.sql, as far as plain PostgreSQL goes ----

STAND_IN = """
    CREATE TABLE public.asked (of text, name text);
    CREATE FUNCTION create_reference_table(name regclass) RETURNS void LANGUAGE sql
        AS $$ INSERT INTO public.asked VALUES ('reference', name::text) $$;
    CREATE FUNCTION create_distributed_table(name regclass, key text, colocate_with text DEFAULT 'default')
        RETURNS void LANGUAGE sql AS $$ INSERT INTO public.asked VALUES ('distributed', name::text) $$;
"""


def test_without_citus_the_file_changes_nothing_and_says_why(new_stack):
    with pytest.raises(AssertionError, match="CREATE EXTENSION citus first"):
        new_stack().postgres.psql("msp", ["--single-transaction", "-f", str(CITUS)])


def test_with_what_the_file_changes_a_server_works_as_before(new_stack):
    stack = new_stack()
    stack.query(STAND_IN)
    stack.postgres.psql(stack.database, ["--single-transaction", "-f", str(CITUS)])
    asked = {name.removeprefix("msp."): place for place, name in stack.query("SELECT of, name FROM public.asked")}
    assert asked == {name: place for name, place in PLACES.items() if place != "local"}
    server, other = stack.server().start(), stack.server().start()
    for slug in ("one", "two"):
        server.add_tenant(slug)
        server.push(slug, [ticket(f"{slug}-{n}", f"{DAY}T10:00:00Z", title=f"of {slug}") for n in range(3)])
        server.compute(slug, DAY)
        assert server.days(slug, DAY, DAY)[DAY, ""]["tickets_created"] == 3
        seen = server.v1(slug, "/v1/tickets", day=DAY).must(200).json["tickets"]
        assert {entry["title"] for entry in seen} == {f"of {slug}"}
    # Without its trigger a changed tenant still ends the answers that every node keeps.
    assert other.v1("one", "/v1/kpis/daily", from_=DAY, to=DAY).must(200).json["timezone"] == "UTC"
    assert server.command("tenant", "set", "one", "--timezone", "Europe/Paris").returncode == 0
    for node in (server, other):
        wait_until(lambda node=node: node.v1("one", "/v1/kpis/daily", from_=DAY, to=DAY).json["timezone"] == "Europe/Paris",
                   5, "the new time zone")


# ---- nginx.conf ----

def status(port, path, headers=None):
    """What the proxy says; its fields are not those of /openapi.json."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def proxy(tmp_path):
    """Makes an nginx of the sample in front of some servers; its port."""
    made = []

    def make(servers):
        port, text = processes.free_port(), NGINX.read_text(encoding="ascii")
        for number, server in enumerate(servers):
            text = text.replace(f"10.0.0.{11 + number}:8000", f"127.0.0.1:{server.port}")
        text = re.sub(r"\n *server 10\.0\.0\..*", "", text).replace("listen 80;", f"listen 127.0.0.1:{port};")
        conf = tmp_path / "nginx.conf"
        conf.write_text(f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; worker_processes 1; events {{}}\n"
                        f"http {{ access_log off;\n{text}}}\n", encoding="ascii")
        made.append(processes.spawn([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(conf), "-p", str(tmp_path)],
                                    tmp_path / "out"))

        def answers():
            assert made[-1].poll() is None, (tmp_path / "out").read_text(encoding="utf-8")
            try:
                return status(port, "/livez") == 200
            except OSError:
                return False
        wait_until(answers, 10, "nginx to answer")
        return port
    yield make
    for one in made:
        processes.end(one)


def test_the_sample_of_nginx_spreads_over_nodes_and_goes_on_without_one(new_server, proxy, tenant):
    nodes = [new_server(TRUSTED_PROXIES="127.0.0.1") for _ in range(2)]
    slug = tenant()
    wait_until(lambda: all(node.v1(slug, "/v1/me").status == 200 for node in nodes), 10, "both to know the tenant")
    port, headers = proxy(nodes), {"Authorization": f"Bearer {nodes[0].token('manager', slug)}"}
    before = [node.log().count("/v1/me") for node in nodes]
    for _ in range(20):
        assert status(port, "/v1/me", headers) == 200
    for node, were in zip(nodes, before):
        wait_until(lambda node=node, were=were: node.log().count("/v1/me") > were, 5, "each to be asked")
    for path in ("/internal/tenants", "/metrics"):
        assert status(port, path, headers) == 404
    nodes[0].stop()
    for _ in range(10):
        assert status(port, "/v1/me", headers) == 200

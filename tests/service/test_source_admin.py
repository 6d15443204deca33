"""Where tickets are pulled from: set, shown and tried by admins alone; secrets go in and never come out."""

import itertools
import json
import subprocess

import pytest

from harness.server import binary, clean_environment
from harness.waiting import wait_until

_numbers = itertools.count(1)
KEY, OTHER_KEY = "key-of-the-tests-of-ticket-sources-1", "key-of-the-tests-of-ticket-sources-2"
TOKEN, SECOND = "hush-hush-token", "another-hush-token"
URL = "https://desk.example.com"


@pytest.fixture(scope="module")
def server(module_stack):
    one = module_stack.server(SECRET_KEY=KEY).start()
    yield one
    one.stop()


@pytest.fixture
def slug(server):
    return server.add_tenant(f"src{next(_numbers)}")


def run(server, *arguments, given=None, code=0, **settings):
    """The program as an operator runs it; what it printed."""
    sets = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    done = subprocess.run([binary(), *arguments, *sets, "--env-file", server.env_path], env=clean_environment(),
                          input=given, capture_output=True, text=True, timeout=60, cwd="/", check=False)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def set_zammad(server, slug, url=URL, token=TOKEN, code=0, **settings):
    secret = ("--secret", "token") if token is not None else ()
    return run(server, "source", "set", slug, "--kind", "zammad", "--option", f"url={url}", *secret,
               given=f"{token}\n" if token is not None else "", code=code, **settings)


def shown(server, slug):
    return json.loads(run(server, "source", "show", slug, "--json").stdout)["source"]


def sealed(server, slug):
    return bytes(server.stack.query("SELECT s.secrets FROM msp.sources s JOIN msp.tenants t USING (tenant_id)"
                                    " WHERE t.slug = %s", (slug,))[0][0])


def call(server, method, path="", body=None, **more):
    return server.request(method, f"/v1/admin/sources{path}", json_body=body, token=server.token("admin", subject="boss"),
                          **more)


# ---- what is set is kept, and its secret nowhere to be seen ----

def test_a_source_is_set_and_shown_without_its_secret(server, slug):
    said = set_zammad(server, slug)
    assert "zammad" in said.stdout and TOKEN not in said.stdout + said.stderr
    source = shown(server, slug)
    assert source["options"] == {"url": URL} and source["secrets"] == {"token": True}
    assert source["kind"] == "zammad" and source["complete_until"] is None and source["last_error"] is None
    assert source["updated_by"].startswith("command line")
    # The tenant is pulled from there from now on, on every node.
    wait_until(lambda: server.tenants()[slug]["source"] == "zammad", 10, "the source")
    for command in (("source", "show", slug), ("source", "list"), ("source", "list", "--json"), ("audit", "list")):
        assert TOKEN not in run(server, *command).stdout
    assert slug in run(server, "source", "list").stdout
    assert TOKEN.encode() not in sealed(server, slug)


def test_an_admin_sets_a_source_over_http(server, slug):
    made = call(server, "PUT", f"/{slug}", {"kind": "zammad", "options": {"url": URL, "status_map": {"Waiting": "pending"}},
                                            "secrets": {"token": TOKEN}}).must(200)
    assert made.json["source"]["secrets"] == {"token": True} and TOKEN not in made.text
    assert made.json["source"]["options"]["status_map"] == {"Waiting": "pending"}
    one = call(server, "GET", f"/{slug}").must(200)
    assert one.json["source"] == {**made.json["source"], "lag_seconds": one.json["source"]["lag_seconds"]}
    listed = call(server, "GET", f"?tenant={slug}").must(200)
    assert [source["tenant"] for source in listed.json["sources"]] == [slug] and TOKEN not in listed.text
    line = server.get(f"/v1/audit?tenant={slug}&action=source.set", token=server.token("admin")).must(200)
    assert line.json["lines"][0]["after"]["secrets"] == "token" and TOKEN not in line.text
    assert line.json["lines"][0]["after"]["options"]["url"] == URL


@pytest.mark.parametrize("role", ["manager", "tech", "client"])
def test_only_admins_see_or_set_sources(server, slug, role):
    token = server.token(role, slug)
    for method, path in (("GET", ""), ("GET", f"/{slug}"), ("PUT", f"/{slug}"), ("POST", f"/{slug}/test")):
        server.request(method, f"/v1/admin/sources{path}", token=token,
                       json_body=None if method == "GET" else {}).problem(403)


def test_a_trial_is_made_once_a_key(server, slug):
    call(server, "PUT", f"/{slug}", {"kind": "mock"}).must(200)

    def try_it(tenant):
        return call(server, "POST", f"/{tenant}/test", {}, headers={"Idempotency-Key": f"trial-of-{slug}"})
    first, again = try_it(slug).must(202), try_it(slug).must(202)
    assert first.json["job"]["id"] == again.json["job"]["id"]
    assert again.headers.get("Idempotent-Replayed") == "true" and "Idempotent-Replayed" not in first.headers


@pytest.mark.parametrize("body, pointer", [
    ({"kind": "zammad", "secrets": {"token": TOKEN}}, "/options/url"),
    ({"kind": "zammad", "options": {"url": URL}}, "/secrets/token"),
    ({"kind": "zammad", "options": {"url": URL, "colour": "red"}, "secrets": {"token": TOKEN}}, "/options/colour"),
    ({"kind": "zammad", "options": {"url": URL}, "secrets": {"token": 7}}, "/secrets/token"),
    ({"kind": "zammad", "options": {"url": URL, "overlap_seconds": "5"}, "secrets": {"token": TOKEN}},
     "/options/overlap_seconds"),
    ({"kind": "abacus"}, "/kind"), ({"kind": "zammad", "options": []}, "/options"), ({}, "/kind")])
def test_what_is_wrong_is_told_with_its_place(server, slug, body, pointer):
    answer = call(server, "PUT", f"/{slug}", body).problem(400)
    assert pointer in [error["pointer"] for error in answer["errors"]] and TOKEN not in json.dumps(answer)


def test_a_private_address_needs_the_operators_leave(server, slug):
    assert "EGRESS_ALLOW" in set_zammad(server, slug, url="http://127.0.0.1:9", code=1).stderr
    call(server, "PUT", f"/{slug}", {"kind": "zammad", "options": {"url": "http://127.0.0.1:9"},
                                     "secrets": {"token": TOKEN}}).problem(403)
    set_zammad(server, slug, url="http://127.0.0.1:9", EGRESS_ALLOW="http://127.0.0.1:9+private")


def test_a_secret_is_never_taken_from_the_command_line(server, slug):
    said = run(server, "source", "set", slug, "--kind", "zammad", "--option", f"url={URL}", "--option", f"token={TOKEN}",
               code=2)
    assert "--secret token" in said.stderr and TOKEN not in said.stderr


def test_a_secret_is_read_from_a_file(server, slug, tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    run(server, "source", "set", slug, "--kind", "zammad", "--option", f"url={URL}", "--secret-file",
        f"token={tmp_path / 'token'}")
    assert shown(server, slug)["secrets"] == {"token": True}


# ---- changing ----

def test_a_secret_stays_while_the_address_does_and_only_then(server, slug):
    set_zammad(server, slug)
    before = sealed(server, slug)
    run(server, "source", "set", slug, "--kind", "zammad", "--option", f"url={URL}", "--option", "overlap_seconds=600")
    assert shown(server, slug)["secrets"] == {"token": True} and sealed(server, slug) != before
    said = set_zammad(server, slug, url="https://elsewhere.example.com", token=None, code=1)
    assert "token" in said.stderr and shown(server, slug)["options"]["url"] == URL
    # Another kind's secret is no secret of this one.
    assert "api_key" in run(server, "source", "set", slug, "--kind", "freshservice", "--option", f"url={URL}", code=1).stderr


def test_choosing_another_source_leaves_what_was_set_unused(server, slug):
    set_zammad(server, slug)
    run(server, "tenant", "set", slug, "--source", "glpi")
    assert shown(server, slug)["options"] is None
    run(server, "tenant", "set", slug, "--source", "")
    assert "pushed" in run(server, "source", "show", slug, code=1).stderr
    run(server, "tenant", "set", slug, "--source", "zammad")
    assert shown(server, slug)["options"] == {"url": URL}


# ---- the key ----

def test_without_a_key_nothing_secret_is_set_and_the_server_says_why(server, slug):
    said = set_zammad(server, slug, code=1, SECRET_KEY="")
    assert "SECRET_KEY" in said.stderr and "openssl rand" in said.stderr
    # The mock source has no secret, and needs none.
    run(server, "source", "set", slug, "--kind", "mock", SECRET_KEY="")


def test_a_key_is_changed_without_setting_anything_anew(server, slug):
    set_zammad(server, slug)
    changed = {"SECRET_KEY": OTHER_KEY, "SECRET_KEY_PREVIOUS": KEY}
    keep = ("source", "set", slug, "--kind", "zammad", "--option", f"url={URL}")
    assert "SECRET_KEY_PREVIOUS" in run(server, *keep, code=1, SECRET_KEY=OTHER_KEY).stderr
    run(server, "source", "reseal", **changed)
    run(server, *keep, SECRET_KEY=OTHER_KEY)
    # Back again, for the other tests.
    run(server, "source", "reseal", SECRET_KEY=KEY, SECRET_KEY_PREVIOUS=OTHER_KEY)
    run(server, *keep)


def test_sealed_secrets_open_in_their_own_row_alone(server, slug):
    other = server.add_tenant(f"src{next(_numbers)}")
    set_zammad(server, slug)
    set_zammad(server, other, token=SECOND)
    server.stack.query("UPDATE msp.sources SET secrets = %s WHERE tenant_id ="
                       " (SELECT tenant_id FROM msp.tenants WHERE slug = %s) RETURNING 1", (sealed(server, slug), other))
    assert "another SECRET_KEY" in run(server, "source", "set", other, "--kind", "zammad", "--option", f"url={URL}",
                                       code=1).stderr
    set_zammad(server, other)


def test_http_workers_role_cannot_read_sources(server):
    allowed = server.stack.query("SELECT has_table_privilege('msp_api', 'msp.sources', 'SELECT'),"
                                 " has_table_privilege('msp_jobs', 'msp.sources', 'UPDATE')")
    assert allowed == [(False, False)]


# ---- how far behind ----

def test_status_shows_whose_tickets_are_furthest_behind(server):
    hours = {server.add_tenant(f"late{next(_numbers)}", source="mock"): hours for hours in (5, None, 3, 900, 1, 2, 4)}
    disabled = server.add_tenant(f"late{next(_numbers)}", source="mock")
    run(server, "tenant", "disable", disabled)
    for slug, ago in hours.items():
        server.stack.query(
            "INSERT INTO msp.ingest_cursors (tenant_id, source, drained_at, failed_at, failure)"
            " SELECT tenant_id, source, now() - make_interval(hours => %s), CASE WHEN %s = 900 THEN now() END,"
            "        CASE WHEN %s = 900 THEN 'The desk is closed.' END FROM msp.tenants WHERE slug = %s",
            (ago, ago, ago, slug))
    told = json.loads(run(server, "status", "--json").stdout)
    ours = [source for source in told["sources"] if source["tenant"] in hours]
    assert [hours[source["tenant"]] for source in ours] == [None, 900, 5, 4, 3, 2, 1]
    assert disabled not in [source["tenant"] for source in told["sources"]] and told["sources_has_more"] is False
    assert ours[0] == {"tenant": ours[0]["tenant"], "kind": "mock", "complete_until": None, "lag_seconds": None,
                       "last_error": None}
    assert ours[1]["last_error"]["detail"] == "The desk is closed."
    assert 3600 <= ours[-1]["lag_seconds"] < 3700 and ours[-1]["complete_until"] and ours[-1]["last_error"] is None

    more = [server.add_tenant(f"late{next(_numbers)}", source="mock") for _ in range(5)]
    shown, note, _ = run(server, "status").stdout.partition("source of ")[2].partition("These are the 10 furthest")
    assert note
    lines = shown.splitlines()[1:]
    known = [source["tenant"] for source in json.loads(run(server, "status", "--json").stdout)["sources"]]
    assert [line.split()[0] for line in lines] == known[:10] and set(more) <= set(known)


def test_status_does_without_a_database(server):
    away = {"DATABASE_URL": "postgresql://nobody@/x?host=/nowhere"}
    told = json.loads(run(server, "status", "--json", **away).stdout)
    assert told["sources"] is None and told["processes"] and told["job_worker"]
    assert "sources      not known: " in run(server, "status", **away).stdout

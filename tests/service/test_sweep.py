"""Tickets deleted in the source count no more once its list of ids says so, and nothing else is ever taken away. With a
stand-in that anybody can start: what the quickstart's documentation promises about source test and pull is tried here."""

import itertools
import json
import os
import subprocess
import sys

import pytest

from harness.server import REPOSITORY, binary, clean_environment
from harness.waiting import wait_until

sys.path.insert(0, os.path.join(REPOSITORY, "tests", "support"))

import standins  # noqa: E402

_numbers = itertools.count(1)
TICKETS = 60


@pytest.fixture(scope="module")
def desk():
    stand_in = standins.find("json")(0, TICKETS).start()
    yield stand_in
    stand_in.stop()


@pytest.fixture(scope="module")
def server(module_stack, desk):
    """As the quickstart runs it: MOCK_MODE, but for the stand-in that EGRESS_ALLOW names."""
    one = module_stack.server(SECRET_KEY="key-of-the-tests-of-ticket-sources-1", SWEEP_HOUR="0",
                              EGRESS_ALLOW=f"{desk.url}+private").start()
    yield one
    one.stop()


@pytest.fixture
def slug(server, desk):
    desk.reset(TICKETS)
    slug = server.add_tenant(f"swept{next(_numbers)}")
    options = [word for name, value in desk.options().items()
               for word in ("--option", f"{name}={value if isinstance(value, str) else json.dumps(value)}")]
    run(server, "source", "set", slug, "--kind", "json", "--option", "requests_per_minute=100000", *options,
        *(word for name in desk.secrets() for word in ("--secret", name)),
        given="".join(f"{secret}\n" for secret in desk.secrets().values()))
    wait_until(lambda: server.tenants()[slug]["source"] == "json", 10, "the source")
    return slug


def run(server, *arguments, given=None, code=0):
    done = subprocess.run([binary(), *arguments, "--env-file", server.env_path], env=clean_environment(), input=given,
                          capture_output=True, text=True, timeout=90, cwd="/", check=False)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def pull(server, slug):
    answer = server.internal("POST", "/internal/ingest/tickets", {"tenant_id": slug}).must(200).json
    while answer["has_more"]:
        answer = server.internal("POST", "/internal/ingest/tickets", {"tenant_id": slug}).must(200).json



def sweeps(server, slug):
    return server.internal("GET", f"/internal/jobs?kind=sweep&tenant_id={slug}").must(200).json["jobs"]


def sweep(server, slug, *more, code=0):
    done = run(server, "source", "sweep", slug, *more, code=code)
    return json.loads(done.stdout) if code == 0 else done.stderr


def stored(server, slug, table="raw_tickets"):
    return {row[0] for row in server.stack.query(
        f"SELECT external_id FROM msp.{table} JOIN msp.tenants USING (tenant_id) WHERE slug = %s", (slug,))}


def delete(desk, count):
    """Takes tickets out of the stand-in; their ids."""
    with desk.lock:
        gone = [ticket for ticket in desk.desk.all()][:count]
        for ticket in gone:
            desk.desk.delete(ticket.id)
    return {str(ticket.id) for ticket in gone}


def test_a_source_is_tried_and_pulled_and_tells_how_fresh_it_is(server, desk, slug):
    said = run(server, "source", "test", slug).stdout
    assert "json at 127.0.0.1 works" in said and "tickets read" in said and said.count("\n") == 1
    assert not stored(server, slug)
    pull(server, slug)
    assert stored(server, slug) == set(desk.should_hold())
    source = json.loads(run(server, "source", "show", slug, "--json").stdout)["source"]
    assert source["complete_until"] and source["lag_seconds"] < 120 and source["last_error"] is None

    def fresh():
        told = [one for one in server.get("/readyz").must(200).json["sources"] if one["kind"] == "json"]
        return told and told[0]["lag_seconds"] is not None and told[0]
    kind = wait_until(fresh, 20, "the source to be told of")
    assert kind["lag_seconds"] < 120 and kind["tenants"] >= 1
    figures = server.internal("GET", "/metrics").must(200).text
    assert 'msp_source_lag_seconds{kind="json"}' in figures and 'msp_source_failing{kind="json"}' in figures


def test_a_wrong_secret_is_told_in_one_line_and_stands_as_last_error(server, desk, slug):
    run(server, "source", "set", slug, "--kind", "json", *(word for name, value in desk.options().items() for word in (
        "--option", f"{name}={value if isinstance(value, str) else json.dumps(value)}")), "--secret", "header",
        given="X-Api-Key: wrong-key-of-somebody\n")
    said = run(server, "source", "test", slug, code=1).stderr
    assert said.splitlines()[-1].startswith("json: 127.0.0.1 does not take the credentials") and "wrong-key" not in said
    server.internal("POST", "/internal/ingest/tickets", {"tenant_id": slug})
    source = json.loads(run(server, "source", "show", slug, "--json").stdout)["source"]
    assert source["last_error"]["detail"] and "wrong-key" not in json.dumps(source)
    wait_until(lambda: [one["failing"] for one in server.get("/readyz").json["sources"] if one["kind"] == "json"] == [1],
               20, "/readyz to count it")


def test_deleted_tickets_leave_the_numbers_and_come_back_when_they_do(server, desk, slug):
    pull(server, slug)
    all_of_them = stored(server, slug)
    server.push(slug, [{"external_id": "pushed-1", "created_at": "2024-03-01T10:00:00Z",
                        "updated_at": "2024-03-01T10:00:00Z"}])
    version = server.stack.query("SELECT data_version FROM msp.tenant_state JOIN msp.tenants USING (tenant_id)"
                                 " WHERE slug = %s", (slug,))[0][0]
    gone = delete(desk, 7)
    assert sweep(server, slug)["buried"] == 7
    # What was pushed never came from there, and stays.
    assert stored(server, slug) == all_of_them - gone | {"pushed-1"}
    assert stored(server, slug, "ticket_tombstones") == gone
    kept = server.stack.query("SELECT ticket ->> 'title' FROM msp.ticket_tombstones JOIN msp.tenants USING (tenant_id)"
                              " WHERE slug = %s", (slug,))
    assert len(kept) == 7 and all(title for title, in kept)
    assert server.stack.query("SELECT data_version > %s FROM msp.tenant_state JOIN msp.tenants USING (tenant_id)"
                              " WHERE slug = %s", (version, slug))[0][0]
    # Those that come again live again.
    back = sorted(gone)[0]
    row = server.stack.query("SELECT ticket FROM msp.ticket_tombstones JOIN msp.tenants USING (tenant_id)"
                             " WHERE slug = %s AND external_id = %s", (slug, back))[0][0]
    server.push(slug, [{"external_id": back, "created_at": row["created_at"], "updated_at": row["updated_at"]}])
    assert back in stored(server, slug)
    sweep(server, slug)
    assert stored(server, slug, "ticket_tombstones") == gone - {back}


def test_the_days_of_deleted_tickets_are_computed_anew(server, desk, slug):
    pull(server, slug)
    first, last = (at.isoformat() for at in server.stack.query(
        "SELECT min(r.created_at)::date, current_date FROM msp.raw_tickets r JOIN msp.tenants USING (tenant_id)"
        " WHERE slug = %s", (slug,))[0])

    def created():
        total = server.v1(slug, "/v1/kpis/summary", from_=first, to=last).must(200).json["total"]
        return total["tickets_created"]
    server.compute(slug, first, last)
    assert created() == TICKETS
    delete(desk, 5)
    assert sweep(server, slug)["buried"] == 5
    wait_until(lambda: created() == TICKETS - 5, 30, "the days to be computed anew")


def test_a_list_that_is_suspiciously_short_takes_nothing_away(server, desk, slug):
    pull(server, slug)
    gone = delete(desk, TICKETS // 2 + 1)
    said = sweep(server, slug, code=1)
    assert "listing_too_short" in said and "--force" in said
    assert len(stored(server, slug)) == TICKETS
    assert sweep(server, slug, "--force")["buried"] == len(gone)


def test_a_drained_pull_queues_the_sweep_once_a_night_but_not_after_the_first_round(server, slug):
    pull(server, slug)
    pull(server, slug)
    assert sweeps(server, slug) == [], "what was just read is all there"
    server.stack.query("UPDATE msp.ingest_cursors c SET sweep_queued_at = now() - interval '21 hours'"
                       " FROM msp.tenants t WHERE t.tenant_id = c.tenant_id AND t.slug = %s", (slug,))
    pull(server, slug)
    pull(server, slug)
    found = wait_until(lambda: [job for job in sweeps(server, slug) if job["state"] == "succeeded"], 30, "the sweep")
    assert len(sweeps(server, slug)) == 1 and found[0]["result"]["stored"] == TICKETS

"""Tenants at a glance: what an admin sees of each is what the tenant itself is told, and nobody else sees it."""

import datetime

import pytest

from harness.tickets import crowd
from harness.waiting import wait_until

DAY = datetime.date
LAST = DAY(2024, 3, 31)
DAYS = 10
SERIES = ("tickets_created", "tickets_resolved", "backlog", "sla_compliance")


@pytest.fixture(scope="module")
def server(module_stack):
    """Of its own: the list shows all tenants there are."""
    server = module_stack.server().start()
    for number in range(11):  # more than are read in one round trip
        server.add_tenant(f"glance-{number:02}", "Europe/Paris" if number % 2 else "America/New_York")
    for number in (0, 3, 10):
        server.feed(f"glance-{number:02}", crowd(number, 150 + number, DAY(2024, 3, 1), LAST))
        server.compute(f"glance-{number:02}", DAY(2024, 3, 1), LAST)
    return server


def glance(server, **query):
    return server.v1(None, "/v1/admin/glance", role="admin", **query).must(200).json


def rows(server, **query):
    return {row["id"]: row for row in glance(server, **query)["tenants"]}


def test_a_row_tells_what_the_tenant_itself_is_told(server):
    found = rows(server, days=DAYS)
    for number in (0, 3, 10):
        slug = f"glance-{number:02}"
        row = found[slug]
        last = DAY.fromisoformat(row["complete_through"])
        days = {"from_": last - datetime.timedelta(DAYS - 1), "to": last}
        told = server.v1(slug, "/v1/kpis/summary", compare="previous", **days).must(200).json
        assert (row["from"], row["to"], row["complete_through"]) == (told["from"], told["to"], told["complete_through"])
        assert row["previous"] == {name: told["previous"][name] for name in ("from", "to")}
        assert row["total"] == told["total"] and row["change"] == told["change"]
        assert row["data_as_of"] == told["data_as_of"] and row["timezone"] == told["timezone"]
        daily = server.v1(slug, "/v1/kpis/daily", **days).must(200).json["rows"]
        assert row["series"] == {name: [day[name] for day in daily] for name in SERIES}
        assert len(daily) == DAYS and row["total"]["tickets_created"] > 0


def test_a_tenant_without_a_complete_day_has_a_row_too(server):
    row = rows(server)["glance-05"]
    assert (row["from"], row["to"], row["complete_through"], row["source"]) == (None, None, None, None)
    assert row["previous"] == {"from": None, "to": None}
    assert set(row["total"].values()) == set(row["change"].values()) == {None}
    assert row["series"] == {name: [] for name in SERIES}
    assert row["last_failed_job"] is None and row["source_error"] is None


def test_pages_hold_every_tenant_once_in_the_order_of_their_ids(server):
    found, cursor = [], {}
    while True:
        page = glance(server, limit=4, **cursor)
        assert len(page["tenants"]) <= 4
        found += page["tenants"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [row["id"] for row in found] == [f"glance-{number:02}" for number in range(11)]
    assert {row["id"]: row for row in found} == rows(server)


def test_what_failed_last_is_told_of_its_tenant_alone(server):
    server.stack.query(
        "INSERT INTO msp.jobs (tenant_id, kind, lane, state, error, finished_at)"
        " SELECT t.tenant_id, 'export', 1, 'failed', json_build_object('code', f.code, 'detail', 'It did not go.'), f.at"
        "   FROM msp.tenants t CROSS JOIN (VALUES ('older', timestamptz '2024-04-01T10:00:00Z'),"
        "                                         ('newer', timestamptz '2024-04-02T10:00:00Z')) AS f (code, at)"
        "  WHERE t.slug = 'glance-03' RETURNING 1")
    found = rows(server)
    job = found.pop("glance-03")["last_failed_job"]
    assert (job["kind"], job["finished_at"]) == ("export", "2024-04-02T10:00:00Z")
    assert job["error"] == {"code": "newer", "detail": "It did not go."}
    assert {row["last_failed_job"] for row in found.values()} == {None}


def test_a_source_tells_how_far_it_is_read_and_what_is_wrong_with_it(server):
    server.add_tenant("glance-pulled", source="mock")
    row = rows(server)["glance-pulled"]
    assert (row["source"], row["complete_until"], row["source_error"]) == ("mock", None, None)
    server.stack.query(
        "INSERT INTO msp.ingest_cursors (tenant_id, source, drained_at, failed_at, failure)"
        " SELECT tenant_id, 'mock', '2024-04-01T10:00:00Z', '2024-04-02T10:00:00Z', 'It said no.' FROM msp.tenants"
        "  WHERE slug = 'glance-pulled' RETURNING 1")
    row = rows(server)["glance-pulled"]
    assert row["complete_until"] == "2024-04-01T10:00:00Z"
    assert row["source_error"] == {"at": "2024-04-02T10:00:00Z", "detail": "It said no."}
    assert server.command("tenant", "disable", "glance-pulled").returncode == 0
    wait_until(lambda: rows(server).get("glance-pulled", {}).get("status") != "active", 10, "the server to hear of it")


def test_an_unchanged_list_is_not_sent_again(server):
    token = server.token("admin")
    tag = server.get("/v1/admin/glance", token=token).must(200).headers["ETag"]
    assert server.get("/v1/admin/glance", token=token, headers={"If-None-Match": tag}).must(304).body == b""


@pytest.mark.parametrize("query, pointer", [
    ({"days": 0}, "/days"), ({"days": 93}, "/days"), ({"limit": 101}, "/limit"), ({"cursor": "x" * 64}, "/cursor"),
    ({"tenant": "glance-00"}, "/tenant"),
])
def test_a_question_that_is_not_understood_is_refused_at_its_place(server, query, pointer):
    answer = server.get("/v1/admin/glance?" + "&".join(f"{name}={value}" for name, value in query.items()),
                        token=server.token("admin"))
    answer.problem(400)
    assert answer.pointers() == [pointer]


@pytest.mark.parametrize("role", ["manager", "tech", "client"])
def test_nobody_but_an_admin_sees_it(server, role):
    server.v1("glance-00", "/v1/admin/glance", role=role).problem(403, "role_not_allowed")

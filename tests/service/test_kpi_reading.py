"""KPIs read back: shapes, roles, local calendar days, dirty days, and what "computed" and "complete" mean."""

import csv
import datetime
import io
import json
import random
import threading
import zoneinfo

import pytest

from harness import expected
from harness.tickets import crowd, stamp, ticket

DAY = datetime.date
FIRST, LAST = DAY(2024, 3, 1), DAY(2024, 3, 31)
METRICS = ("tickets_created", "tickets_resolved", "tickets_closed", "tickets_reopened", "backlog", "sla_known",
           "sla_met", "resolution_count", "resolution_seconds_sum", "first_response_count",
           "first_response_seconds_sum", "csat_count", "csat_sum", "resolution_minutes_mean",
           "resolution_minutes_p50", "resolution_minutes_p90", "resolution_minutes_p95",
           "first_response_minutes_mean", "first_response_minutes_p50", "first_response_minutes_p90",
           "sla_compliance", "reopen_rate", "kill_rate", "csat_mean")


class Loaded:
    """A tenant with a crowd of odd tickets, computed for March 2024."""

    def __init__(self, server, slug, timezone, seed):
        self.slug = server.add_tenant(slug, timezone, name=f"Crowd {seed}")
        self.timezone = timezone
        self.tickets = crowd(seed, 1500, FIRST, LAST, zoneinfo.ZoneInfo(timezone))
        server.feed(self.slug, self.tickets)
        server.compute(self.slug, FIRST, LAST)

    def cells(self, first=FIRST, last=LAST, dimension="all"):
        return expected.kpis(self.tickets, self.timezone, first, last, dimension)


@pytest.fixture(scope="module")
def loaded(server):
    return Loaded(server, "crowd-paris", "Europe/Paris", 11)


# ---- the days ----

def test_the_answer_says_whose_days_these_are_and_how_fresh(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/daily", from_=FIRST, to=LAST).must(200)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Request-Id"]
    members = answer.json
    assert list(members) == ["tenant", "timezone", "from", "to", "by", "complete_through", "data_as_of",
                             "percentile_error", "rows"]
    assert members["tenant"] == loaded.slug and members["timezone"] == "Europe/Paris"
    assert (members["from"], members["to"], members["by"]) == ("2024-03-01", "2024-03-31", None)
    assert members["complete_through"] >= "2024-03-31"  # tickets that end in April are dirty days too
    assert members["percentile_error"] == 0.01
    age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(members["data_as_of"])
    assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=10)
    for row in members["rows"]:
        assert set(row) == {"day", "member", *METRICS}


def test_every_metric_of_every_day_equals_an_independent_computation(server, loaded):
    assert expected.differences(server.days(loaded.slug, FIRST, LAST), loaded.cells()) == []


@pytest.mark.parametrize("dimension", ["priority", "category", "assignee", "group"])
def test_every_metric_of_every_member_equals_an_independent_computation(server, loaded, dimension):
    rows = server.days(loaded.slug, FIRST, LAST, by=dimension)
    assert expected.differences(rows, loaded.cells(dimension=dimension)) == []


def test_one_member_alone_is_the_same_row(server, loaded):
    cells = {key: cell for key, cell in loaded.cells(dimension="category").items() if key[1] == 'Größe "L"'}
    rows = server.days(loaded.slug, FIRST, LAST, by="category", member='Größe "L"')
    assert cells and expected.differences(rows, cells) == []


def test_a_member_nobody_has_gives_no_rows_and_no_fault(server, loaded):
    assert server.days(loaded.slug, FIRST, LAST, by="group", member="nobody's") == {}


def test_every_day_of_the_range_has_its_row_and_an_uncomputed_one_is_null(server, loaded):
    rows = server.days(loaded.slug, DAY(2023, 1, 1), DAY(2023, 1, 10))
    assert [day for day, _ in rows] == [f"2023-01-{n:02}" for n in range(1, 11)]
    for row in rows.values():
        assert all(row[name] is None for name in METRICS)


def test_a_computed_day_without_tickets_is_zero_and_its_ratios_null(server, tenant):
    slug = tenant()
    server.compute(slug, "2024-01-05")
    row = server.days(slug, "2024-01-05", "2024-01-05")["2024-01-05", ""]
    assert expected.faults(row, expected.Cell()) == []


def test_1100_days_are_answered_and_one_more_is_refused(server, loaded):
    begin = DAY(2023, 1, 1)
    assert len(server.days(loaded.slug, begin, begin + datetime.timedelta(1099))) == 1100
    answer = server.v1(loaded.slug, "/v1/kpis/daily", from_=begin, to=begin + datetime.timedelta(1100))
    answer.problem(400)


# ---- CSV ----

def test_csv_has_a_byte_order_mark_crlf_a_fixed_header_and_the_same_numbers(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/daily.csv", from_=FIRST, to=LAST).must(200)
    assert answer.headers["Content-Type"].lower().replace(" ", "") == "text/csv;charset=utf-8"
    assert answer.body.startswith(b"\xef\xbb\xbf")
    assert answer.body.endswith(b"\r\n") and answer.body.count(b"\n") == answer.body.count(b"\r\n") == 32
    rows = list(csv.DictReader(io.StringIO(answer.body[3:].decode("utf-8"), newline="")))
    assert tuple(rows[0]) == ("day", "member", *METRICS)
    days = server.days(loaded.slug, FIRST, LAST)
    for row in rows:
        for name in METRICS:
            value = days[row["day"], ""][name]
            assert (float(row[name]) if row[name] else None) == (None if value is None else float(value)), name


def test_csv_of_an_uncomputed_day_is_empty_cells(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/daily.csv", from_="2023-01-01", to="2023-01-01").must(200)
    assert answer.body.split(b"\r\n")[1] == b"2023-01-01" + b"," * (len(METRICS) + 1)


def test_csv_guards_cells_that_a_spreadsheet_would_take_for_a_formula(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/daily.csv", from_=FIRST, to=LAST, by="assignee").must(200)
    members = {row["member"] for row in csv.DictReader(io.StringIO(answer.body[3:].decode(), newline=""))}
    assert members == {"", "Ann", "Bob", "'=Eve", "山田"}


def test_csv_quotes_what_needs_it_and_reads_back(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/daily.csv", from_=FIRST, to=LAST, by="category").must(200)
    assert 'Größe ""L""' in answer.text
    members = {row["member"] for row in csv.DictReader(io.StringIO(answer.body[3:].decode(), newline=""))}
    assert members == {"", "Réseau", "E-mail", 'Größe "L"'}


# ---- summary ----

def test_a_summary_merges_counts_sums_and_sketches(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/summary", from_="2024-03-04", to="2024-03-17").must(200).json
    cells = loaded.cells()
    total = expected.merge([cells[day, ""] for day in expected.days_between(DAY(2024, 3, 4), DAY(2024, 3, 17))])
    assert expected.faults(answer["total"], total) == []
    assert "previous" not in answer and "change" not in answer


def test_compare_previous_is_the_equally_long_range_right_before(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/summary", from_="2024-03-18", to="2024-03-24",
                       compare="previous").must(200).json
    cells = loaded.cells()
    week = {name: expected.merge([cells[day, ""] for day in expected.days_between(*ends)]) for name, ends in
            {"now": (DAY(2024, 3, 18), DAY(2024, 3, 24)), "before": (DAY(2024, 3, 11), DAY(2024, 3, 17))}.items()}
    previous = answer["previous"].get("total", answer["previous"])
    assert expected.faults(answer["total"], week["now"]) == []
    assert expected.faults(previous, week["before"]) == []
    assert (answer["previous"]["from"], answer["previous"]["to"]) == ("2024-03-11", "2024-03-17")
    for name in METRICS:
        now, before = answer["total"][name], previous[name]
        change = None if now is None or before is None else now - before
        assert expected.same(answer["change"][name], change), name


def test_a_summary_by_member_has_one_entry_each_and_ends_with_the_last_days_backlog(server, loaded):
    first, last = DAY(2024, 3, 4), DAY(2024, 3, 17)
    answer = server.v1(loaded.slug, "/v1/kpis/summary", from_=first, to=last, by="assignee").must(200).json
    entries = answer["total"] if "total" in answer else answer["members"]
    cells = loaded.cells(first, last, "assignee")
    members = {member for _, member in cells}
    assert {entry["member"] for entry in entries} == members
    for entry in entries:
        merged = expected.merge([cells.get((day, entry["member"]), expected.Cell())
                                 for day in expected.days_between(first, last)])
        assert expected.faults(entry, merged) == [], entry["member"]


def test_a_member_whose_backlog_ended_within_the_range_has_none_in_the_summary(server, tenant):
    slug = tenant()
    server.push(slug, [ticket("A", "2024-03-04T08:00:00Z", "2024-03-06T08:00:00Z", group="Gone",
                              resolved_at="2024-03-06T08:00:00Z"),
                       ticket("B", "2024-03-04T08:00:00Z", group="Still")])
    server.compute(slug, "2024-03-04", "2024-03-10")
    answer = server.v1(slug, "/v1/kpis/summary", from_="2024-03-04", to="2024-03-10", by="group").must(200).json
    entries = {entry["member"]: entry["backlog"] for entry in answer.get("members", answer.get("total"))}
    assert entries == {"Gone": 0, "Still": 1}


def test_a_summary_of_nothing_computed_is_null(server, loaded):
    total = server.v1(loaded.slug, "/v1/kpis/summary", from_="2023-01-01", to="2023-01-31").must(200).json["total"]
    assert all(total[name] is None for name in METRICS)


def test_the_catalogue_names_every_metric_with_unit_definition_and_attribution(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/definitions", role="client").must(200).json
    catalogue, = [value for value in answer.values() if isinstance(value, list)]
    assert {entry["name"] for entry in catalogue} == set(METRICS)
    for entry in catalogue:
        assert entry["unit"] and entry["definition"] and entry["attribution"], entry


# ---- who may read ----

@pytest.mark.parametrize("role", ["manager", "tech", "client"])
def test_each_role_of_a_tenant_reads_its_days(server, loaded, role):
    assert server.days(loaded.slug, FIRST, FIRST, role=role)["2024-03-01", ""]["tickets_created"] > 0


def test_a_client_does_not_see_technicians(server, loaded):
    for path in ("/v1/kpis/daily", "/v1/kpis/daily.csv", "/v1/kpis/summary"):
        server.v1(loaded.slug, path, role="client", from_=FIRST, to=LAST, by="assignee").problem(403)
        server.v1(loaded.slug, path, role="client", from_=FIRST, to=LAST, by="group").must(200)
        server.v1(loaded.slug, path, role="tech", from_=FIRST, to=LAST, by="assignee").must(200)


def test_an_admin_names_the_tenant_and_must(server, loaded):
    query = {"from_": FIRST, "to": LAST}
    assert server.v1(loaded.slug, "/v1/kpis/daily", role="admin", **query).must(200).json["tenant"] == loaded.slug
    server.v1(None, "/v1/kpis/daily", role="admin", **query).problem(400)
    server.v1("no-such-tenant", "/v1/kpis/daily", role="admin", **query).problem(404)


def test_naming_ones_own_tenant_is_fine_and_a_foreign_one_is_forbidden(server, loaded, tenant):
    other = tenant()
    server.v1(loaded.slug, "/v1/kpis/daily", from_=FIRST, to=LAST, tenant=loaded.slug).must(200)
    server.v1(loaded.slug, "/v1/kpis/daily", from_=FIRST, to=LAST, tenant=other).problem(403)


@pytest.mark.parametrize("query", [
    "", "from=2024-03-01", "to=2024-03-01", "from=2024-03-02&to=2024-03-01", "from=2024-3-1&to=2024-03-02",
    "from=2024-02-30&to=2024-03-02", "from=2024-03-01&to=2024-03-02&by=colour",
    "from=2024-03-01&to=2024-03-02&member=x", "from=2024-03-01&to=2024-03-02&form=1",
    "from=2024-03-01&to=2024-03-02&to=2024-03-03", "from=2024-03-01&to=2024-03-02&by=",
    "from=2024-03-01&to=2024-03-02&by=group&member=%FF", "from=2024-03-01&to=2024-03-02&compare=previous",
    "from=2024-03-01&to=2024-03-02&by=all", "FROM=2024-03-01&to=2024-03-02", "from=0000-00-00&to=9999-99-99",
    "from=2024-03-01&to=2024-03-02&by=group&member=%zz", "from=2024-03-01&to=2024-03-02%00"])
def test_a_misspelt_question_is_refused_and_never_widened(server, loaded, query):
    server.get(f"/v1/kpis/daily?{query}", token=server.token("manager", loaded.slug)).problem(400)


def test_an_unknown_query_name_is_pointed_at(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/daily", from_=FIRST, to=LAST, membre="x")
    answer.problem(400)
    assert any("membre" in entry["pointer"] + entry["detail"] for entry in answer.json["errors"])


# ---- local days ----

CLOCK_CHANGES = [
    ("Europe/Paris", DAY(2016, 3, 27), 23), ("Europe/Paris", DAY(2016, 10, 30), 25),
    ("America/New_York", DAY(2024, 3, 10), 23), ("America/New_York", DAY(2024, 11, 3), 25),
    ("America/Havana", DAY(2017, 3, 12), 23), ("America/Havana", DAY(2017, 11, 5), 25),
    ("America/Sao_Paulo", DAY(2017, 10, 15), 23), ("America/Sao_Paulo", DAY(2017, 2, 18), 25),
    ("Asia/Beirut", DAY(2017, 3, 26), 23), ("Asia/Beirut", DAY(2017, 10, 28), 25),
    ("Asia/Kathmandu", DAY(2017, 10, 28), 24), ("Australia/Lord_Howe", DAY(2024, 4, 7), 24.5),
    ("Pacific/Apia", DAY(2011, 12, 30), 0), ("Africa/Cairo", DAY(2023, 4, 28), 23),
]


@pytest.mark.parametrize("timezone,day,hours", CLOCK_CHANGES, ids=[f"{z} {d}" for z, d, _ in CLOCK_CHANGES])
def test_each_ticket_counts_on_its_local_calendar_day(server, tenant, timezone, day, hours):
    slug = tenant(timezone=timezone)
    zone = zoneinfo.ZoneInfo(timezone)
    middle = int(datetime.datetime.combine(day, datetime.time(12), datetime.timezone.utc).timestamp())
    made = [ticket(f"H{at}", stamp(at), stamp(at + 9000), first_response_at=stamp(at + 1200),
                   resolved_at=stamp(at + 5400), closed_at=stamp(at + 9000), status="closed", sla_met=True)
            for at in range(middle - 3 * 86400, middle + 3 * 86400, 1800)]
    first, last = day - datetime.timedelta(5), day + datetime.timedelta(5)
    server.feed(slug, made)
    server.compute(slug, first, last)
    rows = server.days(slug, first, last)
    assert expected.differences(rows, expected.kpis(made, timezone, first, last)) == []
    assert sum(row["tickets_created"] for row in rows.values()) == len(made)
    assert rows[day.isoformat(), ""]["tickets_created"] == 2 * hours
    assert sum(expected.local_day(expected.instant(t["created_at"]), zone) == day for t in made) == 2 * hours


@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/St_Johns", "UTC"])
def test_a_crowd_of_odd_tickets_is_right_in_zones_far_from_utc(server, timezone):
    one = Loaded(server, "crowd-" + timezone.lower().replace("/", "-").replace("_", "-"), timezone, 23)
    assert expected.differences(server.days(one.slug, FIRST, LAST), one.cells()) == []


def test_a_changed_time_zone_makes_every_computed_day_dirty(server, stack):
    one = Loaded(server, "moves-house", "UTC", 31)
    done = server.command("tenant", "set", one.slug, "--timezone", "Asia/Tokyo")
    assert done.returncode == 0, done.stderr
    assert marked(stack, one.slug) >= set(expected.days_between(FIRST, LAST))
    server.compute(one.slug, date=LAST.isoformat())
    cells = expected.kpis(one.tickets, "Asia/Tokyo", FIRST, LAST)
    assert expected.differences(server.days(one.slug, FIRST, LAST), cells) == []


# ---- dirty days ----

def marked(stack, tenant):
    return {day for day, in stack.query("SELECT d.day FROM msp.kpi_dirty_days d JOIN msp.tenants t USING (tenant_id)"
                                        " WHERE t.slug = %s", (tenant,))}


def span(first, last):
    return set(expected.days_between(DAY(2024, 3, first), DAY(2024, 3, last)))


DONE = ticket("done", "2024-03-05T08:00:00Z", "2024-03-10T08:00:00Z", status="resolved",
              first_response_at="2024-03-05T09:00:00Z", resolved_at="2024-03-10T08:00:00Z")
OPEN = ticket("open", "2024-03-07T08:00:00Z", "2024-03-07T08:00:00Z", status="open")
NEWER = "2024-04-01T00:00:00Z"

CHANGES = {
    "a new title": ({**DONE, "title": "new", "updated_at": NEWER}, span(5, 10)),
    "a later finish": ({**DONE, "resolved_at": "2024-03-15T08:00:00Z", "updated_at": NEWER}, span(5, 15)),
    "an earlier finish": ({**DONE, "resolved_at": "2024-03-08T08:00:00Z", "updated_at": NEWER}, span(5, 10)),
    "a reopening": ({**DONE, "resolved_at": None, "status": "open", "updated_at": NEWER}, span(5, 31)),
    "an earlier creation": ({**DONE, "created_at": "2024-03-02T08:00:00Z", "updated_at": NEWER}, span(2, 10)),
    "a later creation": ({**DONE, "created_at": "2024-03-09T08:00:00Z", "updated_at": NEWER}, span(5, 10)),
    "a closing behind the resolution": ({**DONE, "closed_at": "2024-03-20T08:00:00Z", "updated_at": NEWER},
                                        span(5, 10) | span(20, 20)),
    "a verdict that turns": ({**DONE, "sla_met": False, "updated_at": NEWER}, span(5, 10)),
    "a finish of an open ticket": ({**OPEN, "resolved_at": "2024-03-09T08:00:00Z", "updated_at": NEWER}, span(7, 31)),
    "a closing without a resolution": ({**OPEN, "closed_at": "2024-03-09T08:00:00Z", "updated_at": NEWER},
                                       span(7, 31)),
    "another assignee of an open ticket": ({**OPEN, "assignee": "Ann", "updated_at": NEWER}, span(7, 31)),
    "a new open ticket": (ticket("new", "2024-03-20T23:59:59Z"), span(20, 31)),
    "a new finished ticket": (ticket("new", "2024-03-20T00:00:00Z", NEWER, resolved_at="2024-03-22T00:00:00Z"),
                              span(20, 22)),
    "an older snapshot": ({**DONE, "title": "old", "updated_at": "2024-03-06T00:00:00Z"}, set()),
    "the same snapshot": (DONE, set()),
}


@pytest.mark.parametrize("change,days", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_marks_exactly_the_days_the_ticket_counts_in_before_and_after(server, tenant, stack, change, days):
    slug = tenant()
    server.push(slug, [DONE, OPEN])
    server.compute(slug, FIRST, LAST)
    assert marked(stack, slug) == set()
    server.push(slug, [change])
    assert marked(stack, slug) == days
    server.compute(slug, date="2024-03-01")
    assert marked(stack, slug) == set()
    final = [change if t["external_id"] == change["external_id"] and days else t for t in (DONE, OPEN)]
    if change["external_id"] == "new":
        final.append(change)
    assert expected.differences(server.days(slug, FIRST, LAST),
                                expected.kpis(final, "UTC", FIRST, LAST)) == []


def test_marks_are_local_days_of_the_tenant(server, tenant, stack):
    slug = tenant(timezone="Asia/Tokyo")
    server.compute(slug, FIRST, LAST)
    server.push(slug, [ticket("A", "2024-03-05T15:30:00Z", NEWER, resolved_at="2024-03-06T16:00:00Z")])
    assert marked(stack, slug) == span(6, 7)


def test_a_page_marks_the_days_of_each_of_its_tickets_and_no_others(server, tenant, stack):
    slug = tenant()
    server.compute(slug, FIRST, LAST)
    server.push(slug, [ticket(f"T{n}", f"2024-03-{n:02}T08:00:00Z", NEWER, resolved_at=f"2024-03-{n:02}T09:00:00Z")
                       for n in (3, 9, 10, 21)])
    assert marked(stack, slug) == span(3, 3) | span(9, 10) | span(21, 21)


def test_a_snapshot_that_another_of_the_same_page_overtakes_marks_nothing_wrongly(server, tenant):
    slug = tenant()
    server.compute(slug, FIRST, LAST)
    steps = [{**DONE, "resolved_at": f"2024-03-{n:02}T08:00:00Z", "updated_at": f"2024-03-{n:02}T08:00:00Z"}
             for n in (12, 9, 25, 18)]
    server.push(slug, steps)
    server.compute(slug, date="2024-03-01")
    cells = expected.kpis([steps[2]], "UTC", FIRST, LAST)
    assert expected.differences(server.days(slug, FIRST, LAST), cells) == []


def test_complete_through_stops_before_the_first_dirty_day(server, tenant):
    slug = tenant()
    server.push(slug, [DONE])
    server.compute(slug, FIRST, LAST)

    def through():
        return server.v1(slug, "/v1/kpis/daily", from_=FIRST, to=FIRST).must(200).json["complete_through"]
    assert through() == "2024-03-31"
    server.push(slug, [{**DONE, "title": "new", "updated_at": NEWER}])
    assert through() == "2024-03-04"
    server.compute(slug, date="2024-03-31")
    assert through() == "2024-03-31"


def test_today_is_computed_but_never_complete(server, tenant):
    slug = tenant()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    yesterday = today - datetime.timedelta(1)
    server.push(slug, [ticket("A", stamp(datetime.datetime.now(datetime.timezone.utc)))])
    server.compute(slug, yesterday, today)
    answer = server.v1(slug, "/v1/kpis/daily", from_=yesterday, to=today).must(200).json
    assert answer["rows"][1]["tickets_created"] == 1
    assert answer["complete_through"] in (yesterday.isoformat(), today.isoformat() if
                                          datetime.datetime.now(datetime.timezone.utc).date() != today else None)


def test_without_a_date_the_last_ended_local_day_is_computed(server, tenant):
    slug = tenant(timezone="Pacific/Kiritimati")
    now = datetime.datetime.now(zoneinfo.ZoneInfo("Pacific/Kiritimati"))
    result = server.compute(slug)
    assert result["tenants"] == 1 and result["days"] == 1
    last = now.date() - datetime.timedelta(1)
    assert server.days(slug, last, last)[last.isoformat(), ""]["tickets_created"] == 0


def test_changes_that_arrive_while_days_are_computed_are_not_lost(server, tenant):
    slug = tenant()
    draw = random.Random(5)
    server.compute(slug, FIRST, LAST)
    latest = {}

    def change():
        for step in range(60):
            page = []
            for number in draw.sample(range(400), 40):
                created = 1709251200 + number * 6000
                page.append(ticket(f"T{number}", stamp(created), stamp(1712000000 + step),
                                   resolved_at=stamp(created + draw.randrange(86400 * 5))))
            server.push(slug, page)
            latest.update((one["external_id"], one) for one in page)
    changing = threading.Thread(target=change)
    changing.start()
    while changing.is_alive():
        server.compute(slug, date="2024-03-01")
    changing.join()
    server.compute(slug, date="2024-03-01")
    cells = expected.kpis(latest.values(), "UTC", FIRST, LAST)
    assert expected.differences(server.days(slug, FIRST, LAST), cells) == []


def test_answers_are_never_stored_by_others(server, loaded):
    answer = server.v1(loaded.slug, "/v1/kpis/daily", from_=FIRST, to=LAST)
    assert "no-store" in answer.headers["Cache-Control"] or "private" in answer.headers["Cache-Control"]


def test_numbers_in_json_are_not_rounded(server, tenant):
    slug = tenant()
    server.push(slug, [ticket(f"T{n}", "2024-03-05T08:00:00Z", NEWER, resolved_at=f"2024-03-05T08:00:{n:02}Z")
                       for n in (10, 20, 41)])
    server.compute(slug, "2024-03-05")
    answer = server.v1(slug, "/v1/kpis/daily", from_="2024-03-05", to="2024-03-05").must(200)
    assert json.loads(answer.body)["rows"][0]["resolution_minutes_mean"] == 71 / 3 / 60

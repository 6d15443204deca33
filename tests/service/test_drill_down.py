"""From a number to its tickets: a cell opens into exactly what it counts, page by page, under the same rules."""

import datetime
import zoneinfo

import pytest

from harness.tickets import crowd, stamp, ticket

DAY = datetime.date
FIRST, LAST = DAY(2024, 3, 1), DAY(2024, 3, 31)
# How the tickets of a cell are told from others by what their own members say.
COUNTED = ("tickets_created", "tickets_resolved", "tickets_closed", "tickets_reopened", "backlog", "sla_known",
           "sla_met", "resolution_count", "first_response_count", "csat_count")


class Opened:
    def __init__(self, server):
        self.slug = server.add_tenant("drill-paris", "Europe/Paris", name="Drill")
        self.tickets = crowd(23, 600, FIRST, LAST, zoneinfo.ZoneInfo("Europe/Paris"))
        server.feed(self.slug, self.tickets)
        server.compute(self.slug, FIRST, LAST)


@pytest.fixture(scope="module")
def opened(server):
    return Opened(server)


def pages(server, slug, role="manager", limit=40, **query):
    """All tickets of a question, walked page by page."""
    found, cursor = [], None
    for _ in range(200):
        more = {"cursor": cursor} if cursor else {}
        answer = server.v1(slug, "/v1/tickets", role=role, limit=limit, **query, **more).must(200).json
        assert len(answer["tickets"]) <= limit
        found += answer["tickets"]
        cursor = answer["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("metric", COUNTED)
def test_a_cell_opens_into_exactly_the_tickets_it_counts(server, opened, metric):
    for by in (None, "priority", "assignee"):
        query = {"by": by} if by else {}
        rows = server.v1(opened.slug, "/v1/kpis/daily", from_=FIRST, to=LAST, **query).must(200).json["rows"]
        cells = [row for row in rows if row[metric]]
        assert cells, f"no cell of {metric} by {by} to look into"
        for row in cells[::7]:
            query = {"by": by, "member": row["member"]} if by else {}
            found = pages(server, opened.slug, day=row["day"], metric=metric, **query)
            assert len(found) == row[metric], (metric, row["day"], query)
            assert len({one["external_id"] for one in found}) == len(found)
            if by:
                assert {one[by] or "" for one in found} == {row["member"]}


@pytest.mark.parametrize("metric", COUNTED)
def test_a_merged_number_opens_into_its_tickets_too(server, opened, metric):
    total = server.v1(opened.slug, "/v1/kpis/summary", from_=FIRST, to=LAST).must(200).json["total"]
    found = pages(server, opened.slug, limit=500, from_=FIRST, to=LAST, metric=metric)
    assert len(found) == total[metric]


# What a derived figure is computed over: the sum of its denominators, or of what it counts.
DERIVED = {"sla_compliance": "sla_known", "resolution_minutes_p90": "resolution_count", "csat_mean": "csat_count",
           "resolution_seconds_sum": "resolution_count", "first_response_minutes_mean": "first_response_count",
           "reopen_rate": "tickets_reopened", "kill_rate": "tickets_closed"}


@pytest.mark.parametrize("metric", DERIVED)
def test_a_derived_figure_opens_into_the_tickets_it_is_computed_over(server, opened, metric):
    total = server.v1(opened.slug, "/v1/kpis/summary", from_=FIRST, to=LAST).must(200).json["total"]
    answer = server.v1(opened.slug, "/v1/tickets", from_=FIRST, to=LAST, metric=metric, count="true", limit=3).must(200).json
    assert (answer["metric"], answer["counted"]) == (metric, DERIVED[metric])
    assert answer["total"] == total[DERIVED[metric]] > 3


def test_every_figure_that_is_defined_can_be_opened(server, opened):
    for metric in server.v1(opened.slug, "/v1/kpis/definitions").must(200).json["metrics"]:
        answer = server.v1(opened.slug, "/v1/tickets", from_=FIRST, to=LAST, metric=metric["name"], limit=1).must(200)
        assert answer.json["tickets"], metric["name"]


@pytest.mark.parametrize("metric", COUNTED)
def test_the_total_is_that_of_all_pages_on_each_of_them(server, opened, metric):
    query = {"from_": FIRST, "to": LAST, "metric": metric, "by": "priority", "member": "high", "limit": 5}
    first = server.v1(opened.slug, "/v1/tickets", count="true", **query).must(200).json
    second = server.v1(opened.slug, "/v1/tickets", count="true", cursor=first["next_cursor"], **query).must(200).json
    assert first["total"] == second["total"] == len(pages(server, opened.slug, **{**query, "limit": 500}))
    assert first["total"] > 5
    assert server.v1(opened.slug, "/v1/tickets", **query).must(200).json["total"] is None


def test_pages_are_latest_first_and_hold_each_ticket_once(server, opened):
    one_page = pages(server, opened.slug, limit=500, from_=FIRST, to=LAST)
    small_pages = pages(server, opened.slug, limit=7, from_=FIRST, to=LAST)
    assert small_pages == one_page
    keys = [(row["counted_at"], row["external_id"]) for row in one_page]
    assert keys == sorted(keys, reverse=True) and len(set(keys)) == len(keys) > 100


def test_tickets_of_one_instant_fall_neither_between_pages_nor_twice(server, tenant):
    slug = tenant()
    moment = "2024-03-05T10:00:00Z"
    server.feed(slug, [ticket(f"same-{n:03}", moment) for n in range(25)])
    found = pages(server, slug, limit=4, day="2024-03-05")
    assert sorted(row["external_id"] for row in found) == [f"same-{n:03}" for n in range(25)]


def test_a_cursor_fits_only_the_question_it_was_given_out_for(server, opened, tenant):
    first = server.v1(opened.slug, "/v1/tickets", from_=FIRST, to=LAST, limit=5).must(200).json
    cursor = first["next_cursor"]
    server.v1(opened.slug, "/v1/tickets", from_=FIRST, to=LAST, limit=9, cursor=cursor).must(200)
    for other in ({"metric": "tickets_resolved"}, {"by": "priority"}, {"by": "priority", "member": "high"}):
        server.v1(opened.slug, "/v1/tickets", from_=FIRST, to=LAST, cursor=cursor, **other).problem(
            400, "cursor_malformed")
    server.v1(opened.slug, "/v1/tickets", from_=FIRST, to=DAY(2024, 3, 30), cursor=cursor).problem(
        400, "cursor_malformed")
    server.v1(tenant(), "/v1/tickets", from_=FIRST, to=LAST, cursor=cursor).problem(400, "cursor_malformed")
    for junk in ("x", "AAAA", cursor[:-1], cursor + "A", "!"):
        server.v1(opened.slug, "/v1/tickets", from_=FIRST, to=LAST, cursor=junk).problem(400, "cursor_malformed")


def test_a_client_sees_the_tickets_but_no_technician(server, opened):
    found = pages(server, opened.slug, role="client", from_=FIRST, to=LAST, limit=500)
    assert found and all("assignee" not in row for row in found)
    assert all("assignee" in row for row in pages(server, opened.slug, role="tech", from_=FIRST, to=LAST, limit=500))
    server.v1(opened.slug, "/v1/tickets", role="client", from_=FIRST, to=LAST, by="assignee").problem(
        403, "assignee_not_visible")


@pytest.mark.parametrize("query, pointer", [
    ({"day": "2024-03-01", "from_": "2024-03-01", "to": "2024-03-02"}, "/day"),
    ({"from_": "2024-03-01"}, "/to"),
    ({}, "/from"),
    ({"day": "2024-02-30"}, "/day"),
    ({"day": "2024-03-01", "metric": "resolution_hours"}, "/metric"),
    ({"day": "2024-03-01", "age": "0-1"}, "/age"),
    ({"day": "2024-03-01", "metric": "backlog", "age": "1-2"}, "/age"),
    ({"from_": "2024-03-01", "to": "2024-03-02", "metric": "backlog", "age": "0-1"}, "/age"),
    ({"day": "2024-03-01", "metric": "tickets_resolved", "weekday": "1"}, "/weekday"),
    ({"day": "2024-03-01", "metric": "backlog", "hour": "1"}, "/hour"),
    ({"day": "2024-03-01", "weekday": "0"}, "/weekday"),
    ({"day": "2024-03-01", "weekday": "8"}, "/weekday"),
    ({"day": "2024-03-01", "hour": "24"}, "/hour"),
    ({"day": "2024-03-01", "hour": ""}, "/hour"),
    ({"day": "2024-03-01", "count": "yes"}, "/count"),
    ({"day": "2024-03-01", "member": "high"}, "/member"),
    ({"day": "2024-03-01", "by": "colour"}, "/by"),
    ({"day": "2024-03-01", "limit": "0"}, "/limit"),
    ({"day": "2024-03-01", "limit": "501"}, "/limit"),
    ({"day": "2024-03-01", "sort": "title"}, "/sort"),
])
def test_a_question_that_is_not_understood_is_refused_at_its_place(server, opened, query, pointer):
    answer = server.v1(opened.slug, "/v1/tickets", **query)
    answer.problem(400)
    assert answer.pointers() == [pointer]


# ---- tickets in time ----

def test_arrivals_are_counted_by_local_weekday_and_hour(server, opened):
    answer = server.v1(opened.slug, "/v1/kpis/arrivals", role="client", from_=FIRST, to=LAST).must(200).json
    wanted = {(weekday, hour): 0 for weekday in range(1, 8) for hour in range(24)}
    for one in opened.tickets:
        local = datetime.datetime.fromisoformat(one["created_at"]).astimezone(zoneinfo.ZoneInfo("Europe/Paris"))
        if FIRST <= local.date() <= LAST:
            wanted[local.isoweekday(), local.hour] += 1
    got = {(cell["weekday"], cell["hour"]): cell["tickets_created"] for cell in answer["cells"]}
    assert got == wanted


def test_a_cell_of_the_arrivals_opens_into_its_tickets(server, opened):
    def total(**query):
        answer = server.v1(opened.slug, "/v1/tickets", from_=FIRST, to=LAST, count="true", limit=500, **query).must(200).json
        assert answer["total"] == len(answer["tickets"])
        for ticket_ in answer["tickets"]:
            local = datetime.datetime.fromisoformat(ticket_["created_at"]).astimezone(zoneinfo.ZoneInfo("Europe/Paris"))
            assert query.get("weekday", local.isoweekday()) == local.isoweekday()
            assert query.get("hour", local.hour) == local.hour
        return answer["total"]
    cells = server.v1(opened.slug, "/v1/kpis/arrivals", from_=FIRST, to=LAST).must(200).json["cells"]
    for cell in cells[::5]:
        assert total(weekday=cell["weekday"], hour=cell["hour"]) == cell["tickets_created"], cell
    assert sum(cell["tickets_created"] for cell in cells[::5]) > 50
    monday = [cell["tickets_created"] for cell in cells if cell["weekday"] == 1]
    assert total(weekday=1) == sum(monday) > 0
    assert total(hour=10) == sum(cell["tickets_created"] for cell in cells if cell["hour"] == 10)


def test_hours_are_those_of_the_tenants_clock_when_it_is_put_forward(server, tenant):
    slug = tenant(timezone="Europe/Paris")
    server.feed(slug, [ticket("before", "2024-03-31T00:59:59Z"), ticket("after", "2024-03-31T01:00:00Z")])  # 01:59:59, 03:00
    for hour, found in ((1, ["before"]), (2, []), (3, ["after"])):
        listed = server.v1(slug, "/v1/tickets", day="2024-03-31", weekday=7, hour=hour).must(200).json["tickets"]
        assert [one["external_id"] for one in listed] == found


def test_the_ages_of_a_backlog_add_up_to_it(server, tenant):
    slug = tenant(timezone="America/New_York")
    end = datetime.datetime(2024, 3, 20, 4, 0, tzinfo=datetime.timezone.utc)  # midnight after the 19th
    ages = (datetime.timedelta(hours=1), datetime.timedelta(hours=23), datetime.timedelta(days=1),
            datetime.timedelta(days=6, hours=23), datetime.timedelta(days=7), datetime.timedelta(days=90),
            datetime.timedelta(days=400))
    open_tickets = [ticket(f"open-{n}", stamp(end - age)) for n, age in enumerate(ages)]
    done = [ticket("done", stamp(end - ages[2]), resolved_at=stamp(end - ages[0])),
            ticket("done-later", stamp(end - ages[2]), resolved_at=stamp(end)),
            ticket("later", stamp(end))]
    server.feed(slug, open_tickets + done)
    server.compute(slug, DAY(2024, 3, 19), DAY(2024, 3, 19))
    answer = server.v1(slug, "/v1/kpis/backlog-age", role="client", day="2024-03-19").must(200).json
    assert [(bucket["from_days"], bucket["to_days"], bucket["tickets"]) for bucket in answer["buckets"]] == [
        (0, 1, 2), (1, 3, 2), (3, 7, 1), (7, 14, 1), (14, 30, 0), (30, 90, 0), (90, None, 2)]
    assert answer["backlog"] == 8
    row, = server.v1(slug, "/v1/kpis/daily", from_="2024-03-19", to="2024-03-19").must(200).json["rows"]
    assert row["backlog"] == answer["backlog"]
    opened = {bucket["age"]: pages(server, slug, day="2024-03-19", metric="backlog", age=bucket["age"])
              for bucket in answer["buckets"]}
    assert {age: len(found) for age, found in opened.items()} == {
        bucket["age"]: bucket["tickets"] for bucket in answer["buckets"]}
    assert [one["external_id"] for one in opened["7-14"]] == ["open-4"]


def test_a_bar_of_ages_and_its_tickets_part_at_the_same_instant(server, tenant):
    slug = tenant()
    end = datetime.datetime(2024, 3, 20, tzinfo=datetime.timezone.utc)
    edge = end - datetime.timedelta(days=3)
    moments = {"younger": edge + datetime.timedelta(microseconds=400000), "at": edge,
               "older": edge - datetime.timedelta(microseconds=600000)}
    server.feed(slug, [ticket(name, moment.isoformat()) for name, moment in moments.items()])
    # The day is not computed: both count all the same.
    answer = server.v1(slug, "/v1/kpis/backlog-age", day="2024-03-19").must(200).json
    assert {bucket["age"]: bucket["tickets"] for bucket in answer["buckets"] if bucket["tickets"]} == {"1-3": 1, "3-7": 2}
    assert [one["external_id"] for one in pages(server, slug, day="2024-03-19", metric="backlog", age="1-3")] == ["younger"]
    assert [one["external_id"] for one in pages(server, slug, day="2024-03-19", metric="backlog", age="3-7")] == ["at", "older"]
    assert pages(server, slug, day="2024-03-19", metric="backlog") == []


def test_a_day_that_is_not_over_opens_like_any_other(server, tenant):
    slug = tenant()
    now = datetime.datetime.now(datetime.timezone.utc)
    ages = {"fresh": -1, "hours": 5, "days": 48 + 5, "weeks": 24 * 16}
    server.feed(slug, [ticket(name, stamp(now - datetime.timedelta(hours=hours))) for name, hours in ages.items()])
    for _ in range(3):  # a quarter of an hour may end between two questions, once
        today = datetime.datetime.now(datetime.timezone.utc).date()
        answer = server.v1(slug, "/v1/kpis/backlog-age", day=today).must(200).json
        opened = {bucket["age"]: len(pages(server, slug, day=today, metric="backlog", age=bucket["age"]))
                  for bucket in answer["buckets"]}
        if opened == {bucket["age"]: bucket["tickets"] for bucket in answer["buckets"]}:
            break
    assert {age: count for age, count in opened.items() if count} == {
        bucket["age"]: bucket["tickets"] for bucket in answer["buckets"] if bucket["tickets"]}
    assert answer["backlog"] >= 3

"""The tickets of a number as CSV: the same as its pages, safe to open in a spreadsheet, whole or refused."""

import csv
import datetime
import io
import zoneinfo

import pytest

from harness.tickets import crowd, ticket

DAY = datetime.date
FIRST, LAST = DAY(2024, 3, 1), DAY(2024, 3, 31)
COLUMNS = ["counted_at", "external_id", "title", "status", "source_status", "priority", "category", "requester", "group",
           "channel", "created_at", "updated_at", "first_response_at", "resolved_at", "closed_at", "due_at", "sla_met",
           "reopen_count", "reassignment_count", "csat", "assignee"]


@pytest.fixture(scope="module")
def opened(server):
    slug = server.add_tenant("sheet-paris", "Europe/Paris", name="Sheet")
    server.feed(slug, crowd(29, 2500, FIRST, LAST, zoneinfo.ZoneInfo("Europe/Paris")))
    server.compute(slug, FIRST, LAST)
    return slug


def sheet(server, slug, role="manager", **query):
    """(column names, rows as lists) of the CSV."""
    answer = server.v1(slug, "/v1/tickets.csv", role=role, **query).must(200)
    assert answer.body.startswith(b"\xef\xbb\xbf") and answer.body.endswith(b"\r\n")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(io.StringIO(answer.body.decode("utf-8-sig"), newline=""))
    return header, rows


def pages(server, slug, **query):
    found, cursor = [], {}
    while True:
        answer = server.v1(slug, "/v1/tickets", limit=500, **query, **cursor).must(200).json
        found += answer["tickets"]
        if answer["next_cursor"] is None:
            return found
        cursor = {"cursor": answer["next_cursor"]}


def cell(value):
    """As the sheet must show it; the crowd holds a technician whose name is a formula."""
    if isinstance(value, bool):
        return str(value).lower()
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in "=+-@" and text else text


@pytest.mark.parametrize("query", [
    {"from_": FIRST, "to": LAST}, {"from_": FIRST, "to": LAST, "metric": "sla_compliance"},
    {"day": LAST, "metric": "backlog"}, {"day": LAST, "metric": "backlog", "age": "7-14"},
    {"from_": FIRST, "to": LAST, "weekday": 2, "hour": 10}, {"from_": FIRST, "to": LAST, "by": "priority", "member": "high"},
])
def test_the_sheet_holds_what_the_pages_hold_in_their_order(server, opened, query):
    wanted = pages(server, opened, **query)
    header, rows = sheet(server, opened, **query)
    assert header == COLUMNS and wanted
    assert rows == [[cell(one[name]) for name in COLUMNS] for one in wanted]


def test_more_than_one_part_of_the_walk_was_taken(server, opened):
    assert len(sheet(server, opened, from_=FIRST, to=LAST)[1]) > 2000


def test_a_clients_sheet_names_no_technician(server, opened):
    header, rows = sheet(server, opened, role="client", from_=FIRST, to=LAST)
    assert header == COLUMNS[:-1] and {len(row) for row in rows} == {len(header)}
    technicians = {row[-1] for row in sheet(server, opened, from_=FIRST, to=LAST)[1]} - {""}
    assert technicians and not technicians & {value for row in rows for value in row}
    server.v1(opened, "/v1/tickets.csv", role="client", from_=FIRST, to=LAST, by="assignee").problem(
        403, "assignee_not_visible")


def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(server, tenant):
    slug = tenant()
    server.feed(slug, [ticket("=1+1", "2024-03-05T10:00:00Z", title='@SUM("a","b")\r\nc', category="-5", group="")])
    _, (row,) = sheet(server, slug, day="2024-03-05")
    assert (row[1], row[2], row[6]) == ("'=1+1", '\'@SUM("a","b")\r\nc', "'-5")


def test_the_file_bears_its_question(server, opened):
    answer = server.v1(opened, "/v1/tickets.csv", from_=FIRST, to=LAST, metric="csat_mean").must(200)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="tickets-{opened}-csat_count-{FIRST}-{LAST}.csv"'
    assert sheet(server, opened, day="2023-01-01") == (COLUMNS, [])


def test_a_download_leaves_a_line_that_says_what_left(server, opened):
    answer = server.v1(opened, "/v1/tickets.csv", from_=FIRST, to=LAST, by="priority", member="high").must(200)
    (action, object_, after), = server.stack.query(
        "SELECT action, object, (detail::json)->'after' FROM msp.audit_log WHERE request_id = %s",
        (answer.headers["X-Request-Id"],))
    rows = len(answer.body.splitlines()) - 1
    assert (action, object_) == ("ticket.download", "tickets_created")
    assert after == {"from": str(FIRST), "to": str(LAST), "by": "priority", "member": "high", "tickets": rows}
    head = server.request("HEAD", f"/v1/tickets.csv?day={FIRST}", token=server.token("manager", opened)).must(200)
    assert server.stack.query("SELECT FROM msp.audit_log WHERE request_id = %s", (head.headers["X-Request-Id"],)) == []


@pytest.mark.parametrize("query, pointer", [
    ({"day": FIRST, "limit": 10}, "/limit"), ({"day": FIRST, "cursor": "x"}, "/cursor"), ({"day": FIRST, "count": "true"}, "/count"),
    ({"day": FIRST, "metric": "nothing"}, "/metric"), ({}, "/from"),
])
def test_a_question_that_is_not_understood_is_refused_at_its_place(server, opened, query, pointer):
    answer = server.v1(opened, "/v1/tickets.csv", **query)
    answer.problem(400)
    assert answer.pointers() == [pointer]


def test_what_is_too_much_for_one_file_is_refused_and_never_cut(server, tenant):
    slug = tenant()
    # Straight into the table: how they came there is no matter here.
    server.stack.query(
        "INSERT INTO msp.raw_tickets (tenant_id, external_id, created_at, updated_at)"
        " SELECT t.tenant_id, 'many-' || n, timestamptz '2024-03-05T10:00:00Z' + n * interval '1 second', now()"
        "  FROM msp.tenants t CROSS JOIN generate_series(1, 50001) AS n WHERE t.slug = %s RETURNING 1", (slug,))
    answer = server.v1(slug, "/v1/tickets.csv", from_="2024-03-01", to="2024-03-31")
    answer.problem(400, "tickets_too_many")
    assert answer.pointers() == ["/to"]
    server.stack.query("DELETE FROM msp.raw_tickets r USING msp.tenants t WHERE t.tenant_id = r.tenant_id AND t.slug = %s"
                       " AND r.external_id = 'many-1' RETURNING 1", (slug,))
    assert len(sheet(server, slug, from_="2024-03-01", to="2024-03-31")[1]) == 50000


def test_what_sheets_take_of_memory_is_given_back(new_server, opened):
    server = new_server(HTTP_WORKERS="1", HTTP_MEMORY_MIB="32")
    for _ in range(12):  # of 4 MiB each: past what requests may hold together, were they kept
        server.v1(opened, "/v1/tickets.csv", from_=FIRST, to=LAST).must(200)
        server.v1(opened, "/v1/tickets.csv", from_=FIRST, to=LAST, metric="nothing").must(400)

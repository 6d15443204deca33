"""Tickets come in whole, newer ones win, bad ones are kept apart, and nothing acknowledged is ever lost."""

import json
import socket
import threading

import pytest

from harness import http
from harness.server import SECRETS
from harness.tickets import ticket, write_mock
from harness.waiting import wait_until

AT = "2024-05-02T08:00:00Z"
LATER = "2024-05-02T09:00:00Z"


def stored(stack, tenant, columns="external_id, title"):
    return stack.query(f"SELECT {columns} FROM msp.raw_tickets JOIN msp.tenants t USING (tenant_id)"
                       " WHERE t.slug = %s ORDER BY external_id", (tenant,))


def rejects(stack, tenant):
    return stack.query("SELECT code, pointer, reason, payload FROM msp.raw_rejects JOIN msp.tenants t"
                       " USING (tenant_id) WHERE t.slug = %s ORDER BY reject_id", (tenant,))


def stats(fetched, inserted=0, updated=0, unchanged=0, rejected=0):
    return {"fetched": fetched, "inserted": inserted, "updated": updated, "unchanged": unchanged,
            "rejected": rejected}


# ---- what a push answers ----

def test_a_push_answers_the_tenant_no_cursor_and_what_became_of_each_ticket(server, tenant):
    slug = tenant()
    answer = server.internal("POST", "/internal/ingest/tickets",
                             {"tenant_id": slug, "tickets": [ticket("A", AT), ticket("B", AT)]}).must(200)
    assert answer.json["tenant_id"] == slug
    assert answer.json["has_more"] is False
    assert answer.json["stats"] == stats(2, inserted=2)
    assert "next_cursor" in answer.json


def test_every_member_of_a_ticket_is_stored_as_it_came(server, tenant, stack):
    slug = tenant()
    whole = ticket("whole", AT, LATER, title="Drücker „kaputt“ 山", status="closed", source_status="Erledigt",
                   priority="critical", category="C", assignee="A", requester="R", group="G", channel="Phone",
                   first_response_at="2024-05-02T10:30:00+02:00", resolved_at="2024-05-02T08:45:00.250Z",
                   closed_at="2024-05-03T00:00:00Z", due_at="2024-05-04T00:00:00Z", sla_met=False,
                   reopen_count=2, reassignment_count=3, csat=4, version=7, not_ours={"a": [1]})
    assert server.push(slug, [whole]) == stats(1, inserted=1)
    row, = stored(stack, slug, 'title, status, source_status, priority, category, assignee, requester, "group",'
                  " channel, sla_met, reopen_count, reassignment_count, csat, version,"
                  " extract(epoch from first_response_at - raw_tickets.created_at)::int,"
                  " extract(epoch from resolved_at - raw_tickets.created_at)::float")
    assert row == ("Drücker „kaputt“ 山", "closed", "Erledigt", "critical", "C", "A", "R", "G", "Phone", False,
                   2, 3, 4, 7, 1800, 2700.25)


# ---- newer only ----

@pytest.mark.parametrize("first,second,wins", [
    (dict(updated_at=AT), dict(updated_at=LATER), "second"),
    (dict(updated_at=LATER), dict(updated_at=AT), "first"),
    (dict(updated_at=AT, version=1), dict(updated_at=AT, version=2), "second"),
    (dict(updated_at=AT, version=2), dict(updated_at=AT, version=1), "first"),
    (dict(updated_at=AT, version=9), dict(updated_at=LATER, version=1), "second"),
    (dict(updated_at=AT, version=1), dict(updated_at=AT, version=1), "second"),
    (dict(updated_at=AT), dict(updated_at=AT), "second"),
    (dict(updated_at=AT), dict(updated_at=AT, version=0), "second"),
    (dict(updated_at=AT, version=0), dict(updated_at=AT), "first"),
    (dict(updated_at="2024-05-02T10:00:00+02:00"), dict(updated_at="2024-05-02T08:00:01Z"), "second"),
    (dict(updated_at="2024-05-02T08:00:00.000001Z"), dict(updated_at=AT), "first"),
])
@pytest.mark.parametrize("together", [True, False], ids=["in one request", "in two requests"])
def test_the_newer_snapshot_wins_and_a_tie_goes_to_the_later_arrival(server, tenant, stack, first, second, wins,
                                                                     together):
    slug = tenant()
    both = [{**ticket("X", AT), "title": "first", **first}, {**ticket("X", AT), "title": "second", **second}]
    got = [server.push(slug, part) for part in ([both] if together else [[both[0]], [both[1]]])]
    assert stored(stack, slug) == [("X", wins)]
    assert sum(s["fetched"] for s in got) == 2
    assert sum(s["inserted"] for s in got) == 1
    assert sum(s["updated"] for s in got) == (1 if wins == "second" else 0)
    assert sum(s["unchanged"] for s in got) == (0 if wins == "second" else 1)


def test_an_unchanged_ticket_costs_no_write(server, tenant, stack):
    slug = tenant()
    server.push(slug, [ticket("X", AT, title="same")])
    before = stored(stack, slug, "raw_tickets.ctid::text, raw_tickets.xmin::text")
    assert server.push(slug, [ticket("X", AT, title="same")]) == stats(1, unchanged=1)
    assert stored(stack, slug, "raw_tickets.ctid::text, raw_tickets.xmin::text") == before


# ---- bad tickets ----

BAD_TICKETS = {
    "no external_id": ({"created_at": AT, "updated_at": AT}, "/external_id"),
    "empty external_id": (ticket("", AT), "/external_id"),
    "long external_id": (ticket("x" * 129, AT), "/external_id"),
    "number as external_id": ({**ticket("n", AT), "external_id": 7}, "/external_id"),
    "control character in external_id": (ticket("a\u0001b", AT), "/external_id"),
    "no created_at": ({"external_id": "a", "updated_at": AT}, "/created_at"),
    "no updated_at": ({"external_id": "a", "created_at": AT}, "/updated_at"),
    "null updated_at": ({"external_id": "a", "created_at": AT, "updated_at": None}, "/updated_at"),
    "time without offset": (ticket("a", "2024-05-02T08:00:00"), "/created_at"),
    "day that does not exist": (ticket("a", "2023-02-29T08:00:00Z"), "/created_at"),
    "hour that does not exist": (ticket("a", "2024-05-02T24:00:00Z"), "/created_at"),
    "time as a number": ({**ticket("a", AT), "created_at": 1714636800}, "/created_at"),
    "time in words": (ticket("a", AT, resolved_at="yesterday"), "/resolved_at"),
    "year out of range": (ticket("a", "1066-10-14T09:00:00Z"), "/created_at"),
    "unknown status": (ticket("a", AT, status="done"), "/status"),
    "unknown priority": (ticket("a", AT, priority="urgent"), "/priority"),
    "csat of 6": (ticket("a", AT, csat=6), "/csat"),
    "csat of 0": (ticket("a", AT, csat=0), "/csat"),
    "csat as a text": (ticket("a", AT, csat="5"), "/csat"),
    "csat of 4.5": (ticket("a", AT, csat=4.5), "/csat"),
    "negative reopen_count": (ticket("a", AT, reopen_count=-1), "/reopen_count"),
    "reopen_count past 2^31": (ticket("a", AT, reopen_count=2 ** 31), "/reopen_count"),
    "version as a text": (ticket("a", AT, version="1"), "/version"),
    "negative version": (ticket("a", AT, version=-1), "/version"),
    "sla_met as a text": (ticket("a", AT, sla_met="yes"), "/sla_met"),
    "number as title": (ticket("a", AT, title=5), "/title"),
    "list as assignee": (ticket("a", AT, assignee=["Ann"]), "/assignee"),
    "title past its limit": (ticket("a", AT, title="x" * 4001), "/title"),
    "group past its limit": (ticket("a", AT, group="x" * 401), "/group"),
    "not an object": (["a"], ""),
    "a bare number": (17, ""),
    "null": (None, ""),
}


@pytest.mark.parametrize("bad,pointer", BAD_TICKETS.values(), ids=BAD_TICKETS.keys())
def test_a_bad_ticket_is_kept_with_its_reason_and_the_rest_goes_in(server, tenant, stack, bad, pointer):
    slug = tenant()
    page = [ticket("before", AT), bad, ticket("behind", AT)]
    assert server.push(slug, page) == stats(3, inserted=2, rejected=1)
    assert server.feed(slug, page) == stats(3, unchanged=2, rejected=1)
    assert [row[0] for row in stored(stack, slug)] == ["before", "behind"]
    kept = rejects(stack, slug)
    assert [where for _, where, _, _ in kept] == ["/tickets/1" + pointer, pointer]
    for code, _, reason, payload in kept:
        assert code and reason
        assert json.loads(payload) == bad


def test_characters_count_in_the_limits_and_not_bytes(server, tenant, stack):
    slug = tenant()
    assert server.push(slug, [ticket("山" * 128, AT, title="ü" * 4000)]) == stats(1, inserted=1)
    assert stored(stack, slug, "length(external_id), length(title)") == [(128, 4000)]


@pytest.mark.parametrize("line", [
    b'{"external_id":"a"', b"nonsense", b"[1,2", b'{"external_id":"a","external_id":"b","created_at":"'
    + AT.encode() + b'","updated_at":"' + AT.encode() + b'"}', b"\xff\xfe\x00", b'{"external_id":"\xc3\x28"}',
    b"[" * 200 + b"]" * 200, b'{"external_id":"a\\u0000b","created_at":"' + AT.encode() + b'","updated_at":"'
    + AT.encode() + b'"}'],
    ids=["cut", "nonsense", "cut list", "member twice", "bytes", "broken UTF-8", "deep", "NUL"])
def test_a_bad_line_of_a_stream_is_refused_alone(server, tenant, stack, line):
    slug = tenant()
    good = [json.dumps(ticket(name, AT)).encode() for name in ("A", "B")]
    got = server.stream(slug, b"\n".join([good[0], line, good[1]])).must(200).json["stats"]
    assert got == stats(3, inserted=2, rejected=1)
    assert [row[0] for row in stored(stack, slug)] == ["A", "B"]
    assert len(rejects(stack, slug)) == 1


# ---- bad requests ----

def whole_push(tickets, **more):
    return {"tenant_id": "{tenant}", "tickets": tickets, **more}


BAD_REQUESTS = {
    "cut JSON": (b'{"tenant_id":"{tenant}","tickets":[', 400),
    "not an object": (b"[]", 400),
    "empty": (b"", 400),
    "unknown member": (b'{"tenant_id":"{tenant}","tickets":[],"ticket":[]}', 400),
    "member twice": (b'{"tenant_id":"{tenant}","tickets":[],"tickets":[]}', 400),
    "tickets not a list": (b'{"tenant_id":"{tenant}","tickets":{}}', 400),
    "tenant not a text": (b'{"tenant_id":7,"tickets":[]}', 400),
    "no tenant": (b'{"tickets":[]}', 400),
    "cursor with a push": (b'{"tenant_id":"{tenant}","tickets":[],"cursor":"m1:0:0"}', 400),
    "deep": (b'{"tenant_id":"{tenant}","tickets":' + b"[" * 2000 + b"]" * 2000 + b"}", 400),
    "broken UTF-8": (b'{"tenant_id":"\xc3\x28","tickets":[]}', 400),
    "NUL behind it": (b'{"tenant_id":"{tenant}","tickets":[]}\x00', 400),
    "text behind it": (b'{"tenant_id":"{tenant}","tickets":[]} x', 400),
    "unknown tenant": (b'{"tenant_id":"no-such-tenant","tickets":[]}', 404),
}


@pytest.mark.parametrize("body,status", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_a_bad_push_is_a_clear_problem_and_stores_nothing(server, tenant, stack, body, status):
    slug = tenant()
    answer = server.internal("POST", "/internal/ingest/tickets", body=body.replace(b"{tenant}", slug.encode()),
                             headers={"Content-Type": "application/json"})
    answer.problem(status)
    assert stored(stack, slug) == []


@pytest.mark.parametrize("body,pointer", [
    (b'{"tenant_id":"{tenant}","tickets":[],"tiket":1}', "/tiket"),
    (b'{"tenant_id":5,"tickets":[]}', "/tenant_id"), (b'{"tickets":[]}', "/tenant_id"),
    (b'{"tenant_id":"{tenant}","tickets":7}', "/tickets")])
def test_a_bad_member_is_named_by_its_pointer(server, tenant, body, pointer):
    answer = server.internal("POST", "/internal/ingest/tickets",
                             body=body.replace(b"{tenant}", tenant().encode()),
                             headers={"Content-Type": "application/json"})
    answer.problem(400)
    assert pointer in answer.pointers()


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded",
                                          "multipart/form-data; boundary=x", None])
def test_a_body_of_another_type_is_refused(server, tenant, stack, content_type):
    slug = tenant()
    headers = {"Content-Type": content_type} if content_type else {}
    body = json.dumps({"tenant_id": slug, "tickets": [ticket("A", AT)]}).encode()
    server.internal("POST", "/internal/ingest/tickets", body=body, headers=headers).problem(415)
    assert stored(stack, slug) == []


def test_a_body_past_the_limit_is_413_and_the_server_lives(server, tenant, stack):
    slug = tenant()
    body = json.dumps({"tenant_id": slug, "tickets": [ticket(f"T{n}", AT, title="x" * 3000) for n in range(400)]})
    head = (f"POST /internal/ingest/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {SECRETS['SERVICE_TOKEN']}\r\n").encode()
    told = head + b"Content-Length: %d\r\n\r\n" % len(body)
    assert http.statuses(http.raw(server.port, told, finish=False)) == [413], "before the body is sent"
    pieces = [body.encode()[at:at + 8192] for at in range(0, len(body), 8192)]
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(
        b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    assert http.statuses(http.raw(server.port, chunked))[:1] in ([413], []), "as far as it was read"
    assert stored(stack, slug) == []
    server.get("/livez").must(200)


@pytest.mark.parametrize("query", ["", "?tenant_id=no-such-tenant", "?tenant_id={tenant}&tenant_id={tenant}",
                                   "?tenant_id={tenant}&cursor=x", "?tenant={tenant}"])
def test_a_stream_needs_exactly_its_tenant_in_the_query(server, tenant, stack, query):
    slug = tenant()
    answer = server.internal("POST", "/internal/ingest/tickets" + query.replace("{tenant}", slug),
                             body=json.dumps(ticket("A", AT)).encode(),
                             headers={"Content-Type": "application/x-ndjson"})
    answer.problem(404 if "no-such" in query else 400)
    assert stored(stack, slug) == []


@pytest.mark.parametrize("who", ["nobody", "wrong token", "a person", "behind a proxy"])
def test_ingest_is_for_the_service_token_only(server, tenant, stack, who):
    slug = tenant()
    headers = {"Content-Type": "application/json"}
    if who == "wrong token":
        headers["Authorization"] = "Bearer " + "x" * 40
    if who == "a person":
        headers["Authorization"] = "Bearer " + server.token("manager", slug)
    if who == "behind a proxy":
        headers.update({"Authorization": "Bearer " + SECRETS["SERVICE_TOKEN"], "X-Forwarded-For": "8.8.8.8"})
    answer = server.request("POST", "/internal/ingest/tickets", headers=headers,
                            body=json.dumps({"tenant_id": slug, "tickets": [ticket("A", AT)]}).encode())
    answer.problem(403 if who in ("behind a proxy", "a person") and answer.status == 403 else
                   404 if answer.status == 404 and who == "behind a proxy" else 401)
    assert stored(stack, slug) == []


# ---- streams ----

def test_blank_lines_and_a_missing_last_newline_are_no_tickets_and_no_faults(server, tenant):
    lines = [json.dumps(ticket(name, AT)).encode() for name in ("A", "B")]
    body = b"\n\r\n" + lines[0] + b"\r\n\n   \n" + lines[1]
    assert server.stream(tenant(), body).must(200).json["stats"] == stats(2, inserted=2)


def test_an_empty_stream_is_fine(server, tenant):
    assert server.stream(tenant(), b"").must(200).json["stats"] == stats(0)


def test_a_chunked_stream_is_taken_however_it_is_cut(server, tenant, stack):
    slug = tenant()
    body = b"".join(json.dumps(ticket(f"T{n}", AT, title="ü" * n)).encode() + b"\n" for n in range(40))
    pieces = (body[at:at + 7] for at in range(0, len(body), 7))
    assert server.stream(slug, pieces).must(200).json["stats"] == stats(40, inserted=40)
    assert len(stored(stack, slug)) == 40


def test_a_line_past_the_limit_is_refused_alone(server, tenant, stack):
    slug = tenant()
    good = [json.dumps(ticket(name, AT)).encode() + b"\n" for name in ("A", "B")]
    huge = json.dumps(ticket("huge", AT, title="x" * 3_000_000)).encode() + b"\n"
    got = server.stream(slug, iter([good[0], huge, good[1]])).must(200).json["stats"]
    assert got == stats(3, inserted=2, rejected=1)
    assert [row[0] for row in stored(stack, slug)] == ["A", "B"]
    assert len(rejects(stack, slug)[0][3]) <= 8192


def test_a_long_stream_is_taken_in_constant_memory(server, tenant):
    slug = tenant()
    peak = {}

    def rss(pid):
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * 4096
    before = {pid: rss(pid) for pid in server.workers()}

    def lines():
        for n in range(30000):
            if n % 3000 == 0:
                for pid in before:
                    peak[pid] = max(peak.get(pid, 0), rss(pid))
            yield ticket(f"T{n}", AT, title="x" * 600)
    assert server.feed(slug, lines()) == stats(30000, inserted=30000)
    growth = max(peak[pid] - before[pid] for pid in before)
    assert growth < 24 << 20, f"a worker grew by {growth >> 20} MiB over a 22 MiB stream"


def test_a_long_stream_into_a_table_thought_small_looks_tickets_up_by_their_key(new_stack):
    """Statistics of a few tickets make reading the whole table look cheap; plans made then stay for the session."""
    stack = new_stack()
    server = stack.server().start()
    few, many = server.add_tenant("few"), server.add_tenant("many")
    server.push(few, [ticket(f"F-{number}", "2026-01-01T00:00:00Z") for number in range(40)])
    stack.query("ANALYZE msp.raw_tickets")

    def reads(column):
        return stack.query(f"SELECT {column} FROM pg_stat_user_tables WHERE relname = 'raw_tickets'")[0][0]
    read_before, sought_before = reads("seq_tup_read"), reads("idx_scan")
    stats = server.feed(many, [ticket(f"M-{number}", "2026-01-01T00:00:00Z") for number in range(12000)])
    assert stats["inserted"] == 12000
    wait_until(lambda: reads("idx_scan") - sought_before >= 12000, 30, "every ticket to have been sought by its key")
    assert reads("seq_tup_read") - read_before < 12000, "the table was read through for a batch of tickets"


def test_a_client_that_vanishes_in_mid_stream_loses_nothing_and_kills_nobody(server, tenant, stack):
    slug = tenant()
    workers = server.workers()
    head = (f"POST /internal/ingest/tickets?tenant_id={slug} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {SECRETS['SERVICE_TOKEN']}\r\nContent-Type: application/x-ndjson\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
        peer.sendall(head)
        for start in range(0, 6000, 100):
            block = b"".join(json.dumps(ticket(f"T{n:05}", AT)).encode() + b"\n" for n in range(start, start + 100))
            peer.sendall(b"%x\r\n" % len(block) + block + b"\r\n")
        wait_until(lambda: stored(stack, slug, "1"), 10, "a batch to be stored")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    kept = wait_until(lambda: stored(stack, slug), 10)
    whole = [ticket(f"T{n:05}", AT) for n in range(6000)]
    again = server.feed(slug, whole)
    assert again["inserted"] + again["unchanged"] == 6000
    assert again["unchanged"] >= len(kept)
    assert len(stored(stack, slug)) == 6000
    assert server.workers() == workers


def test_two_streams_of_the_same_tickets_at_once_insert_each_once(server, tenant, stack):
    slug = tenant()
    tickets = [ticket(f"T{n}", AT) for n in range(8000)]
    got = []
    threads = [threading.Thread(target=lambda part=part: got.append(server.feed(slug, part)))
               for part in (tickets, tickets[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(s["inserted"] for s in got) == 8000
    assert sum(s["unchanged"] for s in got) == 8000
    assert len(stored(stack, slug)) == 8000


# ---- pulling ----

def pull(server, slug, *cursor):
    body = {"tenant_id": slug, **({"cursor": cursor[0]} if cursor else {})}
    return server.internal("POST", "/internal/ingest/tickets", body)


@pytest.fixture
def pulled(server, tenant):
    """A tenant whose source holds 50 tickets."""
    slug = tenant(source="mock")
    write_mock(server, slug, [ticket(f"P{n:03}", AT) for n in range(50)])
    return slug


def test_a_pull_drains_the_source_and_the_next_one_finds_nothing(server, pulled, stack):
    first = pull(server, pulled).must(200).json
    assert first["tenant_id"] == pulled
    assert first["stats"] == stats(50, inserted=50)
    assert first["has_more"] is False and first["next_cursor"]
    again = pull(server, pulled).must(200).json
    assert again["stats"] == stats(0)
    assert again["next_cursor"] == first["next_cursor"]
    assert len(stored(stack, pulled)) == 50


def test_null_and_absent_go_on_and_empty_starts_over(server, pulled):
    first = pull(server, pulled, None).must(200).json
    write_mock(server, pulled, [ticket(f"P{n:03}", AT) for n in range(60)])
    more = pull(server, pulled, None).must(200).json
    assert more["stats"] == stats(10, inserted=10)
    over = pull(server, pulled, "").must(200).json
    assert over["stats"] == stats(60, unchanged=60)
    assert over["next_cursor"] == more["next_cursor"] != first["next_cursor"]


def test_the_stored_cursor_and_the_one_before_it_go_on(server, pulled):
    first = pull(server, pulled).must(200).json["next_cursor"]
    write_mock(server, pulled, [ticket(f"P{n:03}", AT) for n in range(60)])
    second = pull(server, pulled, first).must(200).json
    assert second["stats"] == stats(10, inserted=10)
    assert pull(server, pulled, second["next_cursor"]).must(200).json["stats"] == stats(0)
    retry = pull(server, pulled, first).must(200).json
    assert retry["next_cursor"] == second["next_cursor"]


@pytest.mark.parametrize("cursor", ["nonsense", "m1:1:1", "x" * 400])
def test_any_other_cursor_is_a_conflict_that_names_the_stored_one(server, pulled, stack, cursor):
    stored_one = pull(server, pulled).must(200).json["next_cursor"]
    problem = pull(server, pulled, cursor).problem(409)
    assert stored_one in json.dumps(problem)
    assert len(stored(stack, pulled)) == 50


def test_the_cursor_moves_in_the_transaction_of_the_tickets(server, pulled, stack):
    answer = pull(server, pulled).must(200).json
    row = stack.query("SELECT cursor FROM msp.ingest_cursors JOIN msp.tenants t USING (tenant_id) WHERE t.slug = %s",
                      (pulled,))
    assert row == [(answer["next_cursor"],)]


def test_bad_rows_of_a_source_are_kept_apart_like_any_other(server, tenant, stack):
    slug = tenant(source="mock")
    write_mock(server, slug, [ticket("A", AT), ticket("B", AT, csat=9), b"{broken\n", ticket("C", AT)])
    assert pull(server, slug).must(200).json["stats"] == stats(4, inserted=2, rejected=2)
    assert len(rejects(stack, slug)) == 2


def test_a_tenant_without_a_source_cannot_be_pulled(server, tenant):
    pull(server, tenant()).problem(409)


def test_a_source_that_is_not_there_is_a_clear_problem(server, tenant):
    slug = tenant(source="mock")
    answer = pull(server, slug)
    assert answer.status >= 400
    members = answer.problem(answer.status)
    assert "mock" in members["detail"]


def test_a_damaged_source_stores_what_came_whole_and_says_so(server, tenant, stack, expect_log):
    expect_log("source_file", "ingest")
    slug = tenant(source="mock")
    write_mock(server, slug, [ticket(f"P{n}", AT, title=str(n) * 50) for n in range(3000)])
    path = f"{server.mock_data}/tickets/{slug}.ndjson.gz"
    with open(path, "rb") as whole:
        content = whole.read()
    with open(path, "wb") as cut:
        cut.write(content[:len(content) // 2])
    answer = pull(server, slug)
    assert answer.status >= 400
    answer.problem(answer.status)
    with open(path, "wb") as mended:
        mended.write(content)
    total = pull(server, slug, "").must(200).json["stats"]
    assert total["inserted"] + total["unchanged"] == 3000
    assert len(stored(stack, slug)) == 3000


def test_a_pull_that_changed_tickets_queues_the_recompute_by_itself(server, pulled):
    server.compute(pulled, "2024-05-01", "2024-05-03")
    pull(server, pulled).must(200)
    wait_until(lambda: server.days(pulled, "2024-05-02", "2024-05-02")["2024-05-02", ""]["tickets_created"] == 50,
               20, "the recompute")

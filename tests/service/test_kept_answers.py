"""Kept answers: the same bytes for the same question, never past a change of the data, never to anyone else."""

import datetime
import gzip
import json
import re
import time

import pytest

from harness.tickets import ticket

DAY = datetime.date
QUERY = "from=2024-03-01&to=2024-03-31"


def ask(server, slug, query=QUERY, role="manager", path="/v1/kpis/daily", **headers):
    token = server.token(role, None if role == "admin" else slug)
    if role == "admin":
        query += f"&tenant={slug}"
    return server.get(f"{path}?{query}", token=token, headers={name.replace("_", "-"): value
                                                               for name, value in headers.items()})


def figures(server):
    """Hits and misses of the node's cache."""
    text = server.internal("GET", "/metrics").must(200).text
    return {name: int(re.search(rf"^msp_answer_cache_{name}_total (\d+)$", text, re.M).group(1))
            for name in ("hits", "misses")}


@pytest.fixture(scope="module")
def filled(server):
    slug = server.add_tenant("kept")
    server.feed(slug, [ticket(f"K{n}", f"2024-03-{1 + n % 28:02}T10:00:00Z") for n in range(60)])
    server.compute(slug, DAY(2024, 3, 1), DAY(2024, 3, 31))
    return slug


def test_the_second_answer_is_the_first_and_costs_no_handler(server, filled):
    first = ask(server, filled, "from=2024-03-01&to=2024-03-09").must(200)
    before = figures(server)
    second = ask(server, filled, "from=2024-03-01&to=2024-03-09").must(200)
    after = figures(server)
    assert second.body == first.body and second.headers["ETag"] == first.headers["ETag"]
    assert after["hits"] == before["hits"] + 1 and after["misses"] == before["misses"]
    assert second.headers["Content-Type"] == first.headers["Content-Type"] == "application/json"
    assert second.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def test_one_question_has_one_answer_however_it_is_written(server, filled):
    first = ask(server, filled, "from=2024-03-02&to=2024-03-09&by=priority")
    before = figures(server)
    ask(server, filled, "by=priority&to=2024%2D03-09&from=2024-03-02").must(200)
    assert figures(server)["hits"] == before["hits"] + 1
    assert ask(server, filled, "from=2024-03-02&to=2024-03-09").body != first.body


def test_a_caller_who_has_the_answer_is_told_just_that(server, filled):
    tag = ask(server, filled).must(200).headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    for field in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        same = ask(server, filled, If_None_Match=field).must(304)
        assert same.body == b"" and same.headers["ETag"] == tag
        assert "Content-Length" not in same.headers and "Content-Type" not in same.headers
    ask(server, filled, If_None_Match='"0123456789abcdef0123456789abcdef"').must(200)
    # Not kept yet: asked of the database, and still told that it is the same.
    fresh = ask(server, filled, "from=2024-03-03&to=2024-03-09").must(200).headers["ETag"]
    server.push(filled, [])
    ask(server, filled, "from=2024-03-03&to=2024-03-09").must(200)
    assert fresh


def test_no_cache_on_the_way_may_share_it(server, filled):
    for answer in (ask(server, filled), ask(server, filled), ask(server, filled, If_None_Match="*")):
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "Authorization" in answer.headers["Vary"] and "Cookie" in answer.headers["Vary"]


def test_an_answer_never_outlives_the_data_it_was_made_of(server, tenant):
    slug = tenant()
    server.feed(slug, [ticket("A", "2024-03-05T10:00:00Z")])
    server.compute(slug, DAY(2024, 3, 1), DAY(2024, 3, 31))
    for count in range(2, 14):
        created = {row["day"]: row["tickets_created"] for row in ask(server, slug).must(200).json["rows"]}
        assert created["2024-03-05"] == count - 1
        listed = ask(server, slug, "day=2024-03-05&limit=100", path="/v1/tickets").must(200).json["tickets"]
        assert len(listed) == count - 1
        server.push(slug, [ticket(f"A{count}", "2024-03-05T11:00:00Z")])
        # The push is answered: its ticket is seen at once.
        listed = ask(server, slug, "day=2024-03-05&limit=100", path="/v1/tickets").must(200).json["tickets"]
        assert len(listed) == count
        server.compute(slug, DAY(2024, 3, 5), DAY(2024, 3, 5))


def test_roles_that_see_less_have_answers_of_their_own(server, filled):
    query = "from=2024-03-01&to=2024-03-31&limit=5"
    manager = ask(server, filled, query, path="/v1/tickets").must(200)
    client = ask(server, filled, query, path="/v1/tickets", role="client").must(200)
    assert "assignee" in manager.json["tickets"][0] and "assignee" not in client.json["tickets"][0]
    assert ask(server, filled, query, path="/v1/tickets", role="client").body == client.body
    ask(server, filled, query, path="/v1/tickets", role="client", If_None_Match=manager.headers["ETag"]).must(200)
    assert ask(server, filled, query, path="/v1/tickets", role="admin").body == manager.body
    ask(server, filled, QUERY + "&by=assignee").must(200)
    ask(server, filled, QUERY + "&by=assignee", role="client").problem(403, "assignee_not_visible")


def test_a_tag_of_another_tenant_opens_nothing(server, filled, tenant):
    other = tenant()
    mine = ask(server, filled).must(200)
    theirs = ask(server, other, If_None_Match=mine.headers["ETag"]).must(200)
    assert theirs.json["tenant"] == other and theirs.headers["ETag"] != mine.headers["ETag"]


def test_a_disabled_tenant_is_refused_although_its_answers_are_kept(server, tenant):
    slug = tenant()
    ask(server, slug).must(200)
    ask(server, slug).must(200)
    assert server.command("tenant", "disable", slug).returncode == 0
    deadline = time.monotonic() + 5
    while ask(server, slug).status == 200:
        assert time.monotonic() < deadline, "a disabled tenant still reads"
    ask(server, slug).problem(401)


def test_another_nodes_changes_end_answers_here(server, new_server, tenant):
    slug = tenant()
    other = new_server()
    before = ask(server, slug, "day=2024-03-05", path="/v1/tickets").must(200)
    assert before.json["tickets"] == []
    other.push(slug, [ticket("far", "2024-03-05T11:00:00Z")])
    deadline = time.monotonic() + 5
    while ask(server, slug, "day=2024-03-05", path="/v1/tickets").json["tickets"] == []:
        assert time.monotonic() < deadline, "another node's ticket is not seen"


def test_a_lost_listener_ends_every_answer(server, stack, tenant):
    slug = tenant()
    ask(server, slug).must(200)
    before = figures(server)
    ended = stack.query("SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
                        " WHERE application_name = 'msp-analytics snapshot listener' OFFSET 0) AS listener")
    assert ended and all(row[0] for row in ended)
    deadline = time.monotonic() + 10
    while figures(server)["misses"] == before["misses"]:
        assert time.monotonic() < deadline, "answers outlive the connection that tells of changes"
        ask(server, slug).must(200)


def test_without_the_cache_answers_are_made_anew_and_still_tagged(new_server, tenant):
    server = new_server(ANSWER_CACHE="false")
    slug = tenant(on=server)
    first = ask(server, slug).must(200)
    assert ask(server, slug).headers["ETag"] == first.headers["ETag"]
    ask(server, slug, If_None_Match=first.headers["ETag"]).must(304)
    assert figures(server)["hits"] == 0
    server.configure(ANSWER_CACHE="true")
    server.reload()
    ask(server, slug).must(200)
    ask(server, slug).must(200)
    assert figures(server)["hits"] >= 1


def test_faults_are_not_kept(server, filled):
    for _ in range(2):
        ask(server, filled, "from=2024-03-31&to=2024-03-01").problem(400, "range_reversed")
    assert "ETag" not in ask(server, filled, "from=2024-03-31&to=2024-03-01").headers


def test_a_long_answer_is_kept_and_a_huge_one_just_given(server, filled):
    year = ask(server, filled, "from=2024-01-01&to=2024-12-31").must(200)
    assert ask(server, filled, "from=2024-01-01&to=2024-12-31").body == year.body
    huge = ask(server, filled, "from=2022-01-01&to=2024-12-31").must(200)
    assert len(huge.body) > 300_000 and huge.headers["ETag"]
    assert json.loads(ask(server, filled, "from=2022-01-01&to=2024-12-31").body) == huge.json
    ask(server, filled, "from=2022-01-01&to=2024-12-31", If_None_Match=huge.headers["ETag"]).must(304)


def test_a_long_answer_is_packed_for_who_takes_it(server, filled):
    year, week = "from=2024-01-01&to=2024-12-31", "from=2024-03-01&to=2024-03-07"
    plain = ask(server, filled, year).must(200)
    packed = ask(server, filled, year, Accept_Encoding="br, gzip").must(200)
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 4 and int(packed.headers["Content-Length"]) == len(packed.body)
    refused = ask(server, filled, year, Accept_Encoding="gzip;q=0").must(200)
    for answer in (plain, refused):
        assert "Content-Encoding" not in answer.headers and answer.body == plain.body
    for answer in (plain, refused, packed):
        assert "Accept-Encoding" in answer.headers.get_all("Vary")
    # Other bytes, another strong tag.
    assert refused.headers["ETag"] == plain.headers["ETag"] != packed.headers["ETag"]
    again = ask(server, filled, year, Accept_Encoding="gzip").must(200)
    assert again.body == packed.body and again.headers["Content-Encoding"] == "gzip"
    assert "cache;desc=hit" in again.headers["Server-Timing"]
    same = ask(server, filled, year, If_None_Match=packed.headers["ETag"], Accept_Encoding="gzip").must(304)
    assert same.body == b"" and "Content-Encoding" not in same.headers
    ask(server, filled, year, If_None_Match=packed.headers["ETag"]).must(200)
    assert "Content-Encoding" not in ask(server, filled, week, Accept_Encoding="gzip").must(200).headers


@pytest.mark.parametrize("path", ["/v1/summaries", "/v1/exports", "/v1/jobs", "/v1/tenants"])
def test_what_is_not_kept_is_tagged_all_the_same(server, filled, path):
    token = server.token("manager", filled)
    before = figures(server)
    first = server.get(path, token=token).must(200)
    same = server.get(path, token=token, headers={"If-None-Match": first.headers["ETag"]}).must(304)
    assert same.body == b"" and same.headers["ETag"] == first.headers["ETag"]
    assert first.headers["Cache-Control"] == same.headers["Cache-Control"] == "private, no-cache"
    assert figures(server) == before


def test_a_new_job_is_seen_at_once_by_whoever_has_the_list(server, filled):
    token = server.token("manager", filled)
    tag = server.get("/v1/jobs", token=token).must(200).headers["ETag"]
    job = server.post("/v1/exports", {"force": True}, token=token).must(202).json["job"]["id"]
    listed = server.get("/v1/jobs", token=token, headers={"If-None-Match": tag}).must(200).json["jobs"]
    assert job in {one["id"] for one in listed}
    server.finished(job)


def test_ages_of_the_backlog_are_kept_and_tagged(server, filled):
    first = ask(server, filled, "day=2024-03-31", path="/v1/kpis/backlog-age").must(200)
    before = figures(server)
    ask(server, filled, "day=2024-03-31", path="/v1/kpis/backlog-age", If_None_Match=first.headers["ETag"]).must(304)
    assert figures(server)["hits"] == before["hits"] + 1

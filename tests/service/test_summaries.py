"""Written summaries: started, read, and written by template with the numbers of the API."""

import datetime
import re

import pytest

from harness.summed import BEFORE, FROM, INTERNAL, START, TECHNICIAN, TO, facts_of, fill, write
from harness.tickets import crowd, ticket

@pytest.fixture(scope="module")
def acme(server):
    slug = server.add_tenant("summed")
    fill(server, slug)
    return slug


# ---- by template ----

@pytest.mark.parametrize("language,created", [("en", "55 tickets were created"), ("fr", "55 tickets ont été créés")])
def test_a_summary_says_what_the_figures_say(server, acme, language, created):
    summary = write(server, acme, language)
    assert summary["written_by"] == "template" and summary["model"] is None
    assert summary["not_by_model"]["code"] == "mock_mode"
    assert (summary["from"], summary["to"], summary["language"]) == (FROM, TO, language)
    assert summary["previous"] == {"from": BEFORE[0], "to": BEFORE[1]}
    assert created in summary["text"].replace("\u202f", " "), summary["text"]
    told = facts_of(summary)
    answer = server.v1(acme, "/v1/kpis/summary", from_=FROM, to=TO, compare="previous").must(200).json
    for name, kind in (("tickets_created", "count"), ("tickets_resolved", "count"), ("backlog", "count"),
                       ("sla_compliance", "ratio"), ("resolution_minutes_p50", "minutes"), ("csat_mean", "score"),
                       ("first_response_minutes_mean", "minutes"), ("resolution_minutes_p90", "minutes")):
        for period, values in (("current", answer["total"]), ("previous", answer["previous"]["total"]),
                               ("change", answer["change"])):
            assert told[name, "all", None, period, kind] == pytest.approx(values[name], abs=1e-4), (name, period)
    by = server.v1(acme, "/v1/kpis/summary", from_=FROM, to=TO, by="category").must(200).json
    for member in by["members"]:
        assert told["tickets_created", "category", member["member"], "current", "count"] == member["tickets_created"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_odd_tickets_make_no_odd_numbers(server, tenant, language):
    slug = tenant(timezone="Europe/Paris")
    first, last = datetime.date(2024, 3, 25), datetime.date(2024, 4, 7)  # the clocks change in between
    server.feed(slug, crowd(11, 700, datetime.date(2024, 3, 11), last))
    server.compute(slug, "2024-03-11", last)
    summary = write(server, slug, language, **{"from": str(first), "to": str(last)})
    told = facts_of(summary)
    names = {"Größe \"L\"": "Größe L"}  # what looks like markup is taken out
    for by in ("priority", "category", "group"):
        answer = server.v1(slug, "/v1/kpis/summary", from_=first, to=last, by=by, compare="previous").must(200).json
        for member in answer["members"]:
            name = names.get(member["member"], member["member"])
            for metric, kind in (("tickets_created", "count"), ("tickets_resolved", "count"), ("backlog", "count"),
                                 ("sla_compliance", "ratio"), ("resolution_minutes_p50", "minutes")):
                for period, values in (("current", member), ("previous", member["previous"])):
                    assert told[metric, by, name, period, kind] == pytest.approx(values[metric], abs=1e-4)
    assert {fact["dimension"] for fact in summary["facts"]} == {"all", "priority", "category", "group"}
    numbers = re.findall(r"\d[\d,.\u202f]*", summary["text"])
    assert len(numbers) > 20


def test_its_sentences_are_the_text_and_point_at_facts(server, acme):
    summary = write(server, acme)
    known = {fact["id"] for fact in summary["facts"]}
    paragraphs = {}
    for sentence in summary["sentences"]:
        assert set(sentence["facts"]) <= known
        paragraphs.setdefault(sentence["paragraph"], []).append(sentence["text"])
    assert "\n\n".join(" ".join(texts) for texts in paragraphs.values()) == summary["text"]
    assert sum(bool(sentence["facts"]) for sentence in summary["sentences"]) > 5


def test_nobody_is_named(server, acme):
    summary = write(server, acme)
    for role in ("client", "tech", "manager"):
        answer = server.v1(acme, f"{START}/{summary['id']}", role).must(200)
        assert answer.json == summary
        for secret in (TECHNICIAN, "Jane Roe", "Secret title", "assignee"):
            assert secret not in answer.text


def test_a_day_that_is_not_over_is_said_to_be_so(server, tenant):
    slug = tenant()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    server.feed(slug, [ticket("T-1", f"{today}T00:00:00Z")])
    first = str(today - datetime.timedelta(days=1))
    server.compute(slug, first, str(today))
    summary = write(server, slug, **{"from": first, "to": str(today)})
    assert summary["complete_through"] in (None, first)
    assert "not final" in summary["text"]
    assert facts_of(summary)["incomplete_days", "all", None, "current", "count"] >= 1


def test_a_tenant_without_figures_is_told_so(server, tenant):
    assert "no data" in write(server, tenant())["text"]


# ---- the calls ----

def test_one_call_writes_a_summary_of_each_tenant(server, acme, tenant):
    empty = tenant()
    answer = server.internal("POST", INTERNAL, {"from": FROM, "to": TO}, headers={"Prefer": "wait=60"}).must(200)
    written = {entry["tenant_id"]: entry["id"] for entry in answer.json["summaries"]}
    assert {acme, empty} <= set(written)
    assert server.v1(empty, f"{START}/{written[empty]}").must(200).json["language"] == "en"
    server.v1(empty, f"{START}/{written[acme]}").must(404)


def test_a_manager_starts_one_and_a_key_starts_it_once(server, acme, stack):
    token = server.token("manager", acme)
    ids = []
    for _ in range(2):
        answer = server.post(START, {"from": FROM, "to": TO, "language": "fr"}, token=token,
                             headers={"Idempotency-Key": "one-summary", "Prefer": "wait=30"}).must(200)
        assert answer.headers["Location"].startswith("/v1/jobs/")
        ids.append(answer.json["summaries"][0]["id"])
    assert ids[0] == ids[1]
    lines = stack.query("SELECT detail::text FROM msp.audit_log WHERE action = 'job.start' AND object LIKE %s",
                        (f"%{answer.json['job']['id']}%",))
    assert len(lines) == 1


def test_a_retried_job_writes_the_same_summary(server, acme, stack):
    summary = write(server, acme)
    job_id, = stack.query("SELECT job_id::text FROM msp.summaries WHERE summary_id = %s", (summary["id"],))[0]
    stack.query("UPDATE msp.jobs SET state = 'failed', result = NULL WHERE job_id = %s RETURNING 1", (job_id,))
    server.internal("POST", f"/internal/jobs/{job_id}/retry", {}).must(200)
    job = server.finished(job_id)
    assert job["state"] == "succeeded" and job["result"]["summaries"] == [{"tenant_id": acme, "id": summary["id"]}]


def test_the_newest_comes_first_page_by_page(server, tenant):
    slug = tenant()
    made = [write(server, slug, language)["id"] for language in ("en", "fr", "en")]
    seen, cursor = [], {}
    while cursor is not None:
        page = server.v1(slug, START, "client", limit=2, **cursor).must(200).json
        seen += [summary["id"] for summary in page["summaries"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert seen == made[::-1]
    assert "cursor" in server.v1(slug, START, cursor="nonsense").must(400).pointers()[0]


def test_who_may_not_and_what_is_not_are_refused(server, acme, tenant):
    other = tenant()
    foreign = write(server, other)["id"]
    for bad in (foreign, "0" * 8 + foreign[8:], "nonsense"):
        server.v1(acme, f"{START}/{bad}").must(404)
    for role in ("tech", "client"):
        server.post(START, {"from": FROM, "to": TO}, token=server.token(role, acme)).must(403)
    token = server.token("manager", acme)
    for wish, pointer in (({}, "/from"), ({"from": FROM}, "/to"), ({"to": TO}, "/from"),
                          ({"from": TO, "to": FROM}, "/to"), ({"from": FROM, "to": TO, "language": "de"}, "/language"),
                          ({"from": FROM, "to": "2999-01-01"}, "/to"), ({"from": FROM, "to": TO, "lang": "en"}, "/lang"),
                          ({"from": FROM, "to": TO, "tenant_id": other}, "/tenant_id")):
        assert pointer in server.post(START, wish, token=token).must(400).pointers(), wish

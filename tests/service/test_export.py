"""Exports: the layout and the CSV that Power BI and Excel rely on, and what is written when."""

import csv
import datetime
import hashlib
import json
import os
import re

import pytest

from harness import expected
from harness.databases import REPOSITORY
from harness.exported import (GENERATE, all_files, assert_latest_is_the_parts_joined, export, exported, folder, partitions, read,
                              rows_of, stamps, text_of)
from harness.tickets import crowd, stamp, ticket

FIRST, LAST = datetime.date(2024, 3, 1), datetime.date(2024, 3, 10)
NEWER = "2024-05-01T00:00:00Z"


@pytest.fixture
def computed(server, tenant):
    """A tenant with a crowd of tickets, ten computed days, nothing exported."""
    slug = tenant(timezone="Europe/Paris")
    server.feed(slug, crowd(17, 600, FIRST, LAST))
    server.compute(slug, FIRST, LAST)
    return slug


# ---- layout ----

def test_files_lie_where_the_contract_says_and_match_what_the_job_tells(server, computed):
    told = exported(server, computed, **{"from": str(FIRST), "to": str(LAST), "datasets": ["kpi_daily"]})
    root = folder(server, computed)
    days = [day.isoformat() for day in expected.days_between(FIRST, LAST)]
    wanted = sorted([f"date={day}/part-0.csv" for day in days] + ["latest.csv", "manifest.json"])
    assert all_files(root) == wanted
    assert len(told) == len(days) + 1
    for entry in told:
        assert set(entry) == {"tenant_id", "dataset", "location", "rows", "bytes", "sha256"}
        assert entry["tenant_id"] == computed and entry["dataset"] == "kpi_daily"
        path = entry["location"].removeprefix("file://")
        content = read(path)
        assert path.startswith(root)
        assert entry["bytes"] == len(content) and entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["rows"] == len(rows_of(path))


def test_the_manifest_names_every_file_with_its_rows_bytes_and_sum(server, computed):
    exported(server, computed, **{"from": str(FIRST), "to": str(LAST)})
    for dataset in ("kpi_daily", "tickets"):
        root = folder(server, computed, dataset)
        manifest = json.loads(read(os.path.join(root, "manifest.json")))
        assert isinstance(manifest["schema_version"], int)
        assert manifest["dataset"] == dataset and manifest["tenant"] == computed
        named = {}
        for entry in manifest["files"]:
            path = os.path.join(server.exports, entry["location"].removeprefix(f"file://{server.exports}/"))
            content = read(path)
            assert entry["bytes"] == len(content) and entry["sha256"] == hashlib.sha256(content).hexdigest()
            assert entry["rows"] == len(rows_of(path))
            named[os.path.relpath(path, root)] = entry
        assert sorted(named) == [name for name in all_files(root) if name != "manifest.json"]


def test_latest_csv_is_all_parts_joined_under_one_header(server, computed):
    exported(server, computed, **{"from": str(FIRST), "to": str(LAST)})
    for dataset in ("kpi_daily", "tickets"):
        root = folder(server, computed, dataset)
        parts = [row for day in sorted(partitions(server, computed, dataset))
                 for row in rows_of(os.path.join(root, f"date={day}", "part-0.csv"))]
        assert rows_of(os.path.join(root, "latest.csv")) == parts


# ---- content ----

def test_kpi_rows_hold_every_dimension_and_member_with_the_right_numbers(server, computed):
    exported(server, computed, **{"from": str(FIRST), "to": str(LAST), "datasets": ["kpi_daily"]})
    rows = rows_of(os.path.join(folder(server, computed), "latest.csv"))
    tickets = crowd(17, 600, FIRST, LAST)
    for dimension in expected.DIMENSIONS:
        mine = {(row["day"], row["member"]): row for row in rows if row["dimension"] == dimension}
        cells = expected.kpis(tickets, "Europe/Paris", FIRST, LAST, dimension)
        guarded = {(day, "'" + member if member.startswith("=") else member): cell
                   for (day, member), cell in cells.items()}
        assert set(mine) == {(day.isoformat(), member) for day, member in guarded}
        for (day, member), cell in guarded.items():
            row = mine[day.isoformat(), member]
            for name in expected.COUNTS:
                assert int(row[name]) == cell[name], (day, member, name)


def test_tickets_are_partitioned_by_their_local_creation_day(server, tenant):
    slug = tenant(timezone="Asia/Tokyo")
    server.push(slug, [ticket("late", "2024-03-01T14:59:59Z"), ticket("early", "2024-03-01T15:00:00Z")])
    server.compute(slug, "2024-03-01", "2024-03-02")
    exported(server, slug, **{"from": "2024-03-01", "to": "2024-03-02", "datasets": ["tickets"]})
    root = folder(server, slug, "tickets")
    for day, name in (("2024-03-01", "late"), ("2024-03-02", "early")):
        assert [row["external_id"] for row in rows_of(f"{root}/date={day}/part-0.csv")] == [name]


def test_a_ticket_reads_back_as_it_came_whatever_its_text(server, tenant):
    slug = tenant()
    hostile = ['comma, "quoted"', "two\nlines", "two\r\nlines", "山 ü 🙂", " leading", "trailing ", '"', ",", "a'b"]
    formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"]
    made = [ticket(f"T{n:02}", "2024-03-01T08:00:00Z", title=text, sla_met=True, csat=3)
            for n, text in enumerate(hostile + formulas)]
    server.push(slug, made + [ticket("T98", "2024-03-01T08:00:00Z", title=""), ticket("T99", "2024-03-01T08:00:00Z")])
    server.compute(slug, "2024-03-01")
    exported(server, slug, **{"from": "2024-03-01", "to": "2024-03-01", "datasets": ["tickets"]})
    rows = {row["external_id"]: row for row in rows_of(f"{folder(server, slug, 'tickets')}/latest.csv")}
    for n, text in enumerate(hostile):
        assert rows[f"T{n:02}"]["title"] == text
    for n, text in enumerate(formulas, len(hostile)):
        assert rows[f"T{n:02}"]["title"] == "'" + text
    assert rows["T98"]["title"] == rows["T99"]["title"] == rows["T99"]["resolved_at"] == ""
    assert rows["T00"]["created_at"] == "2024-03-01T08:00:00Z" and rows["T00"]["csat"] == "3"


def test_the_columns_stand_in_their_fixed_order(server, computed):
    exported(server, computed, **{"from": str(FIRST), "to": str(LAST)})
    heads = {dataset: read(f"{folder(server, computed, dataset)}/latest.csv").split(b"\r\n")[0].decode("utf-8-sig")
             for dataset in ("kpi_daily", "tickets")}
    for column in ("day", "dimension", "member", *expected.COUNTS):
        assert column in heads["kpi_daily"].split(",")
    for column in ("external_id", "title", "status", "source_status", "priority", "category", "assignee",
                   "requester", "group", "channel", "created_at", "updated_at", "first_response_at", "resolved_at",
                   "closed_at", "due_at", "sla_met", "reopen_count", "reassignment_count", "csat", "version"):
        assert column in heads["tickets"].split(",")
    for dataset in heads:
        for day in partitions(server, computed, dataset):
            part = read(f"{folder(server, computed, dataset)}/date={day}/part-0.csv")
            assert part.split(b"\r\n")[0].decode("utf-8-sig") == heads[dataset]


def test_the_power_query_snippet_names_columns_that_there_are(server, computed):
    exported(server, computed, **{"from": str(FIRST), "to": str(LAST)})
    with open(os.path.join(REPOSITORY, "ops", "powerbi", "msp-analytics.pq"), encoding="utf-8") as source:
        types = source.read().split("Types = [")[1].split("\n    ],\n")[0]
    datasets = re.findall(r"(\w+) = \{(.*?)\n        \}", types, re.DOTALL)
    assert len(datasets) == 3
    for dataset, listed in datasets:
        columns = set(re.findall(r'\{"(\w+)", ', listed))
        with open(f"{folder(server, computed, dataset)}/latest.csv", encoding="utf-8-sig", newline="") as file:
            header = set(next(csv.reader(file)))
        assert columns and columns <= header, (dataset, columns - header)


def test_a_tenants_files_hold_nothing_of_another(server, tenant):
    slugs = [tenant(), tenant()]
    for slug in slugs:
        server.push(slug, [ticket("same", "2024-03-01T08:00:00Z", title=f"of {slug}!")])
        server.compute(slug, "2024-03-01")
    job = server.job(GENERATE, {"tenant_id": slugs[0], "from": "2024-03-01", "to": "2024-03-01"})
    assert job["state"] == "succeeded"
    assert not os.path.exists(os.path.join(server.exports, f"tenant={slugs[1]}"))
    assert f"of {slugs[1]}!".encode() not in read(f"{folder(server, slugs[0], 'tickets')}/latest.csv")


# ---- which days ----

def test_without_a_range_only_days_that_changed_since_the_last_export_are_written(server, computed):
    told = exported(server, computed, datasets=["kpi_daily"])
    assert len(told) == len(partitions(server, computed)) + 1 >= 11
    assert exported(server, computed, datasets=["kpi_daily"]) == []
    root = folder(server, computed)
    before = {name: os.stat(os.path.join(root, name)).st_mtime_ns for name in all_files(root)}
    server.push(computed, [ticket("late", "2024-03-04T08:00:00Z", NEWER, resolved_at="2024-03-05T08:00:00Z")])
    told = exported(server, computed, datasets=["kpi_daily"])
    assert sorted(os.path.relpath(entry["location"].removeprefix("file://"), root) for entry in told) == \
        ["date=2024-03-04/part-0.csv", "date=2024-03-05/part-0.csv", "latest.csv"]
    after = {name: os.stat(os.path.join(root, name)).st_mtime_ns for name in all_files(root)}
    assert {name for name in after if after[name] != before.get(name)} == \
        {"date=2024-03-04/part-0.csv", "date=2024-03-05/part-0.csv", "latest.csv", "manifest.json"}


def test_an_export_recomputes_dirty_days_first(server, computed):
    server.push(computed, [ticket(f"late{n}", "2024-03-04T08:00:00Z", NEWER) for n in range(7)])
    exported(server, computed, datasets=["kpi_daily"])
    tickets = crowd(17, 600, FIRST, LAST) + [ticket(f"late{n}", "2024-03-04T08:00:00Z", NEWER) for n in range(7)]
    cells = expected.kpis(tickets, "Europe/Paris", FIRST, LAST)
    rows = {row["day"]: row for row in rows_of(f"{folder(server, computed)}/latest.csv")
            if row["dimension"] == "all"}
    for (day, _), cell in cells.items():
        assert int(rows[day.isoformat()]["backlog"]) == cell["backlog"]


def test_latest_csv_keeps_the_days_of_earlier_exports(server, computed):
    exported(server, computed, **{"from": "2024-03-01", "to": "2024-03-03", "datasets": ["kpi_daily"]})
    exported(server, computed, **{"from": "2024-03-05", "to": "2024-03-06", "datasets": ["kpi_daily"]})
    days = {row["day"] for row in rows_of(f"{folder(server, computed)}/latest.csv")}
    assert days == {"2024-03-01", "2024-03-02", "2024-03-03", "2024-03-05", "2024-03-06"}


def test_a_day_that_is_not_complete_fails_unless_forced(server, tenant):
    slug = tenant()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    server.push(slug, [ticket("now", stamp(datetime.datetime.now(datetime.timezone.utc)))])
    server.compute(slug, today - datetime.timedelta(2), today)
    asked = {"from": str(today - datetime.timedelta(1)), "to": str(today), "datasets": ["kpi_daily"]}
    job = export(server, slug, **asked)
    assert job["state"] == "failed" and job["error"]["code"] and today.isoformat() in job["error"]["detail"]
    assert not os.path.exists(os.path.join(folder(server, slug), "latest.csv"))
    assert len(exported(server, slug, **asked, force=True)) == 3


def test_a_day_never_computed_is_not_complete(server, tenant):
    slug = tenant()
    server.compute(slug, "2024-03-01")
    assert export(server, slug, **{"from": "2024-03-01", "to": "2024-03-02"})["state"] == "failed"


def test_one_tenant_that_cannot_be_exported_does_not_keep_the_others_from_it(new_stack):
    server = new_stack().server().start()
    for slug in ("good", "bad"):
        server.add_tenant(slug)
        server.push(slug, [ticket("A", "2024-03-01T08:00:00Z")])
    server.compute("good", "2024-03-01")
    job = server.job(GENERATE, {"from": "2024-03-01", "to": "2024-03-02"})
    assert job["state"] == "failed"
    server.compute("good", "2024-03-01", "2024-03-02")
    job = server.job(GENERATE, {"from": "2024-03-01", "to": "2024-03-02"})
    assert job["state"] == "failed" and "bad" in job["error"]["detail"]
    assert os.path.exists(f"{folder(server, 'good')}/latest.csv")
    assert not os.path.exists(f"{folder(server, 'bad')}/latest.csv")


# ---- formats and the dimension ----

def test_compressed_files_hold_the_same_text_and_stand_beside_the_plain_ones(server, computed):
    asked = {"from": str(FIRST), "to": str(LAST), "datasets": ["kpi_daily", "tickets"]}
    exported(server, computed, **asked)
    told = exported(server, computed, **asked, format="csv.gz")
    days = expected.days_between(FIRST, LAST)
    assert len(told) == 2 * (len(days) + 1) and all(entry["location"].endswith(".csv.gz") for entry in told)
    for entry in told:
        path = entry["location"].removeprefix("file://")
        assert entry["sha256"] == hashlib.sha256(read(path)).hexdigest() and entry["bytes"] == len(read(path))
        assert text_of(path) == text_of(path.removesuffix(".gz"))
        assert entry["rows"] == len(rows_of(path))
    for dataset in ("kpi_daily", "tickets"):
        root = folder(server, computed, dataset)
        manifest = json.loads(read(os.path.join(root, "manifest.json")))
        named = {os.path.relpath(os.path.join(server.exports, entry["location"]), root): entry["sha256"]
                 for entry in manifest["files"]}
        assert named == {name: hashlib.sha256(read(os.path.join(root, name))).hexdigest()
                         for name in all_files(root) if name != "manifest.json"}


@pytest.mark.parametrize("kind", ["csv", "csv.gz"])
def test_a_change_is_worked_into_the_latest_file_and_nothing_else_is_written(server, computed, kind):
    asked = {"from": str(FIRST), "to": str(LAST), "datasets": ["tickets"], "format": kind}
    exported(server, computed, **asked)
    root = folder(server, computed, "tickets")
    for turn, day in enumerate((FIRST, datetime.date(2024, 3, 5), LAST)):
        before = stamps(root)
        server.push(computed, [ticket(f"late{turn}", f"{day}T08:00:00Z", NEWER)])
        exported(server, computed, **asked)
        after = stamps(root)
        assert {name for name in after if after[name] != before[name]} == \
            {f"date={day}/part-0.{kind}", f"latest.{kind}", "manifest.json"}
        assert_latest_is_the_parts_joined(server, computed, "tickets", kind)
        assert f"late{turn}".encode() in text_of(f"{root}/latest.{kind}")


@pytest.mark.parametrize("kind", ["csv", "csv.gz"])
def test_what_is_the_same_is_told_but_not_written_again(server, computed, kind):
    asked = {"from": str(FIRST), "to": str(LAST), "format": kind}
    told = exported(server, computed, **asked)
    root = os.path.join(server.exports, f"tenant={computed}")
    before = stamps(root)
    assert exported(server, computed, **asked, force=True) == told
    assert stamps(root) == before


def test_the_tenants_dataset_is_the_tenants_own_row(server, stack, tenant):
    slug = tenant(timezone="Asia/Tokyo", name="=Tokyo, Ltd.")
    tenant()
    job = export(server, slug, datasets=["tenants"])
    assert job["progress"]["done"] == job["progress"]["total"] == 1, job
    told = job["result"]["export_locations"]
    assert [entry["location"] for entry in told] == [f"file://{folder(server, slug, 'tenants')}/latest.csv"]
    row, = rows_of(f"{folder(server, slug, 'tenants')}/latest.csv")
    assert list(row)[:5] == ["tenant_id", "name", "timezone", "status", "source"]
    assert (row["tenant_id"], row["name"], row["timezone"], row["status"]) == (slug, "'=Tokyo, Ltd.", "Asia/Tokyo", "active")
    assert exported(server, slug, datasets=["tenants"]) == []
    stack.query("UPDATE msp.tenants SET name = 'New' WHERE slug = %s", (slug,))
    assert len(exported(server, slug, datasets=["tenants"])) == 1
    assert rows_of(f"{folder(server, slug, 'tenants')}/latest.csv")[0]["name"] == "New"
    today = str(datetime.date.today())
    assert len(exported(server, slug, datasets=["tenants"], **{"from": today, "to": today})) == 1


def test_a_day_that_is_too_large_for_memory_is_written_and_compared_as_well(server, tenant):
    slug = tenant()
    server.feed(slug, [ticket(f"T{n}", f"2024-03-0{1 + (n > 9)}T08:00:00Z", title=f"{n:06}" * 80) for n in range(12000)])
    server.compute(slug, "2024-03-01", "2024-03-02")
    asked = {"from": "2024-03-01", "to": "2024-03-02", "datasets": ["tickets"]}
    told = exported(server, slug, **asked)
    root = folder(server, slug, "tickets")
    assert max(entry["bytes"] for entry in told) > 6 << 20
    assert_latest_is_the_parts_joined(server, slug, "tickets")
    before = stamps(root)
    assert exported(server, slug, **asked, force=True) == told
    assert stamps(root) == before
    server.push(slug, [ticket("T11999", "2024-03-02T08:00:00Z", NEWER, title="short")])
    exported(server, slug, **asked)
    assert {name for name, stamp in stamps(root).items() if before[name] != stamp} == \
        {"date=2024-03-02/part-0.csv", "latest.csv", "manifest.json"}
    assert_latest_is_the_parts_joined(server, slug, "tickets")


# ---- what became of the storage ----

@pytest.mark.parametrize("kind", ["csv", "csv.gz"])
def test_files_that_are_gone_or_cut_are_written_anew(server, computed, kind):
    exported(server, computed, datasets=["kpi_daily"], format=kind)
    root = folder(server, computed)
    whole = {name: text_of(f"{root}/{name}") for name in all_files(root) if name != "manifest.json"}
    os.remove(f"{root}/date={FIRST}/part-0.{kind}")
    with open(f"{root}/date={LAST}/part-0.{kind}", "r+b") as part:
        part.truncate(40)
    os.remove(f"{root}/latest.{kind}")
    exported(server, computed, datasets=["kpi_daily"], format=kind)
    assert {name: text_of(f"{root}/{name}") for name in all_files(root) if name != "manifest.json"} == whole
    os.remove(f"{root}/manifest.json")
    assert exported(server, computed, datasets=["kpi_daily"], format=kind) == []
    assert os.path.exists(f"{root}/manifest.json")


def test_a_file_whose_replacing_was_not_recorded_is_not_taken_for_the_old_one(server, stack, computed):
    """As a crash between the renames and the record leaves it, with a file of the same length."""
    asked = {"from": str(FIRST), "to": str(LAST), "datasets": ["tickets"]}
    exported(server, computed, **asked)
    root = folder(server, computed, "tickets")
    whole = {name: read(f"{root}/{name}") for name in all_files(root) if name != "manifest.json"}
    for name in (f"date={FIRST}/part-0.csv", "latest.csv"):
        with open(f"{root}/{name}", "r+b") as file:
            file.seek(-20, os.SEEK_END)
            file.write(b"x")
    stack.query("""UPDATE msp.exports e SET revision = -1 FROM msp.tenants t
                    WHERE t.tenant_id = e.tenant_id AND t.slug = %s AND (day IS NULL OR day = %s)""", (computed, FIRST))
    exported(server, computed, datasets=["tickets"], **{"from": str(LAST), "to": str(LAST)})
    assert {name: read(f"{root}/{name}") for name in whole} == whole


# ---- asking ----

@pytest.mark.parametrize("body,pointer", [
    ({"datasets": ["kpis"]}, "/datasets/0"), ({"datasets": "kpi_daily"}, "/datasets"), ({"format": "xlsx"}, "/format"),
    ({"force": "yes"}, "/force"), ({"from": "2024-03-02", "to": "2024-03-01"}, "/to"), ({"day": "2024-03-01"}, "/day")])
def test_a_wrong_order_is_refused_with_its_pointer(server, tenant, body, pointer):
    answer = server.internal("POST", GENERATE, {"tenant_id": tenant(), **body})
    answer.problem(400)
    assert pointer in answer.pointers()


def test_a_manager_exports_and_lists_and_others_may_not(server, computed):
    body = {"from": str(FIRST), "to": str(LAST)}
    for role in ("tech", "client"):
        server.post("/v1/exports", body, token=server.token(role, computed)).problem(403)
        server.v1(computed, "/v1/exports", role=role).problem(403)
    answer = server.post("/v1/exports", body, token=server.token("manager", computed),
                         headers={"Prefer": "wait=30"}).must(200)
    assert answer.json["job"]["state"] == "succeeded" and answer.json["export_locations"]
    assert server.exports not in server.v1(computed, "/v1/exports").must(200).text

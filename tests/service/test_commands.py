"""The command line of operators: the same jobs as over HTTP, and how their end is told."""

import json


def finished_ticket(number):
    return {"external_id": f"c-{number}", "status": "resolved", "created_at": "2024-03-04T08:00:00Z",
            "updated_at": "2024-03-04T10:00:00Z", "resolved_at": "2024-03-04T10:00:00Z"}


def test_kpis_are_computed_and_exported_from_a_shell(server, tenant):
    slug = tenant()
    server.push(slug, [finished_ticket(number) for number in range(5)])
    computed = server.command("kpi", "compute", "--tenant", slug, "--from", "2024-03-04", "--to", "2024-03-05")
    assert computed.returncode == 0, computed.stderr
    result = json.loads(computed.stdout)
    assert result["tenants"] == 1 and result["days"] >= 2 and result["rows_written"] > 0
    rows = server.days(slug, "2024-03-04", "2024-03-04")
    assert rows["2024-03-04", ""]["tickets_resolved"] == 5

    exported = server.command("export", "generate", "--tenant", slug, "--from", "2024-03-04", "--to", "2024-03-04")
    assert exported.returncode == 0, exported.stderr
    locations = json.loads(exported.stdout)["export_locations"]
    assert {one["tenant_id"] for one in locations} == {slug}


def test_job_that_fails_makes_the_command_fail_with_its_reason(server, tenant):
    slug = tenant()
    done = server.command("ingest", "pull", "--tenant", slug)
    assert done.returncode == 1
    assert "failed" in done.stderr and slug not in done.stdout


def test_job_can_be_started_listed_shown_and_watched(server, tenant):
    slug = tenant()
    server.push(slug, [finished_ticket(1)])
    started = server.command("kpi", "compute", "--tenant", slug, "--date", "2024-03-04", "--no-wait", "--json")
    assert started.returncode == 0, started.stderr
    job = json.loads(started.stdout)["job"]
    assert job["kind"] == "kpi" and job["state"] in ("queued", "running", "succeeded")

    watched = server.command("job", "watch", job["id"], "--json")
    assert watched.returncode == 0, watched.stderr
    ended = json.loads(watched.stdout)["job"]
    assert ended["id"] == job["id"] and ended["state"] == "succeeded"

    listed = json.loads(server.command("job", "list", "--tenant", slug, "--kind", "kpi", "--json").stdout)["jobs"]
    assert job["id"] in [one["id"] for one in listed]
    assert server.internal("GET", f"/internal/jobs/{job['id']}").must(200).json["job"]["result"] == ended["result"]
    shown = server.command("job", "show", job["id"])
    assert shown.returncode == 0 and "succeeded" in shown.stdout and slug in shown.stdout


def test_unknown_tenants_and_jobs_are_named(server):
    unknown = server.command("kpi", "compute", "--tenant", "nobody")
    assert unknown.returncode == 1 and 'no tenant "nobody"' in unknown.stderr
    for job_id in ("00000000-0000-4000-8000-000000000000", "not-an-id"):
        missing = server.command("job", "show", job_id)
        assert missing.returncode == 1 and missing.stdout == ""


def test_tenants_that_cannot_be_are_refused(server, tenant):
    slug = tenant()
    for arguments, word in [(("Upper", "--name", "x", "--timezone", "UTC"), "a-z"),
                            ((slug, "--name", "x", "--timezone", "UTC"), "given already"),
                            (("fine", "--name", "x", "--timezone", "Mars/Olympus"), "time zone")]:
        done = server.command("tenant", "add", *arguments)
        assert done.returncode == 1 and word in done.stderr, done.stderr


def test_database_out_of_reach_is_said_in_time(server):
    done = server.command("tenant", "list", "--set", "DATABASE_URL=postgresql://nobody@/x?host=/nowhere")
    assert done.returncode == 1 and done.stderr.startswith("msp-analytics tenant list: ")

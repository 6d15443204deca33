#!/usr/bin/env python3
"""Drives a running server as n8n would: pulls every mock tenant's tickets, computes their days and
exports them, all over the internal routes. Takes the env file of the server; safe to repeat."""

import gzip
import json
import os
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

DEADLINE_SECONDS = 240


class Server:
    def __init__(self, address, token):
        self.address, self.token = address, token
        # A proxy of the environment is not for loopback.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.deadline = time.monotonic() + DEADLINE_SECONDS

    def call(self, method, path, body=None, wait=None):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if wait:
            headers["Prefer"] = f"wait={wait}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        while True:
            if time.monotonic() > self.deadline:
                raise SystemExit(f"{method} {path}: gave up after {DEADLINE_SECONDS} s")
            try:
                with self.opener.open(request, timeout=90) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code not in (429, 503):
                    raise SystemExit(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}")
                time.sleep(min(float(error.headers.get("Retry-After") or 1), 10))
            except OSError as error:
                raise SystemExit(f"{method} {path}: {error}")

    def job(self, path, body):
        """Starts a job; its id."""
        return self.call("POST", path, body)["job"]["id"]

    def result(self, job_id):
        """Waits for a job; its result. A failed one ends the program with the job's own words."""
        while True:
            job = self.call("GET", f"/internal/jobs/{job_id}")["job"]
            if job["state"] == "succeeded":
                return job["result"]
            if job["state"] in ("failed", "cancelled"):
                raise SystemExit(f"{job['kind']} {job_id} {job['state']}: {json.dumps(job['error'])}")
            time.sleep(0.2)


def settings_of(path):
    with open(path, encoding="utf-8") as file:
        pairs = (line.rstrip("\n").split("=", 1) for line in file if "=" in line and line[0] != "#")
        return dict(pairs)


def local_day(text, zone):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(zone).date()


def days_of(path, zone, is_real):
    """The first and last day to compute: real tickets end long ago, invented ones yesterday."""
    first = last = None
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            # Changes come in order, so the first created ones stand near the beginning.
            if number < 2000 or is_real:
                try:
                    ticket = json.loads(line)
                    created = local_day(ticket["created_at"], zone)
                    last = local_day(ticket["updated_at"], zone)
                except (ValueError, KeyError, AttributeError):
                    continue  # a row that is bad on purpose
                first = created if first is None else min(first, created)
    if not is_real:
        last = datetime.now(timezone.utc).astimezone(zone).date() - timedelta(days=1)
    return first, last


def pull(server, slug):
    totals = {}
    while True:
        answer = server.call("POST", "/internal/ingest/tickets", {"tenant_id": slug})
        for name, count in answer["stats"].items():
            totals[name] = totals.get(name, 0) + count
        if not answer["has_more"]:
            return totals


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: load_mock_data.py ENV-FILE")
    settings = settings_of(sys.argv[1])
    server = Server("http://" + settings["LISTEN"], settings["SERVICE_TOKEN"])
    mock_data = settings["MOCK_DATA_PATH"]
    done_path = os.path.join(settings["MSP_STATE_DIR"], "loaded.json")
    with open(os.path.join(mock_data, "tenants.json"), encoding="utf-8") as file:
        tenants = json.load(file)["tenants"]
    try:
        with open(done_path, encoding="utf-8") as file:
            done = json.load(file)
    except (OSError, ValueError):
        done = {}

    began = time.monotonic()
    fetched = rejected = 0
    changed = set()
    for tenant in tenants:
        stats = pull(server, tenant["id"])
        fetched += stats["fetched"]
        rejected += stats["rejected"]
        if stats["inserted"] or stats["updated"]:
            changed.add(tenant["id"])
    print(f"ingested {fetched} ticket changes, {rejected} refused, in {time.monotonic() - began:.1f} s")

    began = time.monotonic()
    jobs = []
    for tenant in tenants:
        slug, zone = tenant["id"], ZoneInfo(tenant["timezone"])
        path = os.path.join(mock_data, "tickets", slug + ".ndjson.gz")
        first, last = days_of(path, zone, tenant["kind"] == "real")
        if slug in done and slug not in changed:
            first = datetime.fromisoformat(done[slug]).date() + timedelta(days=1)
        if first is None or first > last:
            continue
        body = {"tenant_id": slug, "from": first.isoformat(), "to": last.isoformat()}
        jobs.append((slug, last, server.job("/internal/kpi/compute-daily", body)))
    rows = 0
    for slug, last, job in jobs:
        rows += server.result(job)["rows_written"]
        done[slug] = last.isoformat()
    print(f"computed {rows} KPI rows in {time.monotonic() - began:.1f} s")

    began = time.monotonic()
    files = []
    if jobs or changed:
        files = server.result(server.job("/internal/exports/generate", {}))["export_locations"]
    print(f"exported {len(files)} files in {time.monotonic() - began:.1f} s")

    with open(done_path + ".partial", "w", encoding="utf-8") as file:
        json.dump(done, file)
    os.replace(done_path + ".partial", done_path)


if __name__ == "__main__":
    main()

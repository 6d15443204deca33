"""Parts that move data in bulk: ingest, compute, export."""

import os
import re

from bench import TENANT, YEAR, run_seconds, timed
from harness.databases import REPOSITORY


def ingest(bench):
    ours = bench.load()
    rows = bench.options.tickets
    csv = os.path.join(bench.folder, "tickets.csv")
    bench.psql("-c", f"\\copy (SELECT * FROM msp.raw_tickets WHERE tenant_id = {bench.key}) TO '{csv}' CSV")
    bench.psql("-c", "CREATE TABLE public.copied (LIKE msp.raw_tickets INCLUDING ALL) WITH (fillfactor = 85)")
    theirs = timed(lambda: bench.psql("-c", f"\\copy public.copied FROM '{csv}' CSV"))
    bench.psql("-c", "DROP TABLE public.copied")
    os.remove(csv)
    bench.tell("ingest", f"HTTP {rows / ours:,.0f} rows/s", f"\\copy {rows / theirs:,.0f} rows/s", theirs / ours,
               ">= 0.5")


def thresholds():
    """The bounds of the sketch's bins, as common/ddsketch.c makes them."""
    bounds, power = [1], 1.0
    while len(bounds) < 1199:
        bounds.append(int(power) + 1)
        power *= 101.0 / 99.0
    return bounds


def compute(bench):
    bench.load()
    bench.compute()
    bench.psql("-c", "VACUUM ANALYZE msp.kpi_daily")
    with open(os.path.join(REPOSITORY, "db", "queries", "kpi_compute.sql"), encoding="utf-8") as source:
        statement = source.read()
    script = os.path.join(bench.folder, "compute.sql")
    days = f"generate_series('{YEAR[0]}'::date, '{YEAR[1]}'::date, interval '1 day') AS s (day)"
    with open(script, "w", encoding="utf-8") as out:
        out.write(f"""
            BEGIN;
            SET LOCAL ROLE msp_jobs;
            SELECT msp.set_tenant({bench.key}) \\g /dev/null
            SELECT set_config('work_mem', '128MB', true) \\g /dev/null
            SELECT array_agg(day::date) AS days, array_agg(msp.day_start(day::date, 'Europe/Paris')) AS starts,
                   array_agg(msp.day_start(day::date + 1, 'Europe/Paris')) AS ends FROM {days} \\gset
            PREPARE compute AS {statement};
            \\timing on
            DELETE FROM msp.kpi_daily WHERE tenant_id = {bench.key} AND day BETWEEN '{YEAR[0]}' AND '{YEAR[1]}';
            EXECUTE compute ({bench.key}, :'days', :'starts', :'ends', '{{{",".join(map(str, thresholds()))}}}');
            COMMIT;
        """)

    def bare():
        told = bench.psql("-f", script, role="worker")
        return sum(float(ms) for ms in re.findall(r"Time: ([0-9.]+) ms", told)) / 1000
    # In turns, so that both see the same weather.
    pairs = [(bench.compute(), bare()) for _ in range(bench.options.rounds)]
    ours, theirs = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    bench.tell("compute", f"job, {bench.options.tickets:,} tickets {ours:.2f} s", f"the bare SQL in psql {theirs:.2f} s",
               ours / theirs, "<= 1.3")


def export(bench):
    """Held where every day has changed, so that each file is written; shown where none has."""
    bench.ready()

    def job(change):
        if change:
            # One ticket a day, past the server: what a day's rows are is all that an export looks at.
            bench.psql("-c", f"""
                UPDATE msp.raw_tickets t SET title = 'changed at ' || clock_timestamp()
                  FROM (SELECT DISTINCT ON (msp.local_day(created_at, 'Europe/Paris')) external_id
                          FROM msp.raw_tickets WHERE tenant_id = {bench.key}
                         ORDER BY msp.local_day(created_at, 'Europe/Paris'), external_id) AS first
                 WHERE t.tenant_id = {bench.key} AND t.external_id = first.external_id""")
        done = bench.server.job("/internal/exports/generate", {
            "tenant_id": TENANT, "from": "2025-01-01", "to": YEAR[1], "datasets": ["tickets"], "force": True})
        assert done["state"] == "succeeded", done
        return run_seconds(bench.stack, done["id"])
    target = os.path.join(bench.folder, "copied.csv")
    copy = (f"\\copy (SELECT * FROM msp.raw_tickets WHERE tenant_id = {bench.key} ORDER BY created_at, external_id)"
            f" TO '{target}' WITH (FORMAT csv, HEADER)")
    job(False)
    rounds = [(job(True), job(False), timed(lambda: bench.psql("-c", copy))) for _ in range(bench.options.rounds)]
    changed, same, theirs = (min(times) for times in zip(*rounds))
    bench.tell("export", f"job, parts and latest.csv {changed:.2f} s", f"\\copy TO, one file {theirs:.2f} s",
               changed / theirs, "<= 1.25")
    bench.tell("export same", f"job, nothing had changed {same:.2f} s", f"\\copy TO, one file {theirs:.2f} s",
               same / theirs, None)

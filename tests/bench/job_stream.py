"""The part jobs: a queue under a steady stream."""

import contextlib
import time
from statistics import median


def jobs(bench):
    """A steady stream of short jobs, by 20 tenants, while what has ended is forgotten as it would be after its days."""
    wanted, minutes = 5000, bench.options.minutes
    stack = bench.stack
    slugs = [bench.server.add_tenant(f"queue-{n}") for n in range(20)]
    insert = """
        WITH told AS (SELECT pg_notify('msp_jobs', ''))
        INSERT INTO msp.jobs (tenant_id, kind, lane, parameters)
        SELECT t.tenant_id, 'kpi', 0, '{"dirty_only":true}'
          FROM msp.tenants t, told, generate_series(1, %s) AS n WHERE t.slug = %s"""
    sizes, ended, late = [], [], []
    with contextlib.closing(stack.postgres.connect(stack.database)) as looker, looker.cursor() as cursor:
        for _ in range(minutes):
            begun, put = time.monotonic(), 0
            while (passed := time.monotonic() - begun) < 60:
                due = int(wanted / 60 * passed) - put
                for share in range(0, due, 5):
                    cursor.execute(insert, (min(5, due - share), slugs[(put + share) // 5 % len(slugs)]))
                put += max(due, 0)
                cursor.execute("SELECT extract(epoch FROM max(claimed_at - created_at)),"
                               " count(*) FROM msp.jobs WHERE state = 'succeeded'")
                slowest, _ = cursor.fetchone()
                late.append(float(slowest or 0))
                cursor.execute("SELECT msp.jobs_prune(0, 100000)")
                ended.append(cursor.fetchone()[0])
                time.sleep(0.5)  # the pace of the stream
            cursor.execute("SELECT pg_total_relation_size('msp.jobs'), n_dead_tup FROM pg_stat_user_tables"
                           " WHERE relid = 'msp.jobs'::regclass")
            sizes.append(cursor.fetchone())
            print(f"  minute {len(sizes)}: {sum(ended):,} ended so far, table and indexes {sizes[-1][0] / 1e6:.1f} MB, "
                  f"{sizes[-1][1]:,} dead rows", flush=True)
    bench.tell("jobs", f"{sum(ended) / minutes:,.0f} short jobs a minute", f"{wanted:,} a minute put into the queue",
               sum(ended) / minutes / wanted, ">= 0.99")
    bench.tell("jobs table", f"{sizes[-1][0] / 1e6:.1f} MB after minute {minutes}", f"{sizes[0][0] / 1e6:.1f} MB after the first",
               sizes[-1][0] / sizes[0][0], "<= 2.0")
    late.sort()
    bench.tell("jobs waiting", f"longest wait of a job {late[-1]:.2f} s", f"median of half seconds' longest {median(late):.3f} s",
               late[-1], None)

"""Jobs put into the queue and looked at behind the program's back, with no hint to anybody."""

import json

from .waiting import wait_until

SHORT, LONG = 0, 1
QUICK = {"dirty_only": True}  # a KPI job that finds nothing to compute


def put(stack, slug, kind="kpi", parameters=None, lane=LONG, count=1, **columns):
    """Queues jobs by plain SQL, without a notification; their ids. `slug` None: a job of all tenants."""
    names = ["tenant_id", "kind", "lane", "parameters", *columns]
    marks = ["(SELECT tenant_id FROM msp.tenants WHERE slug = %s)", *["%s"] * (len(names) - 1)]
    values = [slug, kind, lane, json.dumps(QUICK if parameters is None else parameters), *columns.values()]
    return [job_id for job_id, in stack.query(
        f"INSERT INTO msp.jobs ({', '.join(names)}) SELECT {', '.join(marks)} FROM generate_series(1, %s)"
        " RETURNING job_id::text", (*values, count))]


def column(stack, job_id, name):
    """One column of a job's row."""
    return stack.query(f"SELECT {name} FROM msp.jobs WHERE job_id = %s", (job_id,))[0][0]


def wait_state(stack, job_id, *states, timeout=30):
    """Waits until the job is in one of the states; returns it."""
    def reached():
        state = column(stack, job_id, "state")
        return state if state in states else None
    return wait_until(reached, timeout, f"job {job_id} to be {' or '.join(states)}")


def all_ended(stack, ids, timeout=60):
    """Waits until every one of them has ended."""
    def ended():
        return not stack.query("SELECT 1 FROM msp.jobs WHERE job_id = ANY (%s::uuid[]) AND state IN ('queued', 'running')"
                               " LIMIT 1", (ids,))
    wait_until(ended, timeout, f"{len(ids)} jobs to end", interval=0.05)


def as_staff(stack, function, job_id):
    """Calls msp.job_cancel_any or msp.job_retry_any as the server's staff role does; whether anything changed."""
    return stack.query(f"SET ROLE msp_admin; SELECT msp.{function}(%s)", (job_id,))[0][0]

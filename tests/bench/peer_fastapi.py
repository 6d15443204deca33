"""GET /v1/kpis/daily as it is usually written in Python: FastAPI, asyncpg with a pool, PyJWT, a fixed window in Redis.
The same rows under the same row-level security, and the same answer; the columns are asked for as anybody would, one by
one, for the server's packed form of them is part of what is measured. An endpoint returns what it has made, as FastAPI's
tutorial teaches; with PEER_LEAN it makes the response itself, past FastAPI's conversion. With PEER_KEEPS whole answers
are kept in Redis.

What it is spared: no look-up of the tenant (it comes from the environment), no access log.
"""

import datetime
import json
import os
import time

import asyncpg
import jwt
import redis.asyncio
from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

JWT_SECRET = os.environ["PEER_JWT_SECRET"]
TENANTS = json.loads(os.environ["PEER_TENANTS"])  # {slug: [number, timezone]}
KEEPS = "PEER_KEEPS" in os.environ
LEAN = "PEER_LEAN" in os.environ
KEPT_SECONDS = 60
LIMIT, WINDOW_SECONDS = 100000000, 60
LONGEST_RANGE_DAYS = 1100
RELATIVE_ERROR = 0.01

KPI_SQL = """
    SELECT day - date '1970-01-01', member, tickets_created, tickets_resolved, tickets_closed, tickets_reopened, backlog,
           sla_known, sla_met,
           csat_count, csat_sum, resolution_count, resolution_seconds_sum, resolution_seconds_min, resolution_seconds_max,
           resolution_p50_bin, resolution_p90_bin, resolution_p95_bin, first_response_count, first_response_seconds_sum,
           first_response_seconds_min, first_response_seconds_max, first_response_p50_bin, first_response_p90_bin
      FROM msp.kpi_daily
     WHERE tenant_id = $1 AND dimension = $2 AND day BETWEEN $3 AND $4
     ORDER BY day, member"""
with open(os.environ["PEER_FRESHNESS_SQL"], encoding="utf-8") as source:
    FRESHNESS_SQL = source.read()

app = FastAPI(openapi_url=None)
bearer = HTTPBearer()


@app.on_event("startup")
async def connect():
    app.state.pool = await asyncpg.create_pool(
        os.environ["PEER_DATABASE_URL"], min_size=int(os.environ["PEER_POOL"]), max_size=int(os.environ["PEER_POOL"]),
        server_settings={"role": "msp_api"})
    app.state.redis = redis.asyncio.from_url(os.environ["PEER_REDIS_URL"])


@app.on_event("shutdown")
async def disconnect():
    await app.state.pool.close()
    await app.state.redis.close()


class Caller:
    def __init__(self, claims):
        self.slug = claims["tenant"]
        self.role = claims["role"]
        self.tenant_id, self.timezone = TENANTS[self.slug]


def caller_of(credentials: HTTPAuthorizationCredentials = Depends(bearer)) -> Caller:
    try:
        claims = jwt.decode(credentials.credentials, JWT_SECRET, algorithms=["HS256"], audience="msp-analytics",
                            options={"require": ["exp", "sub"]})
        caller = Caller(claims)
    except (jwt.InvalidTokenError, KeyError) as fault:
        raise HTTPException(401, "The token does not hold.") from fault
    if caller.role not in ("manager", "tech", "client"):
        raise HTTPException(403, "Your role may not do this.")
    return caller


async def limited_caller(response: Response, caller: Caller = Depends(caller_of)) -> Caller:
    now = int(time.time())
    name = f"peer:rate:{caller.tenant_id}:{now // WINDOW_SECONDS}"
    async with app.state.redis.pipeline(transaction=False) as pipeline:
        count, _ = await pipeline.incr(name).expire(name, WINDOW_SECONDS + 1).execute()
    reset = WINDOW_SECONDS - now % WINDOW_SECONDS
    if count > LIMIT:
        raise HTTPException(429, "Too many requests.", {"Retry-After": str(reset)})
    response.headers["RateLimit"] = f'"read";r={LIMIT - count};t={reset}'
    return caller


# ---- the answer ----

def _estimates():
    """What stands for each bin of the sketch: the harmonic mean of its bounds."""
    bounds, power = [1], 1.0
    while len(bounds) < 1199:
        bounds.append(int(power) + 1)
        power *= 101.0 / 99.0
    values = [0.0]
    for at, least in enumerate(bounds):
        greatest = bounds[at + 1] - 1 if at + 1 < len(bounds) else int(power)
        values.append(2.0 * least * greatest / (least + greatest) if greatest > least else float(least))
    return values


ESTIMATES = _estimates()


def percentile_minutes(count, least, greatest, bin_):
    if not count or bin_ is None:
        return None
    return min(max(ESTIMATES[bin_], least), greatest) / 60.0


def ratio(numerator, denominator):
    return numerator / denominator if denominator else None


def minutes(seconds, count):
    return seconds / count / 60.0 if count else None


def row_of(row):
    (day, _, created, resolved, closed, reopened, backlog, sla_known, sla_met, csat_count, csat_sum,
     r_count, r_sum, r_min, r_max, r_p50, r_p90, r_p95, f_count, f_sum, f_min, f_max, f_p50, f_p90) = row
    return {
        "day": day_text(day), "member": None,
        "tickets_created": created, "tickets_resolved": resolved, "tickets_closed": closed,
        "tickets_reopened": reopened, "backlog": backlog, "sla_known": sla_known, "sla_met": sla_met,
        "resolution_count": r_count, "resolution_seconds_sum": r_sum,
        "first_response_count": f_count, "first_response_seconds_sum": f_sum,
        "csat_count": csat_count, "csat_sum": csat_sum,
        "resolution_minutes_mean": minutes(r_sum, r_count),
        "resolution_minutes_p50": percentile_minutes(r_count, r_min, r_max, r_p50),
        "resolution_minutes_p90": percentile_minutes(r_count, r_min, r_max, r_p90),
        "resolution_minutes_p95": percentile_minutes(r_count, r_min, r_max, r_p95),
        "first_response_minutes_mean": minutes(f_sum, f_count),
        "first_response_minutes_p50": percentile_minutes(f_count, f_min, f_max, f_p50),
        "first_response_minutes_p90": percentile_minutes(f_count, f_min, f_max, f_p90),
        "sla_compliance": ratio(sla_met, sla_known), "reopen_rate": ratio(reopened, resolved),
        "kill_rate": ratio(closed, created), "csat_mean": ratio(csat_sum, csat_count),
    }


EPOCH = datetime.date(1970, 1, 1)


def day_text(number):
    return (EPOCH + datetime.timedelta(number)).isoformat()


NEVER = dict.fromkeys(row_of([0] * 24))


def complete_through(freshness):
    first, day = freshness["first_day"], datetime.timedelta(1)
    if first is None or (freshness["is_pulled"] and freshness["drained_on"] is None):
        return None
    ends = [freshness["contiguous_through"], freshness["today"] - day]
    if freshness["is_pulled"]:
        ends.append(freshness["drained_on"] - day)
    if freshness["first_dirty"] is not None:
        ends.append(freshness["first_dirty"] - day)
    return min(ends) if min(ends) >= first else None


async def read(caller, first, last):
    async with app.state.pool.acquire() as connection, connection.transaction(readonly=True):
        await connection.execute("SELECT msp.set_tenant($1)", caller.tenant_id)
        rows = await connection.fetch(KPI_SQL, caller.tenant_id, "all", first, last)
        freshness = await connection.fetchrow(FRESHNESS_SQL, caller.tenant_id)
    days = {row[0]: row_of(row) for row in rows}
    wanted = range((first - EPOCH).days, (last - EPOCH).days + 1)
    through, as_of = complete_through(freshness), freshness["data_as_of"]
    return {
        "tenant": caller.slug, "timezone": caller.timezone, "from": first.isoformat(), "to": last.isoformat(), "by": None,
        "complete_through": through and through.isoformat(),
        "data_as_of": as_of and as_of.isoformat().replace("+00:00", "Z"),
        "percentile_error": RELATIVE_ERROR,
        "rows": [days.get(day) or {**NEVER, "day": day_text(day)} for day in wanted],
    }


@app.get("/v1/kpis/daily")
async def kpis_daily(response: Response, first: datetime.date = Query(alias="from"), last: datetime.date = Query(alias="to"),
                     caller: Caller = Depends(limited_caller)):
    if not 0 <= (last - first).days < LONGEST_RANGE_DAYS:
        raise HTTPException(400, "The range is backwards or too long.")
    response.headers["Cache-Control"] = "private, no-cache"
    if not KEEPS and not LEAN:
        return await read(caller, first, last)
    fields = dict(response.headers)
    if not KEEPS:
        return JSONResponse(await read(caller, first, last), headers=fields)
    name = f"peer:answer:{caller.tenant_id}:{first}:{last}"
    kept = await app.state.redis.get(name)
    if kept is not None:
        return Response(kept, headers=fields, media_type="application/json")
    made = JSONResponse(await read(caller, first, last), headers=fields)
    await app.state.redis.set(name, made.body, ex=KEPT_SECONDS)
    return made

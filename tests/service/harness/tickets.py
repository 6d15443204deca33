"""Tickets made for tests: single ones, and seeded crowds that hold every odd case at once."""

import datetime
import gzip
import json
import os
import random

UTC = datetime.timezone.utc


def stamp(moment):
    """RFC 3339 in UTC of a datetime or of seconds since 1970."""
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime.fromtimestamp(moment, UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ticket(external_id, created_at, updated_at=None, **members):
    """A ticket of the contract's shape; times as RFC 3339 texts."""
    made = {"external_id": external_id, "created_at": created_at, "updated_at": updated_at or created_at,
            "status": "new"}
    made.update(members)
    return made


def crowd(seed, count, first, last, zone=UTC):
    """Random final tickets whose instants fall around [first, last] (local days of `zone`), odd ones included."""
    draw = random.Random(seed)
    begin = int(datetime.datetime.combine(first, datetime.time(), zone).timestamp()) - 3 * 86400
    end = int(datetime.datetime.combine(last, datetime.time(), zone).timestamp()) + 86400
    made = []
    for number in range(count):
        created = draw.randrange(begin, end)
        one = {"external_id": f"T-{seed}-{number}", "title": f"Ticket {number}", "created_at": stamp(created),
               "priority": draw.choice(["critical", "high", "medium", "low", "none", None]),
               "category": draw.choice(["Réseau", "E-mail", "Größe \"L\"", "", None]),
               "assignee": draw.choice(["Ann", "Bob", "=Eve", "山田", None]),
               "group": draw.choice(["Field", "Desk", None]), "requester": "Someone", "channel": "email"}
        finish = created + int(draw.expovariate(1 / 86400)) - draw.choice([0, 0, 0, 0, 7200])
        kind = draw.random()
        one["status"] = "open"
        if kind < 0.7:
            one["resolved_at"], one["status"] = stamp(finish), "resolved"
        if kind < 0.5 or kind > 0.9:
            one["closed_at"] = stamp(finish + draw.choice([0, 3600, 5 * 86400, -3600]))
            one["status"] = "closed"
        if draw.random() < 0.6:
            one["first_response_at"] = stamp(created + int(draw.expovariate(1 / 3600)) - draw.choice([0, 0, 0, 600]))
        if draw.random() < 0.5:
            one["due_at"] = stamp(created + draw.choice([0, 3600, 86400]))
        if draw.random() < 0.5:
            one["sla_met"] = draw.choice([True, False, None])
        if draw.random() < 0.5:
            one["reopen_count"] = draw.choice([0, 1, 3])
        if draw.random() < 0.4:
            one["csat"] = draw.randint(1, 5)
        one["updated_at"] = stamp(max(finish, created) + 6 * 86400)
        made.append(one)
    return made


def write_mock(server, tenant, lines):
    """Makes these tickets what the mock source of the tenant hands out."""
    path = os.path.join(server.mock_data, "tickets", f"{tenant}.ndjson.gz")
    spare = path + ".new"
    with gzip.open(spare, "wb", compresslevel=1) as out:
        for line in lines:
            out.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
    os.replace(spare, path)

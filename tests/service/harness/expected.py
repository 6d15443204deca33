"""The KPIs of the contract, computed again in plain Python from final tickets. Shares nothing with the product."""

import collections
import datetime
import gzip
import json
import os
import zoneinfo

from .databases import REPOSITORY

SHARED_DATA = os.path.join(REPOSITORY, "..", "shared", "data")
UTC = datetime.timezone.utc
DIMENSIONS = {"all": None, "priority": "priority", "category": "category", "assignee": "assignee",
              "group": "group"}
COUNTS = ("tickets_created", "tickets_resolved", "tickets_closed", "tickets_reopened", "backlog",
          "sla_known", "sla_met", "resolution_count", "resolution_seconds_sum", "first_response_count",
          "first_response_seconds_sum", "csat_count", "csat_sum")
RELATIVE_ERROR = 0.01


def instant(text):
    """Seconds since 1970 of an RFC 3339 text, None of none."""
    return None if text is None else int(datetime.datetime.fromisoformat(text).timestamp())


def local_day(seconds, zone):
    """The calendar day an instant falls in."""
    return datetime.datetime.fromtimestamp(seconds, zone).date()


def days_between(first, last):
    return [first + datetime.timedelta(n) for n in range((last - first).days + 1)]


class Cell(dict):
    """Counts and sums of a day and member, with the durations behind the percentiles."""

    def __init__(self):
        super().__init__((name, 0) for name in COUNTS)
        self.resolutions = []
        self.first_responses = []

    def add(self, name, by=1):
        self[name] += by

    def anything(self):
        return any(self.values())


def kpis(tickets, timezone, first, last, dimension="all"):
    """{(day, member): Cell} of every day of the range; members with nothing that day are left out but for "all"."""
    zone = zoneinfo.ZoneInfo(timezone)
    cells = collections.defaultdict(Cell)
    field = DIMENSIONS[dimension]
    changes = collections.defaultdict(lambda: collections.Counter())
    for ticket in tickets:
        member = "" if field is None else ticket.get(field) or ""
        created, resolved, closed, responded = (
            instant(ticket.get(name)) for name in ("created_at", "resolved_at", "closed_at", "first_response_at"))
        born = local_day(created, zone)
        cells[born, member].add("tickets_created")
        if closed is not None:
            cells[local_day(closed, zone), member].add("tickets_closed")
        if responded is not None and responded >= created:
            cell = cells[local_day(responded, zone), member]
            cell.add("first_response_count")
            cell.add("first_response_seconds_sum", responded - created)
            cell.first_responses.append(responded - created)
        if resolved is not None:
            _add_resolved(cells[local_day(resolved, zone), member], ticket, created, resolved)
        finished = resolved if resolved is not None else closed
        gone = None if finished is None else local_day(finished, zone)
        if gone is None or gone > born:
            changes[member][born] += 1
            if gone is not None:
                changes[member][gone] -= 1
    for member, moves in changes.items():
        standing = sum(count for day, count in moves.items() if day < first)
        for day in days_between(first, last):
            standing += moves.get(day, 0)
            if standing:
                cells[day, member]["backlog"] = standing
    found = {key: cell for key, cell in cells.items() if first <= key[0] <= last and cell.anything()}
    if dimension == "all":
        for day in days_between(first, last):
            found.setdefault((day, ""), Cell())
    return found


def _add_resolved(cell, ticket, created, resolved):
    cell.add("tickets_resolved")
    if (ticket.get("reopen_count") or 0) > 0:
        cell.add("tickets_reopened")
    verdict = ticket.get("sla_met")
    if verdict is None and ticket.get("due_at") is not None:
        verdict = resolved <= instant(ticket["due_at"])
    if verdict is not None:
        cell.add("sla_known")
        cell.add("sla_met", int(verdict))
    if resolved >= created:
        cell.add("resolution_count")
        cell.add("resolution_seconds_sum", resolved - created)
        cell.resolutions.append(resolved - created)
    if ticket.get("csat") is not None:
        cell.add("csat_count")
        cell.add("csat_sum", ticket["csat"])


def nearest_rank(values, percent):
    """The value at rank ceil(percent/100 * n), None of nothing."""
    if not values:
        return None
    return sorted(values)[(percent * len(values) + 99) // 100 - 1]


def close(answer, exact):
    """Within the relative error of the sketch; exactly null where there is nothing."""
    if exact is None or answer is None:
        return answer is exact
    return abs(answer - exact) <= RELATIVE_ERROR * exact + 1e-9


def ratio(numerator, denominator):
    return numerator / denominator if denominator else None


def same(answer, exact):
    """Equal up to the last digits of a double; null only where null is expected."""
    if exact is None or answer is None:
        return answer is exact
    return abs(answer - exact) <= 1e-9 * max(1.0, abs(exact))


def faults(row, cell):
    """What is wrong with a row of an answer, as sentences; empty when all is right."""
    wrong = [f"{name} is {row.get(name)!r}, not {cell[name]}" for name in COUNTS if row.get(name) != cell[name]]
    for prefix, values in (("resolution", cell.resolutions), ("first_response", cell.first_responses)):
        for percent in (50, 90) if prefix == "first_response" else (50, 90, 95):
            name = f"{prefix}_minutes_p{percent}"
            exact = nearest_rank(values, percent)
            exact = None if exact is None else exact / 60
            if name not in row or not close(row[name], exact):
                wrong.append(f"{name} is {row.get(name)!r}, not within 1 % of {exact}")
    for name, exact in derived(cell).items():
        if name not in row or not same(row[name], exact):
            wrong.append(f"{name} is {row.get(name)!r}, not {exact}")
    return wrong


def derived(cell):
    """Means and ratios: always sum over sum or count."""
    mean = ratio(cell["resolution_seconds_sum"], cell["resolution_count"])
    first = ratio(cell["first_response_seconds_sum"], cell["first_response_count"])
    return {"resolution_minutes_mean": None if mean is None else mean / 60,
            "first_response_minutes_mean": None if first is None else first / 60,
            "sla_compliance": ratio(cell["sla_met"], cell["sla_known"]),
            "reopen_rate": ratio(cell["tickets_reopened"], cell["tickets_resolved"]),
            "kill_rate": ratio(cell["tickets_closed"], cell["tickets_created"]),
            "csat_mean": ratio(cell["csat_sum"], cell["csat_count"])}


def merge(cells):
    """Cells of a range as one; the backlog is that of the last."""
    total = Cell()
    for cell in cells:
        for name in COUNTS:
            total[name] = cell[name] if name == "backlog" else total[name] + cell[name]
        total.resolutions += cell.resolutions
        total.first_responses += cell.first_responses
    return total


def differences(rows, cells):
    """All faults of {(day text, member): row} against {(day, member): Cell}, each with its key."""
    found = []
    for (day, member), cell in cells.items():
        row = rows.get((day.isoformat(), member))
        if row is None:
            found.append(f"{day} {member!r}: no row, but {dict(cell)}")
            continue
        found += [f"{day} {member!r}: {fault}" for fault in faults(row, cell)]
    extra = set(rows) - {(day.isoformat(), member) for day, member in cells}
    found += [f"{day} {member!r}: a row nobody expects" for day, member in sorted(extra)]
    return found


def shared_lines(name):
    """The lines of a shared data file, each with its newline."""
    with gzip.open(os.path.join(SHARED_DATA, name), "rb") as source:
        return source.readlines()


def final_states(lines):
    """The newest snapshot of each ticket: by updated_at, then version, then place."""
    newest = {}
    for line in lines:
        ticket = json.loads(line)
        age = (instant(ticket["updated_at"]), ticket["version"] if ticket.get("version") is not None else -1)
        held = newest.get(ticket["external_id"])
        if held is None or age >= held[0]:
            newest[ticket["external_id"]] = (age, ticket)
    return [ticket for _, ticket in newest.values()]

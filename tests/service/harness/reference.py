"""The reference tables that came with the real tickets, under the product's names."""

import csv
import datetime
import os

from .expected import SHARED_DATA

COUNTS = {"created": "tickets_created", "resolved": "tickets_resolved", "closed": "tickets_closed",
          "backlog": "backlog", "reopened": "tickets_reopened", "resolve_sum_s": "resolution_seconds_sum",
          "sla_known": "sla_known", "sla_met": "sla_met", "frt_n": "first_response_count",
          "frt_sum_s": "first_response_seconds_sum"}
# Written with six digits behind the point.
ROUNDED = {"mttr_min": "resolution_minutes_mean", "sla_compliance": "sla_compliance",
           "reopen_rate": "reopen_rate", "frt_mean_min": "first_response_minutes_mean"}


def rows(tenant, zone, as_of=False):
    """{day: row} of a reference file."""
    name = f"reference_{'asof_' if as_of else ''}{zone.replace('/', '_')}.csv"
    with open(os.path.join(SHARED_DATA, name), encoding="utf-8", newline="") as source:
        return {datetime.date.fromisoformat(row["day"]): row for row in csv.DictReader(source)
                if row["tenant"] == tenant}


def faults(answer, reference):
    """What differs between a row of an answer and its reference row."""
    wrong = [f"{ours} is {answer[ours]}, not {reference[theirs]}" for theirs, ours in COUNTS.items()
             if answer[ours] != int(reference[theirs] or 0)]
    for theirs, ours in ROUNDED.items():
        exact = float(reference[theirs]) if reference[theirs] else None
        value = answer[ours]
        if (exact is None) != (value is None) or (exact is not None and abs(value - exact) > 1e-6):
            wrong.append(f"{ours} is {value}, not {exact}")
    exact = float(reference["p90_disc_min"]) if reference["p90_disc_min"] else None
    value = answer["resolution_minutes_p90"]
    if (exact is None) != (value is None) or (exact is not None and abs(value - exact) > 0.01 * exact + 1e-9):
        wrong.append(f"resolution_minutes_p90 is {value}, not within 1 % of {exact}")
    return wrong


def differences(days, references):
    """All faults of {(day text, member): row} against a reference file, each with its day."""
    return [f"{day}: {fault}" for day, reference in references.items()
            for fault in faults(days[day.isoformat(), ""], reference)]

"""A tenant worth a summary: two weeks of tickets, the second busier than the first."""

import datetime

from .tickets import ticket

FROM, TO = "2025-03-08", "2025-03-14"
BEFORE = ("2025-03-01", "2025-03-07")
START, INTERNAL = "/v1/summaries", "/internal/summaries/generate"
TECHNICIAN = "Technician Zed"


def day(text, number):
    return (datetime.date.fromisoformat(text) + datetime.timedelta(days=number)).isoformat()


def fill(server, slug, **more):
    made = []
    for week, (first, count) in enumerate(((BEFORE[0], 40), (FROM, 55))):
        for number in range(count):
            date = day(first, number % 7)
            made.append(ticket(
                f"T-{week}-{number}", f"{date}T08:00:00Z", f"{date}T20:00:00Z", title="Secret title of a ticket",
                assignee=TECHNICIAN, category=("VPN", "Office 365", "Printers")[number % 3], requester="Jane Roe",
                group=("Desk", "Field")[number % 2], priority=("high", "low", "medium", "critical")[number % 4],
                status="resolved" if number % 5 else "open", due_at=f"{date}T12:00:00Z",
                first_response_at=f"{date}T08:{10 + number % 40}:00Z", csat=1 + number % 5, **more,
                **({"resolved_at": f"{date}T{9 + number % 6:02}:00:00Z"} if number % 5 else {})))
    server.feed(slug, made)
    server.compute(slug, BEFORE[0], TO)


def write(server, slug, language="en", **wish):
    """The summary that a job wrote."""
    order = {"tenant_id": slug, "from": FROM, "to": TO, "language": language, **wish}
    job = server.job(INTERNAL, order)
    assert job["state"] == "succeeded", job
    made, = job["result"]["summaries"]
    assert made["tenant_id"] == slug
    return server.v1(slug, f"{START}/{made['id']}").must(200).json


def facts_of(summary):
    return {(fact["metric"], fact["dimension"], fact["member"], fact["period"], fact["kind"]): fact["value"]
            for fact in summary["facts"]}

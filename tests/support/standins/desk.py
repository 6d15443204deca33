"""What a help desk holds: tickets made of mock-data, which a test may change, add and delete while they are read."""

import dataclasses
import datetime
import gzip
import itertools
import json
import os
import threading
import time

MOCK_DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "mock-data", "tickets")
FILES = ("atelier-lumiere", "harbor-dental", "sakura-logistics")
FIRST_ID = 1001
TIED = 40  # so many tickets in a row share the second of their last change, now and then


@dataclasses.dataclass
class Ticket:
    """One ticket, in our words. Times are whole seconds since 1970, or None."""

    id: int
    title: str
    status: str
    priority: str
    created: int
    updated: int
    assignee: str = None
    requester: str = None
    group: str = None
    category: str = None
    channel: str = None
    first_response: int = None
    resolved: int = None
    closed: int = None
    due: int = None
    sla_met: bool = None
    reopens: int = 0
    csat: int = None


def seconds(text):
    return None if text is None else int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def mock_rows():
    """The last state of each good ticket of mock-data, in the order of creation."""
    last = {}
    for name in FILES:
        with gzip.open(os.path.join(MOCK_DATA, f"{name}.ndjson.gz"), "rt", encoding="utf-8") as lines:
            for line in lines:
                try:
                    row = json.loads(line)
                    good = not row["external_id"].startswith("BAD-") and len(row["external_id"]) < 100
                    if good and row["status"] in ("new", "open", "pending", "resolved", "closed"):
                        seconds(row["created_at"]), seconds(row["updated_at"])
                        last[name, row["external_id"]] = row
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue
    return sorted(last.values(), key=lambda row: row["created_at"])


def ticket_of(number, row, shift):
    def moved(name):
        at = seconds(row.get(name))
        return None if at is None else at + shift
    return Ticket(id=number, title=row.get("title") or "Untitled", status=row["status"],
                  priority=row.get("priority") or "none", created=moved("created_at"), updated=moved("updated_at"),
                  assignee=row.get("assignee"), requester=row.get("requester"), group=row.get("group"),
                  category=row.get("category"), channel=row.get("channel"),
                  first_response=moved("first_response_at"), resolved=moved("resolved_at"),
                  closed=moved("closed_at"), due=moved("due_at"), sla_met=row.get("sla_met"),
                  reopens=row.get("reopen_count") or 0, csat=row.get("csat"))


class Desk:
    """The tickets, under one lock. `hidden_seconds`: changes younger than that are not shown yet."""

    def __init__(self):
        self.lock = threading.RLock()
        self.tickets = {}
        self.next_id = FIRST_ID
        self.hidden_seconds = 0

    def fill(self, count):
        """`count` tickets, the newest changed two minutes ago; many share a second."""
        rows = mock_rows()[:max(count, 1)]
        newest = max(seconds(row["updated_at"]) for row in rows)
        made = []
        for number, row in zip(range(count), itertools.cycle(rows)):
            shift = int(time.time()) - 120 - newest - 7 * 3600 * (number // len(rows))
            made.append(ticket_of(0, row, shift))
        by_change = sorted(made, key=lambda ticket: ticket.updated)
        for at in range(0, len(by_change) - TIED, 10 * TIED):
            for ticket in by_change[at:at + TIED]:
                ticket.updated = by_change[at + TIED - 1].updated
        with self.lock:
            self.tickets = {}
            self.next_id = FIRST_ID
            self.hidden_seconds = 0
            for ticket in sorted(made, key=lambda ticket: ticket.created):
                self._put(ticket)

    def _put(self, ticket):
        ticket.id = self.next_id
        self.next_id += 1
        self.tickets[ticket.id] = ticket
        return ticket

    def all(self):
        """Copies of all tickets that are shown, in the order of ids."""
        with self.lock:
            until = time.time() - self.hidden_seconds
            return [dataclasses.replace(ticket) for number, ticket in sorted(self.tickets.items())
                    if not self.hidden_seconds or ticket.updated <= until]

    def shown(self):
        """The same without copies, quickly, for whoever only looks."""
        with self.lock:
            until = time.time() - self.hidden_seconds
            return [ticket for _, ticket in sorted(self.tickets.items())
                    if not self.hidden_seconds or ticket.updated <= until]

    def by_change(self, since=None):
        """Those changed at or after `since`, oldest change first."""
        return sorted((ticket for ticket in self.all() if since is None or ticket.updated >= since),
                      key=lambda ticket: (ticket.updated, ticket.id))

    def change(self, number, **members):
        """Changes a ticket now."""
        with self.lock:
            ticket = self.tickets[number]
            for name, value in members.items():
                setattr(ticket, name, value)
            ticket.updated = max(int(time.time()), ticket.updated + 1)
            return dataclasses.replace(ticket)

    def add(self, **members):
        """A new ticket, made now."""
        now = int(time.time())
        whole = {"title": "Made while read", "status": "new", "priority": "low", "created": now, "updated": now,
                 **members}
        with self.lock:
            return dataclasses.replace(self._put(Ticket(id=0, **whole)))

    def delete(self, number):
        with self.lock:
            del self.tickets[number]

"""Zammad: the search of tickets in Elasticsearch, of which nothing past 10,000 rows is ever shown and which answers
with nothing where it fails, and the plain list by id."""

import datetime
import re

from .base import Answer, StandInBase

TOKEN = "token-of-the-zammad-stand-in"
STATES = {"new": "new", "open": "open", "pending": "pending reminder", "resolved": "closed", "closed": "merged"}
PRIORITIES = {"critical": "4 urgent", "high": "3 high", "medium": "2 normal", "low": "1 low", "none": "0 whenever"}
QUERY = re.compile(r"updated_at:\[(\S+) TO (\S+)\](?: AND id:\[(\d+) TO (\d+)\])?")


def text(at):
    return None if at is None else datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%S.000Z")


def moment(written):
    return datetime.datetime.fromisoformat(written.replace("Z", "+00:00")).timestamp()


class StandIn(StandInBase):
    kind = "zammad"
    page_cap = 200
    list_cap = 100
    searches = True      # False: Elasticsearch is away, which shows as no tickets
    promised = ("title", "status", "priority", "created_at", "updated_at", "resolved_at", "closed_at", "due_at",
                "first_response_at", "assignee")

    def options(self):
        return {"url": self.url, "priority_map": {"4 urgent": "critical"}}

    def secrets(self):
        return {"token": TOKEN}

    def expected(self, ticket):
        made = super().expected(ticket)
        done = ticket.status in ("resolved", "closed")
        made["status"] = "closed" if done else ticket.status
        made["resolved_at"] = made["closed_at"] = self.closing(ticket) if done else None
        return made

    def forget(self):
        self.searches = True

    @staticmethod
    def closing(ticket):
        return ticket.closed or ticket.resolved or ticket.updated

    def answer(self, request):
        if request.headers.get("Authorization") != f"Token token={TOKEN}":
            return Answer({"error": "Invalid token!"}, 401)
        number = int(request.query.get("page", 1))
        if request.path == "/api/v1/tickets/search":
            size = min(int(request.query.get("per_page", 50)), self.page_cap)
            return self.page(self.search(request.query), number, size, self.window_cap)
        if request.path == "/api/v1/tickets":
            size = min(int(request.query.get("per_page", 100)), self.list_cap, self.page_cap)
            return self.page(self.desk.all(), number, size, None)
        return Answer({"error": "No route matches"}, 404)

    def search(self, query):
        asked = QUERY.fullmatch(query["query"].replace("*", ""))
        if not self.searches or asked is None:
            return []
        rows = [ticket for ticket in self.desk.all() if moment(asked[1]) <= ticket.updated <= moment(asked[2])]
        if asked[3]:
            rows = [ticket for ticket in rows if int(asked[3]) <= ticket.id <= int(asked[4])]
        order = {"updated_at": lambda ticket: (ticket.updated, ticket.id * 7919 % 1009),
                 "id": lambda ticket: ticket.id}[query["sort_by"]]
        return sorted(rows, key=order, reverse=query["order_by"] != "asc")

    def page(self, rows, number, size, window):
        begin, end = (number - 1) * size, number * size
        shown = [] if window is not None and end > window else rows[begin:end]
        return Answer([self.row(ticket) for ticket in shown], is_list=size > 1)

    def row(self, ticket):
        done = ticket.status in ("resolved", "closed")
        return {"id": ticket.id, "number": f"22{ticket.id}", "title": ticket.title, "state": STATES[ticket.status],
                "priority": PRIORITIES[ticket.priority], "owner": ticket.assignee or "-",
                "customer": ticket.requester, "group": ticket.group, "organization": None, "type": ticket.category,
                "create_article_type": "email", "created_at": text(ticket.created),
                "updated_at": text(ticket.updated), "first_response_at": text(ticket.first_response),
                "close_at": text(self.closing(ticket)) if done else None,
                "last_close_at": text(self.closing(ticket)) if done else None,
                "close_escalation_at": text(ticket.due), "close_in_min": None,
                "first_response_diff_in_min": None,
                "close_diff_in_min": None if ticket.sla_met is None or not done else 5 if ticket.sla_met else -5}

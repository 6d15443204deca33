"""Freshservice: the list of tickets changed since a time, in the order of creation, page by page."""

import base64
import datetime
import time

from .base import Answer, StandInBase

KEY = "key-of-the-freshservice-stand-in"
STATUSES = {"new": 2, "open": 2, "pending": 3, "resolved": 4, "closed": 5}
PRIORITIES = {"critical": 4, "high": 3, "medium": 2, "low": 1, "none": 1}
KNOWN = {"updated_since", "order_type", "workspace_id", "per_page", "page", "include", "filter"}
MONTH = 30 * 86400


def text(at):
    return None if at is None else datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def refused(field):
    return Answer({"description": "Validation failed", "errors": [
        {"field": field, "message": "Unexpected/invalid field in request", "code": "invalid_field"}]}, 400)


class StandIn(StandInBase):
    kind = "freshservice"
    page_cap = 100
    promised = ("title", "status", "priority", "created_at", "updated_at", "resolved_at", "closed_at", "due_at",
                "first_response_at", "assignee")

    def secrets(self):
        return {"api_key": KEY}

    def expected(self, ticket):
        made = super().expected(ticket)
        made["status"] = "open" if ticket.status == "new" else ticket.status  # it has no new ones
        made["priority"] = "low" if ticket.priority == "none" else ticket.priority
        return made

    def forget(self):
        self.known = {ticket.id: ticket for ticket in self.desk.all()}
        self.deleted = {}
        self.names = {}
        for ticket in self.known.values():
            self.number_of(ticket.assignee), self.number_of(ticket.group)

    def look_for_deleted(self):
        with self.desk.lock:
            current = {number: ticket for number, ticket in self.desk.tickets.items()}
        for number in set(self.known) - set(current):
            self.deleted[number] = self.known.pop(number)
            self.deleted[number].updated = int(time.time())
        self.known.update(current)

    def number_of(self, name):
        return None if name is None else self.names.setdefault(name, 7000 + len(self.names))

    def answer(self, request):
        login = "Basic " + base64.b64encode(f"{KEY}:X".encode()).decode()
        if request.headers.get("Authorization") != login:
            return Answer({"code": "invalid_credentials", "message": "You have to be logged in"}, 401)
        size = int(request.query.get("per_page", 30))
        if not 1 <= size <= 100:
            return refused("per_page")
        if request.path == "/api/v2/agents":
            return self.page(request, "agents", [
                {"id": number, "first_name": name.split(" ", 1)[0], "last_name": (name.split(" ", 1) + [""])[1]}
                for name, number in self.names.items()], size)
        if request.path == "/api/v2/groups":
            return self.page(request, "groups",
                             [{"id": number, "name": name} for name, number in self.names.items()], size)
        if request.path == "/api/v2/tickets":
            return self.tickets(request, size)
        return Answer({"code": "not_found"}, 404)

    def tickets(self, request, size):
        for name in request.query:
            if name not in KNOWN:
                return refused(name)
        self.look_for_deleted()
        since = request.query.get("updated_since")
        only_deleted = request.query.get("filter") == "deleted"
        rows = list(self.deleted.values()) if only_deleted else self.desk.all()
        if since is None:
            rows = [ticket for ticket in rows if ticket.created >= time.time() - MONTH]
        else:
            begin = datetime.datetime.fromisoformat(since.replace("Z", "+00:00")).timestamp()
            rows = [ticket for ticket in rows if ticket.updated >= begin]
        rows.sort(key=lambda ticket: (ticket.created, ticket.id), reverse=request.query.get("order_type") != "asc")
        stats = "stats" in request.query.get("include", "").split(",")
        answer = self.page(request, "tickets", rows, min(size, self.page_cap))
        answer.body["tickets"] = [self.row(ticket, stats, only_deleted) for ticket in answer.body["tickets"]]
        answer.is_list = not only_deleted
        return answer

    def page(self, request, name, rows, size):
        number = int(request.query.get("page", 1))
        shown = rows[(number - 1) * size:number * size]
        answer = Answer({name: shown})
        if number * size < len(rows):
            answer.headers["Link"] = f'<{self.url}{request.path}?page={number + 1}>; rel="next"'
        return answer

    def row(self, ticket, with_stats, is_deleted):
        row = {"id": ticket.id, "subject": ticket.title, "status": STATUSES[ticket.status],
               "priority": PRIORITIES[ticket.priority], "source": 2, "category": ticket.category, "type": "Incident",
               "responder_id": self.number_of(ticket.assignee), "requester_id": self.number_of(ticket.requester),
               "group_id": self.number_of(ticket.group), "department_id": None, "workspace_id": 2,
               "created_at": text(ticket.created), "updated_at": text(ticket.updated), "due_by": text(ticket.due),
               "fr_due_by": None, "is_escalated": ticket.sla_met is False, "fr_escalated": False, "spam": False,
               "deleted": is_deleted}
        if with_stats:
            row["stats"] = {"first_responded_at": text(ticket.first_response), "resolved_at": text(ticket.resolved),
                            "closed_at": text(ticket.closed),
                            "reopened_at": text(ticket.updated) if ticket.reopens else None}
        return row

    def next_link(self, answer, link):
        answer.headers["Link"] = f'<{link}>; rel="next"'

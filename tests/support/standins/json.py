"""A help desk like many: a list of tickets in JSON, paged in one of four ways."""

import base64
import datetime

from .base import Answer, StandInBase

FLAVOURS = ("since", "number", "token", "next", "link")
STATUSES = {"new": "New", "open": "In progress", "pending": "On hold", "resolved": "Solved", "closed": "Closed"}
PRIORITIES = {"critical": "Urgent", "high": "High", "medium": "Normal", "low": "Low", "none": "Unset"}
KEY = "key-of-the-json-stand-in"
FIELDS = {"external_id": "id", "title": "subject", "status": "state.name", "priority": "priority",
          "assignee": "agents.0.name|fallback_agent", "created_at": "times.created", "updated_at": "times.updated",
          "resolved_at": "times.resolved", "closed_at": "times.closed", "due_at": "times.due",
          "first_response_at": "times.answered", "sla_met": "!late", "reopen_count": "reopened", "csat": "stars"}


def text(at):
    return None if at is None else datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


class StandIn(StandInBase):
    kind = "json"
    promised = ("title", "status", "priority", "created_at", "updated_at", "resolved_at", "closed_at", "due_at",
                "first_response_at", "assignee")

    def __init__(self, port=0, tickets=300, flavour="since"):
        self.flavour = flavour
        super().__init__(port, tickets)

    def options(self):
        common = {"url": self.url + "/api", "list": "/tickets", "fields": FIELDS, "rows": "data.tickets",
                  "since": "updated_since", "size": "per_page", "page_size": self.page_cap, "ids": "/tickets"}
        return {**common, **{
            "since": {"list": "/tickets?sort=updated", "paging": "since", "page": "page"},
            "number": {"list": "/tickets?sort=id", "paging": "number", "page": "page"},
            "token": {"list": "/tickets?sort=id", "paging": "next", "next": "meta.cursor", "token": "cursor"},
            "next": {"list": "/tickets?sort=id", "paging": "next", "next": "meta.next"},
            "link": {"list": "/tickets?sort=id", "paging": "link"},
        }[self.flavour]}

    def secrets(self):
        return {"header": f"X-Api-Key: {KEY}"}

    def row(self, ticket):
        return {"id": ticket.id, "subject": ticket.title, "state": {"id": 1, "name": STATUSES[ticket.status]},
                "priority": PRIORITIES[ticket.priority],
                "agents": [{"name": ticket.assignee}] if ticket.assignee else [],
                "times": {"created": text(ticket.created), "updated": text(ticket.updated),
                          "resolved": text(ticket.resolved), "closed": text(ticket.closed), "due": text(ticket.due),
                          "answered": text(ticket.first_response)},
                "late": None if ticket.sla_met is None else not ticket.sla_met,
                "reopened": ticket.reopens, "stars": ticket.csat}

    def answer(self, request):
        if request.headers.get("X-Api-Key") != KEY:
            return Answer({"message": "Who are you?"}, 401)
        if request.method != "GET" or request.path != "/api/tickets":
            return Answer({"message": "Nothing here"}, 404)
        since = request.query.get("updated_since")
        since = None if since is None else int(datetime.datetime.fromisoformat(since.replace("Z", "+00:00")).timestamp())
        size = min(int(request.query.get("per_page", 20)), self.page_cap)
        if request.query.get("sort") == "updated":
            rows = self.desk.by_change(since)
        else:
            rows = [ticket for ticket in self.desk.all() if since is None or ticket.updated >= since]
        if self.flavour in ("since", "number"):
            at = (int(request.query.get("page", 1)) - 1) * size
            shown, more = rows[at:at + size], False
        else:
            after = self.place(request)
            if after is None:
                return Answer({"message": "This cursor is none of ours, or has expired"}, 400)
            rows = [ticket for ticket in rows if ticket.id > after]
            shown, more = rows[:size], len(rows) > size
        return self.page(request, [self.row(ticket) for ticket in shown], more)

    def place(self, request):
        """Behind which id the page begins; None for a cursor that is not known."""
        cursor = request.query.get("cursor")
        if cursor is None:
            return 0
        try:
            epoch, after = base64.b64decode(cursor, validate=True).decode().split(":")
            return int(after) if int(epoch) == self.epoch else None
        except ValueError:
            return None

    def page(self, request, rows, more):
        answer = Answer({"data": {"tickets": rows}, "meta": {}}, is_list=True)
        if more:
            cursor = base64.b64encode(f"{self.epoch}:{rows[-1]['id']}".encode()).decode()
            pairs = [(name, value) for name, value in request.pairs if name != "cursor"] + [("cursor", cursor)]
            query = "&".join(f"{name}={value.replace('+', '%2B').replace('=', '%3D')}" for name, value in pairs)
            {"token": lambda: answer.body["meta"].update(cursor=cursor),
             "next": lambda: answer.body["meta"].update(next=f"/api/tickets?{query}"),
             "link": lambda: answer.headers.update(
                 Link=f'<{self.url}/api/tickets?sort=id>; rel="first", <{self.url}/api/tickets?{query}>; rel="next"'),
             }[self.flavour]()
        return answer

    def next_link(self, answer, link):
        answer.body["meta"]["next"] = link
        answer.headers["Link"] = f'<{link}>; rel="next"'

    def forget(self):
        """Cursors made before are worth nothing from now on."""
        self.epoch = getattr(self, "epoch", 0) + 1

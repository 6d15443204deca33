"""ConnectWise PSA: forward-only pages behind an id, conditions in a language of their own, members left out when null."""

import base64
import datetime
import re
import urllib.parse

from .base import Answer, StandInBase

PATH = "/v4_6_release/apis/3.0/service/tickets"
COMPANY, PUBLIC, PRIVATE, CLIENT_ID = "acme", "PuBlIc", "PrIvAtE", "b1f3c2a0-0000-4000-8000-000000000000"
STATUSES = {"new": "New (email connector)", "open": "In Progress", "pending": "Waiting on customer",
            "resolved": "Completed", "closed": ">Closed"}
PRIORITIES = {"critical": "Priority 1 - Emergency Response", "high": "Priority 2 - Quick Response",
              "medium": "Priority 3 - Normal Response", "low": "Priority 4 - Scheduled Maintenance",
              "none": "Do Not Respond"}
USUAL_ROWS = 25


def text(at):
    return None if at is None else datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


class StandIn(StandInBase):
    kind = "connectwise"
    real_page_cap = 1000
    promised = ("title", "status", "priority", "created_at", "updated_at", "resolved_at", "closed_at", "due_at",
                "first_response_at", "assignee")

    def options(self):
        return {"url": self.url, "company": COMPANY, "public_key": PUBLIC, "client_id": CLIENT_ID,
                "conditions": 'board/name="Help Desk" or board/name="Field"'}

    def secrets(self):
        return {"private_key": PRIVATE}

    def row(self, ticket):
        status = STATUSES[ticket.status]
        if ticket.status == "closed" and ticket.id % 2:
            status = "Done and billed"  # a board's own word; only the flag says that it is closed
        row = {"id": ticket.id, "summary": ticket.title, "status": {"id": 5, "name": status},
               "priority": {"id": 4, "name": PRIORITIES[ticket.priority]}, "closedFlag": ticket.status == "closed",
               "board": {"id": 1, "name": "Help Desk"}, "dateEntered": text(ticket.created),
               "dateResolved": text(ticket.resolved), "closedDate": text(ticket.closed),
               "requiredDate": text(ticket.due), "dateResponded": text(ticket.first_response),
               "owner": ticket.assignee and {"id": 7, "identifier": "login", "name": ticket.assignee},
               "team": ticket.group and {"id": 2, "name": ticket.group},
               "type": ticket.category and {"id": 3, "name": ticket.category}, "contactName": ticket.requester,
               "isInSla": ticket.sla_met, "_info": {"lastUpdated": text(ticket.updated), "updatedBy": "zAdmin"}}
        return {name: value for name, value in row.items() if value is not None}

    def answer(self, request):
        right = base64.b64encode(f"{COMPANY}+{PUBLIC}:{PRIVATE}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {right}":
            return Answer({"code": "Unauthorized", "message": "Authorization failed"}, 401)
        if request.headers.get("clientId") != CLIENT_ID:
            return Answer({"code": "Forbidden", "message": "A clientId is required"}, 403)
        if request.method != "GET" or request.path != PATH:
            return Answer({"code": "NotFound", "message": "Nothing here"}, 404)
        if request.headers.get("pagination-type") != "forward-only":
            return Answer({"code": "InvalidArgument", "message": "Only forward-only pages are known here"}, 400)
        since = self.since(request.query.get("conditions"))
        if since is None:
            return Answer({"code": "InvalidConditions", "message": "The conditions cannot be read"}, 400)
        size = min(int(request.query.get("pageSize", USUAL_ROWS)), 1000, self.page_cap)
        behind = int(request.query.get("pageId", 0))
        rows = [ticket for ticket in self.desk.shown() if ticket.id > behind and ticket.updated > since]
        wanted = request.query.get("fields", "").split(",")
        shown = [{name: value for name, value in self.row(ticket).items() if wanted == [""] or name in wanted}
                 for ticket in rows[:size]]
        answer = Answer(shown, is_list=True)
        if len(rows) > size:
            pairs = [pair for pair in request.pairs if pair[0] != "pageId"] + [("pageId", rows[size - 1].id)]
            answer.headers["Link"] = f'<{self.url}{PATH}?{urllib.parse.urlencode(pairs)}>; rel="next"'
        return answer

    @staticmethod
    def since(conditions):
        """Behind which second changes are wanted; None for conditions nobody can read."""
        ours = '(board/name="Help Desk" or board/name="Field")'
        if conditions is None:
            return 0
        if not conditions.startswith(ours):
            return None
        rest = conditions[len(ours):]
        found = re.fullmatch(r" and lastUpdated>\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\]", rest)
        if found is None:
            return 0 if rest == "" else None
        return int(datetime.datetime.fromisoformat(found.group(1).replace("Z", "+00:00")).timestamp())

    def next_link(self, answer, link):
        answer.headers["Link"] = f'<{link}>; rel="next"'

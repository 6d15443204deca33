"""HaloPSA: OAuth 2 client credentials, pages by number over a list that moves, times without an offset, a date in
1900 where there is none, and numbers for statuses, priorities and agents."""

import datetime
import secrets as random_secrets

from .base import Answer, StandInBase

CLIENT, SECRET, TENANT = "client-of-halo", "secret-of-halo", "acme"
STATUSES = {"new": 1, "open": 2, "pending": 4, "resolved": 8, "closed": 9}
STATUS_NAMES = {1: "New", 2: "In Progress", 4: "With User", 8: "Completed", 9: "Closed"}
PRIORITIES = {"critical": 1, "high": 2, "medium": 3, "low": 4, "none": 77}
PRIORITY_NAMES = {1: "Critical", 2: "High", 3: "Medium", 4: "Low", 77: "Whenever"}
UNASSIGNED = 1
NEVER = "1900-01-01T00:00:00"


def text(at):
    return NEVER if at is None else datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%S.0")


class StandIn(StandInBase):
    kind = "halopsa"
    real_page_cap = 100
    promised = ("title", "status", "priority", "created_at", "updated_at", "closed_at", "resolved_at", "due_at",
                "first_response_at", "assignee")

    def options(self):
        return {"url": self.url, "client_id": CLIENT, "tenant": TENANT}

    def secrets(self):
        return {"client_secret": SECRET}

    def reset(self, tickets=300):
        self.people = []
        self.token_seconds = 3600
        self.refused = 0
        return super().reset(tickets)

    def forget(self):
        """Tokens given before are worth nothing from now on."""
        self.tokens = {}

    def expected(self, ticket):
        # Halo knows one end of a ticket.
        return {**super().expected(ticket), "resolved_at": ticket.closed or ticket.resolved,
                "closed_at": ticket.closed or ticket.resolved}

    def row(self, ticket):
        number = ticket.id if ticket.id % 3 else str(ticket.id)  # a number is a text now and then
        return {"id": number, "summary": ticket.title, "status_id": STATUSES[ticket.status],
                "priority_id": PRIORITIES[ticket.priority], "agent_id": self.person(ticket.assignee),
                "client_id": 12.0, "user_name": ticket.requester, "team": ticket.group, "category_1": ticket.category,
                "dateoccurred": text(ticket.created), "last_update": text(ticket.updated),
                "lastactiondate": text(ticket.created), "dateclosed": text(ticket.closed or ticket.resolved),
                "fixbydate": text(ticket.due), "responsedate": text(ticket.first_response), "hasbeenclosed": False}

    def person(self, name):
        if name is None:
            return UNASSIGNED
        if name not in self.people:
            self.people.append(name)
        return UNASSIGNED + 1 + self.people.index(name)

    def answer(self, request):
        if request.path == "/auth/token":
            return self.give_token(request)
        token = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        if self.tokens.get(token, 0) <= request.at:
            self.refused += 1
            return Answer({"error": "invalid_token"}, 401)
        lists = {"/api/Status": lambda: [{"id": number, "name": name} for number, name in STATUS_NAMES.items()],
                 "/api/Priority": lambda: [{"id": f"{number:032x}", "priorityid": number, "name": name}
                                           for number, name in PRIORITY_NAMES.items()],
                 "/api/Agent": self.list_people}
        if request.method == "GET" and request.path in lists:
            return Answer(lists[request.path]())
        if request.method == "GET" and request.path == "/api/Tickets":
            return self.list_tickets(request)
        return Answer({"message": "Nothing here"}, 404)

    def give_token(self, request):
        form = request.form
        known = (form.get("grant_type"), form.get("client_id"), form.get("client_secret")) == (
            "client_credentials", CLIENT, SECRET)
        if request.method != "POST" or not known or request.query.get("tenant") != TENANT:
            return Answer({"error": "invalid_client"}, 400)
        token = random_secrets.token_urlsafe(900)
        self.tokens[token] = request.at + self.token_seconds
        return Answer({"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds,
                       "scope": form.get("scope")})

    def list_people(self):
        for ticket in self.desk.shown():
            self.person(ticket.assignee)
        return [{"id": UNASSIGNED, "name": "Unassigned"}] + [
            {"id": UNASSIGNED + 1 + at, "name": name} for at, name in enumerate(self.people)]

    def list_tickets(self, request):
        query = request.query
        since = query.get("lastupdatefromdate")
        since = 0 if since is None else datetime.datetime.fromisoformat(since).replace(
            tzinfo=datetime.timezone.utc).timestamp()
        rows = [ticket for ticket in self.desk.shown() if ticket.updated >= since]
        if query.get("order") != "id" or query.get("orderdesc") != "false":
            rows.sort(key=lambda ticket: -ticket.updated)
        size = min(int(query.get("page_size", 50)), self.page_cap)
        at = (int(query.get("page_no", 1)) - 1) * size
        shown = [self.row(ticket) for ticket in rows[at:at + size]]
        return Answer({"page_no": int(query.get("page_no", 1)), "page_size": size, "record_count": len(rows),
                       "tickets": shown, "include_children": False}, is_list=True)

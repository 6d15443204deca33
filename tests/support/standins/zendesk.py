"""Zendesk: the cursor form of the incremental ticket export, ordered by generated_timestamp, with its side-loads,
deleted tickets and rows whose updated_at is older than what they are ordered by."""

import base64
import datetime
import time

from .base import Answer, StandInBase

EMAIL, TOKEN = "agent@example.com", "token-of-the-zendesk-stand-in"
EXPORT = "/api/v2/incremental/tickets/cursor.json"
STATUSES = {"new": "new", "open": "open", "pending": "pending", "resolved": "solved", "closed": "closed"}
PRIORITIES = {"critical": "urgent", "high": "high", "medium": "normal", "low": "low", "none": None}
TOO_RECENT = 60  # seconds


def text(at):
    return None if at is None else datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class StandIn(StandInBase):
    kind = "zendesk"
    page_cap = 1000
    promised = ("title", "status", "created_at", "updated_at", "resolved_at", "closed_at", "due_at",
                "first_response_at", "assignee", "priority")

    def options(self):
        return {"url": self.url, "email": EMAIL}

    def secrets(self):
        return {"api_token": TOKEN}

    def expected(self, ticket):
        made = super().expected(ticket)
        answered = ticket.first_response
        solved = ticket.status in ("resolved", "closed")
        made["first_response_at"] = None if answered is None else answered - (answered - ticket.created) % 60
        made["resolved_at"] = ticket.resolved if solved else None
        made["closed_at"] = (ticket.closed or ticket.updated) if ticket.status == "closed" else None
        made["due_at"] = None if solved else ticket.due
        made["priority"] = None if ticket.priority == "none" else ticket.priority
        return made

    def forget(self):
        """Cursors made before are worth nothing from now on."""
        self.epoch = getattr(self, "epoch", 0) + 1
        self.began = int(time.time())
        self.known = {ticket.id: ticket for ticket in self.desk.all()}
        self.deleted = {}

    def generated(self, ticket):
        """When Zendesk touched it last: now and then later than people did."""
        later = ticket.updated + 3600
        return later if ticket.id % 7 == 0 and later < self.began - 120 else ticket.updated

    def look_for_deleted(self):
        with self.desk.lock:
            current = {number: ticket for number, ticket in self.desk.tickets.items()}
        for number in set(self.known) - set(current):
            self.deleted[number] = (self.known[number], int(time.time()))
        self.known.update(current)
        for number in self.deleted:
            self.known.pop(number, None)

    def answer(self, request):
        if request.headers.get("Authorization") != basic(EMAIL + "/token", TOKEN):
            return Answer({"error": "Couldn't authenticate you"}, 401)
        if request.path == EXPORT:
            return self.export(request)
        if request.path == "/api/v2/tickets.json":
            rows = sorted(self.desk.all(), key=lambda ticket: -ticket.updated)[:int(request.query["page[size]"])]
            return Answer({"tickets": [self.row(ticket) for ticket in rows], "meta": {"has_more": False}})
        return Answer({"error": "InvalidEndpoint"}, 404)

    def rows(self, with_deleted):
        self.look_for_deleted()
        rows = [(self.generated(ticket), ticket.id, self.row(ticket)) for ticket in self.desk.all()]
        if with_deleted:
            rows += [(at, number, {**self.row(ticket), "subject": "SCRUBBED", "status": "deleted",
                                   "generated_timestamp": at}) for number, (ticket, at) in self.deleted.items()]
        return sorted(rows, key=lambda row: row[:2])

    def export(self, request):
        place = self.place(request)
        if isinstance(place, Answer):
            return place
        size = min(int(request.query.get("per_page", 1000)), self.page_cap)
        behind = [row for row in self.rows(request.query.get("exclude_deleted") != "true") if row[:2] > place]
        shown = behind[:size]
        if shown:
            place = shown[-1][:2]
        cursor = base64.b64encode(f"{self.epoch}|{place[0]}.0||{place[1]}".encode()).decode()
        page = [row for _, _, row in shown]
        body = {"tickets": page, "after_cursor": cursor, "after_url": f"{self.url}{EXPORT}?cursor={cursor}",
                "end_of_stream": len(behind) <= size}
        self.side_load(request.query.get("include", "").split(","), page, body)
        return Answer(body, is_list=True)

    def place(self, request):
        """(generated_timestamp, id) behind which the page begins, or the Answer that refuses."""
        cursor = request.query.get("cursor")
        if cursor is None:
            start = int(request.query["start_time"])
            if start > time.time() - TOO_RECENT:
                return Answer({"error": "StartTimeTooRecent", "description": "Too recent start_time"}, 422)
            return (start, 0)
        try:
            epoch, at, number = base64.b64decode(cursor, validate=True).decode().replace("||", "|").split("|")
            if int(epoch) == self.epoch:
                return (int(float(at)), int(number))
        except ValueError:
            pass
        return Answer({"error": "InvalidCursor", "description": "This cursor is invalid"}, 400)

    def number_of(self, name):
        names = self.names = getattr(self, "names", {})
        return None if name is None else names.setdefault(name, 5000 + len(names))

    def row(self, ticket):
        solved = ticket.status in ("resolved", "closed")
        row = {"id": ticket.id, "subject": ticket.title, "status": STATUSES[ticket.status],
               "priority": PRIORITIES[ticket.priority], "type": "incident", "via": {"channel": "web"},
               "assignee_id": self.number_of(ticket.assignee), "requester_id": self.number_of(ticket.requester),
               "group_id": self.number_of(ticket.group), "created_at": text(ticket.created),
               "updated_at": text(ticket.updated), "due_at": None, "generated_timestamp": self.generated(ticket),
               "satisfaction_rating": {"score": "offered" if ticket.csat is None else
                                       "good" if ticket.csat > 3 else "bad"}}
        if ticket.due is not None and not solved:
            row["slas"] = {"policy_metrics": [
                {"metric": "first_reply_time", "breach_at": text(ticket.created), "stage": "active"},
                {"metric": "requester_wait_time", "breach_at": text(ticket.due), "stage": "active"}]}
        return row

    def metric_set(self, row):
        ticket = self.known[row["id"]]
        answered = None if ticket.first_response is None else (ticket.first_response - ticket.created) // 60
        return {"ticket_id": ticket.id, "reopens": ticket.reopens, "assignee_stations": 1,
                "solved_at": text(ticket.resolved), "status_updated_at": text(ticket.closed),
                "reply_time_in_minutes": {"calendar": answered, "business": None}}

    def side_load(self, include, page, body):
        people = [{"id": number, "name": name} for name, number in getattr(self, "names", {}).items()]
        if "users" in include:
            body["users"] = people
        if "groups" in include:
            body["groups"] = people
        if "metric_sets" not in include:
            return
        # In the ticket or beside it: which of the two is not said, so that both come.
        body["metric_sets"] = []
        for row in page:
            if row["status"] == "deleted":
                continue
            if row["id"] % 2:
                body["metric_sets"].append(self.metric_set(row))
            else:
                row["metric_set"] = self.metric_set(row)

    def next_link(self, answer, link):
        answer.body.update(after_cursor=link, after_url=link, end_of_stream=False)

"""Jira Service Management (Cloud): the search of issues by JQL, whose times are minutes of the account's zone, paged
by tokens that hold the last issue's place and the question; SLA cycles as custom fields."""

import base64
import datetime
import json
import re
import zoneinfo

from .base import Answer, StandInBase

EMAIL, TOKEN = "agent@example.com", "token-of-the-jira-stand-in"
ZONE = zoneinfo.ZoneInfo("America/New_York")
STATUSES = {"new": ("To triage", "new"), "open": ("Work in progress", "indeterminate"),
            "pending": ("Waiting for customer", "indeterminate"), "resolved": ("Resolved", "done"),
            "closed": ("Closed", "done")}
PRIORITIES = {"critical": "Highest", "high": "High", "medium": "Medium", "low": "Low", "none": "Unranked"}
FIRST_RESPONSE, RESOLUTION, SATISFACTION = "customfield_10051", "customfield_10052", "customfield_10053"
SLA = "com.atlassian.servicedesk:sd-sla-field"
FIELDS = [{"id": "summary", "name": "Summary", "schema": {"type": "string", "system": "summary"}},
          {"id": "customfield_10050", "name": "Time to close after resolution", "schema": {"custom": SLA}},
          {"id": FIRST_RESPONSE, "name": "Time to first response", "schema": {"custom": SLA}},
          {"id": RESOLUTION, "name": "Time to resolution", "schema": {"custom": SLA}},
          {"id": SATISFACTION, "name": "Satisfaction",
           "schema": {"custom": "com.atlassian.servicedesk:sd-request-feedback"}}]
JQL = re.compile(r'project in \("(\w+)"\)(?: AND updated >= "(\d{4}-\d\d-\d\d \d\d:\d\d)")? '
                 r'ORDER BY (updated|created) ASC')


def text(at):
    """As Jira writes times: in the account's zone, milliseconds, an offset without a colon."""
    return None if at is None else datetime.datetime.fromtimestamp(at, ZONE).strftime("%Y-%m-%dT%H:%M:%S.000%z")


def moment(at):
    return {"iso8601": text(at).replace(".000", ""), "epochMillis": at * 1000, "friendly": "some day"}


class StandIn(StandInBase):
    kind = "jira"
    page_cap = 100
    promised = ("title", "status", "priority", "created_at", "updated_at", "resolved_at", "closed_at", "due_at",
                "first_response_at", "assignee")

    def options(self):
        return {"url": self.url, "email": EMAIL, "project": "SUP"}

    def secrets(self):
        return {"api_token": TOKEN}

    def expected(self, ticket):
        made = super().expected(ticket)
        done = ticket.status in ("resolved", "closed")
        made["closed_at"] = ticket.closed or ticket.resolved if done else None
        made["sla_met"] = None if ticket.due is None else False if ticket.sla_met is False else \
            True if done else None
        return made

    def forget(self):
        """Tokens made before are worth nothing from now on."""
        self.epoch = getattr(self, "epoch", 0) + 1

    def answer(self, request):
        login = "Basic " + base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != login:
            return Answer({"errorMessages": ["Client must be authenticated to access this resource."]}, 401)
        if request.path == "/rest/api/3/myself":
            return Answer({"accountId": "5b10", "timeZone": ZONE.key})
        if request.path == "/rest/api/3/field":
            return Answer(FIELDS)
        if request.path == "/rest/api/3/search/jql" and request.method == "POST":
            return self.search(request.json)
        if request.path in ("/rest/api/3/search", "/rest/api/2/search"):
            return Answer({"errorMessages": ["The requested API has been removed."]}, 410)
        return Answer({"errorMessages": ["Nothing here"]}, 404)

    def search(self, question):
        parsed = JQL.fullmatch(question["jql"])
        if parsed is None or parsed[1] != "SUP":
            return Answer({"errorMessages": [f"Error in the JQL Query: {question['jql']}"]}, 400)
        rows = self.desk.all()
        if parsed[2]:
            begin = datetime.datetime.strptime(parsed[2], "%Y-%m-%d %H:%M").replace(tzinfo=ZONE).timestamp()
            rows = [ticket for ticket in rows if ticket.updated >= begin]
        order = (lambda ticket: [getattr(ticket, parsed[3]), ticket.id])
        rows.sort(key=order)
        place = self.place(question)
        if place is None:
            return Answer({"errorMessages": ["The provided next page token is invalid or expired."]}, 400)
        rows = [ticket for ticket in rows if order(ticket) > place]
        size = min(question.get("maxResults", 50), self.page_cap)
        wanted = question.get("fields") or ["id"]
        answer = Answer({"issues": [self.row(ticket, wanted, question.get("expand")) for ticket in rows[:size]],
                         "isLast": len(rows) <= size}, is_list=True)
        if len(rows) > size:
            token = json.dumps([self.epoch, order(rows[size - 1]), question["jql"]])
            answer.body["nextPageToken"] = base64.b64encode(token.encode()).decode()
        return answer

    def place(self, question):
        """Behind which issue the page begins; None for a token that is of no use."""
        token = question.get("nextPageToken")
        if token is None:
            return [0, 0]
        try:
            epoch, place, jql = json.loads(base64.b64decode(token, validate=True))
            return place if epoch == self.epoch and jql == question["jql"] else None
        except ValueError:
            return None

    def row(self, ticket, wanted, expand):
        issue = {"id": str(ticket.id), "key": f"SUP-{ticket.id}", "expand": "names", "self": f"{self.url}/x"}
        fields = {name: value for name, value in self.fields(ticket).items() if name in wanted}
        if fields:
            issue["fields"] = fields
        if expand == "changelog":
            taken_back = {"field": "resolution", "from": "10000", "to": None}
            issue["changelog"] = {"histories": [{"id": str(at), "items": [taken_back]}
                                                for at in range(ticket.reopens)]}
        return issue

    def fields(self, ticket):
        name, category = STATUSES[ticket.status]
        done = category == "done"
        return {
            "summary": ticket.title, "status": {"name": name, "statusCategory": {"key": category}},
            "priority": {"name": PRIORITIES[ticket.priority]}, "issuetype": {"name": ticket.category},
            "project": {"key": "SUP", "name": "Support"},
            "assignee": ticket.assignee and {"accountId": "a", "displayName": ticket.assignee},
            "reporter": ticket.requester and {"accountId": "b", "displayName": ticket.requester},
            "created": text(ticket.created), "updated": text(ticket.updated),
            "resolutiondate": text(ticket.resolved), "duedate": None,
            "statuscategorychangedate": text(ticket.closed or ticket.resolved if done else ticket.created),
            FIRST_RESPONSE: self.cycles(ticket, ticket.created, ticket.first_response, None),
            RESOLUTION: ticket.due and self.cycles(
                ticket, ticket.due, (ticket.resolved or ticket.updated) if done else None, ticket.sla_met),
            SATISFACTION: ticket.csat and {"rating": ticket.csat}}

    def cycles(self, ticket, breach, stop, met):
        cycle = {"startTime": moment(ticket.created), "breachTime": moment(breach), "breached": met is False}
        if stop is None:
            return {"completedCycles": [], "ongoingCycle": {**cycle, "paused": False}}
        return {"completedCycles": [{**cycle, "stopTime": moment(stop)}]}

    def next_link(self, answer, link):
        answer.body.update(nextPageToken=link, isLast=False)

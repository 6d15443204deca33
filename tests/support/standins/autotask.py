"""Autotask PSA: a zone to be looked up, queries by POST, a next address that wants the same body again and grows
with every page, picklists instead of words, and a quota that all tools of the MSP share."""

import datetime
import json
import urllib.parse

from .base import Answer, StandInBase

USER, SECRET, CODE = "api@acme.example", "s3cret-of-autotask", "CODE123"
LOOK_UP, ZONE = "/atservicesrest/v1.0/zoneinformation", "/ATServicesRest"
STATUSES = {"new": 1, "open": 8, "pending": 7, "resolved": 24, "closed": 5}
STATUS_LABELS = {1: "New", 8: "In Progress", 7: "Waiting Customer", 24: "Resolved", 5: "Complete"}
PRIORITIES = {"critical": 4, "high": 1, "medium": 2, "low": 3, "none": 9}
PRIORITY_LABELS = {4: "Critical", 1: "High", 2: "Medium", 3: "Low", 9: "Somebody's own"}
TIMES = {"createDate": "created", "lastActivityDate": "updated", "resolvedDateTime": "resolved",
         "completedDate": "closed", "resolvedDueDateTime": "due", "firstResponseDateTime": "first_response"}


def text(at):
    return None if at is None else datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%S.000Z")


def fault(*messages, status=500):
    return Answer({"errors": list(messages)}, status)


class StandIn(StandInBase):
    kind = "autotask"
    real_page_cap = 500
    promised = ("title", "status", "priority", "created_at", "updated_at", "resolved_at", "closed_at", "due_at",
                "first_response_at", "assignee")

    def options(self):
        return {"url": self.url, "user": USER}

    def secrets(self):
        return {"secret": SECRET, "integration_code": CODE}

    def reset(self, tickets=300):
        self.people = []
        self.zone_url = self.url + ZONE + "/"
        # Calls in the last hour of how many. The real threshold of 10,000 would make a test wait.
        self.threshold, self.used = 10000000, 0
        return super().reset(tickets)

    def forget(self):
        """Next addresses given before lead nowhere from now on."""
        self.epoch = getattr(self, "epoch", 0) + 1
        self.body = None

    def row(self, ticket):
        row = {"id": ticket.id, "ticketNumber": f"T2026.{ticket.id}", "title": ticket.title,
               "status": STATUSES[ticket.status], "priority": PRIORITIES[ticket.priority],
               "assignedResourceID": self.person(ticket.assignee), "queueID": None, "companyID": 0,
               "lastTrackedModificationDateTime": text(ticket.updated), "dueDateTime": text(ticket.due),
               "serviceLevelAgreementHasBeenMet": ticket.sla_met, "userDefinedFields": []}
        row.update({name: text(getattr(ticket, ours)) for name, ours in TIMES.items()})
        return row

    def person(self, name):
        if name is None:
            return None
        if name not in self.people:
            self.people.append(name)
        return 29682800 + self.people.index(name)

    def answer(self, request):
        path = request.path.lower()
        if path == LOOK_UP:
            if request.headers.get("Secret"):
                return fault("Nobody asked for a secret", status=400)
            known = request.query.get("user") == USER
            return Answer({"zoneName": "Stand-in", "url": self.zone_url, "webUrl": self.url, "ci": 1}) if known else \
                fault("Zone information could not be determined")
        given = tuple(request.headers.get(name) for name in ("ApiIntegrationCode", "UserName", "Secret"))
        if given != (CODE, USER, SECRET):
            return Answer({"errors": ["Unauthorized"]}, 401)
        known = {("GET", "thresholdinformation"): self.tell_threshold,
                 ("GET", "tickets/entityinformation/fields"): self.tell_fields,
                 ("POST", "resources/query"): self.list_people,
                 ("POST", "tickets/query"): self.list_tickets,
                 ("POST", "tickets/query/next"): self.list_next}
        handler = known.get((request.method, path.removeprefix("/atservicesrest/v1.0/")))
        return handler(request) if handler else Answer({"Message": "No HTTP resource was found"}, 404)

    def tell_threshold(self, _):
        return Answer({"externalRequestThreshold": self.threshold, "requestThresholdTimeframe": 60,
                       "currentTimeframeRequestCount": self.used})

    def tell_fields(self, _):
        def picklist(name, labels):
            return {"name": name, "dataType": "integer", "isPickList": True, "picklistValues": [
                {"value": str(number), "label": label, "isActive": True} for number, label in labels.items()]}
        return Answer({"fields": [{"name": "id", "dataType": "long", "picklistValues": None},
                                  picklist("status", STATUS_LABELS), picklist("priority", PRIORITY_LABELS)]})

    def list_people(self, _):
        # Names with blanks in them come in two halves.
        for ticket in self.desk.shown():
            self.person(ticket.assignee)
        halves = [name.partition(" ") for name in self.people]
        return Answer({"items": [{"id": 29682800 + at, "firstName": first, "lastName": last or None}
                                 for at, (first, _, last) in enumerate(halves)],
                       "pageDetails": {"count": len(halves), "prevPageUrl": None, "nextPageUrl": None}})

    def list_tickets(self, request):
        self.body = request.body
        return self.page(request, 0, [-1])

    def list_next(self, request):
        if request.body != self.body or request.query.get("epoch") != str(self.epoch):
            return Answer({"errors": ["The page asked for belongs to no query"]}, 404)
        paging = json.loads(request.query["paging"])
        return self.page(request, paging["nextIds"][0], paging["previousIds"])

    def page(self, request, behind, previous):
        asked = request.json
        since = 0
        for one in asked["filter"]:
            if (one["field"], one["op"]) == ("lastActivityDate", "gte"):
                since = datetime.datetime.fromisoformat(one["value"].replace("Z", "+00:00")).timestamp()
            elif (one["field"], one["op"]) == ("id", "gt"):
                behind = max(behind, one["value"])
            elif (one["field"], one["op"]) != ("id", "exist"):
                return fault(f"Unable to find {one['field']} in the Tickets entity")
        size = min(asked.get("MaxRecords", 500), 500, self.page_cap)
        rows = [ticket for ticket in self.desk.shown() if ticket.id > behind and ticket.updated >= since]
        wanted = asked["IncludeFields"]
        shown = [{name: value for name, value in self.row(ticket).items() if name in wanted}
                 for ticket in rows[:size]]
        details = {"count": len(shown), "requestCount": size, "prevPageUrl": None, "nextPageUrl": None}
        if len(rows) > size:
            paging = {"pageSize": size, "previousIds": previous + [behind], "nextIds": [rows[size - 1].id]}
            query = urllib.parse.urlencode({"paging": json.dumps(paging), "epoch": self.epoch})
            details["nextPageUrl"] = f"{self.url}{ZONE}/V1.0/Tickets/query/next?{query}"
        return Answer({"items": shown, "pageDetails": details}, is_list=True)

    def next_link(self, answer, link):
        answer.body["pageDetails"]["nextPageUrl"] = link

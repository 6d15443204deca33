"""GLPI: sessions, a search by numbered options and ranges, times on the wall of its own zone, people as numbers, and
a range behind the end that is an error."""

import datetime
import re
import secrets as random_secrets
import zoneinfo

from .base import Answer, StandInBase

ZONE = zoneinfo.ZoneInfo("Europe/Paris")
USER_TOKEN, APP_TOKEN = "user-token-of-glpi", "app-token-of-glpi"
STATUSES = {"new": 1, "open": 2, "pending": 4, "resolved": 5, "closed": 6}
PRIORITIES = {"critical": 6, "high": 4, "medium": 3, "low": 2, "none": 1}
COLUMNS = {"1": "name", "2": "id", "3": "priority", "12": "status", "15": "date", "16": "closedate",
           "17": "solvedate", "18": "time_to_resolve", "19": "date_mod", "150": "takeintoaccount_delay_stat"}
MOST_ROWS = 990


def text(at):
    return None if at is None else datetime.datetime.fromtimestamp(at, ZONE).strftime("%Y-%m-%d %H:%M:%S")


def read_back(at, coming=0):
    """What a reader can make of such a text: of an hour that comes twice, the first or the second."""
    return None if at is None else int(datetime.datetime.fromtimestamp(at, ZONE).replace(fold=coming).timestamp())


def refusal(code, status=400):
    return Answer([code, "See the API's documentation"], status)


class StandIn(StandInBase):
    kind = "glpi"
    real_page_cap = 200
    promised = ("title", "status", "priority", "created_at", "updated_at", "resolved_at", "closed_at", "due_at",
                "assignee")

    def options(self):
        return {"url": self.url, "timezone": ZONE.key}

    def secrets(self):
        return {"user_token": USER_TOKEN, "app_token": APP_TOKEN}

    def reset(self, tickets=300):
        self.people = []
        self.columns = dict(COLUMNS)
        return super().reset(tickets)

    def forget(self):
        """Sessions end."""
        self.sessions = set()

    def expected(self, ticket):
        made = super().expected(ticket)
        # GLPI has no priority "none": very low is the least there is.
        made["priority"] = "low" if ticket.priority == "none" else ticket.priority
        return {**made, **{name: read_back(made[name], coming=int(name == "updated_at"))
                           for name in made if name.endswith("_at")}}

    def row(self, ticket):
        person = self.person(ticket.assignee)
        delay = (ticket.first_response or 0) - ticket.created
        return {"1": ticket.title, "2": ticket.id, "3": PRIORITIES[ticket.priority], "4": None,
                "5": [person, 2] if person and ticket.id % 5 == 0 else person, "7": ticket.category, "8": ticket.group,
                "9": "E-Mail", "12": STATUSES[ticket.status], "15": text(ticket.created), "16": text(ticket.closed),
                "17": text(ticket.resolved), "18": text(ticket.due), "19": text(ticket.updated), "62": ticket.csat,
                "80": "Root entity", "150": max(delay, 0)}

    def person(self, name):
        if name is None:
            return None
        if name not in self.people:
            self.people.append(name)
        return 10 + self.people.index(name)

    def answer(self, request):
        path = request.path.removeprefix("/apirest.php/")
        if request.method != "GET" or path == request.path:
            return refusal("ERROR_METHOD_NOT_ALLOWED", 405)
        if request.headers.get("App-Token") != APP_TOKEN:
            return refusal("ERROR_WRONG_APP_TOKEN_PARAMETER")
        if path == "initSession":
            if request.headers.get("Authorization") != f"user_token {USER_TOKEN}":
                return refusal("ERROR_GLPI_LOGIN_USER_TOKEN", 401)
            token = random_secrets.token_hex(13)
            self.sessions.add(token)
            return Answer({"session_token": token})
        if request.headers.get("Session-Token") not in self.sessions:
            return refusal("ERROR_SESSION_TOKEN_INVALID", 401)
        known = {"killSession": self.end_session, "listSearchOptions/Ticket": self.tell_columns,
                 "User": self.list_people, "search/Ticket": self.search}
        return known[path](request) if path in known else refusal("ERROR_RESOURCE_NOT_FOUND_NOR_COMMONDBTM")

    def end_session(self, request):
        self.sessions.discard(request.headers.get("Session-Token"))
        return Answer(None)

    def tell_columns(self, _):
        return Answer({"common": "Characteristics", **{
            number: {"name": column, "table": "glpi_tickets", "field": column, "datatype": "text"}
            for number, column in self.columns.items()}})

    def list_people(self, request):
        for ticket in self.desk.shown():
            self.person(ticket.assignee)
        # Where a name has no blank, only the login tells it.
        halves = [(name, *name.partition(" ")[::2]) for name in self.people]
        rows = [{"id": 10 + at, "name": name if not last else f"login{at}", "firstname": first if last else None,
                 "realname": last or None} for at, (name, first, last) in enumerate(halves)]
        begin, end = self.span(request)
        return Answer(rows[begin:end + 1], 206 if end + 1 < len(rows) else 200)

    @staticmethod
    def span(request):
        begin, _, end = request.query.get("range", "0-49").partition("-")
        return int(begin), int(end)

    def search(self, request):
        rows = self.desk.shown()
        since = request.query.get("criteria[0][value]")
        if since is not None:
            if (request.query.get("criteria[0][field]"), request.query.get("criteria[0][searchtype]")) != (
                    "19", "morethan") or not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", since):
                return refusal("ERROR")
            rows = [ticket for ticket in rows if text(ticket.updated) > since]
        if request.query.get("sort") == "2":
            rows.sort(key=lambda ticket: ticket.id)
        else:
            rows.sort(key=lambda ticket: ticket.title)
        begin, end = self.span(request)
        if begin and begin >= len(rows):
            return refusal("ERROR_RANGE_EXCEED_TOTAL")
        wanted = {value for name, value in request.pairs if name.startswith("forcedisplay")} | {"1", "2", "80"}
        shown = rows[begin:begin + min(end - begin + 1, self.page_cap, MOST_ROWS)]
        body = {"totalcount": len(rows), "count": len(shown), "sort": ["2"], "order": ["ASC"]}
        if shown:
            body["data"] = [{name: value for name, value in self.row(ticket).items() if name in wanted}
                            for ticket in shown]
        partial = begin + len(shown) < len(rows)
        return Answer(body, 206 if partial else 200, {
            "Content-Range": f"{begin}-{begin + max(len(shown), 1) - 1}/{len(rows)}",
            "Accept-Range": f"Ticket {MOST_ROWS}"}, is_list=True)

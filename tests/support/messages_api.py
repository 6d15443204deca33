#!/usr/bin/python3
"""A stand-in for the Messages endpoint of the Claude API, on loopback, for tests and for trying summaries out.

usage: messages_api.py [PORT]

It writes what the facts in the prompt say, in the language asked for. As a module, `MessagesApi` does as a test tells
it: `answer(request, number)` returns the text to answer with, or a `Reply`; `number` counts from 1. `true_text` is a
text that the facts bear out, `lying_text` the same with one number changed."""

import http.server
import json
import random
import re
import sys
import threading
import time

COLUMN = re.compile(r"(now|before|change|percent) (f\d+)=(.*?)(?= (?:now|before|change|percent) f\d+=|$)")


class Reply:
    """An answer of another kind than a good text. `delay` None: it never comes."""

    def __init__(self, status=200, headers=(), body=None, text=None, stop_reason="end_turn", delay=0.0, usage=True):
        self.status, self.headers, self.body, self.delay = status, dict(headers), body, delay
        self.text, self.stop_reason, self.usage = text, stop_reason, usage


class Request:
    """One request that came in."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body, self.at = path, headers, body, time.monotonic()
        self.json = json.loads(body)

    @property
    def prompt(self):
        return self.json["messages"][0]["content"]

    @property
    def language(self):
        return "fr" if "in French" in self.prompt.split("<facts>")[0] else "en"

    def facts(self):
        """{(head of the block, metric): {column: (id, value as written)}} of the values that are known."""
        found, head = {}, None
        for line in self.prompt.split("<facts>")[1].split("</facts>")[0].strip().splitlines():
            columns = {name: (fact, value) for name, fact, value in COLUMN.findall(line) if value != "-"}
            if columns:
                found[head, line.split(":")[0].split(" (good")[0]] = columns
            elif line.endswith(":"):
                head = line[:-1]
        return found


# What is said of each metric of the whole tenant, in either language: some ways, of which one is drawn. {now} and
# {before} are values with their citations.
SENTENCES = {
    "en": {
        "tickets_created": ("{now} tickets were created in this period, compared with {before} in the previous period.",
                            "{now} tickets were created, against {before} in the previous period."),
        "tickets_resolved": ("{now} tickets were resolved, {before} in the previous period.",
                             "The team resolved {now} tickets."),
        "backlog": ("The backlog stood at {now} tickets at the end of the period.",
                    "At the end of the period the backlog was {now} tickets, {before} in the previous period."),
        "sla_compliance": ("SLA compliance was {now}.", "SLA compliance was {now}, against {before} in the previous period."),
        "resolution_minutes_p50": ("The median resolution time was {now}.",),
        "first_response_minutes_p50": ("The median time to first response was {now}.",),
        "csat_mean": ("The average satisfaction score was {now} out of 5.",),
        "tickets_reopened": ("{now} tickets were reopened.",),
    },
    "fr": {
        "tickets_created": ("{now} tickets ont été créés, contre {before} sur la période précédente.",
                            "{now} tickets ont été créés sur la période."),
        "tickets_resolved": ("{now} tickets ont été résolus, contre {before} sur la période précédente.",
                             "{now} tickets ont été résolus."),
        "backlog": ("Le stock de tickets ouverts était de {now} tickets à la fin de la période.",
                    "{now} tickets restaient ouverts à la fin de la période."),
        "sla_compliance": ("Le respect du SLA était de {now}.",
                           "Le respect du SLA était de {now}, contre {before} sur la période précédente."),
        "resolution_minutes_p50": ("Le délai médian de résolution était de {now}.",),
        "first_response_minutes_p50": ("Le délai médian de première réponse était de {now}.",),
        "csat_mean": ("La note moyenne de satisfaction était de {now} sur 5.",),
        "tickets_reopened": ("{now} tickets ont été rouverts.",),
    },
}


def other_number(value, draw):
    """The value as written with its last number changed."""
    last = list(re.finditer(r"\d+", value))[-1]
    changed = draw.choice([n for n in range(1, 10)]) + int(last.group())
    return value[:last.start()] + str(changed) + value[last.end():]


def compose(request, draw, is_lie=lambda: False):
    """(text, whether a number in it is a lie): `is_lie` is asked for every number."""
    facts, sentences, lied = request.facts(), [], False

    def cite(columns, name):
        nonlocal lied
        fact, value = columns[name]
        if is_lie():
            lied, value = True, other_number(value, draw)
        return f"{value} [{fact}]"
    for metric, ways in SENTENCES[request.language].items():
        columns = facts.get(("All tickets", metric), {})
        usable = [way for way in ways if "now" in columns and ("before" in columns or "{before}" not in way)]
        if usable:
            way = draw.choice(usable)
            values = {name: cite(columns, name) for name in ("now", "before") if "{%s}" % name in way}
            # A citation stands behind the claim, so behind the words that follow the number.
            sentences.append(move_citations(way, values))
    return "\n\n".join((" ".join(sentences[:3]), " ".join(sentences[3:]))), lied


def move_citations(way, values):
    """Fills in the values; each citation goes behind the clause that its number stands in."""
    clauses = re.split(r"(?<=,) |(?<=\.)$", way)
    made = []
    for clause in filter(None, clauses):
        end = clause[-1]
        cited = [re.search(r" (\[f\d+\])$", values[name]).group(1) for name in values if "{%s}" % name in clause]
        bare = clause[:-1].format(**{name: value.rsplit(" [", 1)[0] for name, value in values.items()})
        made.append(f"{bare}{' ' if cited else ''}{''.join(cited)}{end}")
    return " ".join(made)


def true_text(request, seed=0):
    return compose(request, random.Random(seed))[0]


def lying_text(request, seed=0):
    """A text with exactly one number changed."""
    draw = random.Random(seed)
    lies = iter([False] * draw.randrange(4) + [True])
    return compose(request, draw, lambda: next(lies, False))[0]


def usage_of(request, text):
    return {"input_tokens": len(request.body) // 4, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": len(text) // 4 + 1}


def message(request, text, stop_reason="end_turn", usage=True):
    made = {"id": "msg_stand_in", "type": "message", "role": "assistant", "model": request.json["model"],
            "content": [{"type": "text", "text": text}], "stop_reason": stop_reason, "stop_sequence": None}
    return {**made, "usage": usage_of(request, text)} if usage else made


class MessagesApi:
    def __init__(self, port=0):
        self.requests = []
        self.answer = lambda request, number: true_text(request)
        self._released = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer._take(self, Request(self.path, self.headers, body))

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # the caller has gone

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _take(self, handler, request):
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        said = self.answer(request, number)
        reply = said if isinstance(said, Reply) else Reply(text=said)
        if self._released.wait(60 if reply.delay is None else reply.delay) or reply.delay is None:
            handler.close_connection = True
            return
        body = reply.body
        if body is None and reply.text is not None:
            body = json.dumps(message(request, reply.text, reply.stop_reason, reply.usage)).encode()
        elif body is None:
            body = json.dumps({"type": "error", "error": {"type": "api_error", "message": "scripted"}}).encode()
        try:
            handler.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)),
                                **reply.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            pass  # the caller has gone

    def close(self):
        self._released.set()
        self._server.shutdown()
        self._server.server_close()


def main():
    api = MessagesApi(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"CLAUDE_API_URL={api.url}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()

"""Bits of the shared memory turn over while two tenants ask: each gets its own answers or none, and it heals.

500 bits a part; ./ops/test nodes turns 10,000 over.
"""

import contextlib
import http.client
import os
import re
import threading
import time

import pytest

from harness.memory import SharedMemory
from harness.tickets import ticket
from harness.waiting import wait_until

FLIPS = int(os.environ.get("MSP_FLIPS", "500"))
PATHS = ["/v1/kpis/daily?from=2024-03-01&to=2024-03-31", "/v1/kpis/daily?from=2024-03-01&to=2024-03-31&by=category",
         "/v1/kpis/summary?from=2024-03-01&to=2024-03-31", "/v1/tickets?from=2024-03-01&to=2024-03-31"]
CLOSED = {401, 429, 503}  # unknown here, once more of too many unknown, or nothing loaded


class Asker:
    """Somebody who knows every right answer, and looks at each byte of those given."""

    def __init__(self, server, headers, answers, also=frozenset()):
        self.server, self.headers, self.answers, self.also = server, headers, answers, also
        self.given, self.refused = 0, 0
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)

    def ask(self, number):
        path = PATHS[number % len(PATHS)]
        body, tag = self.answers.get(path, (None, None))
        known = {"If-None-Match": tag} if number % 3 == 0 and tag else {}
        self.connection.request("GET", path, headers={**self.headers, **known})
        answer = self.connection.getresponse()
        given = answer.read()
        if answer.status in self.also:
            self.refused += 1
            return
        assert body is not None, f"let in: {answer.status} {given}"
        assert answer.status == (304 if known else 200), f"{answer.status} {given}"
        assert known or given == body, f"not what it was: {given}"
        assert answer.headers["ETag"] == tag
        self.given += 1


@contextlib.contextmanager
def asking(askers):
    """All of them, each from a thread of its own; the first that finds something wrong fails the test."""
    over, wrong = threading.Event(), []

    def run(asker):
        number = 0
        while not over.is_set() and not wrong:
            try:
                asker.ask(number)
            except (AssertionError, OSError, http.client.HTTPException) as problem:
                wrong.append(problem)
            number += 1
    threads = [threading.Thread(target=run, args=(asker,), daemon=True) for asker in askers]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
        for asker in askers:
            asker.connection.close()
    assert not wrong, wrong[0]


def resets(server):
    return int(re.search(r"^msp_answer_cache_resets_total (\d+)$", server.internal("GET", "/metrics").text, re.M)[1])


@pytest.fixture(scope="module")
def node(module_stack):
    server = module_stack.server(AUTH_FAILURES_PER_MINUTE="4000").start()
    for slug in ("flip-one", "flip-two"):
        server.add_tenant(slug, name=f"Name of {slug}")
        server.feed(slug, [ticket(f"{slug}-{n}", f"2024-03-{1 + n % 28:02}T10:00:00Z", title=f"of {slug}",
                                  category=f"Category {n % 7} of {slug}") for n in range(60)])
        server.compute(slug, "2024-03-01", "2024-03-31")
    return server


def right_answers(server, slug):
    """{path: (body, tag)}, each looked at for the other tenant's name."""
    headers = {"Authorization": f"Bearer {server.token('manager', slug)}"}
    other = {"flip-one": b"flip-two", "flip-two": b"flip-one"}[slug]
    given = {path: server.get(path, headers=headers).must(200) for path in PATHS}
    assert all(slug.encode() in given[path].body or "summary" in path for path in PATHS[1:2])
    assert not any(other in answer.body for answer in given.values())
    return headers, {path: (answer.body, answer.headers["ETag"]) for path, answer in given.items()}


def test_whatever_bits_of_kept_answers_flip_nobody_gets_another_byte(node):
    askers = [Asker(node, *right_answers(node, slug)) for slug in ("flip-one", "flip-two")]
    workers, before = node.workers(), resets(node)
    with SharedMemory(node, b'"rows":[', workers) as memory, asking(askers) as wrong:
        for number in range(FLIPS):
            if number % 10 == 0:
                memory.look()
            memory.flip()
            asked = sum(asker.given for asker in askers)
            wait_until(lambda: wrong or sum(asker.given for asker in askers) > asked, 10, "an answer", interval=0.0005)
            if wrong:
                break
    assert node.workers() == workers
    found = resets(node) - before
    print(f"{FLIPS} bits flipped, {sum(asker.given for asker in askers)} right answers")
    assert found, "no damage was found"  # how much is more than it can say: it stands in the same memory
    # It is a cache again.
    for asker in askers:
        for number in range(2 * len(PATHS)):
            asker.ask(number)
    hits = re.search(r"^msp_answer_cache_hits_total (\d+)$", node.internal("GET", "/metrics").text, re.M)
    assert int(hits[1]) > 0


def test_whatever_bits_of_tenants_and_keys_flip_nobody_is_let_in_who_is_not_and_all_are_again(node, expect_log):
    expect_log("shared (tenants|credentials) were damaged")
    stack = node.stack
    made = {slug: node.post("/v1/admin/keys", {"tenant": slug, "role": "manager", "name": "flips"},
                            token=node.token("admin")).must(201).json for slug in ("flip-one", "flip-two")}
    wait_until(lambda: all(node.get("/v1/me", headers={"X-API-Key": one["secret"]}).status == 200
                           for one in made.values()), 5, "the keys to be known")
    gone = node.post("/v1/admin/keys", {"tenant": "flip-one", "role": "manager", "name": "gone"},
                     token=node.token("admin")).must(201).json
    ended = node.token("manager", "flip-one", subject="ended@example.org")
    node.post("/v1/auth/logout", token=ended)
    node.add_tenant("flip-off")
    assert node.command("tenant", "disable", "flip-off").returncode == 0
    assert node.command("key", "revoke", gone["key"]["id"]).returncode == 0
    shut_out = [{"X-API-Key": gone["secret"]}, {"Authorization": f"Bearer {ended}"},
                {"Authorization": f"Bearer {node.token('manager', 'flip-off')}"}]
    for headers in shut_out:
        wait_until(lambda headers=headers: node.get(PATHS[0], headers=headers).status == 401, 5, "a refusal")
    askers = [Asker(node, headers, {}, CLOSED) for headers in shut_out]
    for slug, one in made.items():
        headers, answers = right_answers(node, slug)
        askers += [Asker(node, headers, answers, CLOSED), Asker(node, {"X-API-Key": one["secret"]}, answers, CLOSED)]
    workers, keeper = node.workers(), node.workers("snapshot")
    with contextlib.ExitStack() as ends:
        regions = [ends.enter_context(SharedMemory(node, marker, keeper))
                   for marker in (b"Name of flip-one", made["flip-one"]["key"]["id"].encode())]
        wrong = ends.enter_context(asking(askers))
        for number in range(FLIPS):
            for memory in regions:
                if number % 10 == 0:
                    memory.look()
                memory.flip()
            asked = sum(asker.given + asker.refused for asker in askers)
            wait_until(lambda: wrong or sum(asker.given + asker.refused for asker in askers) > asked, 10, "an answer",
                       interval=0.0005)
            if wrong:
                break
            if number % 10 == 9:  # the keeper looks every five seconds; so often it looks now
                stack.query("SELECT pg_notify('msp_tenants', '')")
    given, refused = (sum(getattr(asker, name) for asker in askers[len(shut_out):]) for name in ("given", "refused"))
    print(f"{2 * FLIPS} bits flipped, {given} right answers, {refused} refusals, none let in of {len(shut_out)} shut out")
    assert given and refused
    began = time.monotonic()
    for asker in askers[len(shut_out):]:
        wait_until(lambda asker=asker: node.get(PATHS[0], headers=asker.headers).status == 200, 15, "it to be whole again")
    print(f"whole again after {time.monotonic() - began:.1f} s")
    assert node.workers() == workers and node.workers("snapshot") == keeper

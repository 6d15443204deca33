"""The job worker in a world where every address there is leads back to a watcher, and DNS lies: no connection is begun
to a place inside, whatever a name, an address or a redirect says."""

import ipaddress
import os
import re
import subprocess
import time
import urllib.parse
import warnings

import pytest

from harness.databases import REPOSITORY
from harness.server import binary
from harness.waiting import wait_until
from harness.world import NoWorld, World

BYPASS = os.environ.get("MSP_EGRESS_BYPASS", os.path.join(REPOSITORY, "tests", "support", "egress_bypass.txt"))
INSIDE = [ipaddress.ip_network(text) for text in """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24
    192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4
    240.0.0.0/4 ::/8 64:ff9b::/32 100::/8 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 4000::/2 8000::/1
    """.split()]
PUBLIC, PUBLIC_SIX = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
MARK = (ipaddress.ip_address("10.9.9.9"), 80)  # where the entries with +private lead
SECRET = "0123456789abcdef0123456789abcdef"
# What DNS says of a name, time after time.
TURNING = {
    "turns.example": {"a": [[PUBLIC], ["127.0.0.1"]]},
    "turns-late.example": {"a": [[PUBLIC], [PUBLIC], ["169.254.169.254"]]},
    "turns-six.example": {"aaaa": [[PUBLIC_SIX], ["::1"]]},
    "turns-family.example": {"a": [[PUBLIC], []], "aaaa": [[], ["::ffff:127.0.0.1"]]},
    "mixed.example": {"a": [["127.0.0.1", PUBLIC]]},
    "mixed-back.example": {"a": [[PUBLIC, "10.0.0.1"], ["10.0.0.1"]]},
    "mixed-families.example": {"a": [[PUBLIC], ["10.0.0.1"]], "aaaa": [["::1"]]},
    "alias.example": {"cname": "localhost"},
    "alias-of-alias.example": {"cname": "alias.example"},
    "alias-inside.example": {"cname": "r301.example"},
    "zero.example": {"a": [["0.0.0.0"]], "aaaa": [["::"]]},
}
REDIRECTS = {f"r{status}.example": status for status in (301, 302, 303, 307, 308)}
ASIDE = ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:8080/", "//10.0.0.1/", "http://[::1]/",
         "file:///etc/passwd", "/200/"]
NAMED = r"([a-z0-9_-]{1,63}\.)*(?!0x)[a-z0-9_-]*[a-z_-][a-z0-9_-]*(:[1-9][0-9]{0,3})?"  # what an entry may say


def listed():
    """The list as (address, what DNS answers), each address by http and by https."""
    def byte(match):
        return chr(int(match[1], 16)) if match[1] else {"t": "\t", "n": "\n", "r": "\r"}[match[2]]
    with open(BYPASS, encoding="utf-8") as lines:
        for line in lines.read().split("\n"):
            url, _, answers = line.partition(" => ")
            url = re.sub(r"\\(?:x([0-9a-f]{2})|([tnr]))", byte, url)
            if url and not url.startswith("#") and "\0" not in url:
                answers = [ipaddress.ip_address(one.strip()) for one in answers.split(",") if one]
                yield url, answers
                yield re.sub("^(https?)(?=:)", lambda old: "http" if old[1] == "https" else "https", url), answers


def zones():
    """What DNS says in this world."""
    told_by_list = {urllib.parse.urlsplit(url).hostname.rstrip("."):
                    {kind: [[str(one) for one in answers if one.version == version]] for kind, version in (("a", 4), ("aaaa", 6))}
                    for url, answers in listed() if answers}
    return {**told_by_list, **TURNING, "silent.example": {"silent": True},
            **{name: {"a": [[str(MARK[0])]]} for name in REDIRECTS}}


def entries():
    """EGRESS_ALLOW: every host of the list as far as an entry can name it."""
    parts = {part.lower() for url, _ in listed() for part in re.split(r"[@/\\?#\s]", url.partition("//")[2])}
    named = {part for part in parts if re.fullmatch(NAMED, part)} | set(TURNING) | {"silent.example"}
    return ",".join(sorted(named | {f"http://{name}:80+private" for name in REDIRECTS}))


@pytest.fixture(scope="module")
def stack(module_stack):
    """Job workers outside must not take these callbacks."""
    return module_stack


@pytest.fixture(scope="module")
def world():
    """Where the machine gives no namespaces, the unit tests with a resolver and a network of their own must do."""
    try:
        made = World(zones())
    except NoWorld as why:
        for name in ("egress", "egress_bypass", "egress_lookup", "egress_log"):
            done = subprocess.run([os.path.join(os.path.dirname(binary()), "unit", name)], capture_output=True, check=False,
                                  timeout=300)
            assert done.returncode == 0, done.stderr.decode()[-4000:]
        warnings.warn(f"no namespaces here, so only the stand-ins inside one process were looked at: {why}")
        pytest.skip(f"no namespaces ({why}); the unit tests egress* were run in place of this file, and passed")
    yield made
    made.close()


@pytest.fixture(scope="module")
def caller(stack, world):
    """A server in that world."""
    one = world.put(stack.server(EGRESS_ALLOW=entries(), CALLBACK_SECRET=SECRET))
    one.start(ready=False)
    # A web server's threads wake each other by connections of their own, made before this line.
    wait_until(lambda: "Serving address=" in one.log(), 30, "the server to serve")
    world.forget()
    return one


def tell(stack, urls):
    """Callbacks to these addresses become due, as if each had passed the door; the id of the job they tell of."""
    (job,), = stack.query("INSERT INTO msp.jobs (kind, lane, parameters, run_at) VALUES ('kpi', 1, '{}', 'infinity')"
                          " RETURNING job_id::text")
    stack.query("INSERT INTO msp.callback_deliveries (job_id, url, state, answered_at, due_at, next_at)"
                " SELECT %s, url, 'waiting', now(), now(), now() FROM unnest(%s) url", (job, list(urls)))
    return job


def told(stack, job, timeout=20, failures=1):
    """{address: (state, last status, last error)} once each has failed so often or has ended; none is tried again."""
    def tried():
        rows = stack.query("SELECT url, state, last_status, last_error, state <> 'waiting' OR failures >= %s"
                           " FROM msp.callback_deliveries WHERE job_id = %s", (failures, job))
        return {url: tuple(rest) for url, *rest, done in rows} if all(row[-1] for row in rows) else None
    outcomes = wait_until(tried, timeout, "every callback to be tried")
    stack.query("DELETE FROM msp.callback_deliveries WHERE job_id = %s", (job,))
    return outcomes


def sought(stack, world):
    """Where calls went up to now but for the mark, whose being seen shows that all before it were."""
    before = world.sought().count(MARK)
    told(stack, tell(stack, ["http://r301.example/200/"]))
    wait_until(lambda: world.sought().count(MARK) > before, 10, "the last connection to be seen")
    return {(address, port) for address, port in world.sought() if (address, port) != MARK}


def inside(places):
    return {place for place in places if any(place[0] in network for network in INSIDE)}


def test_no_address_of_the_list_begins_a_connection_inside(stack, world, caller):
    outcomes = told(stack, tell(stack, {url for url, _ in listed()}), timeout=90)
    assert outcomes
    assert not inside(sought(stack, world))
    assert not [url for url, (state, status, _) in outcomes.items() if state == "taken" or status]


def test_a_name_that_turns_inward_is_followed_no_further(stack, world, caller):
    outcomes = told(stack, tell(stack, [f"https://{name}/" for name in TURNING]), failures=4)
    places = sought(stack, world)
    assert not inside(places)
    assert {(ipaddress.ip_address(PUBLIC), 443), (ipaddress.ip_address(PUBLIC_SIX), 443)} <= places, "none was called"
    assert world.asked("turns-late.example") >= 3
    for url, (state, status, reason) in outcomes.items():
        assert (state, status) == ("failed", None) and "not public" in reason, url


def test_a_redirect_is_a_failure_and_is_not_followed(stack, world, caller):
    urls = {f"http://{name}/{status}/{urllib.parse.quote(aside, safe='')}": status
            for name, status in REDIRECTS.items() for aside in ASIDE}
    before, marks = sought(stack, world), world.sought().count(MARK)
    outcomes = told(stack, tell(stack, urls))
    assert sought(stack, world) == before
    assert world.sought().count(MARK) == marks + len(urls) + 1, "each was to be called once"
    assert outcomes == {url: ("failed", status, "The receiver refused it for good.") for url, status in urls.items()}


def test_every_call_is_logged_without_what_it_carries(stack, world, caller):
    told(stack, tell(stack, ["http://r301.example/200/p4th?signature=qu3ry", "https://zero.example/p4th?x=qu3ry",
                             "http://169.254.169.254/p4th?x=qu3ry"]))
    log = caller.log()
    assert re.search(r"Called out purpose=callback method=POST host=r301\.example status=200 sent_received_bytes=\d{3,}/0 "
                     r"ms=\d+\n", log)
    for host in ("zero.example", "169.254.169.254"):
        assert re.search(rf"Called out purpose=callback method=POST host={re.escape(host)} sent_received_bytes=0/0 ms=\d+ "
                         r"code=egress_refused\n", log)
    for secret in ("p4th", "qu3ry", SECRET, "webhook-signature", "v1,"):
        assert secret not in log, secret


def test_a_resolver_that_never_answers_holds_up_neither_a_call_nor_the_end(stack, world, caller):
    """Last, since it ends the server."""
    begun = time.monotonic()
    state, status, reason = told(stack, tell(stack, ["https://silent.example/"]))["https://silent.example/"]
    assert time.monotonic() - begun < 15 and (state, status) == ("waiting", None) and "too long" in reason
    asked = world.asked("silent.example")
    tell(stack, ["https://silent.example/"])
    wait_until(lambda: world.asked("silent.example") > asked, 20, "the next try")
    begun = time.monotonic()
    caller.stop()
    assert time.monotonic() - begun < 8

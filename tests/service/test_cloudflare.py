"""Behind Cloudflare: what its tunnel may reach, whose word about the caller is believed, and what its caches may keep."""

import re
import urllib.parse
from pathlib import Path

import pytest
import yaml

from harness import described
from harness.databases import REPOSITORY
from harness.server import SECRETS

CONFIG = Path(REPOSITORY, "ops", "cloudflared", "config.yml")
NOWHERE = "http_status:404"
# Ways to write an address that some server somewhere takes for another one.
WRITINGS = ["{0}", "{0}/", "/{0}", "/./{0}", "//{0}", "/v1/..{0}", "/v1/../{0}", "/v1/%2e%2e{0}", "/assets/../..{0}", "/;{0}",
            "{0};x", "{0}%2f", "{0}%00", "/v1{0}", "/v1/.{0}"]


def tunnel():
    return yaml.safe_load(CONFIG.read_text(encoding="utf-8"))


def routed(host, target):
    """Where cloudflared sends a request: the first rule whose host is the same and whose expression is found in the
    decoded path. Its expressions are those of Go, of which the sample uses what Python has too."""
    path = urllib.parse.unquote(urllib.parse.urlsplit("http://host" + target).path)
    for rule in tunnel()["ingress"]:
        if rule.get("hostname", host) == host and ("path" not in rule or re.search(rule["path"], path)):
            return rule["service"]
    raise AssertionError("no rule fits; the last one must take all")


def host():
    return tunnel()["ingress"][0]["hostname"]


def operations(server):
    """(method, path with something for its parts, whether it is internal) of every address there is."""
    for path, methods in server.get("/openapi.json").must(200).json["paths"].items():
        for method in methods:
            inside = path.startswith("/internal/") or path == "/metrics"
            yield method.upper(), re.sub(r"\{[^}]*\}", "x", path), inside


# ---- the tunnel ----

def test_the_tunnel_reaches_what_is_meant_for_outside_and_nothing_else(server):
    assert "hostname" not in tunnel()["ingress"][-1] and tunnel()["ingress"][-1]["service"] == NOWHERE
    seen = {True: 0, False: 0}
    for _, path, inside in operations(server):
        assert routed(host(), path) == (NOWHERE if inside else "http://api:8000"), path
        assert routed("another.example.com", path) == NOWHERE
        seen[inside] += 1
    assert seen[True] > 8 and seen[False] > 20
    for path in ("/internal", "/metrics", "/internalx", "/admin", "/.env", "/v1", "/livez/x"):
        assert routed(host(), path) == NOWHERE, path


def spellings(path):
    yield from (writing.format(path) for writing in WRITINGS)
    yield path.upper()
    yield path.replace("i", "%69").replace("m", "%6d")
    yield path.replace("i", "%2569")


@pytest.mark.parametrize("path", ["/internal/tenants", "/metrics"])
def test_an_internal_route_is_not_reached_however_it_is_written(server, path):
    passed = 0
    for target in spellings(path):
        if routed(host(), target) == NOWHERE:
            continue
        passed += 1
        # The tunnel lets it by, so the server must know it for what it is, or not at all.
        answer = server.request("GET", target, token=SECRETS["SERVICE_TOKEN"], headers={"CF-Connecting-IP": "203.0.113.7"})
        assert answer.status in (400, 403, 404), (target, answer.status)
        assert b"msp_http" not in answer.body and b'"tenants"' not in answer.body
    assert passed  # the sample is not what stops these


def test_the_proxy_reaches_no_internal_route_whatever_it_says_or_leaves_out(new_server):
    server = new_server(TRUSTED_PROXIES="127.0.0.1", HTTP_WORKERS="1")
    for _, path, inside in operations(server):
        if inside:
            server.request("GET", path, token=SECRETS["SERVICE_TOKEN"]).must(403, 404, 405)
    answer = server.get("/metrics", token=SECRETS["SERVICE_TOKEN"], headers={"CF-Connecting-IP": "127.0.0.1"})
    assert answer.status == 403


def test_only_the_listed_may_call_internal_routes_even_with_the_token(new_server):
    server = new_server(INTERNAL_ALLOW="172.30.1.11/32", HTTP_WORKERS="1")
    server.internal("GET", "/internal/tenants").problem(403)
    server.get("/metrics", token=SECRETS["SERVICE_TOKEN"]).problem(403)
    assert server.get("/livez").status == 200


# ---- whose word is believed ----

@pytest.mark.parametrize("trusted,seen", [("127.0.0.1/32", "203.0.113.7"), ("172.30.2.3/32", "127.0.0.1")])
def test_the_callers_address_is_cloudflares_word_where_the_peer_is_trusted(new_server, trusted, seen):
    server = new_server(TRUSTED_PROXIES=trusted, HTTP_WORKERS="1", AUTH_FAILURES_PER_MINUTE="100")
    headers = {"CF-Connecting-IP": "203.0.113.7", "X-Forwarded-For": "198.51.100.9"}
    refused = server.post("/v1/auth/login", {"email": f"x{len(trusted)}@example.org", "password": "wrong password here"},
                          headers=headers)
    assert refused.status == 401
    addresses = server.stack.query("SELECT address FROM msp.audit_log WHERE action = 'sign_in.refused' AND request_id = %s",
                                   (refused.headers["X-Request-Id"],))
    assert addresses == [(seen,)]


# ---- what may be kept on the way ----

def test_no_answer_of_any_address_may_be_kept_at_the_edge(server, tenant):
    """With every credential there is; conftest.py holds each answer of every test against the same rule."""
    slug, told = tenant(), set()
    tokens = [None, SECRETS["SERVICE_TOKEN"], server.token("admin"), *(server.token(role, slug) for role in
                                                                      ("manager", "tech", "client"))]
    for method, path, _ in operations(server):
        for token in tokens:
            body = {} if method in ("POST", "PUT") and "login" not in path and "logout" not in path else None
            answer = server.request(method, path, json_body=body, token=token)
            shared = path in ("/openapi.json", "/assets/x") and answer.status < 400
            assert shared or answer.headers["CDN-Cache-Control"] == "no-store", (method, path, answer.status)
            assert shared or not re.search("public|s-maxage|max-age=[1-9]", answer.headers["Cache-Control"])
            told.add(path)
    assert len(told) > 40


def test_the_rule_for_every_test_finds_an_answer_that_may_be_kept():
    class Kept:
        status = 200
        headers = {"Cache-Control": "public, max-age=60"}
    assert len(described._kept_at_the_edge(None, Kept)) == 2  # pylint: disable=protected-access

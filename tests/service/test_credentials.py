"""API keys: made once, good everywhere at once, gone within a second, and never two credentials in one request."""

import base64
import json
import os
import signal
import threading
import time
import zlib

import pytest

from harness import http, tokens
from harness.server import SECRETS
from harness.waiting import wait_until

ME = "/v1/me"


def make_key(server, slug, role="manager", name="Power BI", **more):
    """A key by the command line, known to the server; (id, whole key)."""
    options = [word for pair in more.items() for word in (f"--{pair[0]}", pair[1])]
    done = server.command("key", "create", "--tenant", slug, "--role", role, "--name", name, "--json", *options)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    wait_until(lambda: by_key(server, made["key"]).status == 200, 5, "the key to be known")
    return made["id"], made["key"]


def by_key(server, key, path=ME, **headers):
    return server.get(path, headers={"X-API-Key": key, **headers})


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def listed(server, slug):
    done = server.command("key", "list", "--tenant", slug, "--json")
    assert done.returncode == 0, done.stderr
    return {key["id"]: key for key in json.loads(done.stdout)["keys"]}


# ---- what a key opens ----

@pytest.mark.parametrize("role", ["manager", "tech", "client"])
def test_a_key_opens_its_tenant_by_its_role_in_either_field(server, tenant, role):
    mine = tenant()
    key_id, key = make_key(server, mine, role)
    for headers in ({"X-API-Key": key}, basic(key_id, key)):
        me = server.get(ME, headers=headers).must(200).json
        assert me["role"] == role and me["tenant"] == mine and key_id in me["subject"]
        assert server.get("/v1/exports", headers=headers).status == (200 if role == "manager" else 403)
    server.get(f"/v1/tenants?tenant={mine}", headers={"X-API-Key": key}).problem(400)


def test_a_key_does_not_open_another_tenant_nor_internal_routes(server, tenant):
    mine, other = tenant(), tenant()
    _, key = make_key(server, mine)
    daily = "/v1/kpis/daily?from=2024-03-01&to=2024-03-01&tenant="
    by_key(server, key, daily + mine).must(200)
    by_key(server, key, daily + other).problem(403)
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        server.get("/internal/tenants", headers=headers).problem(401)


def test_the_key_is_stored_as_a_hash_and_written_nowhere(server, stack, tenant):
    mine = tenant()
    key_id, key = make_key(server, mine)
    assert key.startswith(f"mspk_{key_id}_") and len(key) == 71
    rows = stack.query("SELECT key_hash = sha256(convert_to(%s, 'UTF8')) FROM msp.api_keys WHERE key_id = %s",
                       (key, key_id))
    assert rows == [(True,)]
    secret = key.split("_")[2]
    assert secret not in server.log() and secret not in json.dumps(listed(server, mine))
    assert not stack.query("SELECT 1 FROM msp.audit_log WHERE audit_log::text LIKE %s", (f"%{secret}%",))


def test_making_and_revoking_a_key_is_in_the_audit_log(server, stack, tenant):
    mine = tenant()
    key_id, _ = make_key(server, mine, name="Audited")
    assert server.command("key", "revoke", key_id).returncode == 0
    lines = stack.query("SELECT action, actor, detail::text FROM msp.audit_log WHERE object = %s ORDER BY audit_id",
                        (key_id,))
    assert [line[0] for line in lines] == ["key.create", "key.revoke"]
    assert all(line[1].startswith("command line") for line in lines) and "Audited" in lines[0][2]


# ---- what a key no longer opens ----

def refusals(server, key):
    """What is told about a wrong key, without what differs in every answer."""
    members = by_key(server, key).problem(401)
    members.pop("request_id")
    return members


@pytest.mark.alone
def test_a_revoked_key_is_refused_within_a_second_on_every_node(server, new_server, tenant):
    mine = tenant()
    second = new_server()
    key_id, key = make_key(server, mine)
    wait_until(lambda: by_key(second, key).status == 200, 5, "the key on the second node")
    assert server.command("key", "revoke", key_id).returncode == 0
    began = time.monotonic()
    for node in (server, second):
        wait_until(lambda node=node: by_key(node, key).status == 401, 5, "the revocation")
    assert time.monotonic() - began < 1 or pytest.skip("the machine is too busy to say")
    assert listed(server, mine)[key_id]["status"] == "revoked"


def test_unknown_revoked_expired_and_mistyped_keys_are_told_the_same(server, stack, tenant):
    mine = tenant()
    revoked_id, revoked = make_key(server, mine, name="revoked")
    expired_id, expired = make_key(server, mine, name="expired", expires="2099-12-31")
    assert listed(server, mine)[expired_id]["expires_at"] == "2100-01-01T00:00:00Z"
    assert server.command("key", "revoke", revoked_id).returncode == 0
    stack.query("UPDATE msp.api_keys SET expires_at = now() - interval '1 second' WHERE key_id = %s RETURNING 1",
                (expired_id,))
    stack.query("SELECT pg_notify('msp_tenants', '')")
    for key in (revoked, expired):
        wait_until(lambda key=key: by_key(server, key).status == 401, 5, "the key to be gone")
    unknown = "mspk_0000000000000000_" + "0" * 43 + checksum("mspk_0000000000000000_" + "0" * 43)
    mistyped = revoked[:-1] + ("0" if revoked[-1] != "0" else "1")
    told = [refusals(server, key) for key in (revoked, expired, unknown, mistyped, "mspk_", "x" * 500)]
    assert all(one == told[0] for one in told) and told[0]["code"] == "key_wrong"


def checksum(text):
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    value, made = zlib.crc32(text.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        made = alphabet[digit] + made
    return made


def test_the_checksum_is_crc32_so_that_scanners_can_know_a_key(server, tenant):
    _, key = make_key(server, tenant())
    assert key[-6:] == checksum(key[:-6])


def test_a_key_expires_by_itself(server, tenant):
    mine = tenant()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    _, key = make_key(server, mine, expires=soon)
    wait_until(lambda: by_key(server, key).status == 401, 8, "the key to expire")


def test_a_disabled_tenants_key_opens_nothing_and_its_id_is_never_given_again(server, tenant):
    mine = tenant()
    _, key = make_key(server, mine)
    assert server.command("tenant", "disable", mine).returncode == 0
    wait_until(lambda: by_key(server, key).status == 401, 5, "the disabling")
    again = server.command("tenant", "add", mine, "--name", "Another", "--timezone", "UTC")
    assert again.returncode == 1 and "never given again" in again.stderr
    assert server.command("tenant", "enable", mine).returncode == 0
    wait_until(lambda: by_key(server, key).status == 200, 5, "the enabling")


def test_two_active_keys_may_share_a_name_so_that_one_can_take_over(server, tenant):
    mine = tenant()
    first, old = make_key(server, mine, name="BI")
    _, new = make_key(server, mine, name="BI")
    third = server.command("key", "create", "--tenant", mine, "--role", "tech", "--name", "BI")
    assert third.returncode == 1 and "revoke" in third.stderr
    by_key(server, old).must(200)
    by_key(server, new).must(200)
    assert server.command("key", "revoke", first).returncode == 0
    make_key(server, mine, name="BI")


def test_two_keys_asked_for_at_once_are_still_two_at_most(server, tenant):
    mine, codes = tenant(), []

    def ask():
        codes.append(server.command("key", "create", "--tenant", mine, "--role", "tech", "--name", "x").returncode)
    threads = [threading.Thread(target=ask) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(codes) == [0, 0, 1, 1, 1, 1]


# ---- the commands ----

@pytest.mark.parametrize("options", [["--role", "admin"], ["--role", "boss"], ["--expires", "soon"]])
def test_a_wrong_order_of_a_key_is_wrong_usage(server, options):
    given = {"--role": "tech", "--name": "n", "--tenant": "t", **dict([options])}
    done = server.command("key", "create", *[word for pair in given.items() for word in pair])
    assert done.returncode == 2 and not done.stdout


def test_a_key_for_nobody_or_of_the_past_and_an_unknown_id_fail_with_a_reason(server, tenant):
    mine = tenant()
    for arguments in (["create", "--tenant", "no-such", "--role", "tech", "--name", "n"],
                      ["create", "--tenant", mine, "--role", "tech", "--name", "n", "--expires", "2020-01-01"],
                      ["create", "--tenant", mine, "--role", "tech", "--name", ""],
                      ["create", "--tenant", mine, "--role", "tech", "--name", "n" * 101],
                      ["revoke", "0000000000000000"], ["revoke", "nonsense"]):
        done = server.command("key", *arguments)
        assert done.returncode == 1 and done.stderr and not done.stdout, arguments


def test_a_use_is_noted_without_the_request_waiting_for_it(server, tenant):
    mine = tenant()
    key_id, key = make_key(server, mine)
    by_key(server, key).must(200)
    used = wait_until(lambda: listed(server, mine)[key_id]["last_used_at"], 20, "the use to be written", interval=0.5)
    assert used.endswith("00Z")


def test_a_key_is_known_while_postgresql_is_away(new_stack, expect_log):
    expect_log("PostgreSQL", "database", "failed", "unavailable")
    stack = new_stack()
    server = stack.server().start()
    server.add_tenant("away")
    _, key = make_key(server, "away")
    stack.postgres.stop()
    by_key(server, key).must(200)
    stack.postgres.start()


# ---- one credential a request ----

def test_a_request_with_two_credentials_is_refused(server, tenant):
    mine = tenant()
    key_id, key = make_key(server, mine)
    token = server.token("manager", mine)
    for headers in ({"X-API-Key": key, "Authorization": f"Bearer {token}"},
                    {"X-API-Key": key, **basic(key_id, key)},
                    {"X-API-Key": key, "Cookie": f"msp_session={token}"},
                    {"Authorization": f"Bearer {token}", "Cookie": f"msp_session={token}"}):
        server.get(ME, headers=headers).problem(400, "credentials_several")
    service = {"Authorization": f"Bearer {SECRETS['SERVICE_TOKEN']}", "X-API-Key": key}
    server.get("/internal/tenants", headers=service).problem(400, "credentials_several")


def test_the_same_field_twice_is_refused(server, tenant):
    _, key = make_key(server, tenant())
    head = f"GET {ME} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nX-API-Key: {key}\r\n\r\n"
    assert http.statuses(http.raw(server.port, head.encode()))[0] == 400


@pytest.mark.parametrize("value", ["", "=", "bm9jb2xvbg==", "OnB3", "dXNlcjo=", "dXNlcjpw\u00e9", "YTpi YTpi", "YQ"])
def test_odd_basic_credentials_are_401(server, value):
    server.get(ME, headers={"Authorization": f"Basic {value}".encode("latin-1")}).problem(401)


def test_basic_must_name_the_key_it_brings(server, tenant):
    _, key = make_key(server, tenant())
    other, _ = make_key(server, tenant())
    server.get(ME, headers=basic(other, key)).problem(401)
    server.get(ME, headers=basic("", key)).problem(401)


# ---- wrong credentials, counted ----

def test_an_address_that_sends_too_many_wrong_credentials_gets_429_and_right_ones_still_open(new_server, tenant):
    mine = tenant()
    server = new_server(AUTH_FAILURES_PER_MINUTE="20", TRUSTED_PROXIES="127.0.0.1")
    good = server.token("manager", mine)

    def attempt(address, token="nonsense"):
        return server.get(ME, headers={"Authorization": f"Bearer {token}", "X-Forwarded-For": f"9.9.9.9, {address}"})
    # A minute may begin in between.
    answers = [attempt("192.0.2.7") for _ in range(45)]
    assert answers[0].status == 401 and any(one.status == 429 for one in answers)
    refused = next(one for one in answers if one.status == 429)
    refused.problem(429, "failures_too_many")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    attempt("192.0.2.7", good).must(200)
    attempt("192.0.2.8").problem(401)
    # Nobody who asks without any credential is counted.
    for _ in range(30):
        server.get(ME, headers={"X-Forwarded-For": "192.0.2.9"}).problem(401)
    attempt("192.0.2.9").problem(401)


def test_the_count_outlives_a_worker(new_server, tenant, expect_log):
    expect_log("http worker", "killed", "signal")
    server = new_server(AUTH_FAILURES_PER_MINUTE="3", HTTP_WORKERS="1", TRUSTED_PROXIES="127.0.0.1")
    asked = {"Authorization": "Bearer nonsense", "X-Forwarded-For": "192.0.2.20"}
    wait_until(lambda: server.get(ME, headers=asked).status == 429, 10, "429")
    before = server.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: server.workers() and server.workers() != before, 10, "a new worker")
    wait_until(lambda: server.get("/livez").status == 200, 10, "it to serve")
    answers = {server.get(ME, headers=asked).status for _ in range(5)}
    assert 429 in answers


# ---- tokens: what the rotation and the issuer ask ----

def test_the_previous_secret_verifies_until_it_is_taken_out(new_server, tenant):
    previous = "the previous secret of the tests, long enough"
    server = new_server(JWT_SECRET_PREVIOUS=previous)
    mine = tenant(on=server)
    old = tokens.token(previous, "manager", mine)
    server.get(ME, token=old).must(200)
    server.get(ME, token=server.token("manager", mine)).must(200)
    server.configure(JWT_SECRET_PREVIOUS=None)
    assert server.reload().returncode == 0
    server.get(ME, token=old).problem(401)


def test_the_issuer_is_asked_for_when_one_is_configured(new_server, tenant):
    server = new_server(JWT_ISSUER="https://issuer.example")
    mine = tenant(on=server)
    server.get(ME, token=server.token("tech", mine)).problem(401, "token_issuer_wrong")
    server.get(ME, token=server.token("tech", mine, iss="https://other.example")).problem(401, "token_issuer_wrong")
    server.get(ME, token=server.token("tech", mine, iss="https://issuer.example")).must(200)
    ours = server.command("token", "--tenant", mine, "--role", "tech").stdout.strip()
    server.get(ME, token=ours).must(200)

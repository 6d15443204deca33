"""Administration over HTTP: tenants, users and keys, by admins only, each change audited and at once in force."""

import itertools
import json

import pytest

from harness.waiting import wait_until

_numbers = itertools.count(1)
ME = "/v1/me"
PASSWORD = "correct horse battery"


@pytest.fixture
def admin(server):
    """A function that calls an administrative address as an admin."""
    token = server.token("admin", subject="boss@example.com")

    def call(path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None:
            return server.get(f"/v1/admin/{path}", token=token, headers=headers)
        return server.post(f"/v1/admin/{path}", body, token=token, headers=headers)
    return call


def fresh(prefix):
    return f"{prefix}{next(_numbers)}"


def audited(server, thing):
    return [row[0] for row in server.stack.query(
        "SELECT action FROM msp.audit_log WHERE object = %s AND actor = 'boss@example.com' ORDER BY audit_id", (thing,))]


ROUTES = [("GET", "tenants"), ("POST", "tenants"), ("POST", "tenants/x"), ("GET", "users"), ("POST", "users"),
          ("POST", "users/a@b.c"), ("GET", "keys"), ("POST", "keys"), ("POST", "keys/0000000000000000/revoke")]


@pytest.mark.parametrize("method, path", ROUTES)
def test_only_admins_administer(server, tenant, method, path):
    mine = tenant()
    for role in ("manager", "tech", "client"):
        server.request(method, f"/v1/admin/{path}", token=server.token(role, mine)).problem(403)
    server.request(method, f"/v1/admin/{path}").problem(401)


@pytest.mark.parametrize("path, body", [
    ("tenants", {"id": "x", "name": "X", "timezone": "UTC", "colour": "red"}), ("tenants/x", {"id": "y"}),
    ("users", {"email": "a@b.c", "name": "A", "role": "admin", "admin": True}), ("users/a@b.c", {"email": "b@b.c"}),
    ("keys", {"tenant": "t", "role": "tech", "name": "n", "scope": "all"}),
    ("keys/0000000000000000/revoke", {"really": True})])
def test_an_unknown_member_is_refused(admin, path, body):
    answer = admin(path, body)
    answer.problem(400, "unknown_member")


# ---- tenants ----

def test_a_tenant_is_added_changed_and_disabled_and_its_id_stays_taken(server, admin):
    slug = fresh("adm")
    made = admin("tenants", {"id": slug, "name": "Admin's", "timezone": "Europe/Paris", "source": "mock"}).must(201)
    assert made.json["tenant"] == {"id": slug, "name": "Admin's", "timezone": "Europe/Paris", "status": "active",
                                   "source": "mock", "limits": None}
    # What is answered holds on this node at once.
    assert server.get(ME, token=server.token("tech", slug)).must(200).json["tenant"] == slug
    changed = admin(f"tenants/{slug}", {"name": "New", "source": "", "active": False}).must(200).json["tenant"]
    assert changed["name"] == "New" and changed["source"] is None and changed["status"] == "disabled"
    server.get(ME, token=server.token("tech", slug)).problem(401)
    assert slug in {one["id"] for one in admin("tenants").must(200).json["tenants"]}
    admin("tenants", {"id": slug, "name": "Another", "timezone": "UTC"}).problem(409, "tenant_exists")
    assert audited(server, slug) == ["tenant.add", "tenant.disable"]


@pytest.mark.parametrize("body, status", [
    ({"name": "X", "timezone": "UTC"}, 400), ({"id": "Bad Id", "name": "X", "timezone": "UTC"}, 400),
    ({"id": "zone", "name": "X", "timezone": "Mars/Olympus"}, 400), ({"id": "noname", "name": "", "timezone": "UTC"}, 400),
    ({"id": 1, "name": "X", "timezone": "UTC"}, 400),
    ({"id": "lim", "name": "X", "timezone": "UTC", "limits": "read=0/60"}, 400)])
def test_a_wrong_tenant_is_refused(admin, body, status):
    admin("tenants", body).problem(status)


def test_an_unknown_tenant_is_404(admin):
    admin("tenants/no-such-tenant", {"name": "X"}).problem(404, "tenant_unknown")


# ---- users ----

def test_a_user_is_added_signs_in_changes_and_is_shut_out(server, admin, tenant):
    mine, email = tenant(), fresh("user") + "@example.org"
    made = admin("users", {"email": email, "name": "U", "role": "tech", "tenant": mine, "password": PASSWORD}).must(201)
    assert made.json["user"]["has_password"] is True and PASSWORD not in made.text
    cookie = server.post("/v1/auth/login", {"email": email, "password": PASSWORD}).must(200).headers["Set-Cookie"]
    pair = cookie.split(";")[0]
    server.get(ME, headers={"Cookie": pair}).must(200)
    assert admin(f"users/{email}", {"role": "client"}).must(200).json["user"]["role"] == "client"
    server.get(ME, headers={"Cookie": pair}).problem(401)
    again = server.post("/v1/auth/login", {"email": email, "password": PASSWORD}).must(200)
    assert again.json["role"] == "client"
    pair = again.headers["Set-Cookie"].split(";")[0]
    server.get(ME, headers={"Cookie": pair}).must(200)
    admin(f"users/{email}", {"active": False}).must(200)
    server.get(ME, headers={"Cookie": pair}).problem(401)
    assert audited(server, email) == ["user.add", "user.change", "user.disable"]
    listed = admin(f"users?tenant={mine}").must(200).json["users"]
    assert [(one["email"], one["status"]) for one in listed] == [(email, "disabled")]


@pytest.mark.parametrize("change, status", [
    ({"role": "admin"}, 400), ({"role": "boss"}, 400), ({"password": "short"}, 400), ({"active": "no"}, 400),
    ({"name": ""}, 400)])
def test_a_wrong_change_of_a_user_changes_nothing(admin, tenant, change, status):
    email = fresh("user") + "@example.org"
    before = admin("users", {"email": email, "name": "U", "role": "tech", "tenant": tenant()}).must(201).json["user"]
    admin(f"users/{email}", change).problem(status)
    assert admin(f"users/{email}", {}).must(200).json["user"] == before


def test_users_come_page_by_page(admin, tenant):
    mine = tenant()
    made = [f"page{n}-{fresh('p')}@example.org" for n in range(5)]
    for email in made:
        admin("users", {"email": email, "name": "U", "role": "tech", "tenant": mine}).must(201)
    seen, cursor = [], ""
    while cursor is not None:
        page = admin(f"users?tenant={mine}&limit=2" + (f"&cursor={cursor}" if cursor else "")).must(200).json
        seen += [one["email"] for one in page["users"]]
        cursor = page["next_cursor"]
    assert seen == sorted(made)
    admin("users?cursor=nonsense").problem(400)


# ---- keys ----

def test_a_key_is_made_once_seen_good_at_once_and_revoked_at_once(server, admin, tenant):
    mine = tenant()
    made = admin("keys", {"tenant": mine, "role": "manager", "name": "BI", "expires_at": "2099-01-01T00:00:00Z"})
    key, secret = made.must(201).json["key"], made.json["secret"]
    assert server.get(ME, headers={"X-API-Key": secret}).must(200).json["tenant"] == mine
    listed = admin(f"keys?tenant={mine}").must(200)
    assert [one["id"] for one in listed.json["keys"]] == [key["id"]] and secret.split("_")[2] not in listed.text
    assert admin(f"keys/{key['id']}/revoke", {}).must(200).json["key"]["status"] == "revoked"
    server.get(ME, headers={"X-API-Key": secret}).problem(401)
    assert audited(server, key["id"]) == ["key.create", "key.revoke"]


@pytest.mark.parametrize("change, status", [
    ({"role": "admin"}, 400), ({"role": None}, 400), ({"tenant": "no-such"}, 404), ({"name": "x" * 101}, 400),
    ({"expires_at": "2001-01-01T00:00:00Z"}, 400), ({"expires_at": "soon"}, 400)])
def test_a_wrong_order_of_a_key_is_refused(admin, tenant, change, status):
    admin("keys", {"tenant": tenant(), "role": "tech", "name": "n", **change}).problem(status)


# ---- idempotency ----

def test_a_repeated_key_creation_makes_one_key_and_omits_the_secret(server, admin, tenant):
    mine, token = tenant(), fresh("once")
    order = {"tenant": mine, "role": "tech", "name": "n"}
    first = admin("keys", order, Idempotency_Key=token).must(201)
    again = admin("keys", order, Idempotency_Key=token).must(201)
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert again.json["key"]["id"] == first.json["key"]["id"] and "secret" not in again.json
    admin("keys", {**order, "name": "another"}, Idempotency_Key=token).problem(422)
    assert len(admin(f"keys?tenant={mine}").json["keys"]) == 1
    stored = server.stack.query("SELECT count(*) FROM msp.idempotency_keys k WHERE k::text LIKE %s",
                                (f"%{first.json['secret']}%",))
    assert stored == [(0,)]


def test_repeated_changes_of_tenants_and_users_are_replayed_as_they_are_now(admin):
    slug, email, key = fresh("adm"), fresh("user") + "@example.org", fresh("once")
    order = {"id": slug, "name": "A", "timezone": "UTC"}
    admin("tenants", order, Idempotency_Key=key).must(201)
    again = admin("tenants", order, Idempotency_Key=key).must(201)
    assert again.headers["Idempotent-Replayed"] == "true" and again.json["tenant"]["id"] == slug
    person = {"email": email, "name": "U", "role": "tech", "tenant": slug}
    admin("users", person, Idempotency_Key=key + "u").must(201)
    admin(f"users/{email}", {"name": "V"}, Idempotency_Key=key + "c").must(200)
    again = admin("users", person, Idempotency_Key=key + "u").must(201)
    assert again.json["user"]["name"] == "V" and again.headers["Idempotent-Replayed"] == "true"


def test_changes_by_the_command_line_reach_the_server_too(server, admin):
    slug = fresh("adm")
    done = server.command("tenant", "add", slug, "--name", "C", "--timezone", "UTC")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: slug in {one["id"] for one in admin("tenants").json["tenants"]}, 5, "the tenant")
    rows = server.stack.query("SELECT actor, detail::text FROM msp.audit_log WHERE object = %s", (slug,))
    assert rows[0][0].startswith("command line") and json.loads(rows[0][1])["after"]["name"] == "C"

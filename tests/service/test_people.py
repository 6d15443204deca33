"""People: signing in and out, sessions that end at once, and nothing that tells who exists."""

import concurrent.futures
import itertools
import json
import statistics
import subprocess
import time

import pytest

from harness.server import SECRETS, binary, clean_environment
from harness.waiting import wait_until

LOGIN, LOGOUT, ME = "/v1/auth/login", "/v1/auth/logout", "/v1/me"
PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def patient(stack):
    """A server on which tests may fail to sign in as often as they like: the address is another each time."""
    one = stack.server(TRUSTED_PROXIES="127.0.0.1", AUTH_FAILURES_PER_MINUTE="4000")
    yield one.start()
    one.stop()


def user_command(server, *arguments, password=None):
    """A command of `user`, the password on its standard input."""
    return subprocess.run([binary(), "user", *arguments, "--env-file", server.env_path], env=clean_environment(),
                          input=(password or "") + "\n", capture_output=True, text=True, timeout=60, cwd="/",
                          check=False)


def add_user(server, role="manager", tenant=None, password=PASSWORD):
    email = f"person{next(_numbers)}@example.com"
    place = ["--tenant", tenant] if tenant else []
    done = user_command(server, "add", email, "--name", "Ann Example", "--role", role, "--password-stdin", *place,
                        password=password)
    assert done.returncode == 0, done.stderr
    return email


def login(server, email, password=PASSWORD, **headers):
    return server.post(LOGIN, {"email": email, "password": password}, headers=headers)


def cookie_of(answer):
    """(whole field, "name=value") of the session cookie an answer sets."""
    field = answer.headers["Set-Cookie"]
    return field, field.split(";")[0]


def session(server, email, password=PASSWORD):
    """The Cookie field of somebody who just signed in."""
    return cookie_of(login(server, email, password).must(200))[1]


def ours(server):
    return {"Origin": f"http://127.0.0.1:{server.port}"}


# ---- signing in ----

@pytest.mark.parametrize("role", ["admin", "manager", "tech", "client"])
def test_who_signs_in_is_known_by_the_cookie(server, tenant, role):
    mine = None if role == "admin" else tenant()
    email = add_user(server, role, mine)
    answer = login(server, email.upper()).must(200)
    assert {k: answer.json[k] for k in ("subject", "role", "tenant", "name")} == {
        "subject": email, "role": role, "tenant": mine, "name": "Ann Example"}
    me = server.get(ME, headers={"Cookie": cookie_of(answer)[1]}).must(200).json
    assert (me["subject"], me["role"], me["tenant"], me["credential"]) == (email, role, mine, "session")
    assert (me["email"], me["name"], me["expires_at"]) == (email, "Ann Example", answer.json["expires_at"])
    assert (me["tenant_name"], me["timezone"]) == ((f"Tenant {mine}", "UTC") if mine else (None, None))


def test_a_token_tells_no_more_than_is_in_it(server, tenant):
    slug = tenant()
    me = server.get(ME, token=server.token("tech", slug, subject="a program")).must(200).json
    assert (me["subject"], me["name"], me["email"], me["tenant"]) == ("a program", None, None, slug)
    me = server.get(ME, token=server.token("tech", slug, subject="Ann@example.org", name="Ann")).must(200).json
    assert (me["name"], me["email"]) == ("Ann", "ann@example.org")
    me = server.get(ME, token=server.token("tech", slug, name=7)).must(200).json
    assert me["name"] is None


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(server, tenant):
    email = add_user(server, "tech", tenant())
    field, pair = cookie_of(login(server, email).must(200))
    words = {word.strip() for word in field.split(";")[1:]}
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= words and "Secure" not in words
    assert not any(word.startswith("Domain") for word in words) and pair.startswith("msp_session=")
    for more in ({"Host": "dashboard.example.com"}, {"X-Forwarded-Proto": "https"}):
        field, pair = cookie_of(login(server, email, **more).must(200))
        assert pair.startswith("__Host-msp_session=") and "Secure" in field and "Path=/" in field


def test_a_secure_site_takes_only_the_cookie_that_nobody_else_can_set(server, tenant):
    email = add_user(server, "tech", tenant())
    host = {"Host": "dashboard.example.com"}
    pair = cookie_of(login(server, email, **host).must(200))[1]
    server.get(ME, headers={**host, "Cookie": f"theme=dark; {pair}"}).must(200)
    server.get(ME, headers={**host, "Cookie": pair.replace("__Host-", "")}).problem(401)
    server.get(ME, headers={**host, "Cookie": f"{pair}; {pair}"}).problem(400)


@pytest.mark.parametrize("body", [{}, {"email": "a@b.c"}, {"password": "x" * 20}, {"email": 1, "password": "x" * 20},
                                  {"email": "a@b.c", "password": "x" * 20, "remember": True},
                                  {"email": "nobody", "password": "x" * 20}, {"email": "a@b@c", "password": "x"},
                                  {"email": "a@b.c", "password": "x" * 257}])
def test_a_malformed_sign_in_is_400(server, body):
    server.post(LOGIN, body).problem(400)


def test_a_form_of_another_site_cannot_sign_in(server, tenant):
    email = add_user(server, "tech", tenant())
    form = f"email={email}&password={PASSWORD}".encode()
    server.request("POST", LOGIN, body=form,
                   headers={"Content-Type": "application/x-www-form-urlencoded"}).problem(415)
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{server.port}.evil.example",
                   f"https://127.0.0.1:{server.port}", "http://127.0.0.1"):
        login(server, email, Origin=origin).problem(403, "origin_foreign")
    login(server, email, **ours(server)).must(200)


# ---- what a wrong sign-in tells: nothing ----

def told(answer):
    members = answer.problem(401)
    members.pop("request_id")
    return members


def test_unknown_disabled_and_mistyped_are_told_the_same(patient, tenant):
    known, gone, bare = (add_user(patient, "tech", tenant()) for _ in range(3))
    assert user_command(patient, "disable", gone).returncode == 0
    patient.stack.query("UPDATE msp.users SET password_hash = NULL WHERE email = %s", (bare,))
    answers = [login(patient, email, password, **{"X-Forwarded-For": f"198.51.100.{n}"})
               for n, (email, password) in enumerate([(known, "wrong password 1"), (gone, PASSWORD),
                                                      ("nobody@example.com", PASSWORD), (bare, PASSWORD)])]
    assert all(told(one) == told(answers[0]) for one in answers)
    assert not any("Set-Cookie" in one.headers for one in answers)


@pytest.mark.alone
def test_an_unknown_user_costs_as_much_time_as_a_known_one(patient, tenant):
    known = [add_user(patient, "tech", tenant()) for _ in range(4)]
    spent = {"known": [], "unknown": []}
    for n in range(16):
        for kind, email in (("known", known[n % 4]), ("unknown", f"nobody{n % 4}@example.org")):
            began = time.monotonic()
            answer = login(patient, email, "wrong password 1", **{"X-Forwarded-For": f"203.0.113.{n}"})
            assert answer.status == 401
            spent[kind].append(time.monotonic() - began)
    ratio = statistics.median(spent["unknown"]) / statistics.median(spent["known"])
    assert 0.5 < ratio < 2, spent


# ---- guessing ----

def test_guessing_at_an_account_is_slowed_down_wherever_it_comes_from(patient, tenant):
    for email in (add_user(patient, "tech", tenant()), "stranger@example.com"):
        answers = [login(patient, email, "wrong password 1", **{"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(9)]
        assert [one.status for one in answers[:6]] == [401] * 6 or answers[5].status == 429
        late = next(one for one in answers if one.status == 429)
        late.problem(429, "sign_in_delayed")
        assert int(late.headers["Retry-After"]) >= 1


def test_who_remembers_in_time_comes_in_and_the_count_starts_again(patient, tenant):
    email = add_user(patient, "tech", tenant())
    for _ in range(2):
        for _ in range(4):
            login(patient, email, "wrong password 1").problem(401)
        login(patient, email).must(200)


def test_guessing_from_one_address_is_slowed_down_whatever_the_account(patient):
    def guess(n):
        return login(patient, f"guess{n}@example.net", "wrong password 1", **{"X-Forwarded-For": "192.0.2.200"})
    statuses = []
    for n in range(80):
        statuses.append(guess(n).status)
        if statuses[-1] == 429:
            break
    assert statuses[-1] == 429 and statuses[:30] == [401] * 30
    login(patient, "guess0@example.net", "wrong password 1", **{"X-Forwarded-For": "192.0.2.201"}).problem(401)


def test_more_than_two_hashes_at_once_a_worker_are_turned_away_for_a_moment(new_server, tenant):
    server = new_server(HTTP_WORKERS="1", TRUSTED_PROXIES="127.0.0.1", AUTH_FAILURES_PER_MINUTE="4000")
    email = add_user(server, "tech", tenant())

    def attempt(n):
        return login(server, email, **{"X-Forwarded-For": f"198.51.100.{n}"})
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(attempt, range(48)))
    busy = [one for one in answers if one.status == 503]
    assert busy and {one.status for one in answers} == {200, 503}
    busy[0].problem(503, "sign_in_busy")
    assert busy[0].headers["Retry-After"] == "1"
    attempt(1).must(200)


# ---- what ends a session ----

def refused(server, pair):
    return server.get(ME, headers={"Cookie": pair}).status == 401


def test_signing_out_ends_that_session_at_once_on_every_node(server, new_server, tenant):
    second = new_server()
    email = add_user(server, "manager", tenant())
    mine, other = session(server, email), session(server, email)
    second.get(ME, headers={"Cookie": mine}).must(200)
    answer = server.request("POST", LOGOUT, headers={"Cookie": mine, **ours(server)}).must(204)
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    server.get(ME, headers={"Cookie": mine}).problem(401, "token_ended")
    wait_until(lambda: refused(second, mine), 5, "the second node to know")
    server.get(ME, headers={"Cookie": other}).must(200)
    server.get(ME, headers={"Authorization": "Bearer " + mine.split("=")[1]}).problem(401)


def test_a_token_is_signed_out_too_with_and_without_an_id(server, tenant):
    mine = tenant()
    for more in ({}, {"jti": "an id"}):
        token = server.token("tech", mine, subject="program", note=next(_numbers), **more)
        same = server.token("tech", mine, subject="program", note=next(_numbers), jti="another")
        server.request("POST", LOGOUT, token=token).must(204)
        server.get(ME, token=token).problem(401, "token_ended")
        server.get(ME, token=same).must(200)


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1"])
def test_a_session_changes_something_only_from_our_own_pages(server, tenant, origin):
    email = add_user(server, "manager", tenant())
    pair = session(server, email)
    headers = {"Cookie": pair, **({"Origin": origin} if origin else {})}
    server.request("POST", LOGOUT, headers=headers).problem(403, "origin_foreign")
    server.post("/v1/exports", {}, headers=headers).problem(403, "origin_foreign")
    server.get(ME, headers=headers).must(200)


def test_disabling_a_user_ends_all_sessions_at_once_and_enabling_gives_none_back(server, tenant):
    email = add_user(server, "manager", tenant())
    pair = session(server, email)
    assert user_command(server, "disable", email).returncode == 0
    wait_until(lambda: refused(server, pair), 5, "the session to end")
    login(server, email).problem(401)
    assert user_command(server, "enable", email).returncode == 0
    wait_until(lambda: login(server, email).status == 200, 5, "the user to be let in again")
    assert refused(server, pair)
    server.get(ME, headers={"Cookie": session(server, email)}).must(200)


def test_a_new_password_ends_earlier_sessions_and_the_next_sign_in_is_good_at_once(server, tenant):
    email = add_user(server, "manager", tenant())
    pair = session(server, email)
    done = user_command(server, "set-password", email, "--password-stdin", password="another long password")
    assert done.returncode == 0, done.stderr
    fresh = session(server, email, "another long password")
    server.get(ME, headers={"Cookie": fresh}).must(200)
    wait_until(lambda: refused(server, pair), 5, "the earlier session to end")
    server.get(ME, headers={"Cookie": fresh}).must(200)
    login(server, email).problem(401)


def test_a_disabled_tenant_ends_its_peoples_sessions(server, tenant):
    mine = tenant()
    email = add_user(server, "client", mine)
    pair = session(server, email)
    assert server.command("tenant", "disable", mine).returncode == 0
    wait_until(lambda: refused(server, pair), 5, "the session to end")
    login(server, email).problem(401)


def test_a_user_who_signs_out_without_end_does_not_fill_the_list(server, tenant):
    mine = tenant()
    email = add_user(server, "tech", mine)
    kept = session(server, email)
    for n in range(52):
        token = server.token("tech", mine, subject=email, jti=f"many {n}")
        if server.request("POST", LOGOUT, token=token).status == 401:
            break
    left = server.stack.query("SELECT count(*) FROM msp.revoked_tokens WHERE subject = %s", (email,))[0][0]
    assert left < 50 and refused(server, kept)


# ---- the commands ----

def test_a_password_never_stands_on_a_command_line_or_in_a_log(server, stack, tenant):
    email = add_user(server, "tech", tenant(), password="a very secret password")
    login(server, email, "a very secret password").must(200)
    stored = stack.query("SELECT password_hash FROM msp.users WHERE email = %s", (email,))[0][0]
    assert stored.startswith("$y$") and "a very secret password" not in server.log()
    assert not stack.query("SELECT 1 FROM msp.audit_log WHERE audit_log::text LIKE '%%secret%%'")
    assert "--password " not in user_command(server, "add", "--help").stdout


def test_a_generated_password_is_printed_once_and_lets_in(server, tenant):
    mine = tenant()
    done = user_command(server, "add", "generated@example.com", "--name", "G", "--role", "tech", "--tenant", mine,
                        "--generate-password")
    assert done.returncode == 0 and len(done.stdout.strip()) == 29
    login(server, "generated@example.com", done.stdout.strip()).must(200)
    listed = json.loads(user_command(server, "list", "--tenant", mine, "--json").stdout)["users"]
    assert [person["email"] for person in listed] == ["generated@example.com"]
    assert done.stdout.strip() not in json.dumps(listed)


@pytest.mark.parametrize("arguments, code", [
    (["add", "x@example.com", "--name", "X", "--role", "tech", "--password-stdin"], 2),
    (["add", "x@example.com", "--name", "X", "--role", "admin", "--tenant", "t", "--password-stdin"], 2),
    (["add", "no-address", "--name", "X", "--role", "admin", "--password-stdin"], 1),
    (["add", "x@example.com", "--name", "X", "--role", "tech", "--tenant", "no-such", "--password-stdin"], 1),
    (["add", "x@example.com", "--name", "X", "--role", "admin"], 2),
    (["disable", "nobody@example.com"], 1), (["set-password", "nobody@example.com", "--generate-password"], 1)])
def test_a_command_that_cannot_be_done_says_why(server, arguments, code):
    done = user_command(server, *arguments, password=PASSWORD)
    assert done.returncode == code and done.stderr and not done.stdout


def test_a_short_password_and_a_taken_email_are_refused(server, tenant):
    mine = tenant()
    email = add_user(server, "tech", mine)
    again = user_command(server, "add", email.upper(), "--name", "X", "--role", "tech", "--tenant", mine,
                         "--password-stdin", password=PASSWORD)
    assert again.returncode == 1 and "already" in again.stderr
    short = user_command(server, "set-password", email, "--password-stdin", password="eleven char")
    assert short.returncode != 0 and "12" in short.stderr


def test_every_change_of_a_user_is_in_the_audit_log(server, stack, tenant):
    email = add_user(server, "tech", tenant())
    for command in (["disable"], ["enable"], ["set-password"]):
        more = ["--generate-password"] if command == ["set-password"] else []
        assert user_command(server, *command, email, *more).returncode == 0
    lines = stack.query("SELECT action, detail::text FROM msp.audit_log WHERE object = %s ORDER BY audit_id", (email,))
    assert [line[0] for line in lines] == ["user.add", "user.disable", "user.enable", "user.set_password"]
    disabled = json.loads(lines[1][1])
    assert disabled["before"]["active"] is True and disabled["after"]["active"] is False


def test_the_service_token_signs_nobody_out(server):
    server.request("POST", LOGOUT, token=SECRETS["SERVICE_TOKEN"]).problem(401)

"""What only some PSAs do: zones, shared quotas, tokens that end, sessions, numbers for words."""

import threading
import time

import pytest

from harness.pulling import assert_same, pull, pull_all
from harness.waiting import wait_until
from test_sources import ports, puller, stand_in, tenants  # noqa: F401

AUTOTASK, HALOPSA, GLPI = ("autotask", None), ("halopsa", None), ("glpi", None)
ELSEWHERE = ("http://169.254.169.254/atservicesrest/", "https://autotask.net.example/atservicesrest/",
             "https://evilautotask.net/", "http://webservices5.autotask.net/atservicesrest/",
             "https://webservices5.autotask.net@evil.example/", "https://webservices5.autotask.net:8443/", "", None, 7)


@pytest.mark.parametrize("zone", ELSEWHERE)
def test_autotask_credentials_go_to_no_zone_elsewhere(puller, stand_in, tenants, zone):
    desk = stand_in(AUTOTASK, tickets=5)
    desk.zone_url = zone
    problem = pull(puller, tenants(desk)).must(502).json
    assert problem["code"] in ("source_link_refused", "source_answer_malformed"), problem
    assert {request.path.rpartition("/")[2] for request in desk.requests} == {"ZoneInformation"}
    assert not any(request.headers.get("Secret") for request in desk.requests)


def test_autotask_leaves_the_other_tools_their_part_of_the_quota(puller, module_stack, stand_in, tenants):
    desk = stand_in(AUTOTASK, tickets=100, page_cap=10)
    desk.threshold = 36000  # ten a second, of which three are ours
    slug = tenants(desk)
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk)
    asked = [request for request in desk.requests if request.path.lower().endswith(("/query", "/next"))]
    assert asked[-1].at - asked[0].at >= (len(asked) - 1) * 0.3
    assert desk.most_in(2.0) <= 9


def test_autotask_is_let_alone_when_the_quota_is_used_up(puller, module_stack, stand_in, tenants):
    desk = stand_in(AUTOTASK, tickets=5)
    desk.threshold, desk.used = 10000, 10000
    slug = tenants(desk)
    threading.Thread(target=pull, args=(puller, slug), daemon=True).start()
    put_off = ("SELECT 1 FROM msp.jobs j JOIN msp.tenants t USING (tenant_id)"
               " WHERE t.slug = %s AND j.state = 'queued' AND j.rate_limited > 0")
    wait_until(lambda: module_stack.query(put_off, (slug,)), 20, "the pull to be put off")
    assert not any("tickets" in request.path.lower() for request in desk.requests)


def test_halopsa_tokens_are_renewed_before_they_end_and_told_to_nobody(puller, module_stack, stand_in,
                                                                       tenants):
    desk = stand_in(HALOPSA, tickets=80, page_cap=12)
    desk.token_seconds = 2
    slug = tenants(desk)
    # Eight pages of 0.4 s outlast a token's two seconds.
    desk.between_pages(lambda page: time.sleep(0.4))
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk)
    assert len(desk.tokens) >= 2 and desk.refused == 0
    log = puller.log()
    assert not any(token[:40] in log for token in desk.tokens) and desk.secrets()["client_secret"] not in log


def test_halopsa_rows_that_leave_a_page_behind_us_hide_none(puller, module_stack, stand_in, tenants):
    desk = stand_in(HALOPSA, tickets=400, page_cap=50)
    slug = tenants(desk)
    ids = sorted(desk.desk.tickets)
    # More rows go than a page holds, all of them already read.
    gone = []

    def meddle(page):
        if page == 4:
            gone.extend(ids[:120])
            for number in gone:
                desk.desk.delete(number)
    desk.between_pages(meddle)
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk, list(map(str, gone)))


def test_glpi_sessions_are_closed_also_after_a_pull_that_failed(puller, stand_in, tenants):
    desk = stand_in(GLPI, tickets=120, page_cap=50)
    slug = tenants(desk)
    desk.fail("text", times=8, after=1)
    assert pull(puller, slug).status == 502
    assert not desk.sessions
    desk.planned.clear()
    pull_all(puller, slug)
    assert not desk.sessions


def test_glpi_whose_numbers_mean_something_else_is_not_read(puller, stand_in, tenants):
    desk = stand_in(GLPI, tickets=5)
    desk.columns["19"] = "closedate"
    problem = pull(puller, tenants(desk)).must(502).json
    assert problem["code"] == "source_answer_malformed" and "19" in problem["detail"], problem


def test_glpi_mass_change_to_one_second_is_read_whole(puller, module_stack, stand_in, tenants):
    desk = stand_in(GLPI, tickets=300, page_cap=50)
    slug = tenants(desk)
    pull_all(puller, slug)
    second = int(time.time()) + 1
    for ticket in desk.desk.tickets.values():
        ticket.updated, ticket.title = second, "Moved to another entity"
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk)

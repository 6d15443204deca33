"""Every ticket of every kind of source arrives, once, whatever its system does. One suite for all kinds, against
their stand-ins; MSP_SOURCES=1 (./ops/test sources) runs it with 25,000 tickets each."""

import concurrent.futures
import os
import time

import pytest

from harness.boundaries import kill_behind_pages
from harness.pulling import KEY, Ports, assert_same, base, connect, pull, pull_all, standins

# A case is a kind, and a flavour of it where it has any.
FLAVOURS = [("json", flavour) for flavour in ("since", "number", "token", "next", "link")]
CASES = FLAVOURS + [(kind, None) for kind in standins.KINDS[1:] if standins.find(kind)]
ONE_OF_A_KIND = [CASES[0]] + CASES[len(FLAVOURS):]
HOSTILE = base.HOSTILE
QUOTED = "Job failed|Job put back"  # what a source said may hold alarming words
LONG = os.environ.get("MSP_SOURCES") == "1"
# Rows that a page of each system has at most, or that we ask it for.
PAGE_ROWS = {"json": 200, "connectwise": 1000, "autotask": 500, "halopsa": 100, "zendesk": 1000, "freshservice": 100,
             "jira": 100, "zammad": 200, "glpi": 200}


def named(cases):
    return {"argvalues": cases, "ids": ["-".join(word for word in case if word) for case in cases]}


@pytest.fixture(scope="module")
def ports():
    return Ports(len(HOSTILE) + 4)


@pytest.fixture(scope="module")
def puller(module_stack, ports):
    """A server that may call the stand-ins, and no mock."""
    return module_stack.server(MOCK_MODE="false", SECRET_KEY=KEY, EGRESS_ALLOW=ports.allow, JOB_THREADS="16").start()


@pytest.fixture
def stand_in(ports):
    """Makes stand-ins of a case; they end with the test."""
    made = []

    def make(case, tickets=300, page_cap=None):
        kind, flavour = case
        one = standins.find(kind)(ports.take(), tickets, **({"flavour": flavour} if flavour else {}))
        one.page_cap = page_cap or one.page_cap
        made.append(one)
        return one.start()
    yield make
    for one in made:
        one.stop()
        ports.give_back(one.port)


@pytest.fixture
def tenants(puller, tenant):
    """Makes tenants of the puller, each connected to a stand-in."""
    def make(stand_in, **options):
        slug = tenant(on=puller)
        connect(puller, slug, stand_in, **options)
        return slug
    return make


def assert_cheap(desk):
    """Half as many pages again as the tickets fill, for what overlaps and what a fault spoils, and a few."""
    rows = min(PAGE_ROWS[desk.kind], desk.page_cap)
    assert desk.pages <= 1.5 * len(desk.desk.all()) / rows + 5, (desk.pages, rows)


# ---- all of them, once ----

@pytest.mark.parametrize("case", **named(CASES))
def test_every_ticket_arrives_as_it_is_over_caps_and_faults(puller, module_stack, stand_in, tenants, case):
    desk = stand_in(case, tickets=1500)
    desk.fail_at_random()
    slug = tenants(desk)
    got = pull_all(puller, slug)
    assert got["inserted"] == 1500 and got["rejected"] == 0
    assert_cheap(desk)
    assert_same(module_stack, slug, desk)


@pytest.mark.skipif(not LONG, reason="by name only: ./ops/test sources")
@pytest.mark.parametrize("case", **named(CASES))
def test_twenty_five_thousand_tickets_arrive(puller, module_stack, stand_in, tenants, case):
    desk = stand_in(case, tickets=25000, page_cap=getattr(standins.find(case[0]), "real_page_cap", 200))
    desk.fail_at_random(share=0.05)
    slug = tenants(desk)
    begun = time.monotonic()
    got = pull_all(puller, slug, calls=500)
    print(f"{'-'.join(filter(None, case))}: {len(desk.requests)} calls, {time.monotonic() - begun:.0f} s")
    assert got["inserted"] == 25000 and got["rejected"] == 0
    assert_cheap(desk)
    assert_same(module_stack, slug, desk)


@pytest.mark.parametrize("case", **named(CASES))
def test_a_second_pull_asks_little_and_changes_nothing(puller, stand_in, tenants, case):
    desk = stand_in(case, tickets=400)
    slug = tenants(desk)
    pull_all(puller, slug)
    before = len(desk.requests)
    again = pull_all(puller, slug)
    assert again["inserted"] == again["updated"] == 0
    assert len(desk.requests) - before <= 6, "a pull of nothing new must be cheap"


# ---- what happens meanwhile ----

@pytest.mark.parametrize("case", **named(CASES))
def test_tickets_changed_and_made_while_they_are_read_arrive_too(puller, module_stack, stand_in, tenants, case):
    desk = stand_in(case, tickets=300, page_cap=50)
    slug = tenants(desk)
    ids = sorted(ticket.id for ticket in desk.desk.all())

    def meddle(page):
        if page in (2, 3):
            desk.desk.change(ids[page], title=f"Changed after page {page}", status="pending")
            desk.desk.change(ids[-page], title=f"Changed before it was read {page}")
            desk.desk.add(title=f"Made after page {page}")
    desk.between_pages(meddle)
    pull_all(puller, slug)
    desk.between_pages(None)
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk)


@pytest.mark.parametrize("case", **named(CASES))
def test_a_ticket_deleted_while_others_are_read_hides_none_of_them(puller, module_stack, stand_in, tenants, case):
    if case == ("json", "number"):
        pytest.skip("pages found by their number shift when a row goes; ops/docs/sources.md says so")
    desk = stand_in(case, tickets=300, page_cap=50)
    slug = tenants(desk)
    first = [ticket.id for ticket in desk.desk.by_change()][:3]
    desk.between_pages(lambda page: desk.desk.delete(first.pop()) if page in (2, 3, 4) else None)
    gone = list(map(str, first))
    pull_all(puller, slug)
    desk.between_pages(None)
    assert_same(module_stack, slug, desk, gone)


@pytest.mark.parametrize("case", **named(ONE_OF_A_KIND))
def test_changes_of_the_last_minute_that_are_hidden_come_with_a_later_pull(puller, module_stack, stand_in, tenants,
                                                                           case):
    desk = stand_in(case, tickets=100)
    slug = tenants(desk)
    desk.desk.hidden_seconds = 60
    some = [ticket.id for ticket in desk.desk.all()][:5]
    pull_all(puller, slug)
    for number in some:
        desk.desk.change(number, title="Hidden at first")
    pull_all(puller, slug)
    desk.desk.hidden_seconds = 0
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk)


@pytest.mark.parametrize("case", **named(CASES))
def test_a_source_that_forgets_where_we_are_is_read_whole_all_the_same(puller, module_stack, stand_in, tenants, case):
    desk = stand_in(case, tickets=300, page_cap=50)
    slug = tenants(desk)
    desk.between_pages(lambda page: desk.forget() if page == 3 else None)
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk)


@pytest.mark.parametrize("case", **named(ONE_OF_A_KIND))
def test_a_lost_cursor_costs_another_reading_and_nothing_else(puller, module_stack, stand_in, tenants, case):
    desk = stand_in(case, tickets=150)
    slug = tenants(desk)
    pull_all(puller, slug)
    again = pull_all(puller, slug, cursor="")
    assert again["inserted"] == again["updated"] == 0 and again["unchanged"] >= 150
    module_stack.query("DELETE FROM msp.ingest_cursors c USING msp.tenants t"
                       " WHERE t.tenant_id = c.tenant_id AND t.slug = %s", (slug,))
    desk.desk.change(sorted(desk.desk.tickets)[0], title="Changed meanwhile")
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk)


@pytest.mark.parametrize("case", **named(CASES if LONG else ONE_OF_A_KIND))
def test_a_worker_killed_at_page_boundaries_loses_nothing(puller, module_stack, stand_in, tenants, case, expect_log):
    """A page boundary: one page of tickets has been handed out and is not stored yet, the next one, if there is one,
    has been asked for and not handed out. Two workers die at each: the first page is lost with the one and stored
    without the other. By name (./ops/test sources) at every boundary, of windows as of pages."""
    expect_log("crashed|job worker|worker_lost")
    desk = stand_in(case, tickets=525 if LONG else 250, page_cap=25 if LONG else 50)
    pages = 1
    if LONG:
        pull_all(puller, tenants(desk))
        pages = len(desk.handed_out)
        assert pages >= 21
    unkilled, desk.handed_out = desk.handed_out, []
    slug = tenants(desk)
    begun = time.monotonic()
    kills = kill_behind_pages(puller, module_stack, slug, desk, pages, are_all=LONG)
    print(f"{'-'.join(filter(None, case))}: {kills} kills behind {pages} pages, {time.monotonic() - begun:.0f} s")
    if LONG:
        assert desk.handed_out[:kills] == [page for page in unkilled for _ in range(2)]
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk)


def together(work, calls):
    """Runs work(*arguments) for each at the same time; what they gave, in their order."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda arguments: work(*arguments), calls))


# ---- hostile answers ----

@pytest.mark.parametrize("case", **named(ONE_OF_A_KIND))
def test_a_hostile_answer_fails_the_pull_with_a_sentence_to_act_on(puller, module_stack, stand_in, tenants, case,
                                                                   expect_log):
    expect_log(QUOTED)
    desks = {fault: stand_in(case, tickets=60, page_cap=50) for fault in HOSTILE}
    slugs = {fault: tenants(desk) for fault, desk in desks.items()}

    def ask(fault):
        desks[fault].fail(fault, times=8)
        answer = pull(puller, slugs[fault])
        desks[fault].planned.clear()
        return answer
    for fault, answer in zip(HOSTILE, together(ask, [(fault,) for fault in HOSTILE])):
        # What a kind has no use for, such as a link to a next page, it may pass over.
        if answer.status == 200 and fault in ("inside-link", "wrong-rows", "empty", "wide"):
            continue
        assert answer.status == 502, (fault, answer.status, answer.body)
        problem = answer.json
        assert problem["code"].startswith(("source_", "egress_")), (fault, problem)
        assert problem["detail"].endswith((".", ")")) and len(problem["detail"]) > 40, (fault, problem)
        for secret in desks[fault].secrets().values():
            assert secret not in str(problem), fault
    pull_all(puller, slugs["broken"])
    assert_same(module_stack, slugs["broken"], desks["broken"])


@pytest.mark.parametrize("case", **named(ONE_OF_A_KIND))
def test_credentials_that_are_not_taken_are_said_to_be_so(puller, stand_in, tenants, case, expect_log):
    expect_log(QUOTED)
    desk = stand_in(case, tickets=10)
    given = desk.secrets()
    desk.secrets = lambda: {name: "X-Api-Key: wrong" if name == "header" else "wrong" for name in given}
    slug = tenants(desk)
    problem = pull(puller, slug).must(502).json
    assert problem["code"] == "source_credentials_refused", problem


# ---- the budget ----

def test_of_a_shared_quota_less_than_a_third_is_used(puller, stand_in, tenants):
    styles = ("x-ratelimit", "x-rate-limit", "draft", "beta")
    desks = [stand_in(CASES[0], tickets=240, page_cap=20) for _ in styles]
    # 600 a minute are 10 a second; ours are 3 of them.
    for desk, style in zip(desks, styles):
        desk.set_quota(600, 60, style)
    together(pull, [(puller, tenants(desk)) for desk in desks])
    for desk, style in zip(desks, styles):
        assert len(desk.requests) >= 12, style
        assert desk.most_in(2.0) <= 7, style  # the first call knows of no quota yet


def test_a_refusal_is_waited_for_as_long_as_the_source_says(puller, module_stack, stand_in, tenants):
    desk = stand_in(CASES[0], tickets=200, page_cap=50)
    slug = tenants(desk)
    desk.fail("429", times=2, after=1)
    pull_all(puller, slug)
    assert_same(module_stack, slug, desk)
    times = [request.at for request in desk.requests]
    assert times[2] - times[1] >= 0.9 and times[3] - times[2] >= 0.9

"""99,522 real events through the front door give the daily KPIs that others computed from them."""

import datetime
import json
import os
import random
import threading

import pytest

from harness import expected, reference

CUT = "2016-04-15T00:00:00Z"
FIRST, LAST = datetime.date(2016, 2, 29), datetime.date(2017, 2, 18)
ZONES = ("UTC", "Europe/Paris")
FEED = "feed_tenant-a.ndjson.gz"

pytestmark = pytest.mark.skipif(
    not os.path.exists(os.path.join(expected.SHARED_DATA, FEED)),
    reason=f"the real tickets are not here ({os.path.normpath(expected.SHARED_DATA)}); "
           "test_mock_data.py holds the smaller real set")


class Feed:
    """The events, the part before the cut and the part behind it, and the final tickets."""

    def __init__(self):
        self.lines = expected.shared_lines(FEED)
        stamps = [json.loads(line)["updated_at"] for line in self.lines]
        self.before = [line for line, stamp in zip(self.lines, stamps) if stamp < CUT]
        self.behind = [line for line, stamp in zip(self.lines, stamps) if stamp >= CUT]
        self.tickets = expected.final_states(self.lines)

    def shuffled(self, seed, block=500):
        blocks = [self.lines[at:at + block] for at in range(0, len(self.lines), block)]
        random.Random(seed).shuffle(blocks)
        return [line for block in blocks for line in block]


@pytest.fixture(scope="module")
def feed():
    return Feed()


class Fed:
    """A tenant that got the feed up to the cut, was computed and read, then got the rest and one date's compute."""

    def __init__(self, server, feed, zone):
        self.zone = zone
        self.tenant = server.add_tenant("real-" + zone.lower().replace("/", "-"), timezone=zone)
        self.first_stats = server.feed(self.tenant, feed.before)
        server.compute(self.tenant, FIRST, LAST)
        self.as_of = server.days(self.tenant, FIRST, LAST)
        self.more_stats = [server.feed(self.tenant, feed.behind[at:at + 20000])
                           for at in range(0, len(feed.behind), 20000)]
        self.result = server.compute(self.tenant, date=LAST.isoformat())
        self.full = server.days(self.tenant, FIRST, LAST)


@pytest.fixture(scope="module", params=ZONES)
def fed(request, server, feed):
    return Fed(server, feed, request.param)


def test_every_event_is_taken_and_every_ticket_inserted_once(fed, feed):
    stats = [fed.first_stats, *fed.more_stats]
    assert sum(s["fetched"] for s in stats) == len(feed.lines)
    assert sum(s["inserted"] for s in stats) == len(feed.tickets)
    assert sum(s["rejected"] for s in stats) == 0
    for one in stats:
        assert one["fetched"] == one["inserted"] + one["updated"] + one["unchanged"]


def test_counts_and_sums_at_the_mid_feed_cut_equal_the_reference(fed):
    assert reference.differences(fed.as_of, reference.rows("tenant-a", fed.zone, as_of=True)) == []


def test_computing_one_date_after_the_rest_came_in_recomputes_every_dirty_day(fed):
    assert reference.differences(fed.full, reference.rows("tenant-a", fed.zone)) == []


def test_every_metric_and_percentile_equals_an_independent_computation(fed, feed):
    cells = expected.kpis(feed.tickets, fed.zone, FIRST, LAST)
    assert expected.differences(fed.full, cells)[:20] == []


@pytest.mark.parametrize("dimension", ["priority", "category", "assignee", "group"])
def test_each_member_of_a_dimension_equals_an_independent_computation(fed, feed, server, dimension):
    cells = expected.kpis(feed.tickets, fed.zone, FIRST, LAST, dimension)
    rows = server.days(fed.tenant, FIRST, LAST, by=dimension)
    assert expected.differences(rows, cells)[:20] == []


def test_tickets_without_a_value_count_under_the_empty_member(fed, feed, server):
    cells = expected.kpis(feed.tickets, fed.zone, FIRST, LAST, "assignee")
    alone = server.days(fed.tenant, FIRST, LAST, by="assignee", member="")
    assert any(member == "" for _, member in cells), "the feed has tickets of nobody"
    assert expected.differences(alone, {key: cell for key, cell in cells.items() if key[1] == ""}) == []


def test_the_summary_of_the_whole_range_is_merged_and_not_averaged(fed, feed, server):
    cells = expected.kpis(feed.tickets, fed.zone, FIRST, LAST)
    total = expected.merge([cells[day, ""] for day in expected.days_between(FIRST, LAST)])
    answer = server.v1(fed.tenant, "/v1/kpis/summary", from_=FIRST, to=LAST).must(200).json
    assert expected.faults(answer["total"], total) == []


def test_a_replayed_feed_changes_nothing(fed, feed, server, stack):
    stats = server.feed(fed.tenant, feed.lines)
    assert stats == {"fetched": len(feed.lines), "inserted": 0, "updated": 0,
                     "unchanged": len(feed.lines), "rejected": 0}
    assert dirty_days(stack, fed.tenant) == []
    server.compute(fed.tenant, FIRST, LAST)
    assert server.days(fed.tenant, FIRST, LAST) == fed.full


def test_a_feed_shuffled_in_blocks_gives_the_same_days(feed, server):
    tenant = server.add_tenant("real-shuffled", timezone="Europe/Paris")
    server.compute(tenant, FIRST, LAST)
    lines = feed.shuffled(seed=1)
    for at in range(0, len(lines), 40000):
        server.feed(tenant, lines[at:at + 40000])
    server.compute(tenant, date=FIRST.isoformat())
    assert reference.differences(server.days(tenant, FIRST, LAST),
                                 reference.rows("tenant-a", "Europe/Paris")) == []


def test_a_feed_sent_twice_at_once_gives_the_same_days_and_misses_no_dirty_day(feed, server):
    tenant = server.add_tenant("real-twice", timezone="UTC")
    server.feed(tenant, feed.before)
    server.compute(tenant, FIRST, LAST)
    outcomes = []

    def send(lines):
        outcomes.append(server.feed(tenant, lines))
    threads = [threading.Thread(target=send, args=(lines,)) for lines in (feed.lines, feed.shuffled(seed=2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 2
    known = len({json.loads(line)["external_id"] for line in feed.before})
    assert sum(s["inserted"] for s in outcomes) == len(feed.tickets) - known
    server.compute(tenant, date=LAST.isoformat())
    assert reference.differences(server.days(tenant, FIRST, LAST), reference.rows("tenant-a", "UTC")) == []


def dirty_days(stack, tenant):
    return stack.query("SELECT d.day FROM msp.kpi_dirty_days d JOIN msp.tenants t USING (tenant_id)"
                       " WHERE t.slug = %s ORDER BY d.day", (tenant,))

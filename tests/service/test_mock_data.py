"""The invented tickets: the same seed gives the same bytes, in the order a source hands them out,
ending at the given end. Needs neither the server nor a database."""

import gzip
import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATE = ROOT / "mock-data" / "generate"
END = "2026-06-30T22:00:00Z"
INVENTED = {"atelier-lumiere": "Europe/Paris", "harbor-dental": "America/New_York",
            "sakura-logistics": "Asia/Tokyo"}


def generate(*arguments):
    return subprocess.run([sys.executable, str(GENERATE), *arguments], check=True, timeout=120,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def texts_of(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def lines_of(path):
    """The tickets of a file; the one line that is no JSON, cut off on purpose, is left out."""
    return [json.loads(line) for line in texts_of(path) if line.endswith("}")]


def is_bad(ticket):
    return not ticket.get("external_id", "BAD-").startswith(("ATL-", "HDG-", "SKR-"))


@pytest.fixture(scope="module")
def feeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feeds")
    generate("--seed", "7", "--end", END, "--tickets", "800", "--out", str(folder))
    return {slug: lines_of(folder / f"{slug}.ndjson.gz") for slug in INVENTED}, folder


def test_same_seed_and_end_give_the_same_bytes(feeds, tmp_path):
    generate("--seed", "7", "--end", END, "--tickets", "800", "--out", str(tmp_path))
    for slug in INVENTED:
        name = f"{slug}.ndjson.gz"
        assert (tmp_path / name).read_bytes() == (feeds[1] / name).read_bytes()


def test_another_seed_gives_other_tickets(feeds, tmp_path):
    generate("--seed", "8", "--end", END, "--tickets", "800", "--out", str(tmp_path))
    assert lines_of(tmp_path / "harbor-dental.ndjson.gz") != feeds[0]["harbor-dental"]


def test_changes_come_in_the_order_of_updated_at_and_none_after_the_end(feeds):
    for events in feeds[0].values():
        times = [moment(event["updated_at"]) for event in events]
        assert times == sorted(times)
        assert times[-1] <= moment(END)
        # Tokyo sleeps at 22:00 UTC, so the last change may be some hours old.
        assert (moment(END) - times[-1]).total_seconds() < 86400


def test_every_good_ticket_lives_forward(feeds):
    for events in feeds[0].values():
        versions = {}
        for ticket in filter(lambda event: not is_bad(event), events):
            created, updated = moment(ticket["created_at"]), moment(ticket["updated_at"])
            assert created <= updated
            for name in ("first_response_at", "resolved_at", "closed_at"):
                if ticket[name]:
                    assert created <= moment(ticket[name]) <= updated
            assert ticket["version"] == versions.get(ticket["external_id"], 0) + 1
            versions[ticket["external_id"]] = ticket["version"]
        assert len(versions) == 800


def test_the_range_holds_what_a_real_desk_does(feeds):
    for slug, events in feeds[0].items():
        zone = ZoneInfo(INVENTED[slug])
        last = {event["external_id"]: event for event in events if not is_bad(event)}
        tickets = list(last.values())
        days = {moment(ticket["created_at"]).astimezone(zone) for ticket in tickets}
        assert (max(days) - min(days)).days > 425, "at least fourteen months"
        offsets = {day.utcoffset() for day in days}
        assert len(offsets) == (1 if slug == "sakura-logistics" else 2), "both sides of a clock change"
        monday = sum(day.weekday() == 0 for day in days)
        sunday = sum(day.weekday() == 6 for day in days)
        assert monday > 5 * sunday
        assert any(ticket["reopen_count"] for ticket in tickets)
        assert any(ticket["csat"] for ticket in tickets)
        assert any(ticket["category"] is None for ticket in tickets)
        assert any(not ticket["resolved_at"] and ticket["closed_at"] for ticket in tickets)
        assert any(not ticket["resolved_at"] and not ticket["closed_at"] for ticket in tickets)
        assert any(ticket["resolved_at"] and ticket["closed_at"] and
                   (moment(ticket["closed_at"]) - moment(ticket["resolved_at"])).days >= 7
                   for ticket in tickets)


def test_a_few_rows_are_bad_and_one_line_is_cut_off(feeds):
    for slug, events in feeds[0].items():
        assert sum(map(is_bad, events)) == 8
        assert len(texts_of(feeds[1] / f"{slug}.ndjson.gz")) == len(events) + 1


def test_final_prints_each_ticket_once_as_it_stands_at_the_end(feeds):
    out = generate("--seed", "7", "--end", END, "--tickets", "800", "--final", "--tenant",
                   "harbor-dental").stdout
    printed = {t["external_id"]: t for t in map(json.loads, out.splitlines())}
    last = {e["external_id"]: e for e in feeds[0]["harbor-dental"] if not is_bad(e)}
    assert printed == last
    assert len(out.splitlines()) == 800


def test_end_now_ends_now(tmp_path):
    before = datetime.now(timezone.utc)
    generate("--tickets", "3000", "--tenant", "atelier-lumiere", "--out", str(tmp_path))
    last = moment(lines_of(tmp_path / "atelier-lumiere.ndjson.gz")[-1]["updated_at"])
    assert last <= datetime.now(timezone.utc)
    assert (before - last).total_seconds() < 86400


def test_the_committed_set_is_what_the_generator_makes(tmp_path):
    generate("--seed", "1", "--end", END, "--tickets", "900", "--out", str(tmp_path))
    for slug in INVENTED:
        name = f"{slug}.ndjson.gz"
        assert texts_of(tmp_path / name) == texts_of(ROOT / "mock-data" / "tickets" / name)


def test_the_real_set_is_whole():
    events = lines_of(ROOT / "mock-data" / "tickets" / "uci-incidents.ndjson.gz")
    assert len(events) == 8003
    assert len({event["external_id"] for event in events}) == 1515


@pytest.mark.parametrize("arguments", [("--end", "2026-06-30T22:00:00"), ("--end", "soon"),
                                       ("--months", "0"), ("--final",), ("--tickets", "0"),
                                       ("--tenant", "uci-incidents")])
def test_wrong_arguments_are_refused(arguments, tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as refused:
        generate("--out", str(tmp_path), *arguments)
    assert refused.value.returncode == 2
    assert not list(tmp_path.iterdir())

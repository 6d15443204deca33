"""Lines about requests that are held to be written together: soon there, and not lost with the worker."""

import os
import signal

from harness.waiting import wait_until

CRASH = r"Process ended unasked.*killed by signal 9"


def ask(server, count):
    """The ids of so many requests that leave a line."""
    token = server.token("admin")
    return [server.get("/v1/me", token=token).must(200).headers["X-Request-Id"] for _ in range(count)]


def times_in_log(server, ids):
    log = server.log()
    return [log.count(f"request_id={one}") for one in ids]


def test_held_lines_come_soon_and_once(new_server):
    server = new_server(LOG_HOLD_MS="50")
    ids = ask(server, 30)
    wait_until(lambda: times_in_log(server, ids) == [1] * len(ids), 10, "a line for each request")


def test_a_killed_worker_takes_no_line_with_it(new_server, expect_log):
    expect_log(CRASH)
    server = new_server(LOG_HOLD_MS="1000")
    ids = ask(server, 30)
    for worker in server.workers("http worker"):
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: times_in_log(server, ids) == [1] * len(ids), 10, "a line for each request")


def test_a_reload_ends_the_holding(new_server):
    server = new_server(LOG_HOLD_MS="1000")
    server.configure(LOG_HOLD_MS="0")
    server.reload()
    ids = ask(server, 3)
    wait_until(lambda: times_in_log(server, ids) == [1] * len(ids), 10, "a line for each request")

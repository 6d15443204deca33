"""Waiting for an event, never for luck."""

import time


def wait_until(predicate, timeout=10.0, what=None, interval=0.02):
    """Calls `predicate` until it returns something true, and returns that; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what or predicate}")
        time.sleep(interval)


def seconds_that_stay_a_window(spare_seconds=1200):
    """An hour or a little more: windows begin at multiples of their length, and this one lasts twenty minutes yet."""
    now = time.time()
    return next(length for length in range(3600, 7200) if length - now % length > spare_seconds)


def early_in_a_window(seconds):
    """Waits for the first half of a window of so many seconds."""
    wait_until(lambda: time.time() % seconds < seconds / 2, seconds, "a window to begin")

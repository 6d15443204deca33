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

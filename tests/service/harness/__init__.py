"""What the service tests stand on: a private PostgreSQL, a private Redis and the real binary.

Start with `conftest.py`: the fixtures `stack`, `server`, `tenant`, `new_server`, `new_stack` and
`expect_log`. Nothing here knows what a KPI is but `expected.py`, and nothing sleeps for luck:
`wait_until` waits for an event with a deadline.
"""

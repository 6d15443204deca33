"""Fixtures of the service tests. What they offer:

`stack`         the session's PostgreSQL, Redis and migrated database
`server`        the session's running server on it: use own tenants, leave it running
`tenant`        makes a tenant of a fresh slug: tenant(timezone="UTC", source=None)
`new_server`    makes further servers on the session's stack, stopped after the test
`module_stack`  a stack that the tests of one file have for themselves
`new_stack`     makes a stack of the test's own (for tests that stop PostgreSQL or kill workers)
`expect_log`    announces alarming log lines by regular expression; all others fail the test

`./ops/test` runs several files at a time. A test that compares times, holds one against a tight bound or looks into a
short moment is marked `alone`: it runs after the others, with the machine to itself.
"""

import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness import described  # noqa: E402
from harness.server import Stack, binary  # noqa: E402

_slugs = itertools.count(1)
_stacks = []
# Files that take longest come first, so that none is left over for the end.
LONGEST = ("test_jobs.py", "test_reference_kpis.py", "test_quickstart.py", "test_export_s3.py", "test_faults.py",
           "test_tenant_matrix.py", "test_job_engine.py", "test_processes.py", "test_rate_limits.py")


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: needs the machine to itself, for its times or for a moment it must not miss")


def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


def pytest_sessionstart(session):
    if not os.path.exists(binary()):
        pytest.exit(f"{binary()} is not built; build it or point MSP_BUILD_DIR at the build folder", 2)


@pytest.fixture(scope="session")
def migrated():
    """A stack at rest that the others begin as copies of, so that initdb and the migrations run once."""
    made = Stack()
    try:
        made.start().postgres.stop()
        made.redis.stop()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def stack(migrated):
    """The session's databases."""
    made = Stack(like=migrated)
    _stacks.append(made)
    try:
        yield made.start()
    finally:
        made.remove()
    found = [line for one in made.servers for line in one.alarms()]
    assert not found, "alarming lines at the end:\n" + "\n".join(found[:20])


@pytest.fixture(scope="session")
def server(stack):
    """The session's server: shared, so never stopped or killed by a test."""
    return stack.server().start()


@pytest.fixture
def tenant(server):
    """Makes tenants that no other test uses."""
    def make(timezone="UTC", source=None, name=None, on=None):
        return (on or server).add_tenant(f"t{next(_slugs)}", timezone, source, name)
    return make


@pytest.fixture
def new_server(stack):
    """Makes servers on the session's stack with settings of their own; they end with the test."""
    made = []

    def make(start=True, **settings):
        one = stack.server(**settings)
        made.append(one)
        return one.start() if start else one
    yield make
    for one in made:
        one.stop()


@pytest.fixture
def new_stack(migrated):
    """Makes stacks that a test may maltreat; they end with the test."""
    made = []

    def make(postgres_settings=()):
        one = Stack(postgres_settings, migrated)
        made.append(one)
        _stacks.append(one)
        return one.start()
    yield make
    for one in made:
        one.remove()


@pytest.fixture(scope="module")
def module_stack(migrated):
    """A stack that the tests of one file share, for those that look at a whole queue."""
    made = Stack(like=migrated)
    _stacks.append(made)
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.fixture
def expect_log():
    """expect_log(pattern): lines of the server's log that match are part of this test."""
    announced = []

    def announce(*patterns):
        announced.extend(patterns)
    announce.patterns = announced
    return announce


@pytest.fixture(autouse=True)
def quiet_log(expect_log):
    """Reads every server's log after the test; set up first, so that it looks last."""
    yield
    servers = [made for one in _stacks for made in one.servers]
    found = [line for made in servers for line in made.alarms(expect_log.patterns)]
    _stacks[:] = [one for one in _stacks if not one.removed]
    assert not found, "alarming lines in the log:\n" + "\n".join(found[:20])


@pytest.fixture(autouse=True)
def true_description():
    """Every answer a test got must be as /openapi.json says."""
    yield
    found = described.take_faults()
    assert not found, "answers that /openapi.json does not describe:\n" + "\n".join(found[:20])

"""The workflows of ops/n8n in a real n8n against the real server: tickets, KPI rows, files and mails must come.
Runs where MSP_N8N_DIR names the folder that tests/n8n/install-n8n filled; ./ops/test n8n sees to that."""

import datetime
import email
import email.policy
import itertools
import json
import os
import subprocess
import sys
import tempfile

import pytest

from harness.databases import REPOSITORY
from harness.gate import Gate
from harness.n8n import N8n
from harness.receivers import MailServer
from harness.server import SECRETS
from harness.tickets import stamp, ticket, write_mock
from harness.waiting import wait_until

INSTALLED = os.environ.get("MSP_N8N_DIR")
pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs n8n; ./ops/test n8n installs and names it")

FETCH, KPIS, EXPORT = "mspFetchTickets1", "mspDailyKpis0001", "mspDailyExport01"
PIPELINE, WEEKLY, ERRORS = "mspDailyPipelin1", "mspWeeklyMail001", "mspReportErrors1"
TRIGGERS = {FETCH: "Every 15 minutes", KPIS: "Every day at 06:00", EXPORT: "Every day at 07:30",
            PIPELINE: "Every day at 06:00", WEEKLY: "Every Monday at 08:00"}
ZONES = {"paris": "Europe/Paris", "angeles": "America/Los_Angeles", "tokyo": "Asia/Tokyo"}
MAILBOX = "ops@example.org"
CHECK_AGAIN_SECONDS = 20
# n8n looks once a minute for the executions whose wait is over.
N8N_LOOKS_SECONDS = 65
_numbers = itertools.count(1)


class Site:
    """The server, n8n and the mail server, and a gate on each way between the first two."""

    def __init__(self, stack):
        self.stack = stack
        self.mail = MailServer()
        # Short: n8n's sockets lie in it.
        self.folder = tempfile.mkdtemp(prefix="msp-n8n-", dir="/tmp")
        self.n8n = N8n(INSTALLED, self.folder)
        self.callbacks = Gate(self.n8n.port)
        self.n8n.webhooks = self.callbacks.address + "/"
        self.server = stack.server(
            EGRESS_ALLOW=f"{self.callbacks.address}+private", CALLBACK_SECRET="callback-secret-of-the-tests-0123456789",
            SMTP_URL=self.mail.url, SMTP_STARTTLS="false", SMTP_FROM="msp@example.org", NOTIFY_TO=MAILBOX)
        self.calls = Gate(self.server.port)
        self.tickets = {slug: [] for slug in ZONES}
        self.listed = self.refused = None

    def install(self, *arguments):
        """What an operator does, with an address that leads through the gate."""
        done = subprocess.run(
            [sys.executable, os.path.join(REPOSITORY, "ops/n8n/install"), "--env-file", self.server.env_path,
             "--api-url", self.calls.address, "--check-again-seconds", str(CHECK_AGAIN_SECONDS), *arguments],
            env=self.n8n.environment(), capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        self.server.start()
        for slug, zone in ZONES.items():
            self.server.add_tenant(slug, zone, "mock")
        self.server.add_tenant("pushed")
        self.bring_tickets()
        self.install()
        self.n8n.start()
        # As they were shipped, before tests are let at all of them.
        self.listed = self.n8n.tool("search_workflows", limit=50)["structuredContent"]["data"]
        self.refused = self.n8n.tool("execute_workflow", workflowId=WEEKLY, triggerNodeName=TRIGGERS[WEEKLY],
                                     executionMode="production")
        self.n8n.open_all()
        return self

    def stop(self):
        self.n8n.stop()
        self.server.stop()
        for gate in (self.calls, self.callbacks, self.mail):
            gate.close()
        subprocess.run(["rm", "-rf", "--", self.folder], check=True)

    def bring_tickets(self):
        """Ten more tickets of the last days at every source."""
        now = datetime.datetime.now(datetime.timezone.utc)
        for slug, known in self.tickets.items():
            for number in range(10):
                created = now - datetime.timedelta(days=1 + number % 3, hours=number)
                known.append(ticket(f"{slug}-{next(_numbers)}", stamp(created), stamp(now), title=f"Ticket {number}"))
            write_mock(self.server, slug, known)

    def run(self, flow):
        """Runs a workflow by its schedule to its end; its status."""
        return self.n8n.ended(self.n8n.run(flow, TRIGGERS[flow]))[0]

    def run_by_hand(self, flow):
        return self.n8n.ended(self.n8n.run_by_hand(flow))[0]

    def on_another_day(self):
        """Gives what is ordered in this test the key of a day that no test used."""
        key = f"test-{next(_numbers)}"

        def replace(passage):
            if passage.headers["Idempotency-Key"]:
                passage.headers.replace_header("Idempotency-Key", key)
        self.calls.alter = replace

    def last_step(self, flow):
        """The node at which the newest execution of a workflow ended."""
        return self.n8n.last_node(self.n8n.executions(flow)[0]["id"])

    def jobs(self, kind):
        """How many jobs of a kind somebody ordered (children are not ordered)."""
        return self.stack.query("SELECT count(*) FROM msp.jobs WHERE kind = %s AND parent_id IS NULL", (kind,))[0][0]

    def stored_tickets(self, slug):
        return self.stack.query("SELECT count(*) FROM msp.raw_tickets JOIN msp.tenants USING (tenant_id) WHERE slug = %s",
                                (slug,))[0][0]

    def letters_about(self, words):
        """(receivers, subject and text) of the letters that hold these words."""
        found = []
        for letter in self.mail.letters:
            message = email.message_from_bytes(letter.message, policy=email.policy.default)
            text = f"{message['Subject']}\n{message.get_content()}"
            if words in text:
                found.append((letter.receivers, text))
        return found

    def returned_callbacks(self):
        return [passage for passage in self.callbacks.passages if passage.path.startswith("/webhook-waiting/")]


@pytest.fixture(scope="module")
def site(stack):
    made = Site(stack)
    try:
        yield made.start()
    finally:
        made.stop()
    assert not made.n8n.family()


@pytest.fixture(autouse=True)
def open_gates(site):
    yield
    for gate in (site.calls, site.callbacks):
        gate.open()


def check_that_all_came(site):
    for slug, tickets in site.tickets.items():
        assert site.stored_tickets(slug) == len(tickets)
        computed = site.stack.query("SELECT count(*) FROM msp.kpi_daily JOIN msp.tenants USING (tenant_id)"
                                    " WHERE slug = %s AND dimension = 'all' AND tickets_created > 0", (slug,))[0][0]
        assert computed >= 1, f"{slug} has no KPI rows"
        folder = os.path.join(site.server.exports, f"tenant={slug}")
        for dataset in ("kpi_daily", "tickets"):
            assert os.path.getsize(os.path.join(folder, f"dataset={dataset}", "latest.csv")) > 100


# ---- the flows, twice in a row ----

def test_every_flow_is_green_by_its_schedule(site):
    for flow in (FETCH, KPIS, EXPORT, WEEKLY):
        assert site.run(flow) == "success", flow
    assert site.run_by_hand(PIPELINE) == "success"
    check_that_all_came(site)
    (receivers, text), = site.letters_about("the week to")
    assert receivers == [MAILBOX]
    for slug in ZONES:
        assert f"({slug}): 10 new tickets" in text
    assert "(pushed): its tickets are pushed" in text and "No job failed." in text


def test_every_flow_is_green_again_after_a_second_install_and_a_restart_of_n8n(site):
    printed = site.install("--daily", "pipeline")
    assert "inactive  MSP Analytics: daily KPIs" in printed
    site.n8n.stop()
    site.n8n.start()
    site.n8n.open_all()
    site.bring_tickets()
    assert site.run(PIPELINE) == "success"
    check_that_all_came(site)
    site.bring_tickets()
    for flow in (FETCH, KPIS, EXPORT, WEEKLY):
        assert site.run_by_hand(flow) == "success", flow
    check_that_all_came(site)
    assert len(site.letters_about("the week to")) == 2
    assert site.letters_about("failed at") == []


def test_an_editor_may_start_what_harms_nobody_over_mcp_and_nothing_else(site):
    shown = {flow["id"] for flow in site.listed if flow["availableInMCP"]}
    assert shown == {FETCH, KPIS, EXPORT, PIPELINE}
    assert "not available in MCP" in json.dumps(site.refused)
    assert SECRETS["SERVICE_TOKEN"] not in json.dumps(site.n8n.tool("get_workflow_details", workflowId=FETCH))


def test_long_work_is_resumed_by_the_callback_with_its_signature_kept(site):
    before = len(site.returned_callbacks())
    assert site.run_by_hand(KPIS) == "success"
    passage = wait_until(lambda: [p for p in site.returned_callbacks()[before:] if p.status == 200], 10, "a callback")[0]
    assert "?signature=" in passage.path
    assert json.loads(passage.body)["job"]["state"] == "succeeded"


def test_a_schedule_that_fires_twice_orders_once(site):
    ordered = site.jobs("pipeline")
    assert site.run(PIPELINE) == "success"
    assert site.last_step(PIPELINE) == "Unless it was ordered before"
    assert site.jobs("pipeline") == ordered


def test_a_source_that_has_more_is_asked_again(site):
    asked = []

    def has_more_once(passage):
        if passage.path == "/internal/ingest/tickets" and b'"tokyo"' in passage.body:
            asked.append(passage)
            if len(asked) == 1:
                passage.answer = passage.answer.replace(b'"has_more":false', b'"has_more":true')
    site.calls.linger = has_more_once
    assert site.run_by_hand(FETCH) == "success"
    assert len(asked) == 2


# ---- what goes wrong on the way ----

# Of a start by hand n8n has nothing stored before it waits, and trips over that.
@pytest.mark.parametrize("start,early", [("run", 409), ("run_by_hand", 500)])
def test_a_callback_that_comes_before_n8n_waits_is_sent_again(site, start, early):
    ordered, before = site.jobs("pipeline"), len(site.returned_callbacks())
    site.on_another_day()

    # The order's answer is held until the callback was tried in vain.
    def hold(passage):
        if passage.path == "/internal/pipelines/daily":
            wait_until(lambda: len(site.returned_callbacks()) > before, 60, "a callback that is too early")
    site.calls.linger = hold
    assert getattr(site, start)(PIPELINE) == "success"
    wait_until(lambda: site.returned_callbacks()[-1].status == 200, 15, "the callback to be taken")
    assert site.returned_callbacks()[before].status == early
    assert site.jobs("pipeline") == ordered + 1


def test_a_callback_that_never_comes_is_made_up_for_by_asking(site):
    before = len(site.returned_callbacks())
    site.callbacks.refuse = lambda passage: 503 if passage.path.startswith("/webhook-waiting/") else None
    number = site.n8n.run_by_hand(KPIS)
    status, _ = site.n8n.ended(number, timeout=CHECK_AGAIN_SECONDS + N8N_LOOKS_SECONDS + 60)
    assert status == "success"
    assert {passage.status for passage in site.returned_callbacks()[before:]} == {503}


def test_a_server_restarted_in_the_middle_ends_the_work_all_the_same(site):
    blocker = site.stack.postgres.connect(site.stack.database, autocommit=False)
    blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
    ordered = site.jobs("kpi")
    number = site.n8n.run_by_hand(KPIS)
    wait_until(lambda: site.n8n.status(number) == "waiting", 60, "n8n to wait", interval=0.25)
    assert site.server.stop(timeout=60) == 0
    blocker.rollback()
    blocker.close()
    site.server.start()
    assert site.n8n.ended(number)[0] == "success"
    assert site.jobs("kpi") == ordered + 1
    check_that_all_came(site)


def test_a_tenant_that_fails_is_reported_once_a_day_and_holds_up_no_other(site):
    site.server.add_tenant("broken", source="mock")
    site.bring_tickets()
    assert site.run(FETCH) == "error"
    for slug, tickets in site.tickets.items():
        assert site.stored_tickets(slug) == len(tickets)
    wait_until(lambda: site.letters_about("broken: "), 60, "a mail about the error")
    reported = len(site.n8n.executions(ERRORS))
    assert site.run(FETCH) == "error"
    wait_until(lambda: [e["status"] for e in site.n8n.executions(ERRORS)][:1] == ["success"]
               and len(site.n8n.executions(ERRORS)) > reported, 60, "the second report", interval=0.25)
    (receivers, text), = site.letters_about("broken: ")
    assert receivers == [MAILBOX]
    assert "MSP Analytics: fetch tickets failed" in text and "There are no mock tickets" in text
    assert site.server.command("tenant", "disable", "broken").returncode == 0
    wait_until(lambda: site.server.tenants()["broken"]["status"] != "active", 10, "the tenant to be disabled")
    assert site.run(FETCH) == "success"


def test_a_job_that_does_not_succeed_is_reported(site):
    blocker = site.stack.postgres.connect(site.stack.database, autocommit=False)
    blocker.cursor().execute("LOCK TABLE msp.kpi_daily")
    number = site.n8n.run(FETCH, TRIGGERS[FETCH])
    assert site.n8n.ended(number)[0] == "success"
    # By its schedule, for n8n reports no start by hand.
    site.on_another_day()
    number = site.n8n.run(PIPELINE, TRIGGERS[PIPELINE])
    wait_until(lambda: site.n8n.status(number) == "waiting", 60, "n8n to wait", interval=0.25)
    job, = (job for job in site.server.internal("GET", "/internal/jobs?kind=pipeline&state=running").must(200).json["jobs"]
            if job["tenant_id"] is None)
    site.server.internal("POST", f"/internal/jobs/{job['id']}/cancel").must(200, 202)
    blocker.rollback()
    blocker.close()
    assert site.n8n.ended(number)[0] == "error"
    wait_until(lambda: site.letters_about("is cancelled"), 60, "a mail about the cancelled job")


def test_while_the_server_is_down_the_news_of_it_waits(site):
    before = len(site.n8n.executions(ERRORS))
    site.server.stop()
    assert site.run(FETCH) == "error"
    wait_until(lambda: len(site.n8n.executions(ERRORS)) > before
               and site.n8n.executions(ERRORS)[0]["status"] == "waiting", 90, "the report to wait", interval=0.5)
    site.server.start()


def test_the_token_is_in_no_execution_that_n8n_keeps(site):
    kept = site.n8n.stored_bytes()
    assert b"compute-daily" in kept
    assert SECRETS["SERVICE_TOKEN"].encode() not in kept
    assert SECRETS["SERVICE_TOKEN"] not in site.n8n.log()

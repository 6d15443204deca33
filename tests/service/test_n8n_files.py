"""What ops/n8n ships, read without n8n: every reference leads somewhere, every call to the server is made
the same careful way, and no secret or address of a machine slipped in. ./ops/test n8n runs them for real."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "ops" / "n8n"
FLOWS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "workflows").glob("*.json"))}
SCHEDULED = [name for name in FLOWS if name != "report-errors"]
BY_JOB = ["daily-kpis", "daily-export", "daily-pipeline"]
CALLS = [(name, node) for name, flow in FLOWS.items() for node in flow["nodes"] if node["type"].endswith(".httpRequest")]


def nodes(flow, kind):
    return [node for node in flow["nodes"] if node["type"] == f"n8n-nodes-base.{kind}"]


def settings(flow):
    node, = (node for node in flow["nodes"] if node["name"] == "Settings")
    return {entry["name"]: entry["value"] for entry in node["parameters"]["assignments"]["assignments"]}


def test_the_six_flows_are_there():
    assert set(FLOWS) == {"fetch-tickets", "daily-kpis", "daily-export", "daily-pipeline", "weekly-mail", "report-errors"}
    ids = [flow["id"] for flow in FLOWS.values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", FLOWS)
def test_every_reference_leads_to_a_node(name):
    flow = FLOWS[name]
    names = [node["name"] for node in flow["nodes"]]
    assert len(set(names)) == len(names)
    ids = [node["id"] for node in flow["nodes"]]
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r"\$\('([^']+)'\)", json.dumps(flow))) <= set(names)
    for source, ports in flow["connections"].items():
        assert source in names
        for port in ports["main"]:
            assert {link["node"] for link in port} <= set(names)
    reached = {link["node"] for ports in flow["connections"].values() for port in ports["main"] for link in port}
    starts = {node["name"] for node in flow["nodes"] if node["type"].endswith(("Trigger", ".stickyNote"))}
    assert set(names) == reached | starts


@pytest.mark.parametrize("name", FLOWS)
def test_every_flow_says_what_it_does_and_what_to_set(name):
    note, = nodes(FLOWS[name], "stickyNote")
    assert note["parameters"]["content"].startswith("## ")
    for setting in settings(FLOWS[name]):
        if setting not in ("order_key", "since"):
            assert f"`{setting}`" in note["parameters"]["content"]


@pytest.mark.parametrize("name", SCHEDULED)
def test_every_flow_starts_by_schedule_and_by_hand_and_reports_its_errors(name):
    flow = FLOWS[name]
    assert len(nodes(flow, "scheduleTrigger")) == 1
    assert [node["name"] for node in nodes(flow, "manualTrigger")] == ["Start by hand"]
    assert flow["settings"]["errorWorkflow"] == FLOWS["report-errors"]["id"]
    assert flow["active"] is False


def test_the_hours_are_those_of_the_mission():
    def rule(name):
        node, = nodes(FLOWS[name], "scheduleTrigger")
        only, = node["parameters"]["rule"]["interval"]
        return only
    assert (rule("fetch-tickets")["field"], rule("fetch-tickets")["minutesInterval"]) == ("minutes", 15)
    hours = {name: (rule(name)["triggerAtHour"], rule(name)["triggerAtMinute"]) for name in SCHEDULED[:3] + ["weekly-mail"]}
    assert hours == {"daily-export": (7, 30), "daily-kpis": (6, 0), "daily-pipeline": (6, 0), "weekly-mail": (8, 0)}
    assert rule("weekly-mail")["triggerAtDay"] == [1]


@pytest.mark.parametrize("name,node", CALLS, ids=[f"{name}: {node['name']}" for name, node in CALLS])
def test_every_call_is_authenticated_bounded_and_retried(name, node):
    credential, = json.loads((FOLDER / "credentials.json").read_text(encoding="utf-8"))
    asked = node["parameters"]
    assert node["credentials"] == {"httpHeaderAuth": {"id": credential["id"], "name": credential["name"]}}
    assert (asked["authentication"], asked["genericAuthType"]) == ("genericCredentialType", "httpHeaderAuth")
    assert asked["url"].startswith("={{ $('Settings').first().json.api_url }}/internal/")
    assert 60000 < asked["options"]["timeout"] < 100000
    # n8n takes 2 to 5 tries and waits at most 5 s between them.
    assert node["retryOnFail"] and 2 <= node["maxTries"] <= 5 and node["waitBetweenTries"] == 5000
    if asked["method"] == "POST" and "/ingest/" not in asked["url"]:
        assert "Idempotency-Key" in [field["name"] for field in asked["headerParameters"]["parameters"]]


@pytest.mark.parametrize("name", BY_JOB)
def test_long_work_waits_for_the_callback_with_a_limit_and_asks_afterwards(name):
    flow = FLOWS[name]
    order, = (node for node in nodes(flow, "httpRequest") if node["parameters"]["method"] == "POST")
    assert "callback_url: $execution.resumeUrl" in order["parameters"]["jsonBody"]
    wait, = nodes(flow, "wait")
    # The callback is a POST; n8n's default is GET.
    assert (wait["parameters"]["resume"], wait["parameters"]["httpMethod"]) == ("webhook", "POST")
    assert wait["parameters"]["limitWaitTime"] is True
    after, = flow["connections"][wait["name"]]["main"][0]
    asked = next(node for node in flow["nodes"] if node["name"] == after["node"])
    assert "/internal/jobs/" in asked["parameters"]["url"]
    over, = flow["connections"][asked["name"]]["main"][0]
    assert [link["node"] for link in flow["connections"][over["node"]]["main"][1]] == [wait["name"]]


def test_the_three_flows_of_jobs_differ_in_words_only():
    def shape(name):
        flow = FLOWS[name]
        order, = (node for node in nodes(flow, "httpRequest") if node["parameters"]["method"] == "POST")
        words = [flow["id"], flow["name"], order["name"], order["parameters"]["url"], settings(flow)["order_key"],
                 *(node["name"] for kind in ("noOp", "scheduleTrigger") for node in nodes(flow, kind)),
                 nodes(flow, "wait")[0]["webhookId"],
                 *(node["parameters"] for kind in ("stickyNote", "scheduleTrigger") for node in nodes(flow, kind))]
        pieces = [json.dumps(word).removeprefix('"').removesuffix('"') for word in words]
        text = json.dumps(flow)
        for piece in sorted(pieces, key=len, reverse=True):
            text = text.replace(piece, "_")
        return text.replace(f'"{nodes(flow, "wait")[0]["id"].removesuffix("wait")}', '"_')
    assert len({shape(name) for name in BY_JOB}) == 1


def test_only_flows_that_the_clock_starts_anyway_and_that_tell_nobody_are_open_to_mcp():
    """What an editor's model may start: it takes no input from it, sends nothing to people, and twice does no harm."""
    shown = {name for name, flow in FLOWS.items() if flow["settings"]["availableInMCP"]}
    assert shown == {"fetch-tickets", "daily-kpis", "daily-export", "daily-pipeline"}
    for name in shown:
        text = json.dumps(FLOWS[name])
        assert "/internal/notifications" not in text and not nodes(FLOWS[name], "webhook"), name
        assert not nodes(FLOWS[name], "code") and len(nodes(FLOWS[name], "scheduleTrigger")) == 1, name
    # The others send mails.
    assert all("/internal/notifications" in json.dumps(FLOWS[name]) for name in set(FLOWS) - shown)


def test_no_secret_and_no_address_of_a_machine_is_in_the_files():
    credential, = json.loads((FOLDER / "credentials.json").read_text(encoding="utf-8"))
    assert credential["data"]["value"] == "Bearer ${SERVICE_TOKEN}"
    for flow in FLOWS.values():
        assert settings(flow)["api_url"] == "http://msp-analytics:8000"
        assert set(re.findall(r"https?://[^/\s`\"']+", json.dumps(flow))) <= {"http://msp-analytics:8000", "http://n8n:5678+private"}
        assert "pinData" not in flow and "staticData" not in flow


# ---- the script, with a stand-in for n8n that notes what it is asked ----

STAND_IN = """#!/bin/sh
echo "$*" >>"$NOTES/calls"
case $1 in
import:*)
    cp "${2#--input=}" "$NOTES/${1#import:}.json"
    stat -c %a "${2#--input=}" >>"$NOTES/modes"
    echo "Successfully imported $(/usr/bin/python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "${2#--input=}") things." ;;
publish:workflow) [ "$BROKEN" ] || echo "${2#--id=}" >>"$NOTES/active" ;;
list:workflow) sort -u "$NOTES/active" ;;
esac
"""


@pytest.fixture
def install(tmp_path):
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin" / "n8n"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    (tmp_path / "active").touch()

    def run(*arguments, env_lines=("SERVICE_TOKEN=a-secret-of-the-test", "LISTEN=127.0.0.1:8000"), **more):
        env_file = tmp_path / "env"
        env_file.write_text("\n".join(env_lines) + "\n")
        return subprocess.run([sys.executable, str(FOLDER / "install"), "--env-file", str(env_file), *arguments],
                              env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "NOTES": str(tmp_path), "TMPDIR": str(tmp_path),
                                   **more},
                              capture_output=True, text=True, timeout=60, check=False)
    run.folder = tmp_path
    return run


def test_install_fills_token_and_address_and_activates(install):
    done = install("--mail-to", "ops@example.org")
    assert done.returncode == 0, done.stderr
    credential, = json.loads((install.folder / "credentials.json").read_text())
    assert credential["data"]["value"] == "Bearer a-secret-of-the-test"
    assert credential["data"]["allowedDomains"] == "127.0.0.1"
    flows = json.loads((install.folder / "workflow.json").read_text())
    assert {flow["id"] for flow in flows} == {flow["id"] for flow in FLOWS.values()}
    for flow in flows:
        assert settings(flow)["api_url"] == "http://127.0.0.1:8000"
        assert settings(flow).get("mail_to", "ops@example.org") == "ops@example.org"
    active = set((install.folder / "active").read_text().split())
    assert active == {flow["id"] for name, flow in FLOWS.items() if name != "daily-pipeline"}
    assert "restart" in done.stdout
    for name in ("EGRESS_ALLOW", "CALLBACK_SECRET", "SMTP_URL"):
        assert f"Set {name}" in done.stdout


def test_install_keeps_the_token_out_of_command_lines_and_files(install):
    done = install()
    assert done.returncode == 0, done.stderr
    assert "a-secret" not in (install.folder / "calls").read_text() + done.stdout + done.stderr
    assert (install.folder / "modes").read_text().split() == ["600", "600"]
    assert not list(install.folder.glob("tmp*"))


def test_install_activates_the_pipeline_in_place_of_the_two(install):
    assert install("--daily", "pipeline", "--via", "env SOME=thing").returncode == 0
    active = set((install.folder / "active").read_text().split())
    assert active == {flow["id"] for name, flow in FLOWS.items() if name not in ("daily-kpis", "daily-export")}


@pytest.mark.parametrize("lines,more,says", [
    (["LISTEN=127.0.0.1:8000"], {}, "no SERVICE_TOKEN"),
    (["SERVICE_TOKEN=x", "LISTEN=0.0.0.0:8000"], {}, "--api-url"),
    (["SERVICE_TOKEN=x"], {"BROKEN": "1"}, "did not activate")])
def test_install_says_what_is_wrong(install, lines, more, says):
    done = install(env_lines=lines, **more)
    assert done.returncode == 1 and says in done.stderr

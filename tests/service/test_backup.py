"""A backup, and what a new cluster made of it gives: the same KPIs, people, keys and audit log."""

import json
import os
import shutil
import subprocess

import psycopg2
import pytest

from harness.databases import PASSWORDS, REPOSITORY
from harness.server import Stack
from harness.two_tenants import FROM, PASSWORD, TO, Side

BACKUP_PASSWORD = "backup%password of the tests"
KEYS = {"AUDIT_SECRET": "audit-secret-of-the-backup-tests-0123456789abcdef"}


def run(program, *arguments):
    """A script of ops/ with nothing of ours in its environment."""
    return subprocess.run([os.path.join(REPOSITORY, "ops", program), *arguments], capture_output=True, text=True,
                          timeout=120, check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})


def answers(server, slug):
    """What its people are told."""
    told = [server.v1(slug, f"/v1/kpis/{kind}", from_=FROM, to=TO, **more).must(200).json
            for kind, more in (("daily", {}), ("daily", {"by": "assignee"}), ("summary", {"by": "priority"}))]
    listed = server.v1(slug, "/v1/exports").must(200).json["exports"]
    return told, [(one["dataset"], one["day"], one["sha256"]) for one in listed]


class Original:
    """A server with a tenant that has everything, and a backup of it."""

    def __init__(self, stack, folder):
        self.stack, self.folder = stack, str(folder)
        self.server = stack.server(**KEYS).start()
        stack.postgres.psql("postgres", [
            "-v", f"database={stack.database}", "-v", f"backup_password={BACKUP_PASSWORD}",
            *(word for name, value in PASSWORDS.items() for word in ("-v", f"{name}_password={value}")),
            "-f", os.path.join(REPOSITORY, "db", "bootstrap.sql")])
        self.side = Side(self.server, "kept-one", "keptmark")
        self.side.add_callers()
        self.side.fill(30)
        done = self.back_up()
        assert done.returncode == 0, done.stderr
        self.backup, = (os.path.join(self.folder, name) for name in os.listdir(self.folder) if name.startswith("msp-"))
        self.said = done.stdout

    def login(self, role="msp_backup", password="backup%25password%20of%20the%20tests"):
        return self.stack.postgres.url(role, password, self.stack.database)

    def back_up(self, *more, login=None, to=None):
        return run("backup", "--database", login or self.login(), "--to", to or self.folder, "--exports",
                   self.server.exports, *more)


@pytest.fixture(scope="module")
def original(module_stack, tmp_path_factory):
    made = Original(module_stack, tmp_path_factory.mktemp("backups"))
    yield made
    made.server.stop()


@pytest.fixture
def empty_cluster():
    """A PostgreSQL that has nothing of ours, and a Redis."""
    made = Stack()
    made.database = "restored"
    try:
        yield made.start()
    finally:
        made.remove()


def restore(backup, cluster, *more):
    url = f"postgresql://postgres@/postgres?host={cluster.postgres.folder}"
    return run("restore", backup, "--database", url, "--name", cluster.database, *more)


def test_a_restore_into_an_empty_cluster_gives_the_same(original, empty_cluster, tmp_path):
    assert original.said.startswith(original.backup) and "30 tickets" in original.said
    # The new cluster's settings: its address, the passwords as they were.
    made = empty_cluster.server(**KEYS)
    done = restore(original.backup, empty_cluster, "--env-file", made.env_path, "--exports", made.exports)
    assert done.returncode == 0, done.stderr
    again = restore(original.backup, empty_cluster)
    assert again.returncode == 1 and "is there already" in again.stderr
    made.start()
    before, after = answers(original.server, original.side.slug), answers(made, original.side.slug)
    assert after == before
    assert before[0][0]["rows"][0]["tickets_created"] > 0
    keys = [caller.headers for caller in original.side.callers.values() if "X-API-Key" in caller.headers]
    assert len(keys) == 3
    for headers in keys:
        made.get("/v1/me", headers=headers).must(200)
    made.post("/v1/auth/login", {"email": "manager.keptmark@example.org", "password": PASSWORD}).must(200)
    verified = made.command("audit", "verify", "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    heads = {chain["tenant"]: chain["lines"] for chain in json.loads(verified.stdout)["chains"]}
    assert heads["kept-one"] >= 7
    csv = made.v1(original.side.slug, "/v1/exports/kpi_daily/latest.csv").must(200)
    assert csv.body == original.server.v1(original.side.slug, "/v1/exports/kpi_daily/latest.csv").must(200).body
    # It goes on from there.
    made.push(original.side.slug, [original.side.ticket(99)])
    made.compute(original.side.slug, FROM, TO)


@pytest.mark.parametrize("harm", ["a flipped bit", "a missing file", "a cut file"])
def test_a_damaged_backup_is_refused(original, module_stack, tmp_path, harm):
    harmed = str(tmp_path / "harmed")
    shutil.copytree(original.backup, harmed)
    dump = os.path.join(harmed, "database.dump")
    if harm == "a missing file":
        os.unlink(os.path.join(harmed, "exports.tar.gz"))
    elif harm == "a cut file":
        os.truncate(dump, os.path.getsize(dump) // 2)
    else:
        with open(dump, "r+b") as file:
            file.seek(os.path.getsize(dump) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
    url = f"postgresql://postgres@/postgres?host={module_stack.postgres.folder}"
    done = run("restore", harmed, "--database", url, "--name", "never_made")
    assert done.returncode == 1 and "damaged" in done.stderr, done.stderr
    assert module_stack.query("SELECT count(*) FROM pg_database WHERE datname = 'never_made'") == [(0,)]


def test_only_whole_backups_have_a_name_and_only_the_newest_are_kept(original, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for stamp in ("20240101T000000Z", "20240102T000000Z", "20240103T000000Z"):
        (folder / f"msp-backup-{stamp}").mkdir()
    (folder / "somebody-elses").mkdir()
    left = folder / ".msp-backup-20240104T000000Z.partial"
    left.mkdir()
    refused = original.back_up(to=str(folder), login=original.login("msp_server", PASSWORDS["server"]))
    assert refused.returncode == 1 and "msp_backup" in refused.stderr
    assert sorted(os.listdir(folder)) == [".lock", "msp-backup-20240101T000000Z", "msp-backup-20240102T000000Z",
                                          "msp-backup-20240103T000000Z", "somebody-elses"]
    done = original.back_up("--keep", "2", to=str(folder))
    assert done.returncode == 0, done.stderr
    names = sorted(name for name in os.listdir(folder) if name.startswith("msp-"))
    assert len(names) == 2 and names[0] == "msp-backup-20240103T000000Z" and done.stdout.count("deleted") == 2
    assert (folder / "somebody-elses").is_dir()
    newest = folder / names[1]
    assert newest.stat().st_mode & 0o077 == 0
    assert {one.name for one in newest.iterdir()} == {"SHA256SUMS", "about", "database.dump", "exports.tar.gz", "roles.sql"}
    assert "assword" not in (newest / "roles.sql").read_text()


def test_the_backup_login_reads_everything_and_writes_nothing(original, module_stack):
    login = module_stack.postgres.login(module_stack.database, "msp_backup", BACKUP_PASSWORD)
    with login.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM msp.raw_tickets")
        assert cursor.fetchone()[0] >= 30
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM msp.raw_tickets")
    login.close()


def test_wrong_usage_is_told_from_failure():
    assert run("backup", "--to", "/tmp/x").returncode == 2
    assert run("backup", "--database", "postgresql:///x", "--to", "/tmp/x", "--keep", "0").returncode == 2
    assert run("restore").returncode == 2
    assert run("restore", "/nowhere", "--database", "postgresql:///x").returncode == 1
    for program in ("backup", "restore"):
        assert run(program, "--help").returncode == 0

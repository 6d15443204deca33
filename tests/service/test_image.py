"""ops/Dockerfile, read as data, and the program run as its image runs it: a root that holds what the image holds and
cannot be written, a user without rights, one folder for its state. There is no Docker engine where the tests run."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import http, processes
from harness.databases import REPOSITORY
from harness.server import binary
from harness.waiting import wait_until

ROOT = Path(REPOSITORY)
USER = "10001"


def instructions():
    """[(stage, word, rest)] of the Dockerfile, its lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "ops" / "Dockerfile").read_text(encoding="utf-8"))
    found, stage = [], -1
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            stage += word == "FROM"
            found.append((stage, word, rest.strip()))
    return found


def of(word, stage=None):
    return [rest for at, name, rest in instructions() if name == word and stage in (None, at)]


LAST = max(stage for stage, _, _ in instructions())


def settings():
    return dict(pair.split("=", 1) for line in of("ENV", LAST) for pair in shlex.split(line))


def packages(stage):
    """What apt-get installs in a stage."""
    words = [word for line in of("RUN", stage) for part in re.findall(r"--no-install-recommends(.*?)&&", line)
             for word in part.split()]
    return set(words)


def test_every_stage_begins_from_one_pinned_debian_12():
    assert LAST >= 1
    pinned, = of("ARG", -1)
    assert re.fullmatch(r"DEBIAN=debian:bookworm-20\d{6}-slim", pinned)
    assert [line.split()[0] for line in of("FROM")] == ["${DEBIAN}"] * (LAST + 1)


def test_packages_come_from_debian_with_its_updates_and_leave_no_lists():
    for line in of("RUN"):
        if "apt-get" in line:
            assert re.search(r"^apt-get update && \S* ?apt-get -y upgrade && \S* ?apt-get -y install --no-install-recommends ", line)
            assert "rm -rf /var/lib/apt/lists/*" in line
        assert not re.search(r"\b(curl|wget|pip|npm i|add-apt|sudo|ssh)\b.*", line.replace("libcurl", "")), line
    assert not of("ADD")


def test_it_runs_as_nobody_in_particular_with_its_settings():
    assert of("USER", LAST) == [f"{USER}:{USER}"]
    after_user = [name for at, name, _ in instructions() if at == LAST]
    assert "RUN" not in after_user[after_user.index("USER"):]
    assert settings()["LISTEN"] == "0.0.0.0:8000" and settings()["MOCK_DATA_PATH"] == "/app/mock-data"
    assert of("EXPOSE", LAST) == ["8000"] and of("VOLUME", LAST) == [settings()["STATE_DIR"]]
    assert json.loads(of("ENTRYPOINT", LAST)[0]) == ["/app/entrypoint"] and json.loads(of("CMD", LAST)[0]) == ["serve"]
    check, = of("HEALTHCHECK", LAST)
    assert json.loads(check.partition("CMD ")[2]) == ["/app/healthy"]
    assert not [name for name in settings() if re.search("SECRET|TOKEN|PASSWORD|_KEY|_URL", name)]


def let_in():
    """The patterns that ops/Dockerfile.dockerignore lets into the build."""
    lines = (ROOT / "ops" / "Dockerfile.dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*" and all(line.startswith("!") for line in patterns[1:])
    return [line[1:] for line in patterns[1:]]


def copied(stage):
    """[(sources, target)] of what a stage takes from the checkout."""
    found = []
    for line in of("COPY", stage):
        if not line.startswith("--from"):
            *sources, target = line.split()
            found.append((sources, target))
    return found


def test_what_is_copied_is_there_and_let_in():
    taken = [source for stage in range(LAST + 1) for sources, _ in copied(stage) for source in sources]
    for source in taken:
        assert (ROOT / source).exists(), source
        assert [pattern for pattern in let_in() if fnmatch.fnmatch(source, pattern) or source.startswith(pattern + "/")], source
    assert all((ROOT / pattern).exists() for pattern in let_in())
    for script in ("entrypoint", "healthy"):
        assert os.access(ROOT / "ops" / "docker" / script, os.X_OK)
        assert subprocess.run(["shellcheck", ROOT / "ops" / "docker" / script], check=False).returncode == 0


def test_what_is_copied_is_all_that_the_build_reads(tmp_path):
    for sources, target in copied(0):
        for source in sources:
            there = tmp_path / "src" / (source if target == "./" else target)
            there.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, there)
    configure, = (line.partition(" && ")[0] for line in of("RUN", 0) if line.startswith("cmake"))
    words = shlex.split(configure.replace("/src", str(tmp_path / "src")).replace("/build", str(tmp_path / "build")))
    assert "-DMSP_TESTS=OFF" in words and "-DCMAKE_BUILD_TYPE=Release" in words
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    # Nothing is made that begins from a file which is not there.
    planned = subprocess.run(["ninja", "-C", tmp_path / "build", "-n", "msp-analytics"], capture_output=True, text=True,
                             timeout=120, check=False)
    assert planned.returncode == 0, planned.stdout[-2000:]


def test_it_is_built_with_the_packages_that_a_checkout_is_built_with():
    lists = (ROOT / "ops" / "lib" / "packages.sh").read_text()
    run = re.search(r"PACKAGES_RUN=\((.*?)\n\)", lists, re.DOTALL)[1].split()
    needed = {name for name in run if name.endswith("-dev") or name in ("build-essential", "cmake", "ninja-build", "pkg-config")}
    assert needed <= packages(0)
    assert {"nodejs", "npm"} <= packages(0)  # for the dashboard


def libraries():
    """{name: path} of every library that the program loads."""
    done = subprocess.run(["ldd", binary()], capture_output=True, text=True, check=True)
    return {match[1]: match[2] for match in re.finditer(r"^\s*(\S+) => (\S+)", done.stdout, re.MULTILINE)}


def package_of(path):
    for name in (path, os.path.realpath(path), path.replace("/lib/", "/usr/lib/", 1)):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise AssertionError(f"{path} is of no package")


def test_every_library_of_the_program_is_installed_where_it_runs_and_nothing_more():
    done = subprocess.run(["readelf", "-d", binary()], capture_output=True, text=True, check=True)
    needed = re.findall(r"\(NEEDED\).*\[(.*?)\]", done.stdout)
    paths = libraries()
    from_packages = {package_of(paths[name]) for name in needed if "asan" not in name and "ubsan" not in name and "tsan" not in name}
    listed = packages(LAST)
    assert from_packages - {"libc6"} <= listed
    assert listed - from_packages == {"ca-certificates", "tzdata"}


# ---- run as the image runs ----

def image_root(folder):
    """What the image holds, as far as it is ours or loaded: bwrap's options that put it together from this machine."""
    files = {*libraries().values(), "/lib64/ld-linux-x86-64.so.2", "/bin/sh", "/bin/bash"}
    for shell in ("/bin/sh", "/bin/bash"):
        done = subprocess.run(["ldd", shell], capture_output=True, text=True, check=True)
        files |= set(re.findall(r"=> (\S+)", done.stdout))
    options = ["--tmpfs", "/", "--proc", "/proc", "--dev", "/dev"]
    for path in sorted(files):
        options += ["--ro-bind", os.path.realpath(path), path]
    options += ["--ro-bind", "/usr/share/zoneinfo", "/usr/share/zoneinfo", "--ro-bind", "/etc/ssl/certs", "/etc/ssl/certs",
                "--ro-bind", binary(), "/usr/local/bin/msp-analytics"]
    for sources, target in copied(LAST):
        for source in sources:
            inside = target + os.path.basename(source) if target.endswith("/") else target
            options += ["--ro-bind", str(ROOT / source), inside]
    return [*options, "--tmpfs", "/tmp", "--bind", str(folder), settings()["STATE_DIR"], "--remount-ro", "/",
            "--chdir", of("WORKDIR", LAST)[0]]


@pytest.fixture
def boxed(stack, tmp_path):
    """Runs a command in the image's root, as its user, with its settings and those of the test's stack."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    # Docker makes the volume the image's user's; here the outside user stands for it.
    os.chmod(tmp_path, 0o755)
    port = processes.free_port()
    given = {**settings(), **stack.settings(), "LISTEN": f"0.0.0.0:{port}", "MOCK_MODE": "true", "HTTP_WORKERS": "1",
             "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    command = ["bwrap", "--unshare-user", "--uid", USER, "--gid", USER, "--unshare-pid", "--unshare-ipc", "--unshare-uts",
               "--die-with-parent", "--cap-drop", "ALL", "--clearenv", *image_root(state),
               "--ro-bind", stack.postgres.folder, stack.postgres.folder, "--ro-bind", stack.redis.folder, stack.redis.folder]
    for name, value in given.items():
        command += ["--setenv", name, value]
    if subprocess.run([*command, "/bin/sh", "-c", ":"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine gives us no namespaces")
    return command, port


def test_it_migrates_and_serves_from_a_root_that_cannot_be_written(boxed, tmp_path):
    command, port = boxed
    entry, words = json.loads(of("ENTRYPOINT", LAST)[0]), json.loads(of("CMD", LAST)[0])
    process = processes.spawn([*command, *entry, *words], str(tmp_path / "log"), env={"PATH": "/usr/bin:/bin"})
    try:
        def ready():
            assert process.poll() is None, (tmp_path / "log").read_text()
            try:
                return http.request(port, "GET", "/readyz", timeout=5).status == 200
            except OSError:
                return False
        wait_until(ready, 30, "the server in the box")
        log = (tmp_path / "log").read_text()
        assert '"level":"error"' not in log and json.loads(log.splitlines()[-1])
        # A second box beside the first: they share the network, as a container and its check do.
        assert subprocess.run([*command, "/app/healthy"], capture_output=True, timeout=30, check=False).returncode == 0
        for place in ("/", "/app", "/usr/local/bin", "/etc"):
            written = subprocess.run([*command, "/bin/sh", "-c", f": >{place}/x"], capture_output=True, check=False)
            assert b"Read-only file system" in written.stderr or b"Permission denied" in written.stderr, place
    finally:
        processes.end(process)
    assert subprocess.run([*command, "/app/healthy"], capture_output=True, timeout=30, check=False).returncode != 0


def test_the_server_never_gets_the_owners_login(tmp_path):
    """The entrypoint with a stand-in for the program, which says what it was called with."""
    stand_in = tmp_path / "msp-analytics"
    stand_in.write_text('#!/bin/sh\necho "$1 ${MIGRATE_DATABASE_URL-none} ${MIGRATE_DATABASE_URL_FILE-none}"\n')
    stand_in.chmod(0o755)

    def run(*words, **given):
        done = subprocess.run([ROOT / "ops" / "docker" / "entrypoint", *words], capture_output=True, text=True, check=True,
                              env={"PATH": f"{tmp_path}:/usr/bin:/bin", **given})
        return done.stdout.splitlines()
    assert run("serve", MIGRATE_DATABASE_URL_FILE="/f") == ["migrate none /f", "serve none none"]
    assert run("serve") == ["serve none none"]
    assert run("migrate", MIGRATE_DATABASE_URL="u") == ["migrate u none"]

"""The Debian package as data: what is in it, who may read it, what the units promise, and that the manual page tells
of every command. ./ops/test deb installs it for real."""

import gzip
import os
import re
import shutil
import subprocess
import tarfile

import pytest

from harness.server import binary
from harness.unit_file import Unit

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
SERVICE, SOCKET = "usr/lib/systemd/system/msp-analytics.service", "usr/lib/systemd/system/msp-analytics.socket"
SETTINGS = "etc/msp-analytics/msp-analytics.env"
MANUAL = "usr/share/man/man1/msp-analytics.1.gz"


class Package:
    """The .deb, unpacked beside its list of files."""

    def __init__(self, folder):
        done = subprocess.run(["cpack", "-G", "DEB", "-B", folder, "--config",
                               os.path.join(os.path.dirname(binary()), "CPackConfig.cmake")],
                              capture_output=True, text=True, timeout=120, cwd=folder, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.path, = (os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".deb"))
        listing = subprocess.run(["dpkg-deb", "--fsys-tarfile", self.path], capture_output=True, check=True).stdout
        with open(os.path.join(folder, "files.tar"), "wb") as out:
            out.write(listing)
        self.root = os.path.join(folder, "root")
        with tarfile.open(os.path.join(folder, "files.tar")) as files:
            self.entries = {os.path.normpath(entry.name): entry for entry in files.getmembers()}
            files.extractall(self.root)
        self.control = os.path.join(folder, "control")
        subprocess.run(["dpkg-deb", "--control", self.path, self.control], check=True)

    def read(self, name):
        with open(os.path.join(self.root, name), "rb") as file:
            return file.read()

    def field(self, name):
        return subprocess.run(["dpkg-deb", "--field", self.path, name], capture_output=True, text=True,
                              check=True).stdout.strip()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return Package(str(tmp_path_factory.mktemp("deb")))


def test_every_file_is_where_debian_looks_for_it(package):
    wanted = ["usr/bin/msp-analytics", "usr/bin/msp-analytics-backup", "usr/bin/msp-analytics-restore", SERVICE, SOCKET,
              SETTINGS, MANUAL, "usr/lib/sysusers.d/msp-analytics.conf", "usr/share/msp-analytics/bootstrap.sql",
              "usr/share/doc/msp-analytics/copyright", "usr/share/doc/msp-analytics/install.md"]
    assert [name for name in wanted if name not in package.entries] == []
    outside = [name for name in package.entries if name != "." and not re.match(r"(usr|etc)(/|$)", name)]
    assert outside == []
    for name, entry in package.entries.items():
        assert (entry.uname, entry.gname) == ("root", "root"), name
        assert entry.mode & 0o022 == 0, f"{name} may be written by others"


def test_settings_are_a_file_of_the_administrator_and_no_stranger_reads_them(package):
    assert package.entries[SETTINGS].mode & 0o777 == 0o640
    with open(os.path.join(package.control, "conffiles"), encoding="ascii") as conffiles:
        assert conffiles.read() == f"/{SETTINGS}\n"
    with open(os.path.join(ROOT, "ops", "sample.env"), "rb") as sample:
        assert package.read(SETTINGS) == sample.read()


def test_dependencies_are_those_of_the_program(package):
    depends = package.field("Depends")
    for library in ("libpq5", "libcivetweb1", "libhiredis0.14", "libcurl4", "libssl3", "libc6", "ca-certificates"):
        assert re.search(rf"\b{re.escape(library)}\b", depends), library
    assert "postgresql" not in depends, "the database may be on another machine"


def test_unit_gives_the_server_no_more_than_it_needs(package):
    unit = Unit(package.read(SERVICE).decode())
    wanted = {"Type": "notify", "User": "msp-analytics", "ProtectSystem": "strict", "ProtectHome": "yes",
              "NoNewPrivileges": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "MemoryDenyWriteExecute": "yes",
              "CapabilityBoundingSet": "", "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6", "UMask": "0077",
              "StateDirectory": "msp-analytics", "KillMode": "mixed", "OOMPolicy": "continue",
              "RestartPreventExitStatus": "2", "LimitNOFILE": "65536", "LimitCORE": "0",
              "ExecStartPre": "/usr/bin/msp-analytics check-config", "ExecStart": "/usr/bin/msp-analytics serve",
              "ExecReload": "/usr/bin/msp-analytics reload", "Requires": "msp-analytics.socket"}
    assert {name: unit.one(name) for name in wanted} == wanted
    assert unit.environment() == {"MSP_ENV_FILE": f"/{SETTINGS}"}
    assert Unit(package.read(SOCKET).decode()).one("ListenStream") == "127.0.0.1:8000"
    # It must be able to finish what is in hand: DRAIN_SECONDS of a worker, and the master's own end.
    assert int(unit.one("TimeoutStopSec")) > 25


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_the_units_and_finds_little_exposed(package):
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={package.root}",
                               "--recursive-errors=no", "msp-analytics.service", "msp-analytics.socket"],
                              capture_output=True, text=True, timeout=60, check=False)
    assert verified.returncode == 0 and verified.stderr == "", verified.stderr
    looked = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager",
                             os.path.join(package.root, SERVICE)], capture_output=True, text=True, timeout=60,
                            check=False)
    assert looked.returncode == 0, looked.stdout[-300:]
    assert not {"mount", "ptrace", "bpf", "setuid", "keyctl", "kexec_load", "reboot", "mlock"} \
        & Unit(package.read(SERVICE).decode()).system_calls()


def help_of(*words):
    done = subprocess.run([binary(), *words, "--help"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def every_command(path=()):
    """(path, help) of each command that does something, found as a person would: by --help."""
    text = help_of(*path)
    names = re.findall(r"^  ([a-z][a-z-]*) ", text, re.MULTILINE) if "COMMAND [OPTIONS]" in text else []
    if not names:
        yield path, text
    for name in names:
        yield from every_command((*path, name))


def test_manual_page_tells_of_every_command_option_and_setting(package):
    page = gzip.decompress(package.read(MANUAL)).decode()
    printed = subprocess.run([binary(), "--man"], capture_output=True, text=True, check=True).stdout
    assert page == printed
    page = page.replace("\\-", "-")
    commands = list(every_command())
    assert len(commands) > 30
    for path, text in commands:
        section = page.partition(f'.SS "{" ".join(path)}')[2].partition("\n.SS ")[0]
        own = text.split("--env-file FILE]")[0]
        for option in re.findall(r"--[a-z-]+", own.partition("usage:")[2].replace("msp-analytics", "")):
            assert f"\\fB{option}\\fR" in section, f"{option} of {path}"
    with open(os.path.join(ROOT, "ops", "sample.env"), encoding="utf-8") as sample:
        for name in re.findall(r"^#([A-Z0-9_]+)=", sample.read(), re.MULTILINE):
            assert f"\n\\fB{name}\\fR" in page, name


@pytest.mark.skipif(not shutil.which("groff"), reason="needs groff")
def test_manual_page_is_sound_roff(package):
    page = gzip.decompress(package.read(MANUAL))
    done = subprocess.run(["groff", "-man", "-Tutf8", "-Kutf8", "-ww"], input=page, capture_output=True, timeout=60,
                          check=False)
    assert done.returncode == 0 and done.stderr == b"", done.stderr.decode()


def test_installing_twice_keeps_the_settings_of_the_administrator(tmp_path):
    def install():
        return subprocess.run(["cmake", "--install", os.path.dirname(binary()), "--prefix", "/usr/local"],
                              env={**os.environ, "DESTDIR": str(tmp_path)}, capture_output=True, text=True, timeout=60,
                              check=False)
    assert install().returncode == 0
    settings = tmp_path / "usr/local/etc/msp-analytics/msp-analytics.env"
    settings.write_text("LISTEN=127.0.0.1:8001\n")
    assert install().returncode == 0
    assert settings.read_text() == "LISTEN=127.0.0.1:8001\n"
    unit = Unit((tmp_path / "usr/local/lib/systemd/system/msp-analytics.service").read_text())
    assert unit.one("ExecStart") == "/usr/local/bin/msp-analytics serve"
    assert unit.environment() == {"MSP_ENV_FILE": "/usr/local/etc/msp-analytics/msp-analytics.env"}

"""Starting and ending processes by pid, and looking at /proc. Never ends a process by its name."""

import ctypes
import os
import pwd
import random
import signal
import socket
import subprocess

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_draw = random.SystemRandom()  # tests that run side by side, some with a seed, must not draw the same ports


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def spawn(command, log_path, user=None, env=None, cwd="/"):
    """Starts a program with both outputs appended to `log_path`; it gets SIGTERM if we die first."""
    extra = {}
    if user is not None and os.geteuid() == 0:
        account = pwd.getpwnam(user)
        extra = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    with open(log_path, "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                                env=env, preexec_fn=_die_with_parent, **extra)


def end(process, how=signal.SIGTERM, timeout=20.0):
    """Asks a process to leave, kills it if it does not; returns its exit code."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise AssertionError(f"{process.args[0]} ({process.pid}) did not leave within {timeout} s")
    return process.returncode


def give_to(path, user):
    """Makes a folder with everything below it belong to `user`, when we may."""
    if os.geteuid() != 0:
        return
    account = pwd.getpwnam(user)
    for folder, _, files in os.walk(path):
        os.chown(folder, account.pw_uid, account.pw_gid)
        for name in files:
            os.chown(os.path.join(folder, name), account.pw_uid, account.pw_gid)


def free_port():
    """A loopback port nobody listens on now, below those that the kernel hands to connections."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", _draw.randrange(10000, 32768)))
                return probe.getsockname()[1]
            except OSError:
                continue


def state(pid):
    """The letter that `ps` shows: T is stopped, Z has ended; None once the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def alive(pid):
    """Whether the process runs (a zombie does not)."""
    return state(pid) not in (None, "Z")


def title(pid):
    """What `ps` shows as the command line, or None once the process is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            return cmdline.read().replace(b"\0", b" ").decode().strip() or None
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid):
    """The pids of the living children of a process."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z" and int(fields[1]) == pid:
            found.append(int(entry))
    return sorted(found)


def pss_bytes(pid):
    """Proportional memory of a process: shared pages are counted once over all their users."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"no Pss line for {pid}")

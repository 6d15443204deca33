"""A systemd unit read as data, and a process confined as the unit asks, for machines without systemd as init."""

import ctypes
import os
import re
import resource
import subprocess

_PR_SET_NO_NEW_PRIVS = 38
_ALLOW, _EPERM = 0x7FFF0000, 0x00050001


class Unit:
    """The directives of a unit: every value of each, in their order."""

    def __init__(self, text):
        self.values = {}
        for line in text.splitlines():
            if re.match(r"[A-Za-z]+=", line):
                name, value = line.split("=", 1)
                self.values.setdefault(name, []).append(value.strip())

    def one(self, name):
        values = self.values.get(name, [])
        assert len(values) == 1, f"{name} is given {len(values)} times"
        return values[0]

    def environment(self):
        return dict(value.split("=", 1) for value in self.values.get("Environment", []))

    def system_calls(self):
        """The calls that SystemCallFilter lets through."""
        allowed = set()
        for value in self.values["SystemCallFilter"]:
            names = [one for word in value.lstrip("~").split() for one in _expanded(word)]
            allowed = allowed - set(names) if value.startswith("~") else allowed | set(names)
        return allowed


def _expanded(word):
    """The calls of a group such as @system-service, groups within groups included."""
    if not word.startswith("@"):
        return [word]
    listed = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True)
    words = (line.strip() for line in listed.stdout.splitlines()[1:])
    return [one for word in words if word and not word.startswith("#") for one in _expanded(word)]


def confinement(unit, root, uid, gid, listener):
    """A function for a new process to call before its program: root folder, user, listener (LISTEN_FDS) and the
    kernel's bounds become those of the unit."""
    seccomp, libc = ctypes.CDLL("libseccomp.so.2"), ctypes.CDLL(None)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    calls = [seccomp.seccomp_syscall_resolve_name(name.encode()) for name in sorted(unit.system_calls())]
    mask = int(unit.one("UMask"), 8)
    files = min(int(unit.one("LimitNOFILE")), resource.getrlimit(resource.RLIMIT_NOFILE)[1])

    def confine():
        os.dup2(listener, 3)
        os.chroot(root)
        os.chdir("/")
        os.umask(mask)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        wall = ctypes.c_void_p(seccomp.seccomp_init(_EPERM))
        for call in calls:
            if call >= 0:
                assert seccomp.seccomp_rule_add(wall, _ALLOW, call, 0) == 0
        assert seccomp.seccomp_load(wall) == 0
    return confine

"""The program in a world of its own (tests/support/egress_world.py), where every address leads back to a watcher."""

import ipaddress
import json
import os
import shutil
import subprocess
import sys
import tempfile

from .databases import REPOSITORY
from .waiting import wait_until

SCRIPT = os.path.join(REPOSITORY, "tests", "support", "egress_world.py")


class NoWorld(Exception):
    """This machine gives us no namespaces; the words say why."""


class World:
    def __init__(self, zones):
        for tool in ("unshare", "nsenter", "mount"):
            if shutil.which(tool) is None:
                raise NoWorld(f"{tool} is not installed")
        self.folder = tempfile.mkdtemp(prefix="msp-", dir="/tmp")
        with open(os.path.join(self.folder, "zones.json"), "w", encoding="utf-8") as out:
            json.dump(zones, out)
        self.forgotten = 0
        self.as_user = [] if os.geteuid() == 0 else ["--map-root-user"]
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(["unshare", "--mount", "--net", *self.as_user, sys.executable, SCRIPT, self.folder],
                                        stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)
        try:
            wait_until(lambda: os.path.exists(self._path("ready")) or self.process.poll() is not None, 20, "the world")
            if self.process.poll() is not None:
                self.log.seek(0)
                raise NoWorld(self.log.read().strip())
        except BaseException:
            self.close()
            raise

    def _path(self, name):
        return os.path.join(self.folder, name)

    def put(self, server):
        """Lets a server that is not started yet run in here."""
        user = ["--user", "--preserve-credentials"] if self.as_user else []
        enter = ["nsenter", "--target", str(self.process.pid), *user, "--mount", "--net", "--", server.program]
        wrapper = self._path("enter")
        with open(wrapper, "w", encoding="utf-8") as out:
            os.fchmod(out.fileno(), 0o755)
            out.write(f'#!/bin/sh\nexec {" ".join(enter)} "$@"\n')
        server.program = wrapper
        return server

    def _lines(self, name):
        with open(self._path(name), encoding="utf-8") as notes:
            whole = notes.read().rpartition("\n")[0]
        return [line.split(" ") for line in whole.split("\n")[1:]]

    def sought(self):
        """Every connection begun, since forget(): (address, port)."""
        return [(ipaddress.ip_address(address), int(port)) for address, port in self._lines("sought")[self.forgotten:]]

    def forget(self):
        self.forgotten = len(self._lines("sought"))

    def asked(self, name):
        """How often DNS was asked for the IPv4 addresses of a name."""
        return self._lines("asked").count([name, "1"])

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait(10)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

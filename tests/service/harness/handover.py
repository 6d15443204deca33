"""Starting a server with a listening socket at descriptor 3, as systemd's socket unit has it."""

import subprocess
import sys

from .server import binary, clean_environment

_BECOME = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def start_with(server, command, env=None, pass_fds=()):
    """Starts a command as the server's master, its log appended to."""
    with open(server.log_path, "ab") as log:
        server.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                          env={**clean_environment(), **(env or {})}, pass_fds=pass_fds)


def start_behind(server, listener, program=None):
    """Starts the server's program with that socket handed over."""
    start_with(server, [sys.executable, "-c", _BECOME, str(listener.fileno()), program or binary(), "serve", "--env-file",
                        server.env_path], pass_fds=(listener.fileno(),))

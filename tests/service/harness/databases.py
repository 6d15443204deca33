"""A private PostgreSQL cluster and a private Redis, on Unix sockets only, gone when the tests end."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import psycopg2

from . import processes
from .waiting import wait_until

BIN = os.environ.get("MSP_POSTGRES_BIN", "/usr/lib/postgresql/15/bin")
REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PASSWORDS = {"server": "server-password-of-the-tests", "worker": "worker-password-of-the-tests",
             "owner": "owner-password-of-the-tests"}


def short_folder(user):
    """A folder under /tmp, since a socket path ends at 107 bytes; `user` owns it, we may pass."""
    folder = tempfile.mkdtemp(prefix="msp-", dir="/tmp")
    os.chmod(folder, 0o755)
    processes.give_to(folder, user)
    return folder


class Postgres:
    """One cluster, new or begun as a copy of a stopped one. Databases are made from db/bootstrap.sql, as an operator
    would make them."""

    USER = "postgres"

    def __init__(self, settings=(), like=None):
        self.folder = short_folder(self.USER)
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "postgres.log")
        self.settings = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
                         "max_connections": "120", "shared_buffers": "128MB", "listen_addresses": "",
                         "unix_socket_directories": self.folder, "max_wal_size": "2GB",
                         "log_min_messages": "warning", **dict(settings),
                         # For looking into a slow or odd test: MSP_POSTGRES_OPTIONS="name=value name=value".
                         **dict(word.split("=", 1) for word in os.environ.get("MSP_POSTGRES_OPTIONS", "").split())}
        self.process = None
        if like is not None:
            self._as_user(["cp", "-a", like.data, self.data])
            return
        self._as_user([f"{BIN}/initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8",
                       "--locale=C.UTF-8", "--no-sync", "--auth=trust"])
        # Only the superuser comes in without a password.
        hba = "local all postgres trust\nlocal all all scram-sha-256\n"
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="ascii") as out:
            out.write(hba)

    def _as_user(self, command):
        if os.geteuid() == 0:
            command = ["runuser", "-u", self.USER, "--", *command]
        done = subprocess.run(command, capture_output=True, cwd="/", check=False)
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()

    def start(self):
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        self.process = processes.spawn([f"{BIN}/postgres", "-D", self.data, *options],
                                       os.path.join(self.folder, "postgres.out"), user=self.USER)
        wait_until(self._answers, 30, "PostgreSQL to answer")

    def _answers(self):
        assert self.process.poll() is None, "PostgreSQL ended while starting"
        try:
            psycopg2.connect(host=self.folder, user="postgres", dbname="postgres").close()
            return True
        except psycopg2.OperationalError:
            return False

    def stop(self, how=signal.SIGINT):
        """SIGINT is PostgreSQL's fast stop: sessions are ended, data is kept."""
        if self.process is not None:
            processes.end(self.process, how)
            self.process = None

    def connect(self, database, autocommit=True):
        """A superuser's connection, to look behind the wall."""
        connection = psycopg2.connect(host=self.folder, user="postgres", dbname=database)
        connection.autocommit = autocommit
        return connection

    def login(self, database, role, password):
        connection = psycopg2.connect(host=self.folder, user=role, password=password, dbname=database)
        connection.autocommit = True
        return connection

    def url(self, role, password, database):
        return f"postgresql://{role}:{password}@/{database}?host={self.folder}"

    def create_database(self, name):
        """Roles, grants and an empty database, by the file an operator uses."""
        self.psql("postgres", [word for key, value in
                               {"database": name, **{f"{k}_password": v for k, v in PASSWORDS.items()}}.items()
                               for word in ("-v", f"{key}={value}")]
                  + ["-f", os.path.join(REPOSITORY, "db", "bootstrap.sql")])

    def psql(self, database, arguments, role="postgres", password=None):
        """Runs psql and returns what it prints."""
        env = {"PATH": "/usr/bin:/bin", "PGHOST": self.folder, "PGUSER": role, "PGDATABASE": database,
               "LC_ALL": "C.UTF-8"}
        if password:
            env["PGPASSWORD"] = password
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments], env=env,
                              capture_output=True, cwd="/", check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def remove(self):
        self.stop()
        if "MSP_POSTGRES_OPTIONS" in os.environ:
            shutil.copy(os.path.join(self.folder, "postgres.out"), "/tmp/msp-postgres.out")
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis:
    """One Redis without persistence."""

    USER = "redis"

    def __init__(self):
        self.folder = short_folder(self.USER)
        self.path = os.path.join(self.folder, "redis.sock")
        self.process = None

    @property
    def url(self):
        return f"unix://{self.path}"

    def start(self):
        self.process = processes.spawn(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--unixsocketperm", "777",
             "--save", "", "--appendonly", "no", "--dir", self.folder],
            os.path.join(self.folder, "redis.log"), user=self.USER)
        wait_until(self.answers, 20, "Redis to answer")

    def answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(1)
                peer.connect(self.path)
                peer.sendall(b"PING\r\n")
                return peer.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def pause(self):
        """It hangs: connections are taken, nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.process is not None:
            processes.end(self.process)
            self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def safe_identifier(text):
    """A database name out of any text."""
    return re.sub(r"[^a-z0-9_]", "_", text.lower())[:50]

"""Kills the job worker at page boundaries of a pull. Decides nothing: what must come of it is the test's to say."""

import concurrent.futures
import contextlib
import os
import signal
import threading

from . import processes
from .pulling import pull
from .waiting import wait_until

WAITING = ("SELECT pid FROM pg_locks WHERE relation = 'msp.ingest_cursors'::regclass AND NOT granted AND mode = %s"
           " ORDER BY pid")
JOBS = ("SELECT 1 FROM msp.jobs j JOIN msp.tenants t USING (tenant_id)"
        " WHERE t.slug = %s AND j.kind = 'ingest' AND j.state IN ('queued', 'running')")


class StoreGate:
    """While it is shut no page is stored: its cursor, which goes in with it, cannot be moved. PostgreSQL gives a lock
    to those who wait for it one after the other, so that the gate shuts again behind a single page."""

    def __init__(self, stack):
        self.stack = stack
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.lock = self.next_lock = None

    def __enter__(self):
        self.lock = self._take()
        return self

    def __exit__(self, *_):
        self.lock.close()
        if self.next_lock is not None:
            self.next_lock.result(30).close()
        self.pool.shutdown()

    def _take(self):
        connection = self.stack.postgres.connect(self.stack.database, autocommit=False)
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE msp.ingest_cursors IN SHARE ROW EXCLUSIVE MODE")
        return connection

    def _waiting(self, mode):
        return [row[0] for row in self.stack.query(WAITING, (mode,))]

    def pages(self):
        """The sessions of the database that wait with a page."""
        return self._waiting("RowExclusiveLock")

    def lose(self, pages):
        for page in pages:
            self.stack.query("SELECT pg_terminate_backend(%s, 10000)", (page,))

    @contextlib.contextmanager
    def let_one_by(self):
        """The page that waits is stored when this ends, and none behind it."""
        self.next_lock = self.pool.submit(self._take)
        wait_until(lambda: self._waiting("ShareRowExclusiveLock"), 10, "the next lock to be asked for")
        yield
        self.lock.close()
        self.lock, self.next_lock = self.next_lock.result(30), None


class Puller:
    """Asks for a tenant's tickets again and again, as a schedule would, until there are no more."""

    def __init__(self, server, stack, tenant):
        self.stack, self.tenant = stack, tenant
        self.answers = []
        self.thread = threading.Thread(target=self._run, args=(server,), daemon=True)
        self.thread.start()

    def _run(self, server):
        # The answer comes after 30 s at most, the job may go on: only when it has ended another one is asked for. One
        # that lost its worker ten times has failed as worker_lost.
        while not self.drained():
            self.answers.append(pull(server, self.tenant))
            wait_until(lambda: not self.stack.query(JOBS, (self.tenant,)), 600, "the job to end", interval=0.1)

    def drained(self):
        return bool(self.answers) and self.answers[-1].status == 200 and not self.answers[-1].json["has_more"]

    def finish(self):
        wait_until(lambda: not self.thread.is_alive(), 120, "the pull to end")


def stop(worker):
    """The worker does nothing more, and nobody knows."""
    os.kill(worker, signal.SIGSTOP)
    wait_until(lambda: processes.state(worker) == "T", 10, "the worker to stop")


def kill(server, worker):
    """Returns when the next one is there."""
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: server.workers("job worker") not in ([], [worker]), 20, "another job worker")


def kill_behind_pages(server, stack, tenant, stand_in, pages, are_all):
    """Pulls a tenant's tickets and kills the worker twice behind each of the first `pages` pages, which may be all
    there are: first the page is lost with its worker, so that the next must ask for it again, then it is stored while
    its worker dies. Returns how many were killed."""
    kills = 0
    stand_in.hold(2)
    with StoreGate(stack) as gate:
        puller = Puller(server, stack, tenant)
        for page in range(1, pages + 1):
            is_last = are_all and page == pages
            for is_lost in (True, False):
                wait_until(lambda: (is_last or stand_in.held.is_set()) and gate.pages(), 30,
                           f"page {page} to be read and the next one asked for, behind {kills} kills")
                worker = server.job_worker()
                stop(worker)
                with gate.let_one_by():
                    if is_lost:
                        gate.lose(gate.pages())
                stand_in.hold(2)
                kill(server, worker)
                kills += 1
    stand_in.let_go()
    puller.finish()
    return kills

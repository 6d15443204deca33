"""A way to PostgreSQL that can be made narrow: what a statement answers then comes a little at a time."""

import contextlib
import os
import socket
import threading
import time

CHUNK_BYTES = 4096
PAUSE_SECONDS = 0.01


class NarrowWay:
    """Listens beside PostgreSQL's socket, in a folder of its own, and passes everything on both ways."""

    def __init__(self, postgres, folder):
        self.target = os.path.join(postgres.folder, ".s.PGSQL.5432")
        self.folder = folder
        self.is_narrow = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(os.path.join(folder, ".s.PGSQL.5432"))
        self.listener.listen(32)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                server.connect(self.target)
                threading.Thread(target=self.pass_on, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self.pass_on, args=(server, client, True), daemon=True).start()

    def pass_on(self, source, sink, is_answer):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                sink.sendall(data)
                if is_answer and self.is_narrow.is_set():
                    time.sleep(PAUSE_SECONDS)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def narrowed(self):
        self.is_narrow.set()
        try:
            yield
        finally:
            self.is_narrow.clear()

    def close(self):
        self.listener.close()

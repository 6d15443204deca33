"""nginx beside us: as many processes as we have workers, and as we do: no line of the log a health check but one a file,
held until a page is full; no end to keep-alive."""

import os
import shutil

from bench import WORKERS, answers
from harness import processes
from harness.waiting import wait_until

# nginx gives our body: once as bare as it can, once with our fields, a random id among them.
ALIVE = '{"status":"alive"}'
OUR_FIELDS = {"Cache-Control": "no-store", "CDN-Cache-Control": "no-store", "Vary": "Authorization, Cookie, X-API-Key",
              "X-Content-Type-Options": "nosniff", "X-Request-Id": "$request_id"}


class Nginx:
    """Runs from `with` until its end. Serves /bare, /same and the files put()."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "nginx")
        self.port = processes.free_port()

    def put(self, name, content):
        """A file to serve as /files/NAME; its path there."""
        with open(os.path.join(self.folder, "files", name), "wb") as out:
            out.write(content)
        return f"/files/{name}"

    def __enter__(self):
        # Its workers are somebody else and must come in.
        os.makedirs(os.path.join(self.folder, "files"), mode=0o755)
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w", encoding="ascii") as out:
            out.write(self._conf())
        self.process = processes.spawn(["nginx", "-c", conf, "-p", self.folder], os.path.join(self.folder, "nginx.log"))
        wait_until(lambda: answers(self.port), 10, "nginx to answer")
        return self

    def __exit__(self, *_):
        processes.end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _conf(self):
        fields = " ".join(f'add_header {name} "{value}";' for name, value in OUR_FIELDS.items())
        return f"""
            worker_processes {WORKERS}; daemon off; pid {self.folder}/nginx.pid;
            error_log {self.folder}/nginx.error; events {{ worker_connections 4096; }}
            http {{
                access_log off; default_type application/json;
                keepalive_requests 1000000000; keepalive_timeout 120; tcp_nodelay on;
                sendfile on; tcp_nopush on; open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;
                server {{
                    listen 127.0.0.1:{self.port} backlog=4096;
                    location /bare {{ return 200 '{ALIVE}'; }}
                    location /same {{ {fields} return 200 '{ALIVE}'; }}
                    location /files/ {{
                        root {self.folder}; access_log {self.folder}/access.log combined buffer=4k flush=1s;
                    }}
                }}
            }}
        """

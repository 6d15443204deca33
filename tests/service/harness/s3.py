"""A real S3 server on loopback (tests/support/s3_server.py) and a client of our own to look into it.

The client signs by itself, from AWS's description of Signature Version 4, and shares nothing with
the product.
"""

import collections
import datetime
import hashlib
import hmac
import http.client
import os
import shutil
import signal
import tempfile
import urllib.parse
import xml.etree.ElementTree

from . import processes
from .databases import REPOSITORY
from .waiting import wait_until

ACCESS_KEY, SECRET_KEY = "key-of-the-tests", "secret-key-of-the-tests"
SCRIPT = os.path.join(REPOSITORY, "tests", "support", "s3_server.py")
Answer = collections.namedtuple("Answer", "status headers body")


class S3:
    """One server with one bucket."""

    def __init__(self, bucket="exports"):
        self.bucket = bucket
        self.folder = tempfile.mkdtemp(prefix="msp-s3-", dir="/tmp")
        self.port = processes.free_port()
        self.output = os.path.join(self.folder, "output")
        self.process = None

    # ---- life ----

    def start(self):
        """Also after a death, over the same objects and on the same port."""
        with open(self.output, "wb"):
            pass
        self.process = processes.spawn(
            ["/usr/bin/python3", "-B", SCRIPT, self.folder, ACCESS_KEY, SECRET_KEY, str(self.port)], self.output,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})

        def ready():
            with open(self.output, "rb") as source:
                said = source.read()
            assert self.process.poll() is None, said.decode("utf-8", "replace")[-2000:]
            return b"ready" in said
        wait_until(ready, 60, "the S3 server to be ready")
        assert self.ask("PUT", "/" + self.bucket).status in (200, 409)
        return self

    def kill(self):
        if self.process is not None:
            processes.end(self.process, signal.SIGKILL)

    def fail_at_put(self, what, number):
        """The server does "die" or "stall" in the middle of that PUT, counted from now."""
        spare = os.path.join(self.folder, "fault.new")
        with open(spare, "w", encoding="ascii") as out:
            out.write(f"{what} {number}")
        os.rename(spare, os.path.join(self.folder, "fault"))

    def failed(self):
        """Whether that has happened."""
        return not os.path.exists(os.path.join(self.folder, "fault"))

    def died(self):
        return self.process.poll() is not None

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def settings(self, prefix=""):
        """What a server of ours needs to export to this one."""
        return {"EXPORT_STORAGE": f"s3://{self.bucket}{prefix}", "S3_ENDPOINT": f"http://127.0.0.1:{self.port}",
                "S3_ACCESS_KEY": ACCESS_KEY, "S3_SECRET_KEY": SECRET_KEY}

    def requests(self, begin=0):
        """(method, decoded path, query, status) of the requests so far but the first `begin`."""
        with open(os.path.join(self.folder, "requests.log"), encoding="utf-8") as source:
            lines = source.read().splitlines()[begin:]
        found = []
        for line in lines:
            method, target, status = line.split(" ")
            path, _, query = target.partition("?")
            found.append((method, urllib.parse.unquote(path), query, int(status)))
        return found

    def puts(self, begin=0):
        """The keys of the objects that were put, in order."""
        skipped = len(f"/{self.bucket}/")
        return [path[skipped:] for method, path, query, status in self.requests(begin)
                if method == "PUT" and status == 200 and len(path) > skipped and "partNumber" not in query]

    # ---- looking into the bucket ----

    def ask(self, method, path, query=(), take=None):
        """One signed request without a body; `take` gets the answer's body in blocks."""
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        nothing = hashlib.sha256(b"").hexdigest()
        target = urllib.parse.quote(path, safe="/-_.~")
        asked = "&".join(f"{urllib.parse.quote(name, safe='')}={urllib.parse.quote(value, safe='')}"
                         for name, value in sorted(query))
        fields = {"host": f"127.0.0.1:{self.port}", "x-amz-content-sha256": nothing, "x-amz-date": stamp}
        names = ";".join(fields)
        canonical = "\n".join([method, target, asked, *(f"{name}:{value}" for name, value in fields.items()), "",
                               names, nothing])
        scope = f"{day}/us-east-1/s3/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + SECRET_KEY).encode()
        for word in scope.split("/"):
            key = hmac.digest(key, word.encode(), "sha256")
        signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
        fields["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, "
                                   f"Signature={signature}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target + ("?" + asked if asked else ""), headers=fields)
            answer = connection.getresponse()
            while take is not None and answer.status == 200 and (block := answer.read(1 << 20)):
                take(block)
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def _texts(self, query, element, child):
        answer = self.ask("GET", "/" + self.bucket, query)
        assert answer.status == 200, answer
        tree = xml.etree.ElementTree.fromstring(answer.body)
        return [entry.findtext("{*}" + child) for entry in tree.iter() if entry.tag.endswith("}" + element)]

    def keys(self, below=""):
        """All objects below a key (up to 1,000)."""
        return self._texts([("list-type", "2"), ("prefix", below)], "Contents", "Key")

    def unfinished(self):
        """Keys of uploads in parts that nobody completed or aborted."""
        return self._texts([("uploads", "")], "Upload", "Key")

    def read(self, key):
        answer = self.ask("GET", f"/{self.bucket}/{key}")
        assert answer.status == 200, answer
        return answer.body

    def sha256(self, key):
        """Of an object of any size."""
        digest = hashlib.sha256()
        assert self.ask("GET", f"/{self.bucket}/{key}", take=digest.update).status == 200
        return digest.hexdigest()

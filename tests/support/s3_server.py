#!/usr/bin/python3
"""A real S3 server for tests: OpenStack Swift with its s3api, in one process on loopback.

usage: s3_server.py FOLDER ACCESS_KEY SECRET_KEY [PORT]

Swift's account, container, object and proxy servers are those of Debian's python3-swift; s3api checks
every signature (AWS Signature Version 4). Objects lie in FOLDER/disks and outlive the process, so a
server that was killed can be started again over them. Prints "ready PORT" once it serves.

FOLDER/requests.log gets a line "METHOD PATH?QUERY STATUS" a request. A file FOLDER/fault with the text
"die N" kills the process when the Nth PUT from then on has brought half of its body; "stall N" lets that
PUT wait for ever. The file is gone once it has happened.
"""

import os
import socket
import sys

from eventlet import monkey_patch

monkey_patch()

import eventlet  # noqa: E402
from eventlet import wsgi  # noqa: E402

ACCOUNT = "AUTH_test"
USER = "test:tester"


def configure(folder):
    """Swift reads its hash and its policies from swift.conf when its modules are loaded."""
    os.makedirs(os.path.join(folder, "disks", "sda1"), exist_ok=True)
    with open(os.path.join(folder, "swift.conf"), "w", encoding="ascii") as out:
        out.write("[swift-hash]\nswift_hash_path_prefix = of-tests\nswift_hash_path_suffix = of-tests\n"
                  "[storage-policy:0]\nname = only\ndefault = yes\n")
    from swift.common import utils
    utils.set_swift_dir(folder)
    plain = utils.get_logger
    # Swift would log to syslog.
    utils.get_logger = lambda conf, name=None, **more: plain(conf, name, **{**more, "log_to_console": True})
    from swift.common import storage_policy
    storage_policy.reload_storage_policies()


def listener(port=0):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.bind(("127.0.0.1", port))
    made.listen(128)
    return made


def save_ring(folder, name, port):
    """One device, one replica: everything is here."""
    from swift.common.ring import RingBuilder
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, "device": "sda1", "meta": "",
                     "ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, name + ".ring.gz"))


class Memory(dict):
    """What Swift wants of memcached."""

    def __bool__(self):
        return True

    def get(self, key, *_, **__):
        return dict.get(self, key)

    def set(self, key, value, *_, **__):
        self[key] = value

    def incr(self, key, delta=1, *_, **__):
        self[key] = (dict.get(self, key) or 0) + delta
        return self[key]

    def delete(self, key, *_, **__):
        self.pop(key, None)


class Faults:
    """Counts PUTs while the file is there, and lets it happen in the middle of the last."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "fault")
        self.seen = 0

    def watch(self, env):
        if env["REQUEST_METHOD"] != "PUT" or not os.path.exists(self.path):
            return
        with open(self.path, encoding="ascii") as source:
            what, number = source.read().split()
        self.seen += 1
        if self.seen < int(number):
            return
        self.seen = 0
        env["wsgi.input"].read(int(env.get("CONTENT_LENGTH") or 0) // 2)
        os.unlink(self.path)
        if what == "die":
            os._exit(9)
        eventlet.sleep(3600)


def proxy(folder, access_key, secret_key):
    """The proxy with the filters s3api needs, outermost last."""
    from swift.common.middleware import (bulk, catch_errors, dlo, gatekeeper, listing_formats, slo, symlink,
                                         tempauth, versioned_writes)
    from swift.common.middleware.s3api import s3api
    from swift.proxy import server
    conf = settings(folder)

    class KeyAuth(tempauth.TempAuth):
        """Tempauth's only user, known by the access key too, which has no colon."""

        def __init__(self, app, conf):
            super().__init__(app, conf)
            self.users[access_key] = dict(self.users[USER])

        def _get_user_groups(self, account, account_user, account_id):
            name = USER if account_user == access_key else account_user
            return super()._get_user_groups(name.split(":")[0], name, account_id)

    app = server.Application(conf)
    for part in (symlink, versioned_writes, dlo, slo):
        app = part.filter_factory(conf)(app)
    app = KeyAuth(app, {**conf, "user_" + USER.replace(":", "_"): secret_key + " .admin"})
    app = s3api.filter_factory(conf, s3_acl="false", location="us-east-1", allow_no_owner="true",
                               auth_pipeline_check="false", storage_domain="")(app)
    for part in (bulk, listing_formats, gatekeeper, catch_errors):
        app = part.filter_factory(conf)(app)
    return app


def settings(folder):
    return {"devices": os.path.join(folder, "disks"), "swift_dir": folder, "mount_check": "false",
            "fallocate_reserve": "0", "disable_fallocate": "true", "allow_account_management": "true",
            "account_autocreate": "true", "bind_ip": "127.0.0.1", "log_level": "ERROR"}


def serve_storage(folder):
    """The three servers behind the proxy, each on a port of its own."""
    from swift.account.server import AccountController
    from swift.common.wsgi import SwiftHttpProtocol
    from swift.container.server import ContainerController
    from swift.obj.server import ObjectController
    nowhere = open(os.devnull, "w", encoding="ascii")
    for name, make in (("account", AccountController), ("container", ContainerController),
                       ("object", ObjectController)):
        made = listener()
        save_ring(folder, name, made.getsockname()[1])
        eventlet.spawn(wsgi.server, made, make(settings(folder)), nowhere, protocol=SwiftHttpProtocol)


def make_account(folder, memory):
    """The account must be there before its first bucket."""
    from swift.common.swob import Request
    from swift.proxy import server
    request = Request.blank("/v1/" + ACCOUNT, environ={
        "REQUEST_METHOD": "PUT", "swift.authorize": lambda _: None, "swift.cache": memory, "swift_owner": True})
    status = request.get_response(server.Application(settings(folder))).status_int
    assert status in (201, 202), status


def main(folder, access_key, secret_key, port="0"):
    configure(folder)
    memory, faults = Memory(), Faults(folder)
    serve_storage(folder)
    app = proxy(folder, access_key, secret_key)
    log = open(os.path.join(folder, "requests.log"), "a", buffering=1, encoding="utf-8")

    def front(env, start_response):
        env["swift.cache"] = memory
        asked = env["REQUEST_METHOD"] + " " + env.get("RAW_PATH_INFO", env["PATH_INFO"])
        asked += "?" + env["QUERY_STRING"] if env.get("QUERY_STRING") else ""
        faults.watch(env)

        def told(status, *rest):
            log.write(f"{asked} {status.split()[0]}\n")
            return start_response(status, *rest)
        return app(env, told)

    from swift.common.wsgi import SwiftHttpProtocol
    made = listener(int(port))
    make_account(folder, memory)
    print("ready", made.getsockname()[1], flush=True)
    wsgi.server(made, front, open(os.devnull, "w", encoding="ascii"), protocol=SwiftHttpProtocol)


if __name__ == "__main__":
    main(*sys.argv[1:])

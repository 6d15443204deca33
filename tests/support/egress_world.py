"""A world of its own for a program that calls out: every address of IPv4 and IPv6 leads back here, names are looked up
at a DNS server that lies as it is told, and every connection that is begun is written down.

    unshare --mount --net [--map-root-user] egress_world.py FOLDER

FOLDER holds `zones.json`: {"name": {"a": [[address, ...], ...], "aaaa": [...], "cname": "other", "silent": true}}.
The first list answers the first question for the name, and so on; the last one all that follow. A name that it does
not hold has 127.0.0.1. In FOLDER appear `sought` (a line "address port" for each connection begun), `asked` (a line
for each question of DNS) and, once everything stands, `ready`. On port 80 and 8080 of every address stands a server
that answers a path of /STATUS/ADDRESS with that status and that Location, any other with 200; on 443 one that hangs up.

Nothing gets out of here: the namespace has no other interface than its loopback.
"""

import fcntl
import http.server
import ipaddress
import json
import os
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import urllib.parse

RESOLVER = "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n"  # a silent server costs minutes
A, CNAME, AAAA = 1, 5, 28
TCP, OUTGOING = 6, 4


class Notes:
    """A file that grows by whole lines."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", buffering=1)
        self.lock = threading.Lock()

    def write(self, line):
        with self.lock:
            self.file.write(line + "\n")


# ---- the network ----

def bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up_and_running = 0x1 | 0x40
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", up_and_running))  # SIOCSIFFLAGS


def make_every_address_ours(family):
    """`ip route add local default dev lo`, spoken by netlink since `ip` need not be installed."""
    table_local, by_boot, on_host, kind_local, output = 255, 3, 254, 2, 4
    body = struct.pack("=BBBBBBBBI", family, 0, 0, 0, table_local, by_boot, on_host, kind_local, 0)
    body += struct.pack("=HHI", 8, output, socket.if_nametoindex("lo"))
    new_route, flags = 24, 0x1 | 0x4 | 0x400  # request, acknowledge, create
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(struct.pack("=IHHII", 16 + len(body), new_route, flags, 1, 0) + body)
        code = struct.unpack_from("=i", netlink.recv(4096), 16)[0]
    if code != 0:
        raise OSError(-code, f"no route for family {family}")


def begun_connection(packet):
    """(address, port, ports and sequence number) if this IP packet begins a TCP connection."""
    version = packet[0] >> 4
    if version == 4:
        start, protocol, address = (packet[0] & 15) * 4, packet[9], packet[16:20]
    elif version == 6:
        start, protocol, address = 40, packet[6], packet[24:40]
    else:
        return None
    if protocol != TCP or packet[start + 13] & 0x12 != 0x02:  # SYN without ACK
        return None
    return ipaddress.ip_address(address), struct.unpack_from("!H", packet, start + 2)[0], packet[start:start + 8]


def watch(notes):
    """What leaves is written down; on loopback it comes in a second time. A SYN that is sent again, since the other
    side's queue was full, begins no second connection."""
    every_protocol = socket.htons(3)
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, every_protocol) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        notes.write("begin 0")
        seen = set()
        while True:
            packet, where = wire.recvfrom(65536)
            begun = where[2] == OUTGOING and len(packet) >= 40 and begun_connection(packet)
            if begun and begun not in seen:
                seen.add(begun)
                notes.write(f"{begun[0]} {begun[1]}")


# ---- DNS ----

def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in name.split(".") if label) + b"\0"


class Zones:
    def __init__(self, path):
        with open(path, encoding="utf-8") as zones:
            self.names = json.load(zones)
        self.questions = {}

    def records(self, name, kind):
        """(name, kind, data) of the next answer for the name, or None if there shall be none."""
        zone = self.names.get(name, {"a": [["127.0.0.1"]]})
        if zone.get("silent"):
            return None
        if "cname" in zone:
            return [(name, CNAME, encoded(zone["cname"])), *(self.records(zone["cname"], kind) or [])]
        answers = zone.get({A: "a", AAAA: "aaaa"}.get(kind), []) or [[]]
        number = self.questions[name, kind] = self.questions.get((name, kind), -1) + 1
        return [(name, kind, ipaddress.ip_address(one).packed) for one in answers[min(number, len(answers) - 1)]]


def question(query):
    """(name, kind, the question's bytes) of a query."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
        at += 1 + query[at]
    return ".".join(labels), struct.unpack_from("!H", query, at + 1)[0], query[12:at + 5]


def serve_names(zones, notes):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        notes.write("begin 0")
        seen = set()
        while True:
            query, peer = server.recvfrom(4096)
            name, kind, asked = question(query)
            notes.write(f"{name} {kind}")
            records = zones.records(name, kind)
            if records is None:
                continue
            never_to_be_kept = 0
            answer = b"".join(encoded(owner) + struct.pack("!HHIH", of, 1, never_to_be_kept, len(data)) + data
                              for owner, of, data in records)
            server.sendto(query[:2] + struct.pack("!HHHHH", 0x8580, 1, len(records), 0, 0) + asked + answer, peer)


# ---- HTTP ----

class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, status, *target = self.path.split("/", 2)
        self.send_response(int(status) if status.isdigit() else 200)
        if target and status.isdigit():
            self.send_header("Location", urllib.parse.unquote(target[0]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *arguments):
        pass


class HangsUp(socketserver.BaseRequestHandler):
    def handle(self):
        pass


class Web(http.server.ThreadingHTTPServer):
    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        socketserver.TCPServer.server_bind(self)


class Web6(Web):
    address_family = socket.AF_INET6


def begin(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


# ---- the whole ----

def hide(path, text, folder):
    """Puts a file of ours in the place of one of the system's, in this namespace only."""
    own = os.path.join(folder, os.path.basename(path))
    with open(own, "w", encoding="utf-8") as out:
        out.write(text)
    subprocess.run(["mount", "--bind", own, os.path.realpath(path)], check=True)


def main(folder):
    bring_up_loopback()
    for family in (socket.AF_INET, socket.AF_INET6):
        make_every_address_ours(family)
    hide("/etc/resolv.conf", RESOLVER, folder)
    hide("/etc/nsswitch.conf", "hosts: files dns\n", folder)
    hide("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n", folder)
    sought, asked = os.path.join(folder, "sought"), os.path.join(folder, "asked")
    begin(watch, Notes(sought))
    begin(serve_names, Zones(os.path.join(folder, "zones.json")), Notes(asked))
    for kind, everywhere in ((Web, "0.0.0.0"), (Web6, "::")):
        for port, handler in ((80, Answers), (8080, Answers), (443, HangsUp)):
            begin(kind((everywhere, port), handler).serve_forever)
    while not (os.path.getsize(sought) and os.path.getsize(asked)):
        threading.Event().wait(0.01)
    Notes(os.path.join(folder, "ready"))
    sys.stdin.read()  # until the one who wanted this world has gone


if __name__ == "__main__":
    main(sys.argv[1])

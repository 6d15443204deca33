"""Exports put in place by hand: a file and its record, of any size and content."""

import hashlib
import os

_BLOCK = b"".join(b"2026-01-%02d,%07d,a row of text that only fills the file\r\n" % (n % 28 + 1, n) for n in range(1024))


def content_of(size):
    """Bytes that differ from block to block, so that a part from the wrong place shows."""
    pieces, made = [], 0
    while made < size:
        piece = b"%012d" % made + _BLOCK
        pieces.append(piece)
        made += len(piece)
    return b"".join(pieces)[:size]


def tenant_number(stack, slug):
    return stack.query("SELECT tenant_id FROM msp.tenants WHERE slug = %s", (slug,))[0][0]


def location(server, slug, name, dataset="kpi_daily"):
    return os.path.join(server.exports, f"tenant={slug}", f"dataset={dataset}", name)


def place(stack, server, slug, content, name="latest.csv", dataset="kpi_daily", day=None):
    """Writes the file and its record; returns the id."""
    path = location(server, slug, name, dataset)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(content)
    form = "csv.gz" if name.endswith(".gz") else "csv"
    return stack.query(
        "INSERT INTO msp.exports (tenant_id, dataset, format, day, revision, location, row_count, bytes, sha256)"
        " VALUES (%s, %s, %s, %s, 1, %s, 1, %s, %s)"
        " ON CONFLICT (tenant_id, dataset, format, day) DO UPDATE SET bytes = EXCLUDED.bytes,"
        "   sha256 = EXCLUDED.sha256, revision = msp.exports.revision + 1, created_at = now()"
        " RETURNING export_id::text",
        (tenant_number(stack, slug), dataset, form, day, f"tenant={slug}/dataset={dataset}/{name}", len(content),
         hashlib.sha256(content).hexdigest()))[0][0]

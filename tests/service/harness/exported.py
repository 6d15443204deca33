"""Exports as a reader of the folder finds them."""

import csv
import gzip
import io
import os

GENERATE = "/internal/exports/generate"


def export(server, slug, **parameters):
    """Runs an export; the finished job."""
    return server.job(GENERATE, {"tenant_id": slug, **parameters})


def exported(server, slug, **parameters):
    job = export(server, slug, **parameters)
    assert job["state"] == "succeeded", job
    return job["result"]["export_locations"]


def folder(server, slug, dataset="kpi_daily"):
    return os.path.join(server.exports, f"tenant={slug}", f"dataset={dataset}")


def read(path):
    with open(path, "rb") as source:
        return source.read()


def text_of(path):
    """The bytes of an exported CSV, compressed or not."""
    return gzip.decompress(read(path)) if path.endswith(".gz") else read(path)


def rows_of(path):
    """The rows of an exported CSV, after its outer form was checked."""
    content = text_of(path)
    assert content.startswith(b"\xef\xbb\xbf"), path
    assert content.endswith(b"\r\n")
    text = content[3:].decode("utf-8")
    assert not text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def all_files(root):
    """Every file below; the lock that keeps two exports apart is none of the export's."""
    return sorted(os.path.relpath(os.path.join(where, name), root)
                  for where, _, names in os.walk(root) for name in names
                  if not (os.path.basename(where) == ".writing" and name == "lock"))


def partitions(server, slug, dataset="kpi_daily"):
    return {name.split("=")[1] for name in os.listdir(folder(server, slug, dataset)) if name.startswith("date=")}


def stamps(root):
    """What shows that a file was not written again: each is replaced, never changed."""
    return {name: (os.stat(os.path.join(root, name)).st_ino, os.stat(os.path.join(root, name)).st_mtime_ns)
            for name in all_files(root)}


def assert_latest_is_the_parts_joined(server, slug, dataset, kind="csv"):
    root = folder(server, slug, dataset)
    parts = [text_of(f"{root}/date={day}/part-0.{kind}") for day in sorted(partitions(server, slug, dataset))]
    head = parts[0][:parts[0].index(b"\r\n") + 2]
    assert all(part.startswith(head) for part in parts)
    assert text_of(f"{root}/latest.{kind}") == head + b"".join(part[len(head):] for part in parts)

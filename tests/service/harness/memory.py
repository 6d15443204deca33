"""The shared memory of a running server, looked at and damaged through /proc: the program has no hook for it."""

import os
import random
import re
import struct

PAGE = os.sysconf("SC_PAGE_SIZE")


def _shared_regions(pid):
    """(start, end) of every anonymous mapping that the processes of a server share."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        found = [re.match(r"([0-9a-f]+)-([0-9a-f]+) r.-s .*/dev/zero \(deleted\)", line) for line in maps]
    return [(int(one[1], 16), int(one[2], 16)) for one in found if one]


def _touched_pages(pid, start, end):
    """Addresses of the pages of a mapping that this process has used. A look at any other would fill it."""
    with open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        pagemap.seek(start // PAGE * 8)
        entries = pagemap.read((end - start) // PAGE * 8)
    return [start + number * PAGE for number, (entry,) in enumerate(struct.iter_unpack("<Q", entries)) if entry >> 63]


class SharedMemory:
    """One region of a server: the one that holds `marker`. The master may write all of them."""

    def __init__(self, server, marker, users):
        self.users = users
        self.memory = os.open(f"/proc/{server.process.pid}/mem", os.O_RDWR)
        self.draw = random.Random(4711)
        holding = [region for region in _shared_regions(server.process.pid)
                   if any(marker in self._page(page) for user in users for page in _touched_pages(user, *region))]
        assert len(holding) == 1, f"{marker} is in {len(holding)} regions"
        self.region = holding[0]
        self.pages, self.used = {}, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.memory)

    def _page(self, address):
        return os.pread(self.memory, PAGE, address)

    def look(self):
        """Notes which pages hold something now, and which of them are in use: those that changed since the last look."""
        now = {page: self._page(page) for user in self.users for page in _touched_pages(user, *self.region)}
        now = {page: content for page, content in now.items() if content.strip(b"\0")}
        self.used = [page for page in now if self.pages.get(page) != now[page]]
        self.pages = now

    def flip(self):
        """Turns one bit over of something, or of what stands right beside it."""
        pages = self.draw.choice((self.used, list(self.pages))) or list(self.pages)
        page = self.draw.choice(pages)
        at = self.draw.randrange(PAGE)
        while not self.pages[page][at]:
            at = self.draw.randrange(PAGE)
        at = page + at ^ self.draw.choice((0, 0, 0, 1, 2, 4))
        was, = os.pread(self.memory, 1, at)
        os.pwrite(self.memory, bytes([was ^ 1 << self.draw.randrange(8)]), at)

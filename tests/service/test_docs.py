"""The commands of README.md and ops/docs/*.md, each page in a shell of its own beside a quickstart.

A fence tells what it holds:

```sh       is run here, in order, from the root of the checkout, after `. ops/try` (which says what is set). The first
            command that fails, in a pipe too, fails the page by its line; so does a curl that is answered 400 or more
```console  is only shown: it needs what no test has (Docker, a domain, another machine). The page says so
others      are files and answers

A page stands alone: it makes what it needs, uses the tenants of the quickstart, and leaves the server running and as it
was. Nothing is indented by four blanks, which would be a fence without a name.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness import processes
from harness.server import binary

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", *sorted(f"ops/docs/{page.name}" for page in (ROOT / "ops" / "docs").glob("*.md")),
         "ops/powerbi/README.md"]
FENCE = re.compile(r"^( *)```(.*)$")
HOLDS = {"sh", "console", "text", "json", "http", "ini", "yaml", "sql", "css", "js", "c"}
PAGE_SECONDS = 180

# Whatever the page says, an answer of 400 or more is a failure, and a proxy of the environment is not for loopback.
CURLRC = "fail-with-body\nshow-error\nnoproxy = *\nmax-time = 90\n"

# Sourced by bash before the page. A failing command tells its line, which is the page's own.
PRELUDE = """
. ops/try
cd "$MSP_CHECKOUT"
set -euo pipefail
trap 'printf "%s:%s: exit code %s: %s\\n" "$MSP_PAGE" "$LINENO" "$?" "$BASH_COMMAND" >&2' ERR
"""


def fences(text):
    """(line number of the opening, what it holds, its lines) of each fence."""
    found, inside = [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and inside is None:
            inside = (number, fence[2].strip(), [], len(fence[1]))
        elif fence and not fence[2]:
            found.append(inside[:3])
            inside = None
        elif inside is not None:
            inside[2].append(line[inside[3]:])
    assert inside is None, f"the fence of line {inside[0]} is never closed"
    return found


def script_of(text):
    """The page's commands, each at its own line, so that a shell that names a line names the page's."""
    lines = [""] * (text.count("\n") + 1)
    for opening, holds, inside in fences(text):
        if holds == "sh":
            lines[opening:opening + len(inside)] = inside
    return "\n".join(lines)


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """Its environment, while it runs."""
    folder = tmp_path_factory.mktemp("docs") / "state"
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder.parent), "LC_ALL": "C.UTF-8", "TERM": "dumb",
           "MSP_STATE_DIR": str(folder), "MSP_BUILD_DIR": os.path.dirname(binary()),
           "LISTEN": f"127.0.0.1:{processes.free_port()}", "HTTP_WORKERS": "1"}

    def run(*arguments):
        return subprocess.run([ROOT / "ops" / "quickstart", *arguments], env=env, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=300, check=False)
    done = run("--detach")
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield env
    finally:
        stopped = run("--stop", "--fresh")
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if "```sh\n" in (ROOT / page).read_text()])
def test_every_command_of_a_page_works(quickstart, tmp_path, page):
    (tmp_path / "prelude").write_text(PRELUDE)
    (tmp_path / ".curlrc").write_text(CURLRC)
    (tmp_path / "page").write_text(script_of((ROOT / page).read_text()))
    env = {name: value for name, value in quickstart.items() if name not in ("LISTEN", "HTTP_WORKERS")}
    env.update(BASH_ENV=str(tmp_path / "prelude"), MSP_PAGE=page, MSP_CHECKOUT=str(ROOT), TMPDIR=str(tmp_path),
               CURL_HOME=str(tmp_path))
    done = subprocess.run(["bash", tmp_path / "page"], env=env, capture_output=True, text=True, cwd=ROOT,
                          stdin=subprocess.DEVNULL, timeout=PAGE_SECONDS, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    ready = subprocess.run(["bash", "-c", '. ops/try && curl --noproxy "*" -fsS "$MSP_ADDRESS/readyz"'], env=quickstart,
                           cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ready.returncode == 0, f"the page left no running server behind: {ready.stdout} {ready.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_holds(page):
    text = (ROOT / page).read_text()
    unknown = [f"{page}:{line}: ```{holds}" for line, holds, _ in fences(text) if holds not in HOLDS]
    assert not unknown, f"say one of {sorted(HOLDS)}: {unknown}"
    inside = set()
    for opening, _, lines in fences(text):
        inside.update(range(opening, opening + len(lines) + 2))
    bare = [f"{page}:{number}" for number, line in enumerate(text.splitlines(), 1)
            if number not in inside and re.match(r" {4,}\S", line)]
    assert not bare, f"put these lines into a fence: {bare}"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_somewhere(page):
    here = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    assert not [link for link in links if not (here / link).exists()]


def test_a_failing_command_is_told_by_its_line(tmp_path):
    """The shell that runs a page, held against a page that is wrong."""
    (tmp_path / "prelude").write_text(PRELUDE.replace(". ops/try\n", ""))
    (tmp_path / "page").write_text(script_of("# A page\n\n```sh\ntrue\n```\n\n```console\nnever run\n```\n"
                                             "```sh\ntrue\nfalse | true\ntrue\n```\n"))
    done = subprocess.run(["bash", tmp_path / "page"], capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/bin:/bin", "BASH_ENV": str(tmp_path / "prelude"), "MSP_PAGE": "page.md",
                               "MSP_CHECKOUT": str(tmp_path)})
    assert done.returncode == 1 and done.stderr.startswith("page.md:12: exit code 1"), done.stderr


def test_the_readme_leads_to_every_page():
    """Within two steps: by itself or by the list of pages."""
    linked = (ROOT / "README.md").read_text() + (ROOT / "ops" / "docs" / "README.md").read_text()
    assert "(ops/docs/README.md)" in linked
    missing = [page for page in PAGES if page.startswith("ops/docs/") and not page.endswith("README.md")
               and f"({page.removeprefix('ops/docs/')})" not in linked]
    assert not missing, f"add these to ops/docs/README.md: {missing}"

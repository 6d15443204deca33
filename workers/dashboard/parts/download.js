// Files to keep. A browser that is refused a file says so where few look, or not at all: the page asks for it, and says
// itself what came. A large file is left to the browser once it is known to come, so that the page never holds it.
import {element} from "../app/element.js";
import {open, Problem} from "../app/server.js";
import {say} from "../app/language.js";
import {tell} from "./trouble.js";

const WAIT_MS = 120000;
const HELD_BYTES = 32 << 20;

// Takes over the clicks on links to files below `node`; what happened is said in the answer, a line to show near them.
export function downloads(node, signal) {
    const line = element("p", {class: "trouble", role: "alert"});
    node.addEventListener("click", (event) => {
        const link = event.target.closest("a[download]");
        if (!link || event.defaultPrevented) return;
        event.preventDefault();
        if (link.ariaBusy !== "true") fetchFile(link, line, signal);
    });
    return line;
}

async function fetchFile(link, line, signal) {
    line.textContent = "";
    link.ariaBusy = "true";
    const stop = new AbortController();
    try {
        const answer = await open(link.href, AbortSignal.any([signal, stop.signal, AbortSignal.timeout(WAIT_MS)]));
        if (Number(answer.headers.get("Content-Length") ?? Infinity) > HELD_BYTES) {
            stop.abort();
            return save(link.href, "");
        }
        const held = URL.createObjectURL(await answer.blob());
        save(held, nameIn(answer));
        setTimeout(() => URL.revokeObjectURL(held), WAIT_MS);
    } catch (error) {
        if (error.name === "AbortError") return;
        if (error instanceof Problem && !error.passes) return tell(error, line);
        const wait = error.status === 429 ? error.retryAfterSeconds : null;
        line.textContent = wait ? say("download.wait", {count: wait}) : say("download.failed");
    } finally {
        link.ariaBusy = null;
    }
}

const save = (href, name) => element("a", {href, download: name}).click();

const nameIn = (answer) => /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "";

// The server under test: where it is, who may sign in, and its API as a program would read it. It never starts or
// stops anything but parts of the quickstart whose state folder it was given.
import {execFile} from "node:child_process";
import {readFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {promisify} from "node:util";

const run = promisify(execFile);
const here = fileURLToPath(new URL("..", import.meta.url));
const state = process.env.MSP_BROWSER_STATE;
if (!state) throw new Error("these tests are started by tests/browser/run");

// The env file is written anew by every start of the quickstart.
const settings = () => Object.fromEntries(readFileSync(`${state}/env`, "utf8").split("\n").filter((line) => line.includes("="))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));

export const origin = `http://${settings().LISTEN}`;
export const HOME_TENANT = "atelier-lumiere"; // of the quickstart's manager, tech and client
export const REAL_TENANT = "uci-incidents";

export function account(role) {
    const known = settings();
    return {email: known[`MSP_EMAIL_${role.toUpperCase()}`], password: known[`MSP_PASSWORD_${role.toUpperCase()}`]};
}

// Where the server may call a ticket system on this machine: "http://127.0.0.1:PORT".
export function standInAddress() {
    const found = /^(http:\/\/127\.0\.0\.1:\d+)\+private$/.exec(settings().EGRESS_ALLOW ?? "");
    if (!found) throw new Error("the server's EGRESS_ALLOW names no stand-in; tests/browser/run tells how");
    return found[1];
}

// A call with the role's token of the quickstart, a GET unless told otherwise: its JSON, or its text where it is none.
export async function api(role, path, {method = "GET", body} = {}) {
    const answer = await fetch(origin + path, {
        method,
        headers: {authorization: `Bearer ${settings()[`MSP_TOKEN_${role.toUpperCase()}`]}`, ...(body && {"content-type": "application/json"})},
        body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    const json = answer.headers.get("content-type").startsWith("application/json");
    return json ? answer.json() : answer.text();
}

const titleOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8");

// Runs `body` while no job goes on: the server's job worker is stopped, and goes on at the latest when `body` has ended.
// body(goOn) may let it go on sooner.
export async function withoutJobWorker(body) {
    const master = settings().MSP_MASTER_PID;
    const children = readFileSync(`/proc/${master}/task/${master}/children`, "utf8").trim().split(" ");
    const worker = Number(children.find((pid) => titleOf(pid).includes("job worker")));
    const goOn = () => process.kill(worker, "SIGCONT");
    process.kill(worker, "SIGSTOP");
    try {
        await body(goOn);
    } finally {
        goOn();
    }
}

// part: "postgres", "redis" or "server".
export const stop = (part) => run(`${here}part`, [state, "stop", part], {timeout: 90000});
export const start = (part) => run(`${here}part`, [state, "start", part], {timeout: 180000, maxBuffer: 1 << 24});

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

// A GET with the role's token of the quickstart: its JSON, or its text where it is none.
export async function api(role, path) {
    const answer = await fetch(origin + path, {headers: {authorization: `Bearer ${settings()[`MSP_TOKEN_${role.toUpperCase()}`]}`}});
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    const json = answer.headers.get("content-type").startsWith("application/json");
    return json ? answer.json() : answer.text();
}

// part: "postgres", "redis" or "server".
export const stop = (part) => run(`${here}part`, [state, "stop", part], {timeout: 90000});
export const start = (part) => run(`${here}part`, [state, "start", part], {timeout: 180000, maxBuffer: 1 << 24});

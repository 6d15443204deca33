// A ticket system for the server to read: tests/support/standin as a process of its own, where the server may call it.
import {fileURLToPath} from "node:url";
import {once} from "node:events";
import {spawn} from "node:child_process";
import {standInAddress} from "./server.js";

const program = fileURLToPath(new URL("../../support/standin", import.meta.url));

export const TOKEN = "token-of-the-zammad-stand-in"; // tests/support/standins/zammad.py

export async function startZammad() {
    const url = standInAddress();
    const child = spawn("/usr/bin/python3", [program, "zammad", "--port", new URL(url).port, "--tickets", "20"],
        {stdio: ["ignore", "pipe", "inherit"]});
    const ended = once(child, "exit");
    // It says how to use it once it listens.
    await Promise.race([once(child.stdout, "data"), ended.then(([code]) => { throw new Error(`the stand-in ended with ${code}`); })]);
    return {
        url,
        async stop() {
            child.kill("SIGTERM");
            await ended;
        },
    };
}

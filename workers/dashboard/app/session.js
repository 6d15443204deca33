// Who is signed in. The session itself is a cookie that no script can read.
import {Problem, read, send} from "./server.js";
import {recall, remember} from "./memory.js";

let person = null;

// {subject, role, tenant, …} or null.
export const who = () => person;

// Asks the server who we are; null if nobody is signed in. A browser in which nobody ever was is not asked.
export async function refresh() {
    if (recall("was-here") === null) return null;
    try {
        person = await read("/v1/me");
    } catch (error) {
        if (!(error instanceof Problem) || error.status !== 401) throw error;
        forget();
    }
    return person;
}

export async function signIn(email, password) {
    await send("/v1/auth/login", {email, password});
    remember("was-here", "yes");
    person = await read("/v1/me");
    return person;
}

export async function signOut() {
    await send("/v1/auth/logout").catch((error) => {
        if (error.status !== 401) throw error;
    });
    forget();
}

export function forget() {
    person = null;
    remember("was-here", null);
}


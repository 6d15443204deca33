// Who is signed in, and whose figures they may see. The session itself is a cookie that no script can read.
import {Problem, read, send} from "./server.js";
import {recall, remember} from "./memory.js";

let person = null;
let ofPerson = [];

// {subject, role, tenant, …} or null.
export const who = () => person;

// [{id, name, timezone}]
export const tenants = () => ofPerson;

async function learn() {
    const [me, seen] = await Promise.all([read("/v1/me"), read("/v1/tenants")]);
    person = me;
    ofPerson = seen.tenants;
    return person;
}

export async function refreshTenants(signal) {
    ofPerson = (await read("/v1/tenants", {}, signal)).tenants;
}

let asking = null;

// Asks the server who we are; null if nobody is signed in. A browser in which nobody ever was is not asked. Who calls
// while the answer is on its way waits for the same.
export function refresh() {
    asking ??= ask().finally(() => { asking = null; });
    return asking;
}

async function ask() {
    if (recall("was-here") === null) return null;
    try {
        await learn();
    } catch (error) {
        if (!(error instanceof Problem) || error.status !== 401) throw error;
        forget();
    }
    return person;
}

export async function signIn(email, password) {
    await send("/v1/auth/login", {email, password});
    remember("was-here", "yes");
    return learn();
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


// Asks the server. Every answer is its JSON or a Problem that says what happened; every wait has an end. Reads of an
// unchanged period cost a 304: the browser keeps the copy and asks with its ETag.

const WAIT_MS = 20000;

// What the server, or the way to it, said instead of an answer.
export class Problem extends Error {
    constructor({status, code, detail, requestId = null, faults = [], retryAfterSeconds = null}) {
        super(detail);
        this.status = status; // 0 = no answer came
        this.code = code;
        this.requestId = requestId;
        this.faults = faults; // [{pointer, detail}] of a refused form
        this.retryAfterSeconds = retryAfterSeconds;
    }

    // Not our doing: the same request may be right in a moment.
    get passes() {
        return this.status === 0 || this.status === 429 || this.status >= 500;
    }
}

export function address(path, query = {}) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
        if (value !== undefined && value !== null) search.set(name, value);
    }
    const text = search.toString();
    return text === "" ? path : `${path}?${text}`;
}

async function problemOf(answer) {
    const told = await answer.json().catch(() => ({}));
    return new Problem({
        status: answer.status,
        code: told.code ?? "unknown",
        detail: told.detail ?? `${answer.status} ${answer.statusText}`,
        requestId: told.request_id ?? answer.headers.get("X-Request-Id"),
        faults: told.errors ?? [],
        retryAfterSeconds: Number(answer.headers.get("Retry-After")) || null,
    });
}

async function ask(url, options, signal) {
    const late = AbortSignal.timeout(WAIT_MS);
    let answer;
    try {
        answer = await fetch(url, {
            ...options,
            credentials: "same-origin",
            redirect: "error",
            signal: signal ? AbortSignal.any([signal, late]) : late,
        });
        if (!answer.ok) throw await problemOf(answer);
        return answer.status === 204 ? null : await answer.json();
    } catch (error) {
        if (error instanceof Problem || signal?.aborted) throw error;
        throw new Problem({status: 0, code: "unreachable", detail: String(error.message ?? error)});
    }
}

// GET; names of `query` without a value are left out.
export const read = (path, query, signal) => ask(address(path, query), {}, signal);

// POST (or PUT) of a JSON body. `key` makes a repetition of the same call harmless.
export function send(path, body = {}, {query, key, method = "POST", signal} = {}) {
    const headers = {"Content-Type": "application/json"};
    if (key) headers["Idempotency-Key"] = key;
    return ask(address(path, query), {method, headers, body: JSON.stringify(body)}, signal);
}

// A GET of a file: the answer itself, of which only the head has come.
export async function open(url, signal) {
    const answer = await fetch(url, {credentials: "same-origin", redirect: "error", signal}).catch((error) => {
        if (error.name === "AbortError") throw error;
        throw new Problem({status: 0, code: "unreachable", detail: String(error.message ?? error)});
    });
    if (!answer.ok) throw await problemOf(answer);
    return answer;
}

// All pages of a list that is read by cursor, up to `most` entries.
export async function readAll(path, query, member, {most = 1000, signal} = {}) {
    const all = [];
    let cursor = null;
    do {
        const page = await read(path, {...query, cursor}, signal);
        all.push(...page[member]);
        cursor = page.next_cursor ?? null;
    } while (cursor && all.length < most);
    return all;
}

export const newKey = () => crypto.randomUUID();

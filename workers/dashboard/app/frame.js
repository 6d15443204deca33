// Shows the view that the address names, and keeps it true: takes turns so that a late answer never overwrites a newer
// view, keeps what is shown while the server is away, and looks every minute whether anything has changed.
import * as address from "./address.js";
import {build} from "./context.js";
import {Problem, read} from "./server.js";
import {say} from "./language.js";
import * as masthead from "../parts/masthead.js";
import * as notices from "../parts/notices.js";
import * as session from "./session.js";
import {signIn} from "../parts/sign_in.js";
import {today} from "./days.js";

const REFRESH_MS = 60000;
const AGAIN_MS = [1000, 2000, 4000, 8000, 15000];

let turn = 0;
let shown = null; // what build() made, and `at`, when it was true (ms)
let building = null; // the AbortController of the view being built
let failures = 0;
let retry = null;

export function begin() {
    masthead.begin(document.body, {onSignOut: leave, onTaste: () => show()});
    setInterval(refresh, REFRESH_MS);
    document.addEventListener("visibilitychange", () => {
        if (shown && Date.now() - shown.at > REFRESH_MS) refresh();
    });
}

// Builds what the address names and puts it in the place of what is shown.
export async function show() {
    const mine = ++turn;
    building?.abort();
    building = new AbortController();
    clearTimeout(retry);
    masthead.busy(true);
    try {
        const next = await build(building);
        if (mine !== turn) return;
        put(next);
        building = null;
        failures = 0;
        masthead.away(null);
    } catch (error) {
        if (mine === turn) fail(error);
    } finally {
        if (mine === turn) masthead.busy(false);
    }
}

function put(next) {
    const moved = shown === null || shown.view !== next.view || shown.content === null;
    const goOn = masthead.place();
    shown?.controller.abort();
    shown = {...next, at: Date.now()};
    masthead.show(next);
    masthead.put(next.view?.name ?? "unknown", next.content);
    if (moved) masthead.arrive();
    else goOn();
}

function fail(error) {
    if (!(error instanceof Problem)) {
        console.error(error);
        error = new Problem({status: -1, code: "page_fault", detail: say("fault.page", {what: error.message, whom: notices.whom(session.who(), "admin")})});
    }
    if (error.passes) return tryAgain(error);
    failures = 0;
    if (error.status === 401) return askWhoIsThere();
    masthead.show({me: session.who(), view: null, tenant: null});
    replaceBy(notices.problem(error));
}

// What is shown stays while the server is away; it says how old it is.
function tryAgain(error) {
    const waitMs = error.retryAfterSeconds ? Math.min(error.retryAfterSeconds * 1000, 60000)
        : AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)];
    if (shown !== null) masthead.away({error, since: shown.at, again: show});
    // Said once: who waits at the button keeps the focus.
    else if (!masthead.isPut("away")) replaceBy(notices.away(error, show), "away");
    retry = setTimeout(show, waitMs);
}

function replaceBy(content, name = "notice") {
    shown?.controller.abort();
    shown = null;
    masthead.put(name, content);
    masthead.arrive();
}

// The address stays, so that signing in leads back to where one was. A wall screen keeps its last figures.
function askWhoIsThere() {
    session.forget();
    if (shown?.content && address.current().wall) {
        masthead.away({ended: true, since: shown.at, again: askNow});
        return;
    }
    askNow();
}

function askNow() {
    masthead.away(null);
    masthead.show({me: null, view: null, tenant: null});
    replaceBy(signIn(show));
}

async function leave() {
    try {
        await session.signOut();
    } catch (error) {
        return fail(error);
    }
    address.go("/", {replace: true});
}

// Asks again what the shown view asked; builds it anew only if an answer differs.
async function refresh() {
    if (document.hidden || !shown?.refreshes || retry && failures > 0) return;
    if (isBusy()) return;
    const mine = turn;
    const {reads, controller} = shown;
    try {
        for (const [asked, known] of reads) {
            const [path, query] = JSON.parse(asked);
            const answer = await read(path, query, controller.signal);
            if (mine !== turn) return;
            if (JSON.stringify(answer) !== known) return await show();
        }
        shown.at = Date.now();
        // A wall screen is never loaded anew by a person: once a day it is, and has the server's newer page if there is one.
        if (movedOn()) return address.current().wall ? location.reload() : await show();
        masthead.away(null);
    } catch (error) {
        if (mine === turn && !controller.signal.aborted) fail(error);
    }
}

// Somebody is filling in a form, which a rebuilt view would take away. The period's fields hold what is shown.
const isBusy = () => document.querySelector("dialog[open]") !== null
    || document.activeElement?.matches("form:not(.period) :is(input, textarea, select)");

// Midnight passes in the tenant's time zone while a moving period is open.
const movedOn = () => shown.tenant !== null && shown.context.today !== today(shown.tenant.timezone);

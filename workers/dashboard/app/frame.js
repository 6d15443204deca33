// Shows the view that the address names, and keeps it true: takes turns so that a late answer never overwrites a newer
// view, keeps what is shown while the server is away, and looks every minute whether anything has changed.
//
// A view's build(context) gets
//   state    what the address tells (app/address.js)
//   me       who is signed in: {subject, role, tenant, …}
//   tenants  those that the reader may see
//   tenant   {id, name, timezone}; null for a view that is of no tenant
//   period   {from, to}, and `last`, the last day worth showing (days of the tenant)
//   complete_through, data_as_of   of the tenant, for marking days that are not complete
//   read     (path, query) => answer; names the tenant, ends with the view, is what a refresh asks again
//   send     (path, body, options) => answer; the same for what changes something (app/server.js)
//   signal   aborted when the content is taken off the page: end timers, charts and listeners by it
// and returns an element. It throws a Problem (app/server.js) where it cannot.
import * as address from "./address.js";
import {addDays, isDay, period, today} from "./days.js";
import {homeOf, viewNamed} from "./views.js";
import {Problem, read, send} from "./server.js";
import {say} from "./language.js";
import * as masthead from "../parts/masthead.js";
import * as notices from "../parts/notices.js";
import * as session from "./session.js";
import {signIn} from "../parts/sign_in.js";

const REFRESH_MS = 60000;
const AGAIN_MS = [1000, 2000, 4000, 8000, 15000];

let turn = 0;
let shown = null; // {view, tenant, content, controller, reads, at}
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

async function build(controller) {
    const known = session.who();
    const me = known ?? await session.refresh();
    if (me === null) throw new Problem({status: 401, code: "credential_missing", detail: say("session.none")});
    const state = address.current();
    const view = state.view ? viewNamed(state.view) : homeOf(me.role);
    // Where tenants are added and changed, the list is read each time.
    if (known && view?.ofTenant === false) await session.refreshTenants(controller.signal);
    const nothing = {view, me, controller, tenant: null, reads: new Map(), refreshes: false};
    if (view === null) return {...nothing, content: notices.unknownView()};
    if (!view.roles.includes(me.role)) return {...nothing, content: notices.forbidden(me, homeOf(me.role))};
    const context = {state, me, tenants: session.tenants(), tenant: null, signal: controller.signal, reads: new Map()};
    context.read = reader(context);
    context.send = (path, body, options) => send(path, body, {...options, query: {...ofTenant(context), ...options?.query}});
    if (view.ofTenant) {
        await settleTenant(context);
        controller.signal.throwIfAborted();
        // Before the view makes its links: they lead on from here.
        settleAddress(context);
    }
    const makeContent = await view.load();
    const content = await makeContent(context);
    return {view, me, controller, content, context, tenant: context.tenant, reads: context.reads, refreshes: view.refreshes};
}

// Whose data an admin asks for; everybody else's credential says it.
const ofTenant = ({me, tenant}) => (me.role === "admin" && tenant ? {tenant: tenant.id} : {});

// Notes each answer, so that a refresh can tell whether one has changed.
function reader(context) {
    return async (path, query = {}) => {
        const asked = {...ofTenant(context), ...query};
        const answer = await read(path, asked, context.signal);
        context.reads.set(JSON.stringify([path, asked]), JSON.stringify(answer));
        return answer;
    };
}

async function settleTenant(context) {
    const wanted = context.me.role === "admin" ? context.state.tenant : context.me.tenant;
    const found = context.tenants.find((one) => one.id === wanted) ?? (wanted ? null : context.tenants[0]);
    if (!found) throw new Problem({status: 404, code: "tenant_unknown", detail: say("tenant.unknown", {tenant: wanted ?? ""})});
    context.tenant = found;
    const now = today(found.timezone);
    const {complete_through, data_as_of} = await context.read("/v1/kpis/daily", {from: now, to: now});
    const {from, to, period: preset} = context.state;
    const last = complete_through ?? addDays(now, -1);
    const given = isDay(from) && isDay(to) && from <= to;
    Object.assign(context, {today: now, complete_through, data_as_of,
        period: {...(given ? {from, to} : period(preset ?? "30d", last)), last}});
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

// So that a link to here shows the same tomorrow. A wall screen's period moves on.
function settleAddress({me, tenant, period: {from, to}}) {
    if (address.current().wall) return;
    address.settle({from, to, period: null, ...(me.role === "admin" && {tenant: tenant.id})});
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

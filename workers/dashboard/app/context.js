// Builds the view that the address names, out of who is signed in, the tenant and the period. Puts nothing on the page.
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
import * as notices from "../parts/notices.js";
import * as session from "./session.js";

// {view, me, tenant, context, content, controller, reads, refreshes}; view: null where the address names none that exists,
// reads: what the view asked and was answered. Aborting the controller ends what the view has begun.
export async function build(controller) {
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

// So that a link to here shows the same tomorrow. A wall screen's period moves on.
function settleAddress({me, tenant, period: {from, to}}) {
    if (address.current().wall) return;
    address.settle({from, to, period: null, ...(me.role === "admin" && {tenant: tenant.id})});
}

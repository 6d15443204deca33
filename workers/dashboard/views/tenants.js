// Every tenant at a glance, the one most in need of a look first; to add, change and disable them, limits included.
import {ago, change, day, measure, NOTHING, number} from "../app/format.js";
import {dataTable} from "../parts/data_table.js";
import {element} from "../app/element.js";
import {empty} from "../parts/notices.js";
import {metric} from "../app/metrics.js";
import {openForm} from "../parts/form_dialog.js";
import {say} from "../app/language.js";
import {sparkLine} from "../charts/spark_line.js";
import * as address from "../app/address.js";

const DAYS = 30;
const LATE_SECONDS = 3600; // four pulls that brought nothing
const SHOWN = ["tickets_created", "tickets_resolved", "backlog", "sla_compliance", "resolution_minutes_p50"];

export async function build(context) {
    const glances = await everyGlance(context);
    const settings = new Map((await context.read("/v1/admin/tenants")).tenants.map((one) => [one.id, one]));
    const again = () => address.go(address.link({}));
    return element("div", {},
        element("div", {class: "title"},
            element("h1", {tabindex: "-1"}, say("tenants.title", {count: glances.length, number: number(glances.length)})),
            element("button", {type: "button", class: "button primary", id: "add", on: {click: () => add(context, again)}},
                say("tenants.add"))),
        glances.length === 0 ? empty(say("tenants.none")) : element("section", {class: "card"}, dataTable({
            caption: say("view.tenants"), lead: say("tenants.caption", {count: DAYS, number: number(DAYS)}), isCards: true,
            columns: columns((one) => edit(context, settings.get(one.id), again)),
            rows: glances, sorted: {at: 1, down: true},
        })));
}

async function everyGlance(context) {
    const all = [];
    let cursor = null;
    do {
        const page = await context.read("/v1/admin/glance", {days: DAYS, limit: 100, cursor});
        all.push(...page.tenants);
        cursor = page.next_cursor;
    } while (cursor !== null);
    return all;
}

// What is wrong with a tenant, the gravest first; their sum orders the table, and within it the share of missed SLAs.
const TROUBLES = [
    [8, "tenants.source_error", (one) => one.source_error !== null],
    [4, "tenants.job_failed", (one) => one.last_failed_job !== null],
    [2, "tenants.late", (one) => lagSeconds(one) > LATE_SECONDS],
    [1, "tenants.nothing", (one) => one.complete_through === null],
];

// How far behind the source is; null for tickets that are pushed, or were never read.
const lagSeconds = (one) => (one.complete_until ? Math.max(0, (Date.now() - Date.parse(one.complete_until)) / 1000) : null);

const troublesOf = (one) => (one.status === "active" ? TROUBLES.filter(([, , is]) => is(one)) : []);

const need = (one) => (one.status === "active" ? 1 : 0) + troublesOf(one).reduce((sum, [weight]) => sum + weight, 0) +
    (1 - (one.total.sla_compliance ?? 1)) * 0.99;

const columns = (onEdit) => [
    {label: say("tenants.tenant"), isHead: true, by: (one) => one.name, cell: (one) => (one.status === "active"
        ? element("a", {href: address.linkToView("overview", {tenant: one.id, from: null, to: null})}, one.name) : one.name)},
    {label: say("tenants.state"), by: need, isNumber: false, cell: state},
    ...SHOWN.map((name) => ({label: say(`metric.${name}`), isNumber: true, by: (one) => one.total[name],
        cell: (one) => figure(one, metric(name))})),
    {label: say("tenants.complete"), by: (one) => one.complete_through, cell: (one) => (one.complete_through
        ? element("time", {datetime: one.complete_through}, day(one.complete_through)) : NOTHING)},
    {label: say("tenants.read"), isNumber: true, by: lagSeconds, cell: (one) => (lagSeconds(one) === null
        ? NOTHING : measure(lagSeconds(one) / 60, "minutes"))},
    {label: say("action.change"), isAction: true, cell: (one) => element("button", {type: "button", class: "button small", id: `change-${one.id}`, on: {click: () =>
        onEdit(one)}, "aria-label": `${say("action.change")}: ${one.name}`}, say("action.change"))},
];

function state(one) {
    if (one.status !== "active") return say("status.disabled");
    const troubles = troublesOf(one);
    if (troubles.length === 0) return element("span", {class: "better"}, say("tenants.well"));
    return element("span", {class: "worse"}, troubles.map(([, words], at) => [at > 0 ? ", " : "", element("span",
        {title: words === "tenants.source_error" ? one.source_error.detail
            : words === "tenants.job_failed" ? one.last_failed_job.error?.detail : null}, say(words))]),
    one.last_failed_job && ` (${ago(one.last_failed_job.finished_at)})`);
}

const figure = (one, {name, unit, better}) => {
    const delta = one.change[name] ?? null;
    const verdict = delta === null || delta === 0 || better === 0 ? "quiet" : Math.sign(delta) === better ? "better" : "worse";
    return element("span", {class: "glance"},
        one.series[name] && sparkLine(one.series[name]),
        element("span", {}, measure(one.total[name] ?? null, unit),
            delta !== null && element("span", {class: `change ${verdict}`}, change(delta, unit))));
};

const settingsFields = (one = {}) => [
    {name: "name", label: say("tenants.name"), value: one.name, required: true},
    {name: "timezone", label: say("tenants.timezone"), value: one.timezone, type: "select", required: true,
        options: [...new Set([one.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
            ...Intl.supportedValuesOf("timeZone")])].map((zone) => [zone, zone])},
    {name: "limits", label: say("tenants.limits"), value: one.limits ?? "", help: say("tenants.limits.help")},
];

function add(context, onDone) {
    openForm({
        title: say("tenants.add"), action: say("tenants.add"), onDone,
        fields: [{name: "id", label: say("tenants.id"), required: true, help: say("tenants.id.help"),
            attributes: {pattern: "[a-z0-9\\-]{1,63}"}}, ...settingsFields()],
        onSubmit: async (values, key) => {
            await context.send("/v1/admin/tenants", {...values, limits: values.limits || null}, {key});
        },
    });
}

function edit(context, one, onDone) {
    openForm({
        title: one.name, action: say("action.save"), onDone,
        fields: [...settingsFields(one), {name: "active", type: "check", label: say("tenants.active"),
            value: one.status === "active"}],
        onSubmit: async ({name, timezone, limits, active}, key) => {
            const wasActive = one.status === "active";
            // Only what differs, so that the audit log tells what was done.
            await context.send(`/v1/admin/tenants/${one.id}`, {
                name: name === one.name ? null : name,
                timezone: timezone === one.timezone ? null : timezone,
                limits: limits === (one.limits ?? "") ? null : limits,
                active: active === wasActive ? null : active,
            }, {key});
            // The other views lead nowhere in it.
            if (!active && context.state.tenant === one.id) address.settle({tenant: null});
        },
    });
}

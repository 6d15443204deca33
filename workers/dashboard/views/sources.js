// Where each tenant's tickets are pulled from, how fresh they are, and trying it. Secrets go in and never come out.
import {dataTable} from "../parts/data_table.js";
import {element} from "../app/element.js";
import {instant} from "../parts/instant.js";
import {measure, NOTHING} from "../app/format.js";
import {readAll} from "../app/server.js";
import {learn, say} from "../app/language.js";
import {kindTitle, setSource} from "../parts/source_form.js";
import {trySource} from "../parts/source_trial.js";

export async function build(context) {
    const {tenants, read, signal} = context;
    const [sources, kinds] = await Promise.all([
        readAll("/v1/admin/sources", {}, "sources", {signal}),
        read("/v1/admin/source-kinds"),
        learn("sources"),
    ]);
    const bySlug = new Map(sources.map((source) => [source.tenant, source]));
    const rows = tenants.map((tenant) => ({tenant, source: bySlug.get(tenant.id) ?? null}));
    const titleOf = (source) => (source === null ? say("sources.pushed")
        : kindTitle(kinds.kinds.find((kind) => kind.name === source.kind) ?? {name: source.kind, title: source.kind}));
    return element("div", {},
        element("h1", {tabindex: "-1"}, say("view.sources")),
        element("section", {class: "card"}, dataTable({
            caption: say("view.sources"), lead: say("sources.caption"), isCards: true,
            columns: [
                {label: say("tenant.switch"), isHead: true, cell: ({tenant}) => tenant.name, by: ({tenant}) => tenant.name},
                {label: say("sources.kind"), cell: ({source}) => titleOf(source), by: ({source}) => titleOf(source)},
                {label: say("sources.until"), by: ({source}) => source?.complete_until ?? null,
                    cell: ({source, tenant}) => instant(source?.complete_until, tenant.timezone)},
                {label: say("sources.lag"), isNumber: true, by: ({source}) => source?.lag_seconds ?? null,
                    cell: ({source}) => (typeof source?.lag_seconds === "number" ? measure(source.lag_seconds / 60, "minutes")
                        : NOTHING)},
                {label: say("sources.error"), isWide: true, by: ({source}) => source?.last_error?.at ?? null, cell: ({source, tenant}) =>
                    (source?.last_error ? element("span", {class: "worse"}, source.last_error.detail, " (",
                        instant(source.last_error.at, tenant.timezone), ")") : NOTHING)},
                {label: say("sources.try"), isAction: true, cell: ({source, tenant}) => source && button("sources.try", tenant, () =>
                    trySource(context, tenant, titleOf(source)))},
                {label: say("action.change"), isAction: true, cell: ({source, tenant}) => button("action.change", tenant, () =>
                    setSource(context, tenant, source, kinds))},
            ],
            rows, sorted: {at: 4, down: true},
        })));
}

const button = (words, tenant, does) => element("button", {type: "button", class: "button small",
    id: `${words}-${tenant.id}`, "aria-label": `${say(words)}: ${tenant.name}`, on: {click: does}}, say(words));

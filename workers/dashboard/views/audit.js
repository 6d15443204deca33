// Who did what, when and from where: the audit log, newest first.
import {bodyOf, bodyRow, headCell, tableOf} from "../parts/table_rows.js";
import {element} from "../app/element.js";
import {empty} from "../parts/notices.js";
import {instant} from "../parts/instant.js";
import {NOTHING} from "../app/format.js";
import {say} from "../app/language.js";
import {tenantFilter} from "../parts/tenant_filter.js";
import * as address from "../app/address.js";

const PAGE = 50;

export async function build(context) {
    const {read, state} = context;
    const query = {tenant: state.tenant, action: state.action, actor: state.actor, limit: PAGE};
    const columns = columnsOf(context);
    const body = bodyOf();
    const more = element("button", {type: "button", class: "button", on: {click: () => add()}}, say("action.more"));
    let cursor = null;

    async function add() {
        const page = await read("/v1/audit", {...query, cursor});
        body.append(...page.lines.map((line) => bodyRow(columns, line)));
        cursor = page.next_cursor;
        more.hidden = cursor === null;
    }

    await add();
    return element("div", {},
        element("div", {class: "title"}, element("h1", {tabindex: "-1"}, say("view.audit")),
            element("form", {class: "period", on: {submit: (event) => {
                event.preventDefault();
                const given = new FormData(event.target);
                address.go(address.link({action: given.get("action").trim() || null, actor: given.get("actor").trim() || null}));
            }}}, tenantFilter(context), field("action", state.action), field("actor", state.actor),
            element("button", {type: "submit", class: "button"}, say("action.filter")))),
        body.childElementCount === 0 ? empty(say("audit.none")) : element("section", {class: "card"},
            element("div", {class: "table"}, element("p", {class: "quiet"}, say("audit.caption")),
                tableOf({name: "cards", caption: say("view.audit"), heads: columns.map((column) => headCell(column)), body})),
            more));
}

const field = (name, value) => element("span", {class: "choice"}, element("label", {for: `audit-${name}`}, say(`audit.${name}`)),
    element("input", {id: `audit-${name}`, name, value: value ?? ""}));

const columnsOf = ({tenants}) => [
    {label: say("audit.at"), isHead: true, cell: (line) => instant(line.at)},
    {label: say("audit.actor"), isLine: true, cell: (line) => (line.erased ? say("audit.erased") : line.actor ?? NOTHING)},
    {label: say("audit.action"), cell: (line) => element("code", {}, line.action)},
    {label: say("audit.object"), isLine: true, cell: (line) => line.object ?? NOTHING},
    {label: say("audit.tenant"), cell: (line) => tenants.find((one) => one.id === line.tenant)?.name ?? line.tenant ?? NOTHING},
    {label: say("audit.address"), cell: (line) => line.address ?? NOTHING},
    {label: say("audit.change"), isWide: true, cell: changes},
];

// Only the members that differ.
function changes({before, after}) {
    const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
    const told = names.filter((name) => JSON.stringify(before?.[name] ?? null) !== JSON.stringify(after?.[name] ?? null)).map((name) =>
        `${name}: ${before?.[name] === undefined ? "" : `${JSON.stringify(before[name])} → `}${JSON.stringify(after?.[name] ?? null)}`);
    return told.join(", ") || NOTHING;
}

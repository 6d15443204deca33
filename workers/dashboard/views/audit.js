// Who did what, when and from where: the audit log, newest first.
import {element} from "../app/element.js";
import {empty} from "../parts/notices.js";
import {moment, NOTHING} from "../app/format.js";
import {say} from "../app/language.js";
import {tenantFilter} from "../parts/tenant_filter.js";
import * as address from "../app/address.js";

const PAGE = 50;

export async function build(context) {
    const {read, state} = context;
    const query = {tenant: state.tenant, action: state.action, actor: state.actor, limit: PAGE};
    const body = element("tbody");
    const more = element("button", {type: "button", class: "button", on: {click: () => add()}}, say("action.more"));
    let cursor = null;

    async function add() {
        const page = await read("/v1/audit", {...query, cursor});
        body.append(...page.lines.map(row));
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
            element("div", {class: "scroll", role: "region", tabindex: "0", "aria-label": say("view.audit")},
                element("table", {}, element("caption", {}, say("audit.caption")),
                    element("thead", {}, element("tr", {}, ["at", "actor", "action", "object", "tenant", "address", "change"]
                        .map((name) => element("th", {scope: "col"}, say(`audit.${name}`))))),
                    body)),
            more));
}

const field = (name, value) => [element("label", {for: `audit-${name}`}, say(`audit.${name}`)),
    element("input", {id: `audit-${name}`, name, value: value ?? ""})];

const row = (line) => element("tr", {},
    element("th", {scope: "row", class: "number"}, moment(line.at)),
    element("td", {}, line.erased ? say("audit.erased") : line.actor ?? NOTHING),
    element("td", {}, element("code", {}, line.action)),
    element("td", {class: "long"}, line.object ?? NOTHING),
    element("td", {}, line.tenant ?? NOTHING),
    element("td", {}, line.address ?? NOTHING),
    element("td", {class: "long"}, changes(line)));

// Only the members that differ.
function changes({before, after}) {
    const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
    const told = names.filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name])).map((name) =>
        `${name}: ${before?.[name] === undefined ? "" : `${JSON.stringify(before[name])} → `}${JSON.stringify(after?.[name] ?? null)}`);
    return told.join(", ") || NOTHING;
}

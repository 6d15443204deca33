// The keys of tenants' programs. A new one is shown this once and never again.
import {copyButton} from "../parts/copy_button.js";
import {dataTable} from "../parts/data_table.js";
import {element} from "../app/element.js";
import {instant} from "../parts/instant.js";
import {LAST_DAY} from "../app/days.js";
import {NOTHING} from "../app/format.js";
import {openForm} from "../parts/form_dialog.js";
import {readAll} from "../app/server.js";
import {say} from "../app/language.js";
import {tenantChoices, tenantFilter} from "../parts/tenant_filter.js";
import * as address from "../app/address.js";

const ROLES = ["manager", "tech", "client"];

const again = () => address.go(address.link({}));

export async function build(context) {
    const {tenants, state, signal} = context;
    const keys = await readAll("/v1/admin/keys", {tenant: state.tenant}, "keys", {signal});
    const nameOf = (id) => tenants.find((one) => one.id === id)?.name ?? id;
    return element("div", {},
        element("div", {class: "title"},
            element("h1", {tabindex: "-1"}, say("view.keys")),
            element("div", {class: "row"}, tenantFilter(context),
                element("button", {type: "button", class: "button primary", id: "add", on: {click: () => create(context)}}, say("keys.create")))),
        element("section", {class: "card"}, dataTable({
            caption: say("view.keys"), lead: say("keys.caption"), isCards: true,
            columns: [
                {label: say("keys.name"), isHead: true, cell: (key) => key.name, by: (key) => key.name},
                {label: say("tenant.switch"), cell: (key) => nameOf(key.tenant), by: (key) => nameOf(key.tenant)},
                {label: say("users.role"), cell: (key) => say(`role.${key.role}`), by: (key) => key.role},
                {label: say("keys.id"), cell: (key) => element("code", {}, key.id)},
                {label: say("users.state"), cell: (key) => say(`status.${key.status}`), by: (key) => key.status},
                {label: say("keys.expires"), cell: (key) => (key.expires_at ? instant(key.expires_at) : say("keys.never")),
                    by: (key) => key.expires_at},
                {label: say("keys.used"), cell: (key) => instant(key.last_used_at), by: (key) => key.last_used_at},
                {label: say("keys.revoke"), isAction: true, cell: (key) => (key.status === "revoked" ? NOTHING : element("button",
                    {type: "button", class: "button small", id: `revoke-${key.id}`, "aria-label": `${say("keys.revoke")}: ${key.name}`,
                        on: {click: () => revoke(context, key)}}, say("keys.revoke")))},
            ],
            rows: keys, none: say("keys.none"),
        })));
}

function create({send, tenants, state}) {
    openForm({
        title: say("keys.create"), action: say("keys.create"), onDone: again,
        fields: [
            {name: "tenant", label: say("tenant.switch"), type: "select", required: true, value: state.tenant ?? "",
                options: [["", "–"], ...tenantChoices(tenants)]},
            {name: "name", label: say("keys.name"), required: true, help: say("keys.name.help"), attributes: {maxlength: "100"}},
            {name: "role", label: say("users.role"), type: "select", options: ROLES.map((role) => [role, say(`role.${role}`)]),
                value: "manager", help: say("keys.role.help")},
            {name: "expires_at", label: say("keys.expires"), type: "date", help: say("keys.expires.help"),
                attributes: {max: LAST_DAY}},
        ],
        onSubmit: async ({expires_at: end, ...values}, key) => {
            const made = await send("/v1/admin/keys", {...values, expires_at: end ? `${end}T23:59:59Z` : null}, {key});
            return shown(made);
        },
    });
}

function shown({key, secret}) {
    if (secret === undefined) return element("p", {}, say("keys.made_before"));
    const field = element("input", {id: "secret", value: secret, readonly: true, class: "secret"});
    return element("div", {class: "field"}, element("p", {class: "worse"}, say("keys.once")),
        element("label", {for: "secret"}, `${key.name} (${key.id})`),
        element("span", {class: "row"}, field, copyButton(field, say("keys.copy"))));
}

function revoke({send}, key) {
    openForm({
        title: say("keys.revoke"), text: say("keys.revoke.text", {name: key.name}), action: say("keys.revoke"), danger: true,
        onDone: again,
        onSubmit: async (_, once) => { await send(`/v1/admin/keys/${key.id}/revoke`, {}, {key: once}); },
    });
}

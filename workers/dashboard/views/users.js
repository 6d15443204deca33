// The people who may sign in: to add, change, disable, and give a password.
import {dataTable} from "../parts/data_table.js";
import {element} from "../app/element.js";
import {instant} from "../parts/instant.js";
import {openForm} from "../parts/form_dialog.js";
import {readAll} from "../app/server.js";
import {say} from "../app/language.js";
import {tenantChoices, tenantFilter} from "../parts/tenant_filter.js";
import * as address from "../app/address.js";

const ROLES = ["admin", "manager", "tech", "client"];
const PASSWORD = {minlength: "12", maxlength: "256", autocomplete: "new-password"};

const again = () => address.go(address.link({}));
const roleChoices = () => ROLES.map((role) => [role, say(`role.${role}`)]);

export async function build(context) {
    const {tenants, state, signal} = context;
    const users = await readAll("/v1/admin/users", {tenant: state.tenant}, "users", {signal});
    const nameOf = (id) => (id === null ? say("tenant.all") : tenants.find((one) => one.id === id)?.name ?? id);
    return element("div", {},
        element("div", {class: "title"},
            element("h1", {tabindex: "-1"}, say("view.users")),
            element("div", {class: "row"}, tenantFilter(context),
                element("button", {type: "button", class: "button primary", id: "add", on: {click: () => add(context)}}, say("users.add")))),
        element("section", {class: "card"}, dataTable({
            caption: say("view.users"), isCards: true,
            columns: [
                {label: say("sign_in.email"), isHead: true, cell: (user) => user.email, by: (user) => user.email},
                {label: say("users.name"), cell: (user) => user.name, by: (user) => user.name},
                {label: say("users.role"), cell: (user) => say(`role.${user.role}`), by: (user) => say(`role.${user.role}`)},
                {label: say("tenant.switch"), cell: (user) => nameOf(user.tenant), by: (user) => nameOf(user.tenant)},
                {label: say("users.state"), by: (user) => user.status, cell: (user) => (user.status !== "active"
                    ? say("status.disabled") : user.has_password ? say("status.active") : say("users.no_password"))},
                {label: say("users.since"), cell: (user) => instant(user.created_at), by: (user) => user.created_at},
                {label: say("action.change"), isAction: true, cell: (user) => element("button", {type: "button", class: "button small",
                    id: `change-${user.email}`, "aria-label": `${say("action.change")}: ${user.email}`, on: {click: () => edit(context, user)}},
                say("action.change"))},
            ],
            rows: users, none: say("users.none"),
        })));
}

function add({send, tenants, state}) {
    openForm({
        title: say("users.add"), action: say("users.add"), onDone: again,
        fields: [
            {name: "email", label: say("sign_in.email"), type: "email", required: true},
            {name: "name", label: say("users.name"), required: true},
            {name: "role", label: say("users.role"), type: "select", options: roleChoices(), value: "client"},
            {name: "tenant", label: say("tenant.switch"), type: "select", value: state.tenant ?? "", help: say("users.tenant.help"),
                options: [["", say("tenant.all")], ...tenantChoices(tenants)]},
            {name: "password", label: say("sign_in.password"), type: "password", help: say("users.password.help"),
                attributes: PASSWORD},
        ],
        onSubmit: async ({email, name, role, tenant, password}, key) => {
            await send("/v1/admin/users", {email, name, role, tenant: tenant || null, password: password || null}, {key});
        },
    });
}

function edit({send}, user) {
    openForm({
        title: user.email, action: say("action.save"), onDone: again, text: say("users.sessions_end"),
        fields: [
            {name: "name", label: say("users.name"), value: user.name, required: true},
            {name: "role", label: say("users.role"), type: "select", value: user.role, options: user.tenant === null
                ? [["admin", say("role.admin")]] : roleChoices().filter(([role]) => role !== "admin")},
            {name: "password", label: say("users.new_password"), type: "password", help: say("users.new_password.help"),
                attributes: PASSWORD},
            {name: "active", label: say("users.active"), type: "check", value: user.status === "active"},
        ],
        onSubmit: async ({name, role, password, active}, key) => {
            await send(`/v1/admin/users/${encodeURIComponent(user.email)}`, {
                name: name === user.name ? null : name,
                role: role === user.role ? null : role,
                active: active === (user.status === "active") ? null : active,
                password: password || null,
            }, {key});
        },
    });
}

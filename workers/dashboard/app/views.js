// The views, one row each: who may open it, whether it shows one tenant, whether the menu names it, and whether
// that is among what is administered. A view's module has
// `build(context)`, which makes its content (app/frame.js tells what a context is), and may have `refreshes = false`.

const EVERYBODY = ["admin", "manager", "tech", "client"];
const MANAGERS = ["admin", "manager"];
const ADMINS = ["admin"];

export const VIEWS = [
    {name: "tenants", roles: ADMINS, ofTenant: false, inMenu: true, load: () => import("../views/tenants.js")},
    {name: "overview", roles: EVERYBODY, ofTenant: true, inMenu: true, load: () => import("../views/overview.js")},
    {name: "summary", roles: EVERYBODY, ofTenant: true, inMenu: true, load: () => import("../views/summary.js")},
    {name: "exports", roles: MANAGERS, ofTenant: true, inMenu: true, load: () => import("../views/exports.js")},
    {name: "jobs", roles: MANAGERS, ofTenant: true, inMenu: true, load: () => import("../views/jobs.js")},
    {name: "tickets", roles: EVERYBODY, ofTenant: true, inMenu: false, load: () => import("../views/tickets.js")},
    {name: "sources", roles: ADMINS, ofTenant: false, inMenu: true, administers: true,
        load: () => import("../views/sources.js")},
    {name: "users", roles: ADMINS, ofTenant: false, inMenu: true, administers: true,
        load: () => import("../views/users.js")},
    {name: "keys", roles: ADMINS, ofTenant: false, inMenu: true, administers: true,
        load: () => import("../views/keys.js")},
    {name: "audit", roles: ADMINS, ofTenant: false, inMenu: true, administers: true,
        load: () => import("../views/audit.js")},
];

export const viewNamed = (name) => VIEWS.find((view) => view.name === name) ?? null;

export const viewsFor = (role) => VIEWS.filter((view) => view.inMenu && view.roles.includes(role));

export const homeOf = (role) => viewsFor(role)[0];

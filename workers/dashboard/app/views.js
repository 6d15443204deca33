// The views, one row each: who may open it, whether it shows one tenant, whether the menu names it. A view's module has
// `build(context)`, which makes its content (app/frame.js tells what a context is), and may have `refreshes = false`.

const EVERYBODY = ["admin", "manager", "tech", "client"];
const MANAGERS = ["admin", "manager"];

export const VIEWS = [
    {name: "overview", roles: EVERYBODY, ofTenant: true, inMenu: true, load: () => import("../views/overview.js")},
    {name: "summary", roles: EVERYBODY, ofTenant: true, inMenu: true, load: () => import("../views/summary.js")},
    {name: "exports", roles: MANAGERS, ofTenant: true, inMenu: true, load: () => import("../views/exports.js")},
    {name: "jobs", roles: MANAGERS, ofTenant: true, inMenu: true, load: () => import("../views/jobs.js")},
    {name: "tickets", roles: EVERYBODY, ofTenant: true, inMenu: false, load: () => import("../views/tickets.js")},
];

export const viewNamed = (name) => VIEWS.find((view) => view.name === name) ?? null;

export const viewsFor = (role) => VIEWS.filter((view) => view.inMenu && view.roles.includes(role));

export const homeOf = (role) => viewsFor(role)[0];

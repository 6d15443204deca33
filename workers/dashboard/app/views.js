// The views, one row each: who may open it, whether it shows one tenant, whether the menu names it,
// whether that is among what is administered, whether an open one is looked after: lists of jobs look by themselves, and
// one of tickets would lose its reader's place.
// The overview, with which nearly everybody begins, comes with the page; the others come together when one is opened.
import {build as overview} from "../views/overview.js";

const EVERYBODY = ["admin", "manager", "tech", "client"];
const MANAGERS = ["admin", "manager"];
const ADMINS = ["admin"];

const later = (name) => async () => (await import("../views/later.js"))[name];

// load: async () => build(context), which makes the view's content (app/context.js tells what a context is)
export const VIEWS = [
    {name: "tenants", roles: ADMINS, ofTenant: false, inMenu: true, refreshes: true, load: later("tenants")},
    {name: "overview", roles: EVERYBODY, ofTenant: true, inMenu: true, refreshes: true, load: async () => overview},
    {name: "summary", roles: EVERYBODY, ofTenant: true, inMenu: true, refreshes: true, load: later("summary")},
    {name: "exports", roles: MANAGERS, ofTenant: true, inMenu: true, refreshes: false, load: later("exports")},
    {name: "jobs", roles: MANAGERS, ofTenant: true, inMenu: true, refreshes: false, load: later("jobs")},
    {name: "tickets", roles: EVERYBODY, ofTenant: true, inMenu: false, refreshes: false, load: later("tickets")},
    {name: "sources", roles: ADMINS, ofTenant: false, inMenu: true, administers: true, refreshes: true, load: later("sources")},
    {name: "users", roles: ADMINS, ofTenant: false, inMenu: true, administers: true, refreshes: true, load: later("users")},
    {name: "keys", roles: ADMINS, ofTenant: false, inMenu: true, administers: true, refreshes: true, load: later("keys")},
    {name: "audit", roles: ADMINS, ofTenant: false, inMenu: true, administers: true, refreshes: true, load: later("audit")},
];

export const viewNamed = (name) => VIEWS.find((view) => view.name === name) ?? null;

export const viewsFor = (role) => VIEWS.filter((view) => view.inMenu && view.roles.includes(role));

export const homeOf = (role) => viewsFor(role)[0];

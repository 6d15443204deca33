// What frames every view: the name, the tenant, the menu, how fresh the data is, and the line that says when the server
// is away. Made once, filled by show().
import {ago, day, shortMoment, wholeMoment} from "../app/format.js";
import {element} from "../app/element.js";
import {explain} from "./notices.js";
import {fold} from "./fold.js";
import {movingPeriod} from "../app/days.js";
import {chooseLanguage, language, languages, say} from "../app/language.js";
import {chooseTheme, theme, themes} from "../app/theme.js";
import {viewsFor} from "../app/views.js";
import {whenChosen} from "./chosen.js";
import * as address from "../app/address.js";

let does = {};
const head = element("header", {class: "masthead"});
const main = element("main", {id: "main", tabindex: "-1"});
const news = element("div", {class: "news", role: "status", hidden: true});
const foot = element("footer", {class: "foot"});

// The content of a view in the place of what was there.
export function put(view, content) {
    main.dataset.view = view;
    main.replaceChildren(content);
}

export const isPut = (view) => main.dataset.view === view;

// onSignOut, onTaste: called when a person signs out, or chooses another language or theme.
export function begin(body, callbacks) {
    does = callbacks;
    head.append(brand());
    body.append(element("a", {class: "skip", href: "#main"}, say("action.skip")), head, news, main, foot);
}

export const busy = (is) => main.setAttribute("aria-busy", String(is));

// A new view has come: the reader begins at its title.
export function arrive() {
    const title = main.querySelector("h1");
    const field = main.querySelector("form.card input");
    (field ?? title)?.focus({preventScroll: true});
    window.scrollTo(0, 0);
}

// For a view that is built anew: leads the reader back to the same control, or to the title if it is no longer there.
export function place() {
    const {activeElement: node} = document;
    if (!node.closest("main, header")) return () => {};
    return () => {
        if (node.isConnected) return;
        (document.getElementById(node.id) ?? main.querySelector("h1"))?.focus({preventScroll: true});
    };
}

export function show({me, view, tenant, context}) {
    const wall = Boolean(address.current().wall);
    document.documentElement.classList.toggle("wall", wall && me !== null);
    document.querySelector(".skip").textContent = say("action.skip");
    const title = view ? say(`view.${view.name}`) : null;
    document.title = [title, tenant?.name, "MSP Analytics"].filter(Boolean).join(" · ");
    head.replaceChildren(
        brand(),
        ...(me ? [whose(me, view, tenant, context), menu(me, view), tastes(me, wall, context)] : [tastes(null, false)]));
    showWhere();
    foot.replaceChildren(...(tenant ? freshness(tenant, context) : []));
}

const brand = () => element("a", {class: "brand", href: "/"}, "MSP Analytics");

function whose(me, view, tenant, context) {
    if (me.role !== "admin" || !tenant) return element("span", {class: "tenant"}, tenant?.name ?? me.tenant_name ?? say("tenant.all"));
    const choice = element("select", {id: "tenant", "aria-label": say("tenant.switch"), title: say("tenant.switch.keys")},
        context.tenants.map((one) => element("option", {value: one.id, selected: one.id === tenant.id}, one.name)));
    return whenChosen(choice, (id) => address.go(address.linkToView(view.name, {tenant: id})));
}

function menu(me, view) {
    const all = viewsFor(me.role);
    const item = (one) => element("li", {}, element("a", {
        id: `to-${one.name}`, href: address.linkToView(one.name),
        "aria-current": one === view ? "page" : null,
    }, say(`view.${one.name}`)));
    const administered = all.filter((one) => one.administers);
    return element("nav", {"aria-label": say("menu.views")}, element("ul", {},
        all.filter((one) => !one.administers).map(item),
        administered.length > 0 && element("li", {}, fold("administered",
            [{"aria-current": view?.administers ? "true" : null}, say("menu.administration")],
            element("ul", {}, administered.map(item))))));
}

// Where the menu is wider than the screen, the view that is shown is in sight in it.
function showWhere() {
    const [nav, here] = [head.querySelector("nav"), head.querySelector("nav [aria-current]")];
    if (nav && here) nav.scrollLeft = here.offsetLeft - nav.offsetLeft - nav.clientWidth / 3;
}

const initials = (name) => name.split(/[\s.@_-]+/, 2).map(([first]) => first ?? "").join("").toUpperCase();

// Language, theme, wall screen, sign-out.
function tastes(me, wall, context) {
    const choice = (id, label, values, now, choose) => [
        element("label", {for: id}, label),
        element("select", {id, on: {change: async (event) => {
            await choose(event.target.value);
            does.onTaste();
        }}}, values.map(([value, text]) => element("option", {value, selected: value === now}, text))),
    ];
    const name = me && (me.name ?? me.subject);
    return fold("tastes", me ? [{title: name}, element("span", {class: "initials", "aria-hidden": "true"}, initials(name)),
        element("span", {class: "unseen"}, name)] : [{}, say("menu.tastes")],
        me && element("p", {}, element("strong", {}, name)),
        me && element("p", {class: "quiet"}, `${me.subject} · ${say(`role.${me.role}`)}`),
        choice("language", say("menu.language"), languages.map((code) => [code, say(`language.${code}`)]), language(),
            chooseLanguage),
        choice("theme", say("menu.theme"), themes.map((name) => [name, say(`theme.${name}`)]), theme(), chooseTheme),
        me && element("a", {class: "button", href: wall ? address.link({wall: null}) : wallScreen(context)},
            say(wall ? "menu.wall_end" : "menu.wall")),
        me && element("button", {type: "button", class: "button", on: {click: () => does.onSignOut()}},
            say("menu.sign_out")));
}

// The overview with a period that moves on.
function wallScreen(context) {
    const {by, compare} = address.current();
    const {from, to, last} = context?.period ?? {};
    return address.linkToView("overview", {wall: "1", from: null, to: null, by, compare,
        period: from ? movingPeriod(from, to, last) : "30d"});
}

const freshness = (tenant, context) => [
    element("span", {}, say("fresh.days", {zone: tenant.timezone})),
    element("span", {}, context.complete_through
        ? say("fresh.complete", {day: day(context.complete_through)}) : say("fresh.never")),
    context.data_as_of && element("span", {title: wholeMoment(context.data_as_of, tenant.timezone)},
        say("fresh.as_of", {moment: shortMoment(context.data_as_of, tenant.timezone), ago: ago(context.data_as_of)})),
].filter(Boolean);

// null = the server answers. Otherwise the figures stay, and this says how old they are.
export function away(what) {
    news.hidden = what === null;
    if (what === null) return news.replaceChildren();
    const since = what.since && new Date(what.since).toLocaleTimeString(language(), {timeStyle: "short"});
    news.replaceChildren(
        element("span", {}, what.ended ? say("session.ended") : explain(what.error), " ",
            since && say("away.since", {time: since})),
        element("button", {type: "button", class: "button", on: {click: () => what.again()}},
            say(what.ended ? "sign_in.enter" : "action.again")));
}

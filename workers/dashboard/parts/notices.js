// What stands in the place of a view that cannot be shown, or has nothing to show: what happened and what to do.
import {element} from "../app/element.js";
import {isSaid, say} from "../app/language.js";
import * as address from "../app/address.js";

export const notice = (title, text, ...more) =>
    element("section", {class: "notice"}, element("h1", {tabindex: "-1"}, title), element("p", {}, text), ...more);

// Who helps: a client its provider, and who works there somebody of that role.
export const whom = (me, role) => say((me?.role ?? "client") === "client" ? "whom.provider" : `whom.${role}`);

const home = () => element("p", {}, element("a", {class: "button", href: "/"}, say("notice.home")));

export const unknownView = () => notice(say("notice.unknown.title"), say("notice.unknown.text"), home());

// to: the view (app/views.js) that the reader may open instead.
export const forbidden = (me, to) => notice(say("notice.forbidden.title"),
    say("notice.forbidden.text", {role: say(`role.${me.role}`), view: say(`view.${to.name}`), whom: whom(me, "admin")}), home());

// A request that the server refused.
export const problem = (error) => notice(
    say(error.status === 403 ? "notice.forbidden.title" : error.status === 404 ? "notice.missing.title" : "notice.problem.title"),
    explain(error),
    error.requestId && element("p", {class: "quiet"}, say("notice.request", {id: error.requestId})), home());

export const away = (error, again) => notice(say("notice.away.title"), explain(error),
    element("p", {}, element("button", {type: "button", class: "button", on: {click: () => again()}}, say("action.again"))));

// Nothing to show, within a view.
export const empty = (text) => element("p", {class: "empty"}, text);

// The reader's words for what we know, the server's own for the rest.
export const explain = (error) =>
    isSaid(`problem.${error.code}`) ? say(`problem.${error.code}`)
        : error.status === 0 ? say("problem.unreachable")
            : error.status === 429 ? say("problem.busy")
                : error.status >= 500 ? say("problem.server") : error.message;

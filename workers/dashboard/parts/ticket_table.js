// Tickets as a table that grows; on a narrow screen each row is a card (style/tickets.css). Titles and names come from
// strangers and stay text. A client's tickets have no technician, so there is no column for one.
import {element} from "../app/element.js";
import {isSaid, say} from "../app/language.js";
import {memberName} from "./breakdown.js";
import {minutes, moment, NOTHING, number} from "../app/format.js";

const orNothing = (text) => (text === null || text === undefined || text === "" ? NOTHING : text);

const statusName = ({status}) => (isSaid(`status.${status}`) ? say(`status.${status}`) : orNothing(status));

function timeToResolution({created_at: created, resolved_at: resolved}) {
    const span = resolved === null ? -1 : (new Date(resolved) - new Date(created)) / 60000;
    return span < 0 ? NOTHING : minutes(span);
}

// As the KPIs judge it: the source's word, else whether it was resolved when it was due.
const verdict = ({sla_met: told, resolved_at: resolved, due_at: due}) =>
    told ?? (resolved === null || due === null ? null : new Date(resolved) <= new Date(due));

const slaOf = (ticket) => {
    const met = verdict(ticket);
    return met === null ? NOTHING : element("span", {class: met ? "better" : "worse"}, say(met ? "sla.met" : "sla.missed"));
};

const COLUMNS = [
    // words, cell, kind
    ["ticket.id", (ticket) => ticket.external_id, "head"],
    ["ticket.title", (ticket) => orNothing(ticket.title), "wide"],
    ["ticket.status", statusName],
    ["by.priority", (ticket) => memberName("priority", ticket.priority)],
    ["by.category", (ticket) => orNothing(ticket.category)],
    ["by.group", (ticket) => orNothing(ticket.group)],
    ["by.assignee", (ticket) => orNothing(ticket.assignee), "technician"],
    ["ticket.created", (ticket, zone) => moment(ticket.created_at, zone), "moment"],
    ["ticket.resolved", (ticket, zone) => moment(ticket.resolved_at, zone), "moment"],
    ["ticket.time", timeToResolution, "number"],
    ["ticket.sla", slaOf],
    ["ticket.csat", (ticket) => number(ticket.csat), "number"],
];

// {node, add: (tickets) => …}. zone: the tenant's, in which times are told.
export function ticketTable({caption, zone, showsTechnician}) {
    const columns = COLUMNS.filter(([, , kind]) => kind !== "technician" || showsTechnician);
    const body = element("tbody", {role: "rowgroup"});
    // The roles hold where style/tickets.css makes cards of the rows.
    const row = (ticket) => element("tr", {role: "row"}, columns.map(([words, cell, kind = ""]) => {
        const isHead = kind === "head";
        const content = cell(ticket, zone);
        return element(isHead ? "th" : "td", {class: content === NOTHING ? `${kind} nothing` : kind, "data-label": say(words),
            role: isHead ? "rowheader" : "cell", scope: isHead ? "row" : null}, content);
    }));
    const node = element("div", {class: "scroll", role: "region", tabindex: "0", "aria-label": caption},
        element("table", {class: "tickets", role: "table"},
            element("caption", {class: "unseen"}, caption),
            element("thead", {role: "rowgroup"}, element("tr", {role: "row"}, columns.map(([words, , kind]) =>
                element("th", {scope: "col", role: "columnheader", class: kind === "number" ? "number" : null}, say(words))))),
            body));
    return {node, add: (tickets) => body.append(...tickets.map(row))};
}

// Tickets as a table that grows; on a narrow screen each row is a card (style/tables.css). Titles and names come from
// strangers and stay text. A client's tickets have no technician, so there is no column for one.
import {bodyOf, bodyRow, headCell, tableOf} from "./table_rows.js";
import {element} from "../app/element.js";
import {instant} from "./instant.js";
import {isSaid, say} from "../app/language.js";
import {memberName} from "./breakdown.js";
import {minutes, NOTHING, number} from "../app/format.js";

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

// zone: the tenant's, in which times are told.
const columnsFor = (zone, showsTechnician) => [
    {label: say("ticket.id"), isHead: true, cell: (ticket) => ticket.external_id},
    {label: say("ticket.title"), isWide: true, cell: (ticket) => orNothing(ticket.title)},
    {label: say("ticket.status"), cell: statusName},
    {label: say("by.priority"), cell: (ticket) => memberName("priority", ticket.priority)},
    {label: say("by.category"), cell: (ticket) => orNothing(ticket.category)},
    {label: say("by.group"), cell: (ticket) => orNothing(ticket.group)},
    showsTechnician && {label: say("by.assignee"), cell: (ticket) => orNothing(ticket.assignee)},
    {label: say("ticket.created"), cell: (ticket) => instant(ticket.created_at, zone)},
    {label: say("ticket.resolved"), cell: (ticket) => instant(ticket.resolved_at, zone)},
    {label: say("ticket.time"), isNumber: true, cell: timeToResolution},
    {label: say("ticket.sla"), cell: slaOf},
    {label: say("ticket.csat"), isNumber: true, cell: (ticket) => number(ticket.csat)},
].filter(Boolean);

// {node, add: (tickets) => …}
export function ticketTable({caption, zone, showsTechnician}) {
    const columns = columnsFor(zone, showsTechnician);
    const body = bodyOf();
    return {
        node: tableOf({name: "cards tickets", caption, heads: columns.map((column) => headCell(column)), body}),
        add: (tickets) => body.append(...tickets.map((ticket) => bodyRow(columns, ticket))),
    };
}

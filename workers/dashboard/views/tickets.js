// Opening a number: the tickets that a figure counts, with the figure and its definition beside them.
import {address as addressOf} from "../app/server.js";
import {downloads} from "../parts/download.js";
import {element} from "../app/element.js";
import {filterChips, ticketQuery, whenWords} from "../parts/ticket_filter.js";
import {measure, moment, number} from "../app/format.js";
import {memberName} from "../parts/breakdown.js";
import {metric} from "../app/metrics.js";
import {more} from "../parts/more.js";
import {empty} from "../parts/notices.js";
import {Problem} from "../app/server.js";
import {say} from "../app/language.js";
import {ticketTable} from "../parts/ticket_table.js";
import {title} from "../parts/title.js";
import * as address from "../app/address.js";

const PAGE = 50;
const MOST_IN_CSV = 50000; // of /v1/tickets.csv

// Of which counts a ratio is made.
const SHARES = {
    sla_compliance: ["sla_met", "sla_known"],
    reopen_rate: ["tickets_reopened", "tickets_resolved"],
    kill_rate: ["tickets_closed", "tickets_created"],
};

export async function build(context) {
    const {read, state, me, tenant} = context;
    const query = ticketQuery(context);
    const asked = metric(query.metric);
    if (!asked)
        throw new Problem({status: 404, code: "metric_unknown", detail: say("tickets.unknown", {metric: query.metric})});
    const [page, figures] = await Promise.all([
        read("/v1/tickets", {...query, count: true, limit: PAGE}),
        readFigures(read, query),
    ]);
    const member = query.member === undefined ? null : memberName(query.by, query.member);
    const what = [say(`metric.${asked.name}`), member].filter(Boolean).join(" · ");
    const csv = addressOf("/v1/tickets.csv", {...query, tenant: me.role === "admin" ? tenant.id : null});
    return element("div", {class: "opened", "data-metric": asked.name, "data-total": page.total},
        element("div", {class: "title"},
            title(what, whenWords(query)),
            element("a", {class: "button", href: address.linkToView("overview", {by: state.by})}, say("tickets.back"))),
        filterChips(query),
        figure({asked, query, page, figures, context}),
        totalAndFile(page, csv, context),
        page.total === 0 ? empty(say("tickets.none")) : list({page, query, caption: what, context}));
}

function totalAndFile({total}, csv, {signal}) {
    const line = element("div", {class: "title"},
        element("strong", {class: "total"}, number(total), " ", say("tickets.total", {count: total})),
        total > MOST_IN_CSV ? element("p", {class: "quiet"}, say("tickets.csv.too_many", {most: number(MOST_IN_CSV)}))
            : element("a", {class: "button", href: csv, download: true}, say("tickets.csv")));
    return [line, downloads(line, signal)];
}

// The KPIs of the same cell, as they were computed; null for what is no cell of them: an hour, an age.
async function readFigures(read, {day, from, to, by, member, age, weekday, hour}) {
    if ([age, weekday, hour].some((part) => part !== undefined)) return null;
    const answer = await read("/v1/kpis/summary", {from: day ?? from, to: day ?? to, by});
    return by === undefined ? answer.total : answer.members.find((one) => one.member === member) ?? null;
}

function figure({asked, query, page, figures, context}) {
    const value = figures ? figures[asked.name] : page.total;
    const counted = figures?.[asked.opens];
    const isStale = figures && counted !== null && counted !== page.total;
    return element("section", {class: "card figure"},
        element("strong", {class: "value"}, measure(value, figures ? asked.unit : "tickets")),
        element("div", {},
            element("p", {}, say(`definition.${asked.name}`)),
            figures && value !== null && asked.unit !== "tickets" && element("p", {}, madeOf(asked, figures)),
            isStale && element("p", {class: "quiet"}, say("tickets.moved", {count: page.total, number: number(page.total),
                counted: number(counted), moment: moment(context.data_as_of, context.tenant.timezone)})),
            value === null && element("p", {class: "quiet"}, say(figures && counted !== null ? "tickets.no_value"
                : "tickets.not_computed"))));
}

function madeOf(asked, figures) {
    const share = SHARES[asked.name];
    if (share)
        return say(`tickets.share.${asked.name}`, {count: figures[share[asked.name === "kill_rate" ? 1 : 0]],
            part: number(figures[share[0]]), whole: number(figures[share[1]])});
    return say("tickets.over", {count: figures[asked.opens], number: number(figures[asked.opens])});
}

function list({page, query, caption, context}) {
    const table = ticketTable({caption, zone: context.tenant.timezone, showsTechnician: context.me.role !== "client"});
    let shown = 0;
    const add = ({tickets, next_cursor: cursor}) => {
        table.add(tickets);
        shown += tickets.length;
        return cursor;
    };
    const cursor = add(page);
    return [table.node, more({
        cursor,
        load: async (next) => add(await context.read("/v1/tickets", {...query, limit: PAGE, cursor: next})),
        told: () => say("tickets.shown", {count: page.total, shown: number(shown), total: number(page.total)}),
    })];
}

// How well a tenant was served in a period: tiles, trends, breakdown, ageing, arrivals. Everything opens its tickets.
import {ageName} from "../parts/ticket_filter.js";
import {bars} from "../charts/bars.js";
import {breakdown} from "../parts/breakdown.js";
import {day, dayRange} from "../app/format.js";
import {element} from "../app/element.js";
import {heatMap} from "../charts/heat_map.js";
import {metric, TILES} from "../app/metrics.js";
import {empty} from "../parts/notices.js";
import {periodBar} from "../parts/period_bar.js";
import {language, say} from "../app/language.js";
import {findSummary, plainParagraphs, summaryNotes} from "../parts/summary_text.js";
import {Problem} from "../app/server.js";
import {tile} from "../parts/tile.js";
import {title} from "../parts/title.js";
import {trendChart} from "../charts/trend_chart.js";
import * as address from "../app/address.js";

const CHARTS = [
    ["volume", ["tickets_created", "tickets_resolved", "backlog"]],
    ["times", ["resolution_minutes_p50", "resolution_minutes_p90", "first_response_minutes_p50"]],
    ["sla", ["sla_compliance"]],
    ["csat", ["csat_mean"]],
];

// A wall screen's figures open as on any other screen.
const opens = (filter) => address.linkToView("tickets", {...filter, wall: null});

export async function build(context) {
    const {read, state, period: {from, to, last}, me} = context;
    const by = state.by ?? "priority";
    const compares = state.compare !== "none";
    const ageDay = to < last ? to : last;
    const [summary, daily, members, arrivals, age] = await Promise.all([
        read("/v1/kpis/summary", {from, to, compare: compares ? "previous" : null}),
        read("/v1/kpis/daily", {from, to}),
        read("/v1/kpis/summary", {from, to, by}),
        read("/v1/kpis/arrivals", {from, to}),
        read("/v1/kpis/backlog-age", {day: ageDay}),
    ]);
    const isEmpty = daily.rows.every((row) => row.tickets_created === null);
    return element("div", {class: "overview"},
        element("div", {class: "title"},
            title(context.tenant.name, dayRange(from, to)),
            periodBar(context)),
        isEmpty ? empty(say("notice.empty.period")) : [
            tiles(summary, daily, compares),
            element("p", {class: "quiet hint"}, say("chart.zoom")),
            element("div", {class: "grid"}, CHARTS.map(([name, names]) => trendChart({
                title: say(`chart.${name}`), rows: daily.rows, names, opens, signal: context.signal,
                completeThrough: context.complete_through,
            }))),
            report(context),
            breakdown({members: members.members, by, role: me.role, opens}),
            element("div", {class: "grid lower"}, backlogAge(age), arrivalsCard(arrivals)),
        ]);
}

// The written summary is part of the paper alone. It comes after the figures: no one waits for it.
function report({read, period}) {
    const place = element("section", {class: "card paper"});
    findSummary(read, period, language()).then((summary) => {
        if (summary) place.append(element("h2", {}, say("view.summary")), plainParagraphs(summary), summaryNotes(summary));
    }).catch((error) => {
        if (!(error instanceof Problem) && error.name !== "AbortError") throw error;
    });
    return place;
}

const tiles = (summary, daily, compares) => element("section", {class: "tiles", "aria-label": say("overview.tiles")},
    TILES.map((name) => tile({
        metric: metric(name),
        value: summary.total[name],
        previous: compares ? summary.previous.total[name] : undefined,
        delta: compares ? summary.change[name] : undefined,
        days: daily.rows.map((row) => row[name]),
        href: opens({metric: name}),
    })));

const backlogAge = (age) => element("section", {class: "card"},
    element("header", {}, element("h2", {}, say("chart.age")),
        element("span", {class: "quiet"}, say("chart.age.text", {day: day(age.day)}))),
    bars(age.buckets.map((bucket) => ({
        label: ageName(bucket),
        value: bucket.tickets,
        href: opens({metric: "backlog", day: age.day, age: bucket.age}),
    }))));

const arrivalsCard = (arrivals) => element("section", {class: "card"},
    element("header", {}, element("h2", {}, say("chart.arrivals"))),
    heatMap({title: say("chart.arrivals"), cells: arrivals.cells,
        opens: (cell) => opens({metric: "tickets_created", ...cell})}));

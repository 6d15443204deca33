// Every number on the page is the API's: tiles and their changes, the tables behind the charts, the breakdowns, the
// ages, the heat map; and each opens as many tickets as it says.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {asRole, closeBrowser} from "./harness/visit.js";
import {apiOf, assertFiguresAreTheApis, figures, openTables} from "./harness/pages.js";
import {api, HOME_TENANT, REAL_TENANT} from "./harness/server.js";
import {assertShows, readNumber} from "./harness/numbers.js";

after(closeBrowser);

const COUNTED = /^(tickets_|backlog$|sla_known$|resolution_count$|first_response_count$|csat_count$)/;

// A quarter in which the tenant had tickets, up to its last complete day.
async function quarterOf(tenant) {
    const {complete_through: last} = await api("admin", `/v1/kpis/daily?from=2026-01-01&to=2026-01-01&tenant=${tenant}`);
    const first = new Date(Date.parse(`${last}T00:00:00Z`) - 89 * 86400000).toISOString().slice(0, 10);
    return {from: first, to: last};
}

async function assertPage(visit, path) {
    await visit.open(path, "overview");
    await openTables(visit);
    const {api: told, kinds} = await assertFiguresAreTheApis(visit);
    // Nothing that the API knows is left out: a link for each number that is not null, a dash for each that is.
    const metricsOf = async (kind) => new Set((await figures(visit.page)).filter(kind).map(({query}) => query.metric));
    const present = (rows, metrics) => rows.reduce((sum, row) => sum + [...metrics].filter((name) => row[name] !== null).length, 0);
    const dayMetrics = await metricsOf(({query}) => query.day && !query.age);
    const memberMetrics = await metricsOf(({query}) => query.member !== undefined);
    assert.ok(dayMetrics.size >= 7, [...dayMetrics].join());
    assert.equal(kinds.day, present(told.daily.rows, dayMetrics), "days in the tables behind the charts");
    assert.equal(kinds.member, present(told.members.members, memberMetrics), "members in the breakdown");
    assert.equal(kinds.arrivals, 168, "hours of a week");
    assert.ok(kinds.tile >= 8 && kinds.age >= 7, JSON.stringify(kinds));
    await assertChanges(visit, told.summary);
    return told;
}

async function assertChanges(visit, {change, total}) {
    for (const tile of await visit.page.locator("main [data-metric]").all()) {
        const metric = await tile.getAttribute("data-metric");
        const text = await tile.locator(".change > span").first().evaluate((node) => node.firstChild.textContent);
        if (change[metric] === 0) assert.equal(readNumber(text.replace(/^\D*$/, "0"), visit.language).value, 0, metric);
        else assertShows(text, change[metric], visit.language, `change of ${metric} (now ${total[metric]})`);
    }
}

test("the real tenant's page shows the API's numbers, in French", asRole("admin", {language: "fr"}, async (visit) => {
    const {from, to} = await quarterOf(REAL_TENANT);
    await assertPage(visit, `/?view=overview&tenant=${REAL_TENANT}&from=${from}&to=${to}&by=category`);
}));

test("an invented tenant's page shows the API's numbers, in English", asRole("manager", {}, async (visit) => {
    const {from, to} = await quarterOf(HOME_TENANT);
    await assertPage(visit, `/?view=overview&from=${from}&to=${to}&by=assignee`);
}));

test("a number opens as many tickets as it says", asRole("tech", {language: "fr"}, async (visit) => {
    const {from, to} = await quarterOf(HOME_TENANT);
    await visit.open(`/?view=overview&from=${from}&to=${to}&by=group`, "overview");
    await openTables(visit);
    const all = (await figures(visit.page)).filter(({query, text}) => COUNTED.test(query.metric) && text !== "");
    const kind = ({query}) => `${query.age ? "age" : query.weekday ? "hour" : query.member !== undefined ? "member" : query.day ? "day" : "tile"} ${query.metric}`;
    // The first and the largest of each kind.
    const some = new Map();
    for (const figure of all) {
        const count = readNumber(figure.text, "fr").value;
        if (!some.has(kind(figure))) some.set(kind(figure), {...figure, count});
        if (some.get(kind(figure)).count < count) some.set(kind(figure), {...figure, count});
    }
    assert.ok(some.size >= 6, [...some.keys()].join());
    for (const {query, text, count} of some.values()) {
        await visit.open(`/?${new URLSearchParams(query)}`, "tickets");
        const shown = JSON.stringify(query);
        assert.equal(await visit.page.locator("main [data-total]").getAttribute("data-total"), String(count), `${shown} showed "${text}"`);
        if (count === 0) continue;
        const words = await visit.page.locator("main strong.total").textContent();
        assert.equal(readNumber(words.replace(/[^\d\s\u00a0\u202f].*$/u, ""), "fr").value, count, `${shown} says "${words}"`);
        assert.equal(await visit.page.locator("main table.tickets tbody tr").count(), Math.min(count, 50), shown);
    }
}));

// Without a point in the week nothing is drawn as if it were zero.
test("a day without a value is a dash and not a zero", asRole("client", {}, async (visit) => {
    const {from, to} = await quarterOf(HOME_TENANT);
    await visit.open(`/?view=overview&from=${from}&to=${to}`, "overview");
    const {daily} = await apiOf(visit);
    const without = daily.rows.find((row) => row.csat_mean === null);
    assert.ok(without, "the data has no day without a score");
    await visit.page.locator("main details.behind > summary").last().click();
    const cells = visit.page.locator("main details[open] tbody tr").nth(daily.rows.length - 1 - daily.rows.indexOf(without)).locator("td");
    assert.equal(readNumber(await cells.last().textContent(), "en"), null);
}));

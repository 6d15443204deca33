// What the tests know of the page's make: how to find a figure, and what the API says of it. A figure that opens
// tickets is a link whose address names the very cell it shows, so no test needs to know where on a page it stands.
import assert from "node:assert/strict";
import {assertShows} from "./numbers.js";

// Every figure on the page that opens its tickets: {text, query}.
export const figures = (page) => page.locator("main a[href*='view=tickets']").evaluateAll((links) => links.map((link) => ({
    text: (link.querySelector(".value") ?? link).textContent,
    query: Object.fromEntries(new URL(link.href).searchParams),
    label: link.getAttribute("aria-label"),
})));

// What the API says of the period that the page shows, asked with the page's own session.
export async function apiOf(visit) {
    const {tenant, from, to, by} = Object.fromEntries(new URL(visit.page.url()).searchParams);
    const whose = visit.role === "admin" ? `&tenant=${tenant}` : "";
    const dimension = by ?? "priority";
    const ask = (path, query) => visit.api(`/v1/kpis/${path}?${query}${whose}`);
    const range = `from=${from}&to=${to}`;
    const [summary, daily, members, arrivals] = await Promise.all([
        ask("summary", `${range}&compare=previous`), ask("daily", range), ask("summary", `${range}&by=${dimension}`),
        ask("arrivals", range)]);
    const ages = new Map(); // by day, asked when needed
    return {
        summary, daily, members, arrivals, dimension,
        days: new Map(daily.rows.map((row) => [row.day, row])),
        byMember: new Map(members.members.map((row) => [row.member, row])),
        cells: new Map(arrivals.cells.map((cell) => [`${cell.weekday} ${cell.hour}`, cell.tickets_created])),
        async age(day, name) {
            if (!ages.has(day)) ages.set(day, await ask("backlog-age", `day=${day}`));
            return ages.get(day).buckets.find((bucket) => bucket.age === name).tickets;
        },
    };
}

// The API's number for a figure, by the address it opens.
async function numberOf(api, {metric, day, member, age, weekday, hour}) {
    if (age !== undefined) return api.age(day, age);
    if (weekday !== undefined) return api.cells.get(`${weekday} ${hour}`);
    if (member !== undefined) return api.byMember.get(member)[metric];
    if (day !== undefined) return api.days.get(day)[metric];
    return api.summary.total[metric];
}

// Every figure shows the API's number; how many of each kind there were.
export async function assertFiguresAreTheApis(visit) {
    const api = await apiOf(visit);
    const kinds = {tile: 0, day: 0, member: 0, age: 0, arrivals: 0};
    for (const {text, query} of await figures(visit.page)) {
        const kind = query.age !== undefined ? "age" : query.weekday !== undefined ? "arrivals"
            : query.member !== undefined ? "member" : query.day !== undefined ? "day" : "tile";
        const number = await numberOf(api, query);
        // A heat map leaves its empty hours blank.
        if (kind === "arrivals" && text === "") assert.equal(number, 0, JSON.stringify(query));
        else assertShows(text, number, visit.language, JSON.stringify(query));
        kinds[kind] += 1;
    }
    return {api, kinds};
}

// Opens the table behind every chart; it is made then.
export async function openTables({page}) {
    for (const summary of await page.locator("main details.behind > summary").all()) await summary.click();
    await page.locator("main details.behind:not(:has(tbody tr))").first().waitFor({state: "detached"});
}

// The view that the menu calls so; the names are the address's.
export const menu = (page) => page.locator("header nav a[href]").evaluateAll((links) =>
    links.map((link) => new URL(link.href).searchParams.get("view")));

export async function goTo(visit, view) {
    const link = `a[href*='view=${view}']`;
    const folded = visit.page.locator(`header nav details:has(${link}) > summary`);
    if (await folded.count() > 0) await folded.click();
    await visit.page.locator(`header nav ${link}`).click();
    await visit.shown(view);
}

export async function signOut(visit) {
    await visit.page.locator("header details.tastes > summary").click();
    await visit.page.locator("header details.tastes button").last().click();
    await visit.page.locator("input[type=password]").waitFor();
}

// A new summary: a manager asks for it, it comes by itself, says who wrote it, and its numbers are the API's and lead to
// what they count.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {api} from "./harness/server.js";
import {asRole, closeBrowser} from "./harness/visit.js";
import {assertShows} from "./harness/numbers.js";
import {Form} from "./harness/form.js";

after(closeBrowser);

const squeezed = (text) => text.replace(/\s+/g, " ").trim();

// What the API says of the cell that a link opens.
async function numberOf({metric, from, to, by, member}) {
    const told = await api("manager", `/v1/kpis/summary?from=${from}&to=${to}${by ? `&by=${by}` : ""}`);
    return by ? told.members.find((one) => one.member === member)[metric] : told.total[metric];
}

test("a manager asks for a summary, and its text, writer and numbers are the API's", asRole("manager", {}, async (visit) => {
    const {page} = visit;
    await visit.open("/?view=summary&period=30d", "summary");
    const form = new Form(visit, page.locator("main form.order"));
    const before = (await api("manager", "/v1/summaries?limit=100")).summaries.length;
    await page.locator("main h1").focus();
    await form.fill({"summary-language": "English"});
    await form.sendTwice();
    // Nobody touches the page.
    await page.waitForFunction(() => new URL(location.href).searchParams.has("id"));
    await visit.shown("summary");
    const id = new URL(page.url()).searchParams.get("id");
    const summary = await api("manager", `/v1/summaries/${id}`);
    assert.equal((await api("manager", "/v1/summaries?limit=100")).summaries.length, before + 1, "asked twice, written once");
    assert.equal(summary.language, "en");
    assert.equal(summary.written_by, "template");
    const article = page.locator("main article");
    assert.match(await article.textContent(), /Written by the template/);
    assert.match(await article.textContent(), /asks no language model/);
    // The page adds the names of the facts whose digits a sentence does not tell.
    const shown = await page.locator("main .prose").evaluate((prose) => {
        const copy = prose.cloneNode(true);
        for (const link of copy.querySelectorAll("a")) if (link.textContent.startsWith("(")) link.remove();
        return [...copy.children].map((paragraph) => paragraph.textContent).join(" ");
    });
    assert.equal(squeezed(shown), squeezed(summary.text));

    const links = await page.locator("main .prose a").evaluateAll((all) => all.map((link) => ({
        text: link.textContent, query: Object.fromEntries(new URL(link.href).searchParams)})));
    const figures = links.filter(({text, query}) => query.view === "tickets" && !text.startsWith("("));
    assert.ok(figures.length >= 5, JSON.stringify(links));
    for (const {text, query} of figures) assertShows(text, await numberOf(query), "en", JSON.stringify(query));

    // A number leads to as many tickets, the button to the tiles of the same days.
    const created = figures.find(({query}) => query.metric === "tickets_created" && !query.by);
    await page.locator("main .prose a", {hasText: created.text}).first().focus();
    await page.keyboard.press("Enter");
    await visit.shown("tickets");
    assert.equal(await page.locator("main [data-total]").getAttribute("data-total"), String(await numberOf(created.query)));
    await page.goBack();
    await visit.shown("summary");
    await page.locator("main article a.button").focus();
    await page.keyboard.press("Enter");
    await visit.shown("overview");
    assertShows(await page.locator("main [data-metric=tickets_created] .value").textContent(), await numberOf(created.query), "en", "the tile");
}));

test("a technician, who works at the provider, is told to ask there", asRole("tech", {}, async (visit) => {
    await visit.open("/?view=summary&from=2026-01-02&to=2026-01-04", "summary");
    assert.match(await visit.page.locator("main .empty").textContent(), /ask a manager/i);
    await visit.open("/?view=users", "users");
    assert.match(await visit.page.locator("main .notice").textContent(), /ask an administrator/);
}));

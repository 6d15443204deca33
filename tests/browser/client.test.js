// A client finds no technician's name anywhere: in no text, attribute, request, answer or download of its session.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import test, {after} from "node:test";
import {asRole, closeBrowser} from "./harness/visit.js";
import {figures, goTo, menu, openTables} from "./harness/pages.js";
import {api, HOME_TENANT} from "./harness/server.js";

after(closeBrowser);

async function technicians() {
    const {members} = await api("admin", `/v1/kpis/summary?from=2024-01-01&to=2026-12-31&by=assignee&tenant=${HOME_TENANT}`);
    return members.map(({member}) => member).filter((name) => name !== "");
}

function assertNobodyIn(text, names, where) {
    const low = text.toLowerCase();
    const found = names.filter((name) => low.includes(name.toLowerCase()) || text.includes(encodeURIComponent(name)));
    assert.deepEqual(found, [], where);
}

test("a client finds no technician's name in the page, its requests, its answers or its downloads", asRole("client", {}, async (visit) => {
    const {page} = visit;
    const names = await technicians();
    assert.ok(names.length >= 3, names.join());
    const answers = [];
    page.on("response", (answer) => answers.push((async () => {
        // A redirect or a 304 has no body of its own.
        const body = await answer.body().catch(() => Buffer.alloc(0));
        return {url: answer.url(), text: JSON.stringify(await answer.allHeaders()) + body.toString("utf8")};
    })()));
    const lookAround = async (where) => assertNobodyIn(await page.content(), names, where);

    await visit.open("/?period=90d", "overview");
    await openTables(visit);
    await lookAround("overview");
    for (const by of ["priority", "category", "group"]) {
        await visit.open(`/?view=overview&period=90d&by=${by}`, "overview");
        await lookAround(`overview by ${by}`);
    }
    assert.deepEqual(await page.locator("#by option").evaluateAll((options) => options.map((option) => option.value)).then((all) => all.sort()),
        ["category", "group", "priority"]);

    // One of each kind of figure, opened.
    await openTables(visit);
    const kinds = new Map((await figures(page)).map((figure) => [Object.keys(figure.query).sort().join(), figure]));
    for (const {query} of kinds.values()) {
        await visit.open(`/?${new URLSearchParams(query)}`, "tickets");
        await lookAround(JSON.stringify(query));
    }
    await visit.open("/?view=tickets&period=90d&metric=tickets_resolved", "tickets");
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("main a[download]").click()]);
    const csv = readFileSync(await download.path(), "utf8");
    assert.ok(csv.split("\r\n").length > 2, csv.slice(0, 200));
    assertNobodyIn(csv, names, "the CSV of tickets");
    assert.doesNotMatch(csv.split("\r\n")[0], /assignee/);

    for (const view of await menu(page)) {
        await goTo(visit, view);
        await lookAround(view);
        // Whatever can be opened within a view.
        for (const link of (await page.locator("main a[href^='/?']").evaluateAll((links) => links.map((one) => one.getAttribute("href")))).slice(0, 3)) {
            await visit.open(link);
            await page.locator("main[aria-busy=false] h1").first().waitFor();
            await lookAround(link);
        }
    }
    for (const request of visit.requests) {
        assertNobodyIn(request.url() + (request.postData() ?? ""), names, request.url());
        assert.doesNotMatch(request.url(), /by=assignee/);
    }
    for (const {url, text} of await Promise.all(answers)) assertNobodyIn(text, names, `the answer of ${url}`);
}));

test("a client who asks for a technician's view or an administrator's is told that it is not for them", asRole("client", {language: "fr"}, async (visit) => {
    // Chromium itself tells of an answer that refuses.
    visit.expect(/403/);
    const names = await technicians();
    for (const address of ["/?view=overview&by=assignee", `/?view=tickets&period=90d&metric=backlog&by=assignee&member=${encodeURIComponent(names[0])}`,
        "/?view=exports", "/?view=jobs", "/?view=users", "/?view=audit"]) {
        await visit.open(address);
        await visit.page.locator("main[aria-busy=false] h1").first().waitFor();
        const text = await visit.page.locator("main").textContent();
        assert.match(text, /pas pour votre rôle|n.existe pas|aucune vue|pas été trouvé/i, `${address}: ${text.slice(0, 200)}`);
        assertNobodyIn(text, names, address);
    }
    assert.match(await visit.page.locator("main .notice").textContent(), /demandez à votre prestataire/);
}));

test("a client's session gets the files of its role and no other", asRole("client", {}, async (visit) => {
    const names = await technicians();
    await visit.open("/?period=90d", "overview");
    const days = new URL(visit.page.url()).searchParams;
    const range = `from=${days.get("from")}&to=${days.get("to")}`;
    const get = (path) => visit.context.request.get(path);
    for (const path of [`/v1/tickets.csv?${range}&metric=backlog`, `/v1/tickets.csv?${range}&metric=csat_mean&by=group`,
        `/v1/kpis/daily.csv?${range}`, `/v1/kpis/daily.csv?${range}&by=category`]) {
        const answer = await get(path);
        assert.equal(answer.status(), 200, path);
        const text = (await answer.body()).toString("utf8");
        assert.ok(text.startsWith("\ufeff") && text.split("\r\n").length > 2, `${path}: ${text.slice(0, 200)}`);
        assert.doesNotMatch(text.split("\r\n")[0], /assignee/);
        assertNobodyIn(text, names, path);
    }
    const file = (await api("manager", "/v1/exports?dataset=tickets")).exports[0];
    for (const path of [`/v1/kpis/daily.csv?${range}&by=assignee`, `/v1/tickets.csv?${range}&by=assignee`, "/v1/exports", "/v1/jobs",
        "/v1/exports/tickets/latest.csv", "/v1/exports/kpi_daily/latest.csv", `/v1/exports/files/${file.id}`]) {
        const answer = await get(path);
        assert.equal(answer.status(), 403, path);
        assertNobodyIn(await answer.text(), names, path);
    }
}));

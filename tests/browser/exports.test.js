// What a manager does with exports: starts one and sees it end, downloads its files, cancels and tries again, and hands
// Power BI its addresses.
import assert from "node:assert/strict";
import {createHash} from "node:crypto";
import {readFileSync} from "node:fs";
import test, {after} from "node:test";
import {api, HOME_TENANT, origin, withoutJobWorker} from "./harness/server.js";
import {asRole, closeBrowser} from "./harness/visit.js";
import {Form} from "./harness/form.js";

after(closeBrowser);

const BOM = "\ufeff";
const latestJob = async () => (await api("manager", "/v1/jobs?kind=export&limit=1")).jobs[0];
const itemOf = (page, job) => page.locator(`#job-${job.id}`);
const dayBefore = (day, count) => new Date(Date.parse(`${day}T00:00:00Z`) - count * 86400000).toISOString().slice(0, 10);
// As an American types it.
const typed = (day) => day.slice(5, 7) + day.slice(8) + day.slice(0, 4);

test("a manager starts an export, sees it end and downloads a file of it", asRole("manager", {}, async (visit) => {
    const {page} = visit;
    const {complete_through: to} = await api("manager", "/v1/kpis/daily?from=2026-01-01&to=2026-01-01");
    const from = dayBefore(to, 6);
    await visit.open("/?view=exports", "exports");
    const form = new Form(visit, page.locator("main form.form"));
    await form.fill({kpi_daily: false, tickets: false, tenants: false});
    await form.send();
    await form.refused("kpi_daily", /at least one/);
    await form.fill({tickets: true, "export-from": typed(to), "export-to": typed(from)});
    await form.send();
    await form.refused("export-to", /before it begins/, from);
    assert.equal(await form.field("tenants").isChecked(), false, "what was chosen is kept");
    await page.locator("main h1").focus();
    await form.fill({"export-from": typed(from), "export-to": typed(to)});

    let job;
    await withoutJobWorker(async (goOn) => {
        const before = await latestJob();
        await form.sendTwice();
        job = await latestJob();
        assert.notEqual(job.id, before?.id);
        const item = itemOf(page, job);
        await item.getByText("waiting").waitFor();
        assert.ok(await item.locator("progress").isVisible());
        assert.equal(await page.locator("main .job.queued").count(), 1);
        await item.locator("details > summary").focus();
        await page.keyboard.press("Enter");
        goOn();
        // Nobody touches the page.
        await item.locator(".state", {hasText: "done"}).waitFor();
        assert.equal(await item.locator("progress").count(), 0);
        assert.ok(await item.locator("details").getAttribute("open") !== null, "what the reader opened stays open");
        assert.ok(await item.locator("summary").evaluate((node) => node === document.activeElement), "and has the focus");
    });
    job = await latestJob();
    assert.equal(job.state, "succeeded");
    const {export_locations: written} = job.result;
    assert.deepEqual([...new Set(written.map(({dataset}) => dataset))], ["tickets"]);
    const result = (await itemOf(page, job).locator("dl.facts dd").last().textContent()).replaceAll(",", "");
    assert.match(result, new RegExp(`^${written.length} files? written ${written.reduce((all, {rows}) => all + rows, 0)} rows? in all$`));
    assert.doesNotMatch(await itemOf(page, job).textContent(), /\b0 sec/);

    const files = (await api("manager", "/v1/exports?dataset=tickets")).exports;
    const file = files.find(({day}) => day === to);
    const shelf = page.locator("main details.files").filter({has: page.locator(`a[href="/v1/exports/files/${file.id}"]`)});
    assert.match(await shelf.locator("summary").textContent(), new RegExp(`\\b${files.length} files`));
    await shelf.locator("summary").focus();
    await page.keyboard.press("Enter");
    const link = shelf.locator(`a[href="/v1/exports/files/${file.id}"]`);
    const [download] = await Promise.all([page.waitForEvent("download"), link.focus().then(() => page.keyboard.press("Enter"))]);
    const bytes = readFileSync(await download.path());
    assert.equal(bytes.length, file.bytes);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), file.sha256);
    const text = bytes.toString("utf8");
    assert.ok(text.startsWith(BOM) && text.endsWith("\r\n"), text.slice(0, 80));
    assert.equal(text.split("\r\n").length - 2, file.rows);
}));

test("a job under way is cancelled, tried again, and then ends", asRole("manager", {language: "fr", size: "phone", theme: "dark"}, async (visit) => {
    const {page} = visit;
    await withoutJobWorker(async (goOn) => {
        const {job} = await api("manager", "/v1/exports", {method: "POST", body: {datasets: ["kpi_daily"]}});
        await visit.open("/?view=jobs", "jobs");
        const item = itemOf(page, job);
        const stateIs = (words) => item.locator(".state", {hasText: words}).waitFor();
        const hasFocus = (name) => page.waitForFunction((words) => document.activeElement.textContent === words, name);
        await stateIs("en attente");
        await item.getByRole("button", {name: "Annuler"}).focus();
        await page.keyboard.press("Enter");
        await stateIs("annulé");
        await hasFocus("Relancer");
        assert.equal((await latestJob()).state, "cancelled");
        await visit.shot("job-cancelled");
        await page.keyboard.press("Enter");
        await stateIs("en attente");
        await hasFocus("Annuler");
        assert.equal((await latestJob()).state, "queued");
        goOn();
        await stateIs("terminé");
        const after = await latestJob();
        assert.deepEqual([after.id, after.state], [job.id, "succeeded"]);
        assert.ok(await item.evaluate((node) => node.contains(document.activeElement)), "the focus stays at the job");
    });
}));

test("an export that failed says why and is tried again", asRole("manager", {}, async (visit) => {
    const {page} = visit;
    const {complete_through: last} = await api("manager", "/v1/kpis/daily?from=2026-01-01&to=2026-01-01");
    const open = typed(dayBefore(last, -1));
    await visit.open("/?view=exports", "exports");
    const form = new Form(visit, page.locator("main form.form"));
    await form.fill({tickets: false, "export-from": open, "export-to": open});
    await form.send();
    // Nobody touches the page.
    const item = page.locator("main .job").first();
    await item.locator(".state", {hasText: "failed"}).waitFor();
    const before = await latestJob();
    assert.deepEqual([before.state, before.error.code], ["failed", "day_not_complete"]);
    assert.equal(await item.getAttribute("id"), `job-${before.id}`);
    assert.match(await item.locator(".trouble").textContent(), /not complete yet. Wait until they are, or tick/);
    await withoutJobWorker(async (goOn) => {
        await item.getByRole("button", {name: "Try again"}).focus();
        await page.keyboard.press("Enter");
        await item.locator(".state", {hasText: "waiting"}).waitFor();
        assert.equal((await latestJob()).state, "queued");
        goOn();
        await item.locator(".state", {hasText: "failed"}).waitFor();
    });
    const now = await latestJob();
    assert.equal(now.id, before.id);
    assert.notEqual(now.finished_at, before.finished_at);
}));

test("a copied address lets Power BI in with a key of the role manager", asRole("manager", {}, async (visit) => {
    const {page} = visit;
    await visit.context.grantPermissions(["clipboard-read", "clipboard-write"], {origin});
    const order = {tenant: HOME_TENANT, name: "Power BI of a test", role: "manager"};
    const {key, secret} = await api("admin", "/v1/admin/keys", {method: "POST", body: order});
    try {
        await visit.open("/?view=exports", "exports");
        for (const dataset of ["kpi_daily", "tickets", "tenants"]) {
            const row = page.locator("main .addresses li", {has: page.locator(`#address-${dataset}`)});
            await row.locator("button").focus();
            await page.keyboard.press("Enter");
            await row.getByRole("status").filter({hasText: "Copied"}).waitFor();
            const address = await page.evaluate(() => navigator.clipboard.readText());
            assert.equal(address, `${origin}/v1/exports/${dataset}/latest.csv`);
            assert.equal(address, await row.locator("input").inputValue());
            const basic = Buffer.from(`${key.id}:${secret}`).toString("base64");
            const answer = await fetch(address, {headers: {authorization: `Basic ${basic}`}});
            assert.equal(answer.status, 200, address);
            const text = Buffer.from(await answer.arrayBuffer()).toString("utf8");
            assert.ok(text.startsWith(BOM) && text.includes("\r\n"), `${address}: ${text.slice(0, 80)}`);
        }
    } finally {
        await api("admin", `/v1/admin/keys/${key.id}/revoke`, {method: "POST", body: {}});
    }
}));

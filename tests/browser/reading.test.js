// What a reader would stumble over: a menu that is cut off, an order that means nothing, a wrong plural, a title that
// breaks within a date, a masthead that takes half of a phone.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {asRole, closeBrowser} from "./harness/visit.js";

after(closeBrowser);

const MASTHEAD_PX = 110; // two lines

const inSight = (page) => page.locator("header nav > ul > li").evaluateAll((items) => items.every((item) => {
    const [box, nav] = [item.getBoundingClientRect(), item.closest("nav").getBoundingClientRect()];
    return box.left >= nav.left - 1 && box.right <= nav.right + 1;
}));

test("an administrator's overview reads well in French", asRole("admin", {language: "fr"}, async (visit) => {
    const {page} = visit;
    await visit.open("/?view=overview&tenant=atelier-lumiere&period=90d&by=priority", "overview");
    assert.ok(await inSight(page), "the menu is cut off");
    const order = await page.locator(".breakdown tbody th").allTextContents();
    const known = ["Critique", "Haute", "Moyenne", "Basse", "Aucune"];
    assert.deepEqual(order.slice(0, 5), known);
    const ages = await page.locator(".bars .label").allTextContents();
    assert.deepEqual(ages.slice(0, 2), ["moins de 1 jour", "1 à 3 jours"]);
    for (const legend of await page.locator(".legend").all()) {
        assert.ok(await legend.locator("input").count() > 1, "one series alone could be hidden");
    }
    await visit.open("/?view=summary&tenant=atelier-lumiere", "summary");
    assert.match(await page.locator("h1").textContent(), /^Synthèse\u00a0: Atelier Lumière, /);
}));

test("a masthead takes two lines of a phone, and a title breaks between its parts", asRole("manager", {size: "phone", language: "fr"}, async (visit) => {
    const {page} = visit;
    for (const view of ["overview", "jobs"]) {
        await visit.open(`/?view=${view}`, view);
        const {height} = await page.locator("header.masthead").boundingBox();
        assert.ok(height < MASTHEAD_PX, `${view}: ${height} px`);
        const [here, nav] = [await page.locator("nav [aria-current=page]").boundingBox(), await page.locator("header nav").boundingBox()];
        assert.ok(here.x >= nav.x && here.x + here.width <= nav.x + nav.width + 1, `${view} is out of sight in the menu`);
    }
    await visit.open("/?view=overview&from=2026-10-24&to=2026-11-22", "overview");
    for (const part of await page.locator("h1 .whole").all()) {
        const lines = await part.evaluate((node) => node.getBoundingClientRect().height / parseFloat(getComputedStyle(node).lineHeight));
        assert.ok(lines < 1.5, `"${await part.textContent()}" breaks`);
    }
}));

test("a ticket's times keep to their line, and tell all at the pointer", asRole("tech", {language: "fr"}, async (visit) => {
    const {page} = visit;
    await visit.open("/?view=tickets&period=30d&metric=tickets_resolved", "tickets");
    for (const time of (await page.locator("table.tickets time").all()).slice(0, 6)) {
        const {height} = await time.boundingBox();
        assert.ok(height < 30, `${await time.textContent()} takes ${height} px`);
        assert.match(await time.getAttribute("datetime"), /^\d{4}-\d\d-\d\dT.*Z$/);
        assert.match(await time.getAttribute("title"), /^[a-z]+ \d.* 20\d\d .*\d:\d\d:\d\d/);
        const year = new Date().getFullYear();
        if ((await time.getAttribute("datetime")).startsWith(`${year}-`)) assert.doesNotMatch(await time.textContent(), new RegExp(year));
    }
}));

test("a file that does not come is told of, and comes when asked again", asRole("manager", {}, async (visit) => {
    const {page} = visit;
    visit.expect(/429|503/);
    await visit.open("/?view=tickets&period=30d&metric=tickets_resolved", "tickets");
    const refuse = (status, headers) => page.route("**/v1/tickets.csv*", (route) => route.fulfill({status, headers,
        contentType: "application/problem+json", body: JSON.stringify({code: "refused", detail: "Refused."})}), {times: 1});
    const ask = () => page.locator("main a[download]").click();
    const told = page.locator("main [role=alert]").first();
    await refuse(429, {"retry-after": "7"});
    await ask();
    await told.filter({hasText: "7 seconds"}).waitFor();
    await refuse(503, {});
    await ask();
    await told.filter({hasText: "in a moment"}).waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), ask()]);
    assert.match(download.suggestedFilename(), /^tickets-.*\.csv$/);
    assert.equal(await told.textContent(), "");
    await visit.open("/?view=exports", "exports");
    await page.route("**/latest.csv*", (route) => route.fulfill({status: 503, body: ""}), {times: 1});
    await page.locator("main a[download]").first().click();
    await told.filter({hasText: "in a moment"}).waitFor();
    const [whole] = await Promise.all([page.waitForEvent("download"), page.locator("main a[download]").first().click()]);
    assert.match(whole.suggestedFilename(), /\.csv$/);
}));

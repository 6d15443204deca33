// The address holds what the page shows: a link shows another reader the same, Back and Forward work, and whose session
// has ended comes back to where they were.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {asRole, closeBrowser, sessionOf, Visit} from "./harness/visit.js";
import {figures, openTables} from "./harness/pages.js";

after(closeBrowser);

// One line a figure.
const told = async (visit) => [await visit.page.locator("main h1").first().textContent(),
    ...(await figures(visit.page)).map(({text, query}) => `${text} ${new URLSearchParams(query)}`)].join("\n");

function assertSame(now, before) {
    const [shown, wanted] = [now.split("\n"), before.split("\n")];
    const at = shown.findIndex((line, number) => line !== wanted[number]);
    if (now !== before) assert.fail(`shown is "${shown[at]}" and not "${wanted[at]}" (${shown.length} lines, ${wanted.length})`);
}

async function choose(visit, select, value) {
    const before = visit.page.url();
    await visit.page.locator(select).selectOption(value);
    await visit.page.waitForFunction((url) => location.href !== url, before);
    await visit.shown("overview");
}

test("a link shows another reader what its sender saw", asRole("admin", {}, async (visit) => {
    await visit.open("/?view=overview&tenant=sakura-logistics", "overview");
    await choose(visit, "#preset", "90d");
    await choose(visit, "#by", "group");
    await visit.page.locator("#compare").uncheck();
    await visit.page.locator("main .change").first().waitFor({state: "detached"});
    const other = await Visit.begin({role: "admin", size: "phone", session: await sessionOf("admin")});
    try {
        await other.open(visit.page.url(), "overview");
        for (const one of [visit, other]) await openTables(one);
        assertSame(await told(other), await told(visit));
        assert.equal(await other.page.locator("#compare").isChecked(), false);
        assert.equal(await other.page.locator("#by").inputValue(), "group");
        await other.end();
    } finally {
        await other.context.close();
    }
}));

test("Back and Forward go through what was shown", asRole("manager", {}, async (visit) => {
    const {page} = visit;
    await visit.open("/", "overview");
    const seen = [await told(visit)];
    await choose(visit, "#preset", "7d");
    seen.push(await told(visit));
    await choose(visit, "#by", "category");
    seen.push(await told(visit));
    assert.equal(new Set(seen).size, 3);
    const shows = async (what) => {
        for (let tries = 0; tries < 50 && await told(visit) !== what; tries += 1) await page.waitForTimeout(100);
        assertSame(await told(visit), what);
    };
    await page.goBack();
    await shows(seen[1]);
    await page.goBack();
    await shows(seen[0]);
    await page.goForward();
    await shows(seen[1]);
    await page.reload();
    await visit.shown("overview");
    await shows(seen[1]);
}));

test("who signs in again after an ended session is where they were", asRole("tech", {language: "fr"}, async (visit) => {
    const {page} = visit;
    // Chromium itself tells of an answer that refuses.
    visit.expect(/401/);
    await visit.open("/?view=overview&period=7d&by=group", "overview");
    const before = await told(visit);
    const address = page.url();
    await visit.context.clearCookies({name: "msp_session"});
    await page.reload();
    await page.locator("input[type=password]").waitFor();
    assert.equal(page.url(), address);
    await visit.signIn();
    await visit.shown("overview");
    assert.equal(page.url(), address);
    assertSame(await told(visit), before);
}));

test("an address that is wrong says what to do", asRole("client", {}, async (visit) => {
    await visit.open("/?view=nonsense");
    await visit.page.locator("main h1").waitFor();
    assert.match(await visit.page.locator("main").textContent(), /no such view/i);
    await visit.accessible("an unknown view");
    await visit.page.locator("main a[href='/']").click();
    await visit.shown("overview");
}));

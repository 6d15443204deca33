// What a reader sees when the server restarts, Redis is dead or PostgreSQL is stopped while the page is open: it says so,
// keeps the figures it has, and comes back by itself.
import assert from "node:assert/strict";
import test, {after, afterEach} from "node:test";
import {asRole, closeBrowser, sessionOf, Visit} from "./harness/visit.js";
import {assertFiguresAreTheApis} from "./harness/pages.js";
import {origin, start, stop} from "./harness/server.js";

const BACK_MS = 60000; // the page asks again every quarter of a minute at the latest

let away = null;
const takeAway = async (part) => {
    away = part;
    await stop(part);
};
const bringBack = async () => {
    if (away) await start(away);
    away = null;
};
const isReady = () => fetch(`${origin}/readyz`).then((answer) => answer.ok, () => false);
async function ready() {
    for (let tries = 0; tries < 300 && !await isReady(); tries += 1) await new Promise((done) => setTimeout(done, 100));
    assert.ok(await isReady(), "the server is ready again");
}

// The tests after this one need all parts.
afterEach(async () => {
    await bringBack();
    await ready();
});
after(closeBrowser);

// Chromium itself tells of each request that fails while a part is away.
const OF_THE_FAULT = [/^console error: Failed to load resource/, /^refused: 50[0-9] /, /^failed request: .*ERR_(CONNECTION|EMPTY|INCOMPLETE|SOCKET)/];

const news = (visit) => visit.page.locator("[role=status].news");
const figure = (visit) => visit.page.locator("main [data-metric=tickets_created] .value");

async function saysSoAndComesBack(visit, part) {
    const {page} = visit;
    visit.expect(...OF_THE_FAULT);
    await visit.open("/?view=overview&period=30d", "overview");
    const before = await figure(visit).textContent();
    await takeAway(part);
    await page.locator("#preset").selectOption("90d");
    await news(visit).waitFor({state: "visible"});
    assert.ok((await news(visit).textContent()).length > 20);
    assert.equal(await figure(visit).textContent(), before, "the figures stay while they cannot be read anew");
    assert.equal(await page.locator("main .plot canvas").count(), await page.locator("main .plot").count(), "so do the charts");
    await visit.shot(`without-${part}`);
    await visit.accessible(`without ${part}`);
    await bringBack();
    // Nobody touches the page: it comes back with what was asked for.
    await news(visit).waitFor({state: "hidden", timeout: BACK_MS});
    await visit.shown("overview");
    assert.equal(await page.locator("#preset").inputValue(), "90d");
    assert.notEqual(await figure(visit).textContent(), before);
    await assertFiguresAreTheApis(visit);
}

test("a server that restarts is told, and the page comes back by itself", asRole("manager", {}, (visit) => saysSoAndComesBack(visit, "server")));

test("a stopped PostgreSQL is told, and the page comes back by itself", asRole("tech", {language: "fr", theme: "dark"}, (visit) =>
    saysSoAndComesBack(visit, "postgres")));

test("a dead Redis is not noticed by who reads", asRole("client", {size: "phone"}, async (visit) => {
    await visit.open("/?view=overview&period=30d", "overview");
    const session = await sessionOf("manager");
    await takeAway("redis");
    await visit.page.locator("#preset").selectOption("90d");
    await visit.page.waitForFunction(() => document.querySelector("#preset").value === "90d" && location.search.includes("from"));
    await visit.shown("overview");
    await assertFiguresAreTheApis(visit);
    // Who comes new is let in, too.
    const other = await Visit.begin({role: "manager", session});
    try {
        await other.open("/", "overview");
        await other.end();
    } finally {
        await other.context.close();
    }
    await bringBack();
    await visit.page.reload();
    await visit.shown("overview");
}));

test("a page that is opened while PostgreSQL is stopped shows itself once it is back", asRole("manager", {size: "phone", theme: "dark"}, async (visit) => {
    visit.expect(...OF_THE_FAULT);
    await takeAway("postgres");
    await visit.open("/?view=overview&period=365d&by=group");
    await visit.page.locator("main h1").waitFor();
    await visit.shot("opened-without-postgres");
    await bringBack();
    // What stands in the place of the whole page may move when the page comes.
    await visit.look(() => visit.page.locator("main[data-view=overview][aria-busy=false]").waitFor({timeout: BACK_MS}));
    await assertFiguresAreTheApis(visit);
}));

test("a wall screen keeps its figures through a restart and an ended session, and goes on", asRole("manager", {}, async (visit) => {
    const {page} = visit;
    visit.expect(...OF_THE_FAULT, /401/);
    await page.clock.install();
    await visit.open("/?view=overview&period=30d&wall=1", "overview");
    const before = await figure(visit).textContent();
    assert.equal(await page.locator("header nav").isVisible(), false);
    await visit.shot("wall");
    await visit.accessible("wall");

    await takeAway("server");
    await page.clock.fastForward(61000);
    await news(visit).waitFor({state: "visible"});
    assert.equal(await figure(visit).textContent(), before);
    await visit.shot("wall-without-server");
    await bringBack();
    await page.clock.fastForward(61000);
    await news(visit).waitFor({state: "hidden", timeout: BACK_MS});

    await visit.context.clearCookies();
    await page.clock.fastForward(61000);
    await news(visit).waitFor({state: "visible"});
    assert.equal(await figure(visit).textContent(), before, "the last figures stay");
    assert.equal(await page.locator("input[type=password]").count(), 0, "a wall has nobody to sign in");
    await visit.shot("wall-ended-session");
    // Somebody signs in on that machine, in another window.
    const window = await visit.context.newPage();
    await window.goto("/");
    await visit.signIn("manager", window);
    await window.close();
    await page.clock.fastForward(61000);
    await news(visit).waitFor({state: "hidden", timeout: BACK_MS});
    assert.equal(await figure(visit).textContent(), before);
}));

// What the page costs: bytes over the wire, answers that a refresh asks again, time until all is shown, and the headers
// that keep others out of it.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {asRole, closeBrowser, sessionOf, Visit, visiting} from "./harness/visit.js";
import {origin} from "./harness/server.js";

after(closeBrowser);

const FIRST_LOAD_BYTES = 150_000;

test("the first load stays under 150 kB over the wire", asRole("manager", {}, async (visit, t) => {
    await visit.open("/", "overview");
    t.diagnostic(`first load with its figures: ${visit.bytes} bytes in ${visit.requests.length} requests`);
    assert.ok(visit.bytes < FIRST_LOAD_BYTES, `${visit.bytes} bytes`);
}));

test("a refresh of an unchanged period costs 304s only", asRole("manager", {}, async (visit, t) => {
    await visit.open("/?view=overview&period=90d", "overview");
    const first = visit.bytes;
    const asked = visit.requests.length;
    visit.statuses.length = 0;
    visit.bytes = 0;
    await visit.page.reload();
    await visit.shown("overview");
    const again = visit.requests.slice(asked).filter((request) => new URL(request.url()).pathname.startsWith("/v1/kpis/"));
    assert.ok(again.length >= 4);
    const fresh = visit.statuses.filter((status) => status === 200).length;
    const unchanged = visit.statuses.filter((status) => status === 304).length;
    t.diagnostic(`first ${first} bytes, again ${visit.bytes}; ${unchanged} answers 304, ${fresh} answers 200`);
    assert.ok(unchanged >= again.length, `${unchanged} of ${again.length} figures' answers were 304`);
    assert.ok(visit.bytes < first / 4, `${visit.bytes} of ${first} bytes again`);
}));

// Times on a busy machine say little, their ratio does: a year is not drawn much slower than a week.
test("a year of days is shown about as fast as a week", async (t) => {
    const least = {};
    for (const period of ["7d", "365d"]) {
        for (let round = 0; round < 3; round += 1) {
            const visit = await Visit.begin({role: "manager", session: await sessionOf("manager")});
            const began = performance.now();
            await visit.open(`/?view=overview&period=${period}`, "overview");
            least[period] = Math.min(least[period] ?? Infinity, performance.now() - began);
            await visit.end();
            await visit.context.close();
        }
    }
    t.diagnostic(`all shown after ${least["7d"].toFixed(0)} ms for a week, ${least["365d"].toFixed(0)} ms for a year`);
    assert.ok(least["365d"] < 3 * least["7d"] + 500, JSON.stringify(least));
});

test("the page is compressed, its files are kept for ever, its policy lets nothing in", visiting({}, async (visit) => {
    await visit.open("/");
    await visit.page.locator("input[type=password]").waitFor();
    const page = await fetch(`${origin}/`);
    const policy = Object.fromEntries(page.headers.get("content-security-policy").split(";").map((part) => {
        const [name, ...sources] = part.trim().split(/\s+/);
        return [name, sources.join(" ")];
    }));
    assert.equal(policy["default-src"], "'none'");
    assert.equal(policy["frame-ancestors"], "'none'");
    assert.equal(policy["base-uri"], "'none'");
    for (const name of ["script-src", "style-src", "connect-src", "img-src"]) assert.match(policy[name], /^'self'( data:)?$/, name);
    assert.doesNotMatch(await page.text(), /<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=/);
    const assets = visit.requests.map((request) => new URL(request.url())).filter((url) => url.pathname.startsWith("/assets/"));
    assert.ok(assets.length >= 2);
    for (const url of assets) {
        const answer = await fetch(url, {headers: {"accept-encoding": "gzip"}});
        await answer.arrayBuffer();
        assert.match(answer.headers.get("cache-control"), /immutable/, url.pathname);
        assert.match(url.pathname, /-[A-Za-z0-9_]{8,}\.\w+$/);
        assert.equal(answer.headers.get("content-encoding"), "gzip", url.pathname);
    }
}));

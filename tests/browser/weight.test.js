// What the page costs: bytes and requests over the wire, answers that a refresh asks again, elements, time until all is
// shown, and the headers that keep others out of it.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {asRole, closeBrowser, sessionOf, Visit, visiting} from "./harness/visit.js";
import {origin} from "./harness/server.js";

after(closeBrowser);

const FIRST_LOAD_BYTES = 150_000;
const FILES = 6; // page, styles, icon, the modules of the beginning and what they share with the other views, words
const QUESTIONS = 9; // who, which tenants, how fresh, the overview's six

test("the first load stays under 150 kB in few requests, of which none waits for another file", asRole("manager", {}, async (visit, t) => {
    await visit.open("/", "overview");
    const page = await (await fetch(`${origin}/`)).text();
    const asked = visit.requests.map((request) => new URL(request.url())).map(({pathname, search}) => pathname + search);
    const questions = new Set(asked.filter((path) => path.startsWith("/v1/")));
    const files = new Set(asked.filter((path) => !path.startsWith("/v1/")));
    t.diagnostic(`first load with its figures: ${visit.bytes} bytes, ${files.size} files, ${questions.size} questions`);
    assert.ok(visit.bytes < FIRST_LOAD_BYTES, `${visit.bytes} bytes`);
    assert.ok(files.size <= FILES, [...files].join("\n"));
    assert.ok(questions.size <= QUESTIONS, [...questions].join("\n"));
    // The page names what it needs; the words alone are chosen by what it finds, and who is there is asked before that.
    const [words, ...others] = [...files].filter((path) => path.endsWith(".js") && !page.includes(path));
    assert.deepEqual(others, []);
    assert.ok(asked.indexOf("/v1/me") < asked.indexOf(words), asked.join("\n"));
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

// Runs in the page before its own scripts: notes when its main part last changed, by the page's own clock. What drives the
// browser sees that later, by as much as it is busy itself.
function noteChanges() {
    new MutationObserver(() => { window.changedAt = performance.now(); })
        .observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
}

// When every figure stood and every chart was drawn, in a browser that has seen nothing yet; what it took.
async function cost(period) {
    const visit = await Visit.begin({role: "manager", session: await sessionOf("manager")});
    await visit.context.addInitScript(noteChanges);
    await visit.open(`/?view=overview&period=${period}`, "overview");
    const charts = await visit.page.locator("main .plot").count();
    await visit.page.locator("main .plot canvas").nth(charts - 1).waitFor();
    await visit.page.waitForLoadState("networkidle");
    const took = await visit.page.evaluate(() => ({ms: window.changedAt, elements: document.querySelectorAll("main *").length}));
    assert.equal(charts, 4);
    await visit.end();
    await visit.context.close();
    return {...took, bytes: visit.bytes};
}

// Times on a busy machine say little, their ratio does.
test("a year of days is shown as fast as a week", async (t) => {
    const week = [], year = [];
    for (let round = 0; round < 3; round += 1) {
        week.push(await cost("7d"));
        year.push(await cost("365d"));
    }
    const all = (costs) => costs.map(({ms}) => Math.round(ms)).sort((a, b) => a - b);
    const least = (costs) => all(costs)[0];
    t.diagnostic(`all shown after ${all(week).join(", ")} ms for a week, ${all(year).join(", ")} ms for a year`);
    t.diagnostic(`${week[0].elements} elements and ${week[0].bytes} bytes for a week, ${year[0].elements} and ${year[0].bytes} for a year`);
    assert.ok(least(year) < 1.5 * least(week) + 100, JSON.stringify({week, year}));
    assert.ok(year[0].elements < 1.2 * week[0].elements, "a year makes more elements than a week");
    assert.ok(year[0].bytes < FIRST_LOAD_BYTES, `${year[0].bytes} bytes for a year`);
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

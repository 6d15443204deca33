// A watched visit to the page: a browser context of its own in which nothing may go wrong unnoticed. When it ends it
// fails its test for every console error, fault of a script, violation of the content security policy, request to
// elsewhere or refused answer that the test did not say it expects, and for a page that moved under its reader.
import assert from "node:assert/strict";
import {mkdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {account, origin} from "./server.js";
import {axe, browserPath, chromium} from "./packages.js";

export const SIZES = {
    desktop: {viewport: {width: 1280, height: 800}},
    phone: {viewport: {width: 360, height: 740}, isMobile: true, hasTouch: true},
};
// Neither is a tenant's: a day must be the tenant's wherever the reader sits.
const READERS = {
    en: {locale: "en-US", timezoneId: "America/Los_Angeles"},
    fr: {locale: "fr-FR", timezoneId: "Pacific/Auckland"},
};
export const WAIT_MS = 15000;
export const LAYOUT_SHIFT_MAX = 0.02;
const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const SHOTS = process.env.MSP_BROWSER_SHOTS;

let browser = null;

// One browser a test file; it goes with the file's process.
async function theBrowser() {
    browser ??= await chromium.launch({executablePath: browserPath, args: ["--disable-gpu"]});
    return browser;
}

export async function closeBrowser() {
    await browser?.close();
    browser = null;
}

// Runs in the page before its own scripts. What it notes stays in the page; `seen()` fetches it.
function watchFromInside() {
    window.watched = {shift: 0, shifts: [], violations: []};
    document.addEventListener("securitypolicyviolation", (event) =>
        window.watched.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    const nameOf = (node) => (node?.nodeType === 1 ? `${node.tagName.toLowerCase()}.${node.className?.baseVal ?? node.className}` : "?");
    new PerformanceObserver((list) => {
        for (const one of list.getEntries()) {
            if (one.hadRecentInput) continue;
            window.watched.shift += one.value;
            window.watched.shifts.push(`${one.value.toFixed(4)} ${one.sources.map(({node}) => nameOf(node)).join(" ")}`);
        }
    }).observe({type: "layout-shift", buffered: true});
}

export class Visit {
    static async begin({role = null, size = "desktop", language = "en", theme = "light", session = undefined,
        media = undefined} = {}) {
        const visit = new Visit();
        Object.assign(visit, {role, size, language, theme, notes: [], expected: [], requests: [], bytes: 0});
        visit.context = await (await theBrowser()).newContext({
            baseURL: origin, colorScheme: theme, storageState: session, acceptDownloads: true,
            ...SIZES[size], ...READERS[language], ...media,
        });
        await visit.context.addInitScript(watchFromInside);
        visit.page = await visit.context.newPage();
        visit.page.setDefaultTimeout(WAIT_MS);
        visit.page.setDefaultNavigationTimeout(WAIT_MS);
        await visit.watch();
        return visit;
    }

    async watch() {
        const note = (kind, text) => this.notes.push(`${kind}: ${text}`);
        this.page.on("console", (message) => {
            if (["error", "warning"].includes(message.type())) note(`console ${message.type()}`, `${message.text()} ${message.location().url}`);
        });
        this.page.on("pageerror", (error) => note("fault of a script", error.stack ?? error.message));
        this.page.on("crash", () => note("crash", "the page's process ended"));
        this.page.on("requestfailed", (request) => {
            // The page gives up what it no longer shows; a download is no page.
            if (request.failure()?.errorText === "net::ERR_ABORTED") return;
            note("failed request", `${request.method()} ${request.url()} ${request.failure()?.errorText}`);
        });
        this.page.on("request", (request) => {
            this.requests.push(request);
            const {protocol, origin: to} = new URL(request.url());
            if (to !== origin && !["data:", "blob:"].includes(protocol)) note("request to elsewhere", request.url());
        });
        this.page.on("response", (answer) => {
            if (answer.status() >= 400) note("refused", `${answer.status()} ${answer.request().method()} ${answer.url()}`);
        });
        // Playwright tells a copy that was confirmed by a 304 as 200; the wire tells the truth.
        this.wire = await this.context.newCDPSession(this.page);
        this.statuses = [];
        this.wire.on("Network.responseReceivedExtraInfo", ({statusCode}) => this.statuses.push(statusCode));
        this.wire.on("Network.loadingFinished", ({encodedDataLength}) => { this.bytes += encodedDataLength; });
        await this.wire.send("Network.enable");
    }

    // From here on, what matches does not fail the test.
    expect(...patterns) { this.expected.push(...patterns); }

    seen() { return this.page.evaluate(() => window.watched); }

    unexpected() { return this.notes.filter((note) => !this.expected.some((pattern) => pattern.test(note))); }

    // Waits until a view is wholly shown.
    async shown(view) {
        await this.page.locator(`main[data-view="${view}"][aria-busy="false"]`).waitFor();
    }

    async open(path = "/", view = undefined) {
        await this.page.goto(path);
        if (view) await this.shown(view);
    }

    // By the form, as a person does: the account of a role, or {email, password}.
    async signIn(who = this.role, page = this.page) {
        await this.sendPassword(who, page);
        await page.locator("input[type=password]").waitFor({state: "detached"});
    }

    async sendPassword(who, page = this.page) {
        const {email, password} = typeof who === "string" ? account(who) : who;
        await page.locator("input[type=email]").fill(email);
        await page.locator("input[type=password]").fill(password);
        await page.locator("form button[type=submit]").click();
    }

    // The same question as the page's, with the page's own session.
    async api(path) {
        const answer = await this.context.request.get(path);
        assert.ok(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
        return answer.json();
    }

    // Looked at in another size or on paper, a page moves rightly.
    async look(change) {
        await change();
        await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
            Object.assign(window.watched, {shift: 0, shifts: []});
            done();
        }))));
    }

    // role-size-language-theme-view.png
    async shot(view, {fullPage = true} = {}) {
        const path = join(SHOTS, `${[this.role ?? "nobody", this.size, this.language, this.theme, view].join("-")}.png`);
        mkdirSync(SHOTS, {recursive: true});
        await this.page.screenshot({path, fullPage, animations: "disabled"});
        return path;
    }

    // No violation of WCAG 2.2 AA. Run through the debugger, which the page's policy does not bind.
    async accessible(view) {
        const options = JSON.stringify({runOnly: {type: "tag", values: AXE_TAGS}, resultTypes: ["violations"]});
        const {result, exceptionDetails} = await this.wire.send("Runtime.evaluate", {
            expression: `${axe}; axe.run(document, ${options}).then(({violations}) => violations.map(({id, help, nodes}) =>
                \`\${id}: \${help}\\n\` + nodes.map(({target, failureSummary}) =>
                    \`    \${target.join(" ")} \${failureSummary.replace(/\\s+/g, " ")}\`).join("\\n")))`,
            awaitPromise: true, returnByValue: true,
        });
        assert.equal(exceptionDetails, undefined, exceptionDetails?.exception?.description);
        assert.deepEqual(result.value, [], `${view}: axe finds\n${result.value.join("\n")}`);
    }

    // Nothing sticks out at the side.
    async fitsItsWidth(view) {
        const wide = await this.page.evaluate(() => {
            const {scrollWidth, clientWidth} = document.documentElement;
            if (scrollWidth <= clientWidth) return null;
            const out = [...document.body.querySelectorAll("*")].filter((node) => node.getBoundingClientRect().right > clientWidth + 1);
            return `${scrollWidth} > ${clientWidth}: ${out.slice(0, 5).map((node) => node.outerHTML.slice(0, 120)).join("\n")}`;
        });
        assert.equal(wide, null, `${view} is wider than the ${this.size}: ${wide}`);
    }

    async end() {
        const {violations, shift, shifts} = await this.seen();
        assert.deepEqual(this.unexpected(), []);
        assert.deepEqual(violations, []);
        assert.ok(shift < LAYOUT_SHIFT_MAX, `the page moved by ${shift}:\n${shifts.join("\n")}`);
    }
}

// visiting({role, size, …}, async (visit) => …): a test's body. A failure leaves a picture and what was noted.
export const visiting = (options, body) => async (t) => {
    const visit = await Visit.begin(options);
    try {
        await body(visit, t);
        await visit.end();
    } catch (error) {
        const name = `failed-${t.name.replace(/\W+/g, "-").slice(0, 80)}`;
        await visit.shot(name).catch(() => {});
        writeFileSync(join(SHOTS, `${name}.txt`), [visit.page.url(), ...visit.notes, await visit.page.content().catch(() => "")].join("\n"));
        if (visit.unexpected().length) error.message += `\nnoted on the way:\n${visit.unexpected().join("\n")}`;
        throw error;
    } finally {
        await visit.context.close();
    }
};

const sessions = new Map();

// The session of a role, signed in once a test file: what `visiting` takes as `session`.
export function sessionOf(role) {
    if (!sessions.has(role)) {
        sessions.set(role, (async () => {
            const visit = await Visit.begin({role});
            visit.expect(/./);
            await visit.open();
            await visit.signIn();
            const state = await visit.context.storageState();
            await visit.context.close();
            return state;
        })());
    }
    return sessions.get(role);
}

// A visit that is signed in already.
export const asRole = (role, options, body) => async (t) =>
    visiting({...options, role, session: await sessionOf(role)}, body)(t);

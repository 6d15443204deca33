// The page without a mouse: every stop of the Tab key is seen, in the order of the page, and everything can be opened,
// changed and left.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {asRole, closeBrowser, visiting} from "./harness/visit.js";
import {account} from "./harness/server.js";

after(closeBrowser);

// What has the focus: its name, whether it is seen, and whether one sees that it has it.
const focused = (page) => page.evaluate(() => {
    const node = document.activeElement;
    const style = getComputedStyle(node);
    const box = node.getBoundingClientRect();
    return {
        is: `${node.tagName.toLowerCase()}${node.id && `#${node.id}`} ${(node.getAttribute("aria-label") ?? node.textContent).trim().slice(0, 40)}`,
        body: node === document.body,
        marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        visible: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        // A date has several stops within it.
        order: [undefined, node].includes(window.lastFocused) || Boolean(window.lastFocused.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING),
    };
});
const remember = (page) => page.evaluate(() => { window.lastFocused = document.activeElement; });

async function press(page, key, until, most = 60) {
    for (let count = 0; count < most; count += 1) {
        await page.keyboard.press(key);
        if (await page.evaluate(until)) return;
    }
    assert.fail(`${most} times ${key} did not lead to ${until}`);
}

test("one signs in, opens a figure and comes back by the keyboard alone", visiting({role: "tech"}, async (visit) => {
    const {page} = visit;
    const {email, password} = account("tech");
    await visit.open("/");
    await page.locator("input[type=email]").waitFor();
    assert.match((await focused(page)).is, /^input#email/, "the form waits for its first field");
    await page.keyboard.type(email);
    await page.keyboard.press("Tab");
    await page.keyboard.type(password);
    await page.keyboard.press("Enter");
    await visit.shown("overview");
    assert.match((await focused(page)).is, /^h1/, "a new view begins at its title");

    await press(page, "Tab", () => document.activeElement.dataset.metric === "backlog");
    await page.keyboard.press("Enter");
    await visit.shown("tickets");
    assert.match((await focused(page)).is, /^h1/);
    await press(page, "Tab", () => document.activeElement.matches("main a[href*='view=overview']"));
    await page.keyboard.press("Enter");
    await visit.shown("overview");

    // The account's menu opens, and Escape closes it and gives the focus back.
    await press(page, "Shift+Tab", () => document.activeElement.matches("summary"), 80);
    await page.keyboard.press("Enter");
    await page.locator("header details[open]").waitFor();
    await page.keyboard.press("Tab");
    assert.match((await focused(page)).is, /^select#language/);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("header details[open]").count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.matches("header summary")), true);
}));

test("every stop of the Tab key is in sight, marked, and in the page's order", asRole("manager", {}, async (visit) => {
    const {page} = visit;
    await visit.open("/?view=overview&period=7d", "overview");
    await page.evaluate(() => { document.activeElement.blur(); window.getSelection().removeAllRanges(); });
    // From the top of the document, as after a load.
    await page.evaluate(() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex"); });
    const stops = [];
    for (let count = 0; count < 200; count += 1) {
        await page.keyboard.press("Tab");
        const stop = await focused(page);
        if (stop.body || stop.is === stops[0]?.is) break;
        assert.ok(stop.marked, `${stop.is} has the focus, and nobody sees it`);
        assert.ok(stop.visible, `${stop.is} has the focus out of sight`);
        assert.ok(stop.order, `${stop.is} comes before the stop ahead of it`);
        await remember(page);
        stops.push(stop);
    }
    assert.match(stops[0].is, /^a Skip/);
    assert.ok(stops.length > 40, stops.map(({is}) => is).join("\n"));
}));

test("the administrator's views unfold by the keyboard, and Escape folds them away", asRole("admin", {}, async (visit) => {
    const {page} = visit;
    await visit.open("/?view=tenants", "tenants");
    await press(page, "Shift+Tab", () => document.activeElement.matches("nav summary"), 80);
    await page.keyboard.press("Enter");
    await page.locator("nav details[open]").waitFor();
    await page.keyboard.press("Tab");
    assert.match((await focused(page)).is, /^a#to-sources Sources/);
    assert.ok((await focused(page)).visible);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("nav details[open]").count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.matches("nav summary")), true);
    await page.keyboard.press("Enter");
    for (let stop = 0; stop < 5; stop += 1) await page.keyboard.press("Tab");
    assert.equal(await page.locator("nav details[open]").count(), 0, "it folds when the focus goes on");
}));

test("the keys choose a tenant first and go there afterwards", asRole("admin", {}, async (visit) => {
    const {page} = visit;
    await visit.open("/?view=overview&period=7d", "overview");
    const [menu, title] = [page.locator("#tenant"), page.locator("main h1")];
    const tenants = await menu.locator("option").evaluateAll((all) => all.map(({value, textContent: name}) => ({value, name})));
    const goes = (tenant) => page.waitForFunction((id) => new URL(location.href).searchParams.get("tenant") === id &&
        document.querySelector("main").ariaBusy === "false", tenant.value);
    const [before, address] = [await title.textContent(), page.url()];
    await menu.focus();
    await page.keyboard.press("Home");
    const first = tenants.findIndex(({name}) => before.includes(name));
    assert.equal(first, 0, "an admin begins with the first");
    for (const tenant of tenants.slice(1, 4)) {
        await page.keyboard.press("ArrowDown");
        assert.equal(await menu.inputValue(), tenant.value);
    }
    await page.keyboard.press("Escape");
    assert.equal(await menu.inputValue(), tenants[0].value);
    await page.keyboard.press("ArrowDown");
    assert.deepEqual([await title.textContent(), page.url()], [before, address], "nothing was opened on the way");
    await page.keyboard.press("Enter");
    await goes(tenants[1]);
    assert.match((await focused(page)).is, /^select#tenant/);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Tab");
    await goes(tenants[2]);
    assert.match((await focused(page)).is, /^a#to-tenants/, "who leaves by the Tab key is where it leads");
}));

test("the skip link leads to the content", asRole("manager", {}, async (visit) => {
    const {page} = visit;
    await visit.open("/?view=overview&period=7d", "overview");
    const address = page.url();
    await page.locator("a.skip").focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.querySelector("main").contains(document.activeElement)), true);
    assert.equal(new URL(page.url()).search, new URL(address).search);
}));

test("the arrow keys move within the heat map, which is one stop of the Tab key", asRole("tech", {}, async (visit) => {
    const {page} = visit;
    await visit.open("/?view=overview&period=30d", "overview");
    const cells = page.locator("table.heat a");
    assert.equal(await cells.count(), 168);
    assert.equal(await page.locator("table.heat a[tabindex='0']").count(), 1);
    await page.locator("table.heat a[tabindex='0']").focus();
    for (const key of ["ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"]) await page.keyboard.press(key);
    assert.match((await focused(page)).is, /Monday 1:00/);
    assert.equal(await page.locator("table.heat a[tabindex='0']").count(), 1);
}));

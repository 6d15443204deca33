// Each role's morning round, on a desktop and on a phone, in both languages, light and dark: every view of its menu is
// shown, looked at by axe, kept as a screenshot, and holds nothing that is not for the role. The pairings show each
// role every size, language and theme.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {closeBrowser, visiting} from "./harness/visit.js";
import {goTo, menu, signOut} from "./harness/pages.js";

const ROUNDS = [
    {role: "admin", size: "desktop", language: "fr", theme: "dark"},
    {role: "admin", size: "phone", language: "en", theme: "light"},
    {role: "manager", size: "desktop", language: "en", theme: "light"},
    {role: "manager", size: "phone", language: "fr", theme: "dark"},
    {role: "tech", size: "desktop", language: "fr", theme: "light"},
    {role: "tech", size: "phone", language: "en", theme: "dark"},
    {role: "client", size: "desktop", language: "en", theme: "dark"},
    {role: "client", size: "phone", language: "fr", theme: "light"},
];

after(closeBrowser);

async function look(visit, view) {
    await visit.shot(view);
    await visit.fitsItsWidth(view);
    await visit.accessible(view);
}

for (const round of ROUNDS) {
    const {role, size, language, theme} = round;
    test(`${role} on a ${size}, ${language}, ${theme}: the morning round`, visiting(round, async (visit) => {
        const {page} = visit;
        await visit.open("/");
        await page.locator("input[type=password]").waitFor();
        assert.equal(await page.locator("html").getAttribute("lang"), language);
        await look(visit, "sign-in");
        await visit.signIn();
        for (const view of await menu(page)) {
            await goTo(visit, view);
            await look(visit, view);
        }
        await goTo(visit, "overview");
        const before = await page.locator("main [data-metric=tickets_created] .value").textContent();
        await page.locator("#preset").selectOption("90d");
        await page.waitForFunction((text) => document.querySelector("main [data-metric=tickets_created] .value")?.textContent !== text, before);
        await page.locator("main [data-metric=tickets_created]").click();
        await visit.shown("tickets");
        await look(visit, "tickets-of-a-tile");
        await page.goBack();
        await visit.shown("overview");
        await signOut(visit);
        await page.reload();
        await page.locator("input[type=password]").waitFor();
    }));
}

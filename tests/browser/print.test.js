// On paper the page is a report: nothing that operates it, in light colours, and nothing cut off. The PDF is kept.
import assert from "node:assert/strict";
import {writeFileSync} from "node:fs";
import test, {after} from "node:test";
import {asRole, closeBrowser} from "./harness/visit.js";

after(closeBrowser);

for (const [role, language, theme] of [["client", "fr", "dark"], ["manager", "en", "light"]]) {
    test(`the overview of a ${role} prints as a clean report, ${language}, ${theme} on the screen`, asRole(role, {language, theme}, async (visit) => {
        const {page} = visit;
        await visit.open("/?view=overview&period=90d", "overview");
        const title = await page.locator("main h1").textContent();
        await visit.end();
        // As wide as A4 within its margins; the charts are drawn anew for it.
        await visit.look(() => page.emulateMedia({media: "print"}));
        await visit.look(() => page.setViewportSize({width: 688, height: 972}));
        for (const part of ["header nav", "header details", "main form", "main button:not(th button)", "main select"]) {
            for (const one of await page.locator(part).all()) assert.equal(await one.isVisible(), false, `${part} is printed`);
        }
        assert.ok(await page.getByText(title).first().isVisible());
        assert.ok(await page.locator("main [data-metric=backlog]").isVisible());
        // Who reads it on paper must know of which days it speaks, and how old it is.
        assert.ok(await page.locator("footer").isVisible());
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.match(ground, /rgba\(0, 0, 0, 0\)|rgb\(255, 255, 255\)/);
        const ink = await page.locator("main h1").evaluate((node) => getComputedStyle(node).color);
        assert.ok(ink.match(/\d+/g).slice(0, 3).every((part) => Number(part) < 80), `${ink} on white paper`);
        await visit.fitsItsWidth("print");
        const file = await visit.shot("print");
        const pdf = await page.pdf({format: "A4", printBackground: true});
        writeFileSync(file.replace(/png$/, "pdf"), pdf);
        assert.ok(pdf.length > 10_000);
    }));
}

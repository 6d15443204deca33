// A person at a form, with nothing but a keyboard: goes from field to field by the Tab key, types, chooses, sends.
import assert from "node:assert/strict";

const STOPS_AT_MOST = 80;

const focused = (page) => page.evaluate(() => {
    const node = document.activeElement;
    return {tag: node.localName, name: node.name ?? "", id: node.id, type: node.type ?? "", label: node.getAttribute("aria-label") ?? node.textContent.trim().slice(0, 60)};
});

// Goes on by the Tab key until what has the focus fits.
export async function tabTo(page, fits, what) {
    for (let count = 0; count < STOPS_AT_MOST; count += 1) {
        const at = await focused(page);
        if (fits(at)) return at;
        await page.keyboard.press("Tab");
    }
    assert.fail(`the Tab key does not lead to ${what}`);
}

async function give(page, {tag, type}, value) {
    if (type === "checkbox" || type === "radio") {
        if (await page.evaluate(() => document.activeElement.checked) !== value) await page.keyboard.press("Space");
    } else if (tag === "select") {
        await page.keyboard.type(value);
        const chosen = await page.evaluate(() => document.activeElement.selectedOptions[0].textContent);
        assert.ok(chosen.startsWith(value), `${value} was typed, ${chosen} is chosen`);
    } else {
        // A date is typed digit by digit, as its reader's language writes it.
        if (type !== "date") await page.keyboard.press("Control+A");
        await page.keyboard.type(value);
        if (value === "") await page.keyboard.press("Delete");
    }
}

export class Form {
    constructor(visit, root) { Object.assign(this, {visit, page: visit.page, root}); }

    // By the button that opens it, which gets the focus back once it is closed.
    static async open(visit, button) {
        await button.focus();
        const name = await button.getAttribute("aria-label") ?? await button.textContent();
        await visit.page.keyboard.press("Enter");
        const form = new Form(visit, visit.page.locator("dialog[open]"));
        await form.root.waitFor();
        assert.ok(await form.root.evaluate((dialog) => dialog.contains(document.activeElement)), `${name}: the focus is in the dialog`);
        form.opener = name;
        return form;
    }

    // {name of the field: what is typed, the beginning of what is chosen, or whether it is ticked}, in the form's order
    async fill(values) {
        for (const [name, value] of Object.entries(values)) {
            const at = await tabTo(this.page, (now) => now.name === name || now.id === name, `the field ${name}`);
            await give(this.page, at, value);
        }
    }

    async send() {
        await this.toSend();
        await this.page.keyboard.press("Enter");
    }

    toSend() { return tabTo(this.page, ({type}) => type === "submit", "the button that sends"); }

    // By an impatient hand: again while the first is under way. One request must go out.
    async sendTwice() {
        let letGo;
        let count = 0;
        const under = new Promise((done) => { letGo = done; });
        const hold = async (route) => {
            if (route.request().method() !== "GET") {
                count += 1;
                await under;
            }
            await route.continue();
        };
        await this.toSend();
        await this.page.route("**/v1/**", hold);
        await this.page.keyboard.press("Enter");
        await this.page.locator("[type=submit][aria-busy=true]").waitFor();
        await this.page.keyboard.press("Enter");
        await this.page.keyboard.press("Escape");
        letGo();
        await this.page.locator("[type=submit][aria-busy=true]").waitFor({state: "detached"});
        await this.page.unroute("**/v1/**", hold);
        assert.equal(count, 1, "a doubled submit is one request");
    }

    field(name) { return this.root.locator(`[name="${name}"], #${name}`).first(); }

    // What stands at the field, as a reader of the screen is told it; the field has the focus and keeps what was typed.
    async refused(name, message, typed) {
        const field = this.field(name);
        await this.root.locator(`[name="${name}"][aria-invalid=true], #${name}[aria-invalid=true]`).waitFor();
        // Behind the help, if there is any.
        const told = await field.evaluate((node) => (node.getAttribute("aria-describedby") ?? "").split(" ")
            .map((id) => document.getElementById(id)?.textContent ?? "").at(-1));
        assert.match(told, message, `what stands at ${name}`);
        if (typed !== undefined) assert.equal(await field.inputValue(), typed, `what was typed in ${name}`);
        assert.ok(await field.evaluate((node) => node === document.activeElement), `${name} has the focus`);
    }

    // Closed by its work or by the reader: the focus is where it was before, also if the view was built anew behind it.
    async closed() {
        await this.root.waitFor({state: "detached"});
        await this.page.locator("main[aria-busy=false]").waitFor();
        await this.hasFocusBack();
    }

    async hasFocusBack() {
        await this.page.waitForFunction((name) => {
            const node = document.activeElement;
            return (node.getAttribute("aria-label") ?? node.textContent) === name;
        }, this.opener, {timeout: 3000}).catch(async () => {
            assert.fail(`after "${this.opener}" the focus is on ${JSON.stringify(await focused(this.page))}`);
        });
    }
}

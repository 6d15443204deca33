// Where a tenant's tickets come from, as an admin sets it by the keyboard: set, tried against a ticket system that answers
// and then does not, and taken away; what is refused is told at its field.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {account, api} from "./harness/server.js";
import {asRole, closeBrowser} from "./harness/visit.js";
import {Form} from "./harness/form.js";
import {startZammad, TOKEN} from "./harness/stand_in.js";
import {words} from "./harness/words.js";

after(closeBrowser);

const sourceOf = async (id) => (await api("admin", `/v1/admin/sources?tenant=${id}`)).sources[0] ?? null;

// Opens the trial, waits for its end and closes it; what it said.
async function tried(visit, name) {
    const trial = await Form.open(visit, visit.page.getByRole("button", {name: `Try it: ${name}`}));
    await trial.root.locator("progress").waitFor({state: "hidden"});
    const line = trial.root.locator("[role=status] > p");
    const said = {text: (await line.allTextContents()).join("\n"), verdict: await line.first().getAttribute("class")};
    await visit.page.keyboard.press("Enter");
    await trial.closed();
    return said;
}

test("a source is set, tried while it answers and while it does not, changed and taken away", asRole("admin", {}, async (visit) => {
    visit.expect(/40[03]/);
    const {page} = visit;
    const mark = Date.now().toString(36);
    const tenant = {id: `zz-source-${mark}`, name: `Zz Source ${mark}`, timezone: "UTC"};
    await api("admin", "/v1/admin/tenants", {method: "POST", body: tenant});
    const row = page.locator("main tbody tr", {hasText: tenant.name});
    const system = await startZammad();
    try {
        await visit.open("/?view=sources", "sources");
        const choosing = async (kind) => {
            const form = await Form.open(visit, page.getByRole("button", {name: `Change: ${tenant.name}`}));
            await form.fill({kind});
            await form.send();
            await form.root.locator("[name=url], .danger").first().waitFor();
            return form;
        };
        const setting = await choosing("Zammad");
        await setting.fill({token: TOKEN});
        await setting.send();
        await setting.refused("url", /Fill this in/, "");
        assert.equal(await setting.field("token").inputValue(), TOKEN);
        // Where the operator lets nobody call.
        await setting.fill({url: "http://127.0.0.1:9"});
        await setting.send();
        await setting.refused("url", /EGRESS_ALLOW/, "http://127.0.0.1:9");
        await setting.fill({url: system.url, status_map: "{new: open"});
        await setting.send();
        await setting.refused("status_map", /JSON/, "{new: open");
        await setting.fill({status_map: '{"new": "open"}'});
        await setting.sendTwice();
        await setting.closed();
        const set = await sourceOf(tenant.id);
        assert.deepEqual([set.kind, set.options, set.secrets], ["zammad", {url: system.url, status_map: {new: "open"}}, {token: true}]);
        assert.match(await row.textContent(), /Zammad/);
        assert.equal((await page.content()).includes(TOKEN), false, "a secret goes in and never comes out");

        const lines = (await api("admin", `/v1/audit?tenant=${tenant.id}&action=source.set`)).lines;
        assert.deepEqual(lines.map(({actor, after: now}) => [actor, now.secrets]), [[account("admin").email, "token"]]);

        const good = await tried(visit, tenant.name);
        const {result} = (await api("admin", `/v1/jobs?kind=source_test&tenant=${tenant.id}`)).jobs[0];
        assert.equal(good.verdict, "better");
        assert.match(good.text, new RegExp(`^Zammad \\(127\\.0\\.0\\.1\\) answers: ${result.tickets} tickets were read`));
        await system.stop();
        const bad = await tried(visit, tenant.name);
        const failed = (await api("admin", `/v1/jobs?kind=source_test&tenant=${tenant.id}`)).jobs[0];
        assert.deepEqual(bad, {verdict: "worse",
            text: [words.en[`source_fault.${failed.error.code}`], words.en["trial.noted"], failed.error.detail].join("\n")});

        const ending = await choosing("(pushed");
        await ending.send();
        await ending.closed();
        assert.equal((await api("admin", "/v1/admin/tenants")).tenants.find(({id}) => id === tenant.id).source, null);
        assert.match(await row.textContent(), /pushed/);
        assert.equal(await page.getByRole("button", {name: `Try it: ${tenant.name}`}).count(), 0);
    } finally {
        await system.stop();
        await api("admin", `/v1/admin/tenants/${tenant.id}`, {method: "POST", body: {active: false}});
    }
}));

// The server's own words are English.
test("every option that a source asks for has words in both languages", async () => {
    const {kinds, common_options: common} = await api("admin", "/v1/admin/source-kinds");
    const lacking = [];
    for (const kind of kinds) {
        for (const option of [...kind.options, ...common]) {
            const lacks = (group, code) => [`${group}.${kind.name}.${option.name}`, `${group}.${option.name}`]
                .every((name) => words[code][name] === undefined) && lacking.push(`${code} ${group} ${kind.name} ${option.name}`);
            lacks("option", "en");
            lacks("option", "fr");
            lacks("option_help", "fr");
            // Of several words that begin small: a phrase, and no value.
            if (/^[a-z]\S* /.test(option.default ?? "")) lacks("option_default", "fr");
        }
    }
    assert.ok(kinds.length >= 10);
    assert.deepEqual(lacking, []);
});

test("a French reader finds the form of a source and its trial in French", asRole("admin", {language: "fr", size: "phone", theme: "dark"}, async (visit) => {
    const {page} = visit;
    await visit.open("/?view=sources", "sources");
    const setting = await Form.open(visit, page.getByRole("button", {name: /^Modifier/}).first());
    await setting.fill({kind: "GLPI"});
    await setting.send();
    await setting.field("url").waitFor();
    const text = await setting.root.textContent();
    assert.match(text, /Adresse url \*adresse du système, sans \/apirest\.php.*celui du client/);
    assert.doesNotMatch(text, /\b(the|of|is|without)\b/);
    await visit.fitsItsWidth("the form of a source");
    await visit.shot("source-form");
    await page.keyboard.press("Escape");
    await setting.closed();
    const trial = await Form.open(visit, page.getByRole("button", {name: /^Essayer/}).first());
    await trial.root.locator("progress").waitFor({state: "hidden"});
    assert.match(await trial.root.locator("[role=status]").textContent(), /^Données de démonstration\s: la source répond, \d+ tickets ont été lus/);
}));

// What an admin does by the forms of the administration, with the keyboard: tenants, people and keys come, change and go as
// the API says they did; what is refused is told at its field and keeps what was typed; the audit log has it all.
import assert from "node:assert/strict";
import test, {after} from "node:test";
import {account, api, HOME_TENANT, origin} from "./harness/server.js";
import {asRole, closeBrowser, Visit} from "./harness/visit.js";
import {Form} from "./harness/form.js";
import {goTo, menu, signOut} from "./harness/pages.js";

after(closeBrowser);

// New ones each time: a tenant's id is never given again. They stand last in every list, where no other test looks.
const MARK = `${Date.now().toString(36)}`;
const TENANT = {id: `zzz-forms-${MARK}`, name: `Zzz Forms ${MARK}`};
const PERSON = {email: `forms-${MARK}@example.com`, name: "Nora Formby", password: "a long enough password"};

const changeOf = (page, name) => page.getByRole("button", {name: `Change: ${name}`});
const rowOf = (page, name) => page.locator("main tbody tr", {hasText: name});
const tenantOf = async (id) => (await api("admin", "/v1/admin/tenants")).tenants.filter((one) => one.id === id);

test("an admin adds a tenant, limits it, goes there and disables it", asRole("admin", {}, async (visit) => {
    // Chromium itself tells of an answer that refuses.
    visit.expect(/40[09]/);
    const {page} = visit;
    await visit.open("/?view=tenants", "tenants");
    const adding = await Form.open(visit, page.getByRole("button", {name: "Add a tenant"}));
    await adding.send();
    await adding.refused("id", /Fill this in/, "");
    await adding.fill({id: "Not an id", name: TENANT.name, timezone: "Asia/Tokyo"});
    await adding.send();
    await adding.refused("id", /not in the form/, "Not an id");
    await adding.fill({id: HOME_TENANT});
    await adding.send();
    await adding.refused("id", /given already|already/, HOME_TENANT);
    assert.equal(await adding.field("name").inputValue(), TENANT.name);
    await adding.fill({id: TENANT.id});
    await adding.sendTwice();
    await rowOf(page, TENANT.name).waitFor();
    await adding.closed();
    assert.equal(await rowOf(page, TENANT.name).count(), 1);
    // By name, from the end: an order of the reader's own.
    const head = page.locator("main th", {hasText: /^Tenant$/});
    await head.locator("button").focus();
    for (const order of ["ascending", "descending"]) {
        await page.keyboard.press("Enter");
        assert.equal(await head.getAttribute("aria-sort"), order);
    }
    assert.deepEqual(await tenantOf(TENANT.id), [{id: TENANT.id, name: TENANT.name, timezone: "Asia/Tokyo", status: "active", source: null, limits: null}]);

    const changing = await Form.open(visit, changeOf(page, TENANT.name));
    await changing.fill({limits: "read=much"});
    await changing.send();
    await changing.refused("limits", /read/, "read=much");
    await changing.fill({limits: "read=600/60"});
    await changing.send();
    await changing.closed();
    assert.equal((await tenantOf(TENANT.id))[0].limits, "read=600/60");
    assert.equal(await head.getAttribute("aria-sort"), "descending", "the view was built anew, in the order that was chosen");
    const names = await page.locator("main tbody th").allTextContents();
    assert.deepEqual(names, [...names].sort((a, b) => b.localeCompare(a)));

    // Without a reload it is among those one can go to.
    await goTo(visit, "overview");
    await page.locator("#tenant").focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.waitForFunction((id) => new URL(location.href).searchParams.get("tenant") === id, TENANT.id);
    await visit.shown("overview");
    assert.match(await page.locator("main h1").textContent(), new RegExp(TENANT.name));
    assert.match(await page.locator("footer").textContent(), /Asia\/Tokyo/);
    const asked = visit.requests.map((request) => new URL(request.url())).filter(({pathname}) => pathname === "/v1/kpis/summary");
    assert.equal(asked.at(-1).searchParams.get("tenant"), TENANT.id);

    await goTo(visit, "tenants");
    const ending = await Form.open(visit, changeOf(page, TENANT.name));
    assert.equal(await ending.field("limits").inputValue(), "read=600/60");
    await ending.fill({active: false});
    await ending.send();
    await ending.closed();
    await rowOf(page, TENANT.name).getByText("disabled").waitFor();
    assert.equal((await tenantOf(TENANT.id))[0].status, "disabled");
    await goTo(visit, "overview");
    assert.equal(await page.locator("#tenant option", {hasText: TENANT.name}).count(), 0);
}));

test("a person is added and signs in, is disabled and does not, is enabled with a new password and does again", asRole("admin", {}, async (visit) => {
    visit.expect(/40[09]/);
    const {page} = visit;
    const find = async () => (await api("admin", `/v1/admin/users?tenant=${HOME_TENANT}`)).users.filter(({email}) => email === PERSON.email);
    await visit.open("/?view=users", "users");
    const adding = await Form.open(visit, page.getByRole("button", {name: "Add a person"}));
    await adding.fill({email: "not an address", name: PERSON.name, role: "Technician", password: "short"});
    await adding.send();
    await adding.refused("email", /e-mail address/, "not an address");
    assert.equal(await adding.field("password").inputValue(), "short");
    await adding.fill({email: account("manager").email, password: PERSON.password});
    await adding.send();
    await adding.refused("tenant", /choose it/, "");
    await adding.fill({tenant: "Atelier"});
    await adding.send();
    await adding.refused("email", /already/, account("manager").email);
    await adding.fill({email: PERSON.email});
    await adding.sendTwice();
    await adding.closed();
    assert.match(await rowOf(page, PERSON.email).textContent(), /Nora Formby.*Technician.*active/);
    assert.deepEqual((await find()).map(({name, role, status, has_password: known}) => [name, role, status, known]),
        [[PERSON.name, "tech", "active", true]]);

    const person = await Visit.begin({role: "tech"});
    try {
        person.expect(/401/);
        await person.open("/");
        await person.signIn(PERSON);
        await person.shown("overview");
        assert.deepEqual(await menu(person.page), ["overview", "summary"]);
        assert.match(await person.page.locator("header summary").textContent(), /Nora Formby/);

        const ending = await Form.open(visit, changeOf(page, PERSON.email));
        await ending.fill({active: false});
        await ending.send();
        await ending.closed();
        assert.match(await rowOf(page, PERSON.email).textContent(), /disabled/);
        assert.equal((await find())[0].status, "disabled");
        // Who was in is out, and does not come in again.
        await person.page.reload();
        await person.page.locator("input[type=password]").waitFor();
        await person.sendPassword(PERSON);
        await person.page.getByText("or the account is disabled").waitFor();
        assert.equal(await person.page.locator("input[type=email]").inputValue(), PERSON.email);

        const again = await Form.open(visit, changeOf(page, PERSON.email));
        await again.fill({password: "another long password", active: true});
        await again.send();
        await again.closed();
        await person.signIn({...PERSON, password: "another long password"});
        await person.shown("overview");
        await signOut(person);
        await person.end();
    } finally {
        await person.context.close();
    }
}));

test("a form outlives its session: who signs in again in another tab sends what was typed", asRole("admin", {}, async (visit) => {
    visit.expect(/401/);
    const {page} = visit;
    await visit.open("/?view=users", "users");
    const form = await Form.open(visit, changeOf(page, PERSON.email));
    await form.fill({name: "Nora Formby-Hale"});
    await visit.context.clearCookies();
    await form.send();
    await form.root.getByRole("alert").filter({hasText: "Sign in again in another tab"}).waitFor();
    assert.equal(await form.field("name").inputValue(), "Nora Formby-Hale");
    const tab = await visit.context.newPage();
    await tab.goto("/");
    await visit.signIn("admin", tab);
    await tab.close();
    await form.send();
    await form.closed();
    assert.match(await rowOf(page, PERSON.email).textContent(), /Nora Formby-Hale/);
}));

// The answer to a program that shows the key.
const statusWith = async (secret) => (await fetch(`${origin}/v1/me`, {headers: {"x-api-key": secret}})).status;

test("a key is shown once and copied, works until it is revoked, and then never again", asRole("admin", {}, async (visit) => {
    const {page} = visit;
    const name = `Power BI ${MARK}`;
    const find = async () => (await api("admin", `/v1/admin/keys?tenant=${HOME_TENANT}`)).keys.filter((key) => key.name === name);
    await visit.context.grantPermissions(["clipboard-read", "clipboard-write"], {origin});
    await visit.open(`/?view=keys&tenant=${HOME_TENANT}`, "keys");
    const making = await Form.open(visit, page.getByRole("button", {name: "Make a key"}));
    assert.equal(await making.field("tenant").inputValue(), HOME_TENANT, "the tenant that is looked at");
    await making.send();
    await making.refused("name", /Fill this in/, "");
    await making.fill({name, role: "Manager", expires_at: "01312099"});
    await making.sendTwice();
    const secret = page.locator("dialog[open] #secret");
    await secret.waitFor();
    const key = await secret.inputValue();
    assert.match(key, /^mspk_/);
    assert.deepEqual((await find()).map(({role, status, expires_at: end}) => [role, status, end]),
        [["manager", "active", "2099-01-31T23:59:59Z"]]);
    // The Enter key in the field of the key must not take it away.
    await secret.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("status").filter({hasText: "Copied"}).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
    assert.equal(await statusWith(key), 200);
    assert.equal(await secret.inputValue(), key);
    await page.keyboard.press("Escape");
    await making.closed();
    assert.equal((await page.content()).includes(key), false, "a key is shown once");

    const revoke = page.getByRole("button", {name: `Revoke: ${name}`});
    const declined = await Form.open(visit, revoke);
    await page.keyboard.press("Escape");
    await declined.closed();
    assert.equal(await statusWith(key), 200);
    const revoking = await Form.open(visit, revoke);
    await revoking.sendTwice();
    await rowOf(page, name).getByText("revoked").waitFor();
    await revoking.root.waitFor({state: "detached"});
    assert.equal((await find())[0].status, "revoked");
    // Its button is gone; the focus stays in the view.
    await page.waitForFunction(() => document.querySelector("main").contains(document.activeElement));
    // It holds on every process within a second.
    for (const end = Date.now() + 5000; Date.now() < end && await statusWith(key) !== 401;) await new Promise((done) => setTimeout(done, 50));
    assert.equal(await statusWith(key), 401);
}));

// Each dialog with its first field; what is sent empty is refused there.
const DIALOGS = [
    {view: "tenants", button: "#add", field: "id"},
    {view: "users", button: "#add", field: "email"},
    {view: "keys", button: "#add", field: "tenant"},
];

test("each form fits a phone, in French and in the dark, and says at its field what it lacks", asRole("admin", {
    size: "phone", language: "fr", theme: "dark"}, async (visit) => {
    const {page} = visit;
    for (const {view, button, field} of DIALOGS) {
        await visit.open(`/?view=${view}`, view);
        const form = await Form.open(visit, page.locator(button));
        await form.send();
        await form.refused(field, /^(Remplissez ce champ|Choisissez)/);
        await visit.shot(`form-${view}`, {fullPage: false});
        assert.ok(await form.root.evaluate((dialog) => dialog.scrollWidth <= dialog.clientWidth), `${view}: the form is wider than its dialog`);
        await visit.accessible(`the form of ${view}`);
        await page.keyboard.press("Escape");
        await form.closed();
    }
}));

test("the audit log has a line of each of these, and its filters find it", asRole("admin", {}, async (visit) => {
    const {page} = visit;
    const {email} = account("admin");
    const shown = () => page.locator("main tbody tr").evaluateAll((rows) => rows.map(({cells}) =>
        [...cells].slice(1, 5).map((cell) => cell.textContent)));
    const names = new Map((await api("admin", "/v1/admin/tenants")).tenants.map(({id, name}) => [id, name]));
    const told = async (query) => (await api("admin", `/v1/audit?limit=50&${query}`)).lines.map((line) =>
        [line.actor, line.action, line.object, names.get(line.tenant)].map((one) => one ?? "–"));
    const filter = new Form(visit, page.locator("main form"));
    await visit.open(`/?view=audit&actor=${email}`, "audit");
    const done = new Set((await shown()).filter(([actor]) => actor === email).map(([, action]) => action));
    for (const action of ["tenant.add", "tenant.change", "tenant.disable", "user.add", "user.disable", "user.enable",
        "key.create", "key.revoke"])
        assert.ok(done.has(action), `${action} is not among ${[...done].join()}`);

    await page.locator("main h1").focus();
    await filter.fill({action: "user.disable"});
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.search.includes("user.disable") && document.querySelector("main").ariaBusy === "false");
    assert.deepEqual(await shown(), await told(`actor=${email}&action=user.disable`));
    assert.ok((await shown()).some(([, , object]) => object === PERSON.email));
    assert.equal(await page.evaluate(() => document.activeElement.name), "action");

    await visit.open(`/?view=audit&tenant=${HOME_TENANT}&action=user.add`, "audit");
    assert.deepEqual(await shown(), await told(`tenant=${HOME_TENANT}&action=user.add`));
    assert.equal(await page.locator("#tenant-filter").inputValue(), HOME_TENANT);
    await page.locator("main h1").focus();
    await filter.fill({action: "nothing.such"});
    await page.keyboard.press("Enter");
    await page.getByText("No line fits").waitFor();
}));

// The page's words without a browser: French and English say the same things.
import assert from "node:assert/strict";
import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import test from "node:test";
import {dashboard, words} from "./harness/words.js";

const {en, fr} = words;

// The server itself says these in English.
const isServers = (name) => /^option_(help|default)\./.test(name);

const texts = (entry) => (typeof entry === "string" ? [entry] : Object.values(entry));
const blanks = (entry) => [...new Set(texts(entry).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();

function sources(folder) {
    return readdirSync(folder, {withFileTypes: true}).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return entry.name === "node_modules" || entry.name === "words" ? [] : sources(path);
        return entry.name.endsWith(".js") ? [readFileSync(path, "utf8")] : [];
    });
}

test("every text stands in both languages", () => {
    assert.deepEqual(Object.keys(fr).filter((name) => !isServers(name)).sort(), Object.keys(en).sort());
});

test("a text's blanks are the same in both languages", () => {
    for (const name of Object.keys(en)) assert.deepEqual(blanks(fr[name] ?? ""), blanks(en[name]), name);
});

test("a text that counts has the forms its language needs", () => {
    for (const [code, all] of Object.entries({en, fr})) {
        for (const [name, entry] of Object.entries(all)) {
            if (typeof entry !== "string") assert.ok(entry.one && entry.other, `${code} ${name} lacks a form`);
        }
    }
});

// What the job worker's C names in a result or a progress, each with the page's words for it.
const jobs = join(dashboard, "../jobs");
const worker = readdirSync(jobs, {recursive: true}).filter((name) => name.endsWith(".c"))
    .map((name) => ({name, text: readFileSync(join(jobs, name), "utf8")}));
const named = (files, pattern) => [...new Set(files.flatMap(({text}) => [...text.matchAll(pattern)].map(([, name]) => name)))];

test("what a job counts and what it is at have words", () => {
    const kinds = worker.filter(({name}) => /^kind_\w+\.c$/.test(name));
    const counts = named(kinds, /msp_json_key_int\(&\w+, "(\w+)"/g).filter((name) => name !== "tenants");
    const stages = named(worker, /msp_job_run_progress\([^;"]*"([a-z ]+)"/g).map((stage) => stage.replaceAll(" ", "_"));
    assert.ok(counts.includes("fetched") && stages.includes("pulling"), `${counts} ${stages}`);
    const wanted = [...counts.map((name) => `result.${name}`), ...stages.map((name) => `stage.${name}`)];
    assert.deepEqual(wanted.filter((name) => !(name in en)), []);
});

test("what a trial of a source may end with has words", () => {
    const root = join(dashboard, "../..");
    const other = ["db/source_store.c", "common/egress_allow.c", "common/secret_box.c"]
        .map((name) => ({name, text: readFileSync(join(root, name), "utf8")}));
    const codes = named([...worker.filter(({name}) => /^(sources|egress)\//.test(name)), ...other],
        /msp_fail(?:_at)?\(\s*error,\s*\w+,\s*"((?:source|egress|secret|timezone|tenant)_\w+)"/g);
    const outcomes = named(worker.filter(({name}) => name === "kind_source_test.c"), /(?:return|[?:]) "(\w+)"/g);
    assert.ok(codes.includes("source_failing") && outcomes.length === 3, `${codes} ${outcomes}`);
    const wanted = [...codes.map((code) => `source_fault.${code}`), ...outcomes.map((outcome) => `trial.${outcome}`)];
    assert.deepEqual(wanted.filter((name) => !(name in en)), []);
});

// A plain space would let a line begin with the sign.
test("French puts unbreakable spaces before its signs and within its quotation marks", () => {
    for (const [name, entry] of Object.entries(fr)) {
        for (const text of texts(entry)) assert.doesNotMatch(text, / [:;?!»%]|« |[a-zéà]'[a-zéè]/, name);
    }
});

// A name that is put together ("view.${…}", or "status" handed to who says it) vouches for all that begin like it.
test("every text is said somewhere, and everything said has a text", () => {
    const all = sources(dashboard).join("\n");
    const whole = new Set([...all.matchAll(/["'`]([a-z_]+(?:\.[a-z0-9_-]+)+)["'`]/g)].map(([, name]) => name));
    const begun = [...all.matchAll(/`([a-z_.]+\.)\$\{/g)].map(([, start]) => start);
    const handed = new Set([...all.matchAll(/\(["'`]([a-z_]+)["'`]/g)].map(([, name]) => name));
    const said = [...all.matchAll(/\b(?:say|isSaid)\("([^"]+)"/g)].map(([, name]) => name);
    assert.deepEqual(said.filter((name) => !(name in en)), [], "said, but without a text");
    const unsaid = Object.keys(fr).filter((name) => !whole.has(name) && !begun.some((start) => name.startsWith(start)) &&
        !handed.has(name.split(".")[0]));
    assert.deepEqual(unsaid, [], "never said");
});

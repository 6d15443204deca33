// The words of the page in the reader's language: French or English, by the browser, with a switch that is remembered.
import {recall, remember} from "./memory.js";

// `page` comes with every page, the others with the views that say them.
const WORDS = {
    en: {page: () => import("../words/en.js"), sources: () => import("../words/en_sources.js")},
    fr: {page: () => import("../words/fr.js"), sources: () => import("../words/fr_sources.js")},
};

let code = "en";
let words = {};
let known = ["page"];
let plurals = new Intl.PluralRules("en");

export const languages = Object.keys(WORDS);
export const language = () => code;

const preferred = () => navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in WORDS) ?? "en";

const load = async (code, parts) =>
    Object.assign({}, ...(await Promise.all(parts.map((part) => WORDS[code][part]()))).map((part) => part.default));

export async function useLanguage(wanted = recall("language") ?? preferred()) {
    code = wanted in WORDS ? wanted : "en";
    words = await load(code, known);
    plurals = new Intl.PluralRules(code);
    document.documentElement.lang = code;
}

export async function chooseLanguage(wanted) {
    remember("language", wanted);
    await useLanguage(wanted);
}

// To be waited for before a word of that part is said.
export async function learn(part) {
    if (known.includes(part)) return;
    words = {...words, ...await load(code, [part])};
    known = [...known, part];
}

// The words of that name, with {names} filled in. Words that come in several numbers are chosen by `count`.
export function say(name, values = {}) {
    let text = words[name];
    if (text === undefined) throw new Error(`no words for ${name} in ${code}`);
    if (typeof text !== "string") text = text[plurals.select(values.count)] ?? text.other;
    return text.replace(/\{(\w+)\}/g, (_, value) => values[value] ?? "");
}

export const isSaid = (name) => words[name] !== undefined;

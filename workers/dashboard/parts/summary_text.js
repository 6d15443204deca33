// The text of a summary with its numbers linked to what they count. The text may be a language model's: it becomes text
// nodes and nothing else.
import {addDays} from "../app/days.js";
import {element} from "../app/element.js";
import {factName, isFigure, opens, written} from "./fact.js";
import {isSaid, language, say} from "../app/language.js";
import {languageName, moment} from "../app/format.js";

export const SUMMARIES_PAGE = 50;

// The one that tells of a period, in the reader's language if there is one: the newest first.
function latestOf(summaries, {from, to}, language) {
    const ofPeriod = summaries.filter((one) => one.from === from && one.to === to);
    return ofPeriod.find((one) => one.language === language) ?? ofPeriod[0] ?? null;
}

// The same, however many have been written since: none tells of a period that had not begun. page: the newest, if read.
export async function findSummary(read, period, language, page = null) {
    let best = null;
    for (let cursor = null; ; cursor = page.next_cursor, page = null) {
        page ??= await read("/v1/summaries", {limit: SUMMARIES_PAGE, cursor});
        best = latestOf([best, ...page.summaries].filter(Boolean), period, language);
        const isOlder = page.next_cursor === null || page.summaries.at(-1).created_at < addDays(period.from, -1);
        if (isOlder || best?.language === language) return best;
    }
}

// Why no model wrote it, from the code that the server tells.
function reason({code}) {
    if (isSaid(`summary.reason.${code}`)) return say(`summary.reason.${code}`);
    return say(code.startsWith("text_") ? "summary.reason.text" : "summary.reason.model");
}

export const writtenBy = (summary) => (summary.written_by === "model" ? say("summary.by_model", {model: summary.model})
    : say("summary.by_template"));

export function summaryNotes(summary) {
    const notes = [
        say("summary.written", {who: writtenBy(summary), moment: moment(summary.created_at, summary.timezone)}),
        summary.language !== language() && say("summary.language", {language: languageName(summary.language)}),
        summary.not_by_model && reason(summary.not_by_model),
        summary.data_as_of && say("summary.as_of", {moment: moment(summary.data_as_of, summary.timezone)}),
        (summary.complete_through === null || summary.complete_through < summary.to) && say("summary.not_final"),
    ];
    return element("p", {class: "quiet"}, notes.filter(Boolean).join(" "));
}

export function paragraphs(summary) {
    const facts = new Map(summary.facts.map((fact) => [fact.id, fact]));
    const all = [];
    for (const sentence of summary.sentences) {
        const cited = sentence.facts.map((id) => facts.get(id)).filter((fact) => fact && isFigure(fact));
        (all[sentence.paragraph] ??= []).push(linked(sentence.text, cited, summary), " ");
    }
    return element("div", {class: "prose", lang: summary.language}, all.map((sentences) => element("p", {}, sentences)));
}

// Without links, for a list and for paper.
export const plainParagraphs = (summary) => element("div", {class: "prose", lang: summary.language},
    summary.text.split(/\n\s*\n/).map((text) => element("p", {}, text)));

const plainSpaces = (text) => text.replace(/\s/g, " ");

// Where a number stands for itself: not within a longer one, not where another link is.
function find(text, number, taken) {
    for (let at = text.indexOf(number); at >= 0; at = text.indexOf(number, at + 1)) {
        const end = at + number.length;
        const isPart = /\d[.,]?$/.test(text.slice(0, at)) || /^[.,]?\d/.test(text.slice(end));
        if (!isPart && !taken.some((one) => at < one.end && one.at < end)) return {at, end};
    }
    return null;
}

function linked(text, facts, summary) {
    const even = plainSpaces(text); // of the same length
    const places = [];
    const left = [];
    const numbers = facts.map((fact) => ({fact, number: written(fact, summary.language)}))
        .sort((a, b) => (b.number?.length ?? 0) - (a.number?.length ?? 0)); // "12 h 45 min" before "12"
    for (const {fact, number} of numbers) {
        const place = number && find(even, plainSpaces(number), places);
        if (place) places.push({...place, fact});
        // "the same as before" tells one number of two facts
        else if (!number || !places.some((one) => even.slice(one.at, one.end) === plainSpaces(number))) left.push(fact);
    }
    places.sort((a, b) => a.at - b.at);
    const parts = [];
    let done = 0;
    for (const {at, end, fact} of places) {
        parts.push(text.slice(done, at), link(fact, element("span", {class: "whole"}, text.slice(at, end)), summary));
        done = end;
    }
    // What the sentence stands on without telling its digits.
    return [...parts, text.slice(done), left.map((fact) => [" ", link(fact, `(${factName(fact)})`, summary)])];
}

const link = (fact, text, summary) => element("a", {href: opens(fact, summary), title: factName(fact)}, text);

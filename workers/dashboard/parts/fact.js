// A fact that a summary stands on: what it is called, how the summary writes it, where it leads.
import {isSaid, say} from "../app/language.js";
import {memberName} from "./breakdown.js";
import {metric} from "../app/metrics.js";
import * as address from "../app/address.js";

const THIN = "\u202f";
const WORDS = {en: {percent: "%", day: ["day", "days"]}, fr: {percent: `${THIN}%`, day: ["jour", "jours"]}};

const digits = (value, most, language) =>
    new Intl.NumberFormat(language, {maximumFractionDigits: most}).format(Math.abs(value));

// As ops/docs/summaries.md's writers do: "30 s", "45 min", "3 h 20 min", "2 days 4 h".
function span(value, language) {
    const size = Math.abs(value);
    if (Math.round(size * 60) < 60) return `${Math.round(size * 60)} s`;
    if (Math.round(size) < 60) return `${Math.round(size)} min`;
    if (Math.round(size) < 1440) return pair(Math.floor(Math.round(size) / 60), "h", Math.round(size) % 60, "min");
    const hours = Math.round(size / 60);
    const days = Math.floor(hours / 24);
    return pair(digits(days, 0, language), WORDS[language].day[days === 1 ? 0 : 1], hours % 24, "h");
}

const pair = (many, name, few, fewName) => (few === 0 ? `${many} ${name}` : `${many} ${name} ${few} ${fewName}`);

const percent = (value, language) => digits(value * 100, 1, language) + WORDS[language].percent;

const KINDS = {
    count: (value, language) => digits(value, 0, language),
    minutes: span,
    score: (value, language) => digits(value, 2, language),
    percent,
    // A change of ratios is in percentage points.
    ratio: (value, language, isChange) => (isChange ? digits(value * 100, 1, language) : percent(value, language)),
};

// The digits of a fact in a text of that language; null for a day, and for what has no value.
export const written = ({kind, value, period}, language) =>
    (value === null || !(kind in KINDS) ? null : KINDS[kind](value, language, period === "change"));

const isShare = (fact) => fact.metric === "tickets_created_share";
const metricOf = (fact) => metric(isShare(fact) ? "tickets_created" : fact.metric);

export const isFigure = (fact) => metricOf(fact) !== undefined;

export function factName(fact) {
    const name = isShare(fact) ? say("fact.share") : say(`metric.${metricOf(fact).name}`);
    const member = fact.dimension === "all" ? null : `${say(`by.${fact.dimension}`)} ${memberName(fact.dimension, fact.member)}`;
    const when = isSaid(`fact.${fact.period}`) ? say(`fact.${fact.period}`) : null;
    return [name, member, when].filter(Boolean).join(", ");
}

// A count leads to its tickets; a change or a share to the overview, which shows both of its sides.
export function opens(fact, {from, to, previous}) {
    const by = fact.dimension === "all" ? null : fact.dimension;
    if (fact.period === "change" || isShare(fact)) return address.linkToView("overview", {from, to, by, compare: null});
    const days = fact.period === "previous" ? previous : {from, to};
    return address.linkToView("tickets", {from: days.from, to: days.to, metric: metricOf(fact).name, by,
        member: by === null ? null : fact.member});
}

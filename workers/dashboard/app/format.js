// Numbers, spans of time and dates as the reader's language writes them.
import {language, say} from "./language.js";

const made = new Map();

function formatter(kind, options) {
    const key = `${language()} ${kind.name} ${JSON.stringify(options)}`;
    if (!made.has(key)) made.set(key, new kind(language(), options));
    return made.get(key);
}

export const NOTHING = "–"; // a value that does not exist: null

export const number = (value, options = {}) =>
    value === null || value === undefined ? NOTHING : formatter(Intl.NumberFormat, options).format(value);

const unit = (value, name, digits = 0) =>
    number(value, {style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits});

// Two neighbouring units at most: "47 min", "2 h 28 min", "3 days 4 h".
export function minutes(value) {
    if (value === null || value === undefined) return NOTHING;
    const sign = value < 0 ? "−" : "";
    const whole = Math.round(Math.abs(value));
    if (whole < 1 && value !== 0) return sign + unit(Math.abs(value) * 60, "second");
    if (whole < 60) return sign + unit(whole, "minute");
    if (whole < 1440) return sign + pair(Math.floor(whole / 60), "hour", whole % 60, "minute");
    const hours = Math.round(whole / 60);
    return sign + pair(Math.floor(hours / 24), "day", hours % 24, "hour");
}

const pair = (many, name, few, fewName) => (few === 0 ? unit(many, name) : `${unit(many, name)} ${unit(few, fewName)}`);

const UNITS = {
    tickets: (value) => number(value),
    ratio: (value) => number(value, {style: "percent", maximumFractionDigits: 1}),
    score: (value) => number(value, {minimumFractionDigits: 1, maximumFractionDigits: 2}),
    minutes,
};

// A value of a metric by its unit (app/metrics.js).
export const measure = (value, unitName) => (value === null || value === undefined ? NOTHING : UNITS[unitName](value));

// The same with a sign, for changes; ratios change by percentage points.
export function change(value, unitName) {
    if (value === null || value === undefined) return NOTHING;
    const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
    if (unitName === "ratio")
        return say("format.points", {value: sign + number(Math.abs(value) * 100, {maximumFractionDigits: 1})});
    return sign + measure(Math.abs(value), unitName);
}

// A day "YYYY-MM-DD" has no time zone; noon in UTC is that day everywhere we format it.
const noon = (day) => new Date(`${day}T12:00:00Z`);

export const day = (text) => formatter(Intl.DateTimeFormat, {dateStyle: "medium", timeZone: "UTC"}).format(noon(text));

export const shortDay = (text) =>
    formatter(Intl.DateTimeFormat, {day: "numeric", month: "short", timeZone: "UTC"}).format(noon(text));

// For a place that must not grow: "Sun, Nov 22, 2026".
export const namedDay = (text) => formatter(Intl.DateTimeFormat,
    {weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC"}).format(noon(text));

export const longDay = (text) => formatter(Intl.DateTimeFormat, {dateStyle: "full", timeZone: "UTC"}).format(noon(text));

export const dayRange = (from, to) => (from === to ? day(from) : formatter(Intl.DateTimeFormat,
    {dateStyle: "medium", timeZone: "UTC"}).formatRange(noon(from), noon(to)));

// A moment "…Z" in a tenant's time zone.
export const moment = (text, timeZone) => (text === null || text === undefined ? NOTHING
    : formatter(Intl.DateTimeFormat, {dateStyle: "medium", timeStyle: "short", timeZone}).format(new Date(text)));

const yearOf = (date, timeZone) => formatter(Intl.DateTimeFormat, {year: "numeric", timeZone}).format(date);

// The same where there is little room: the year is told only if it is not this one.
export function shortMoment(text, timeZone, now = new Date()) {
    if (text === null || text === undefined) return NOTHING;
    const date = new Date(text);
    const year = yearOf(date, timeZone) === yearOf(now, timeZone) ? undefined : "numeric";
    return [{year, month: "short", day: "numeric", timeZone}, {timeStyle: "short", timeZone}]
        .map((options) => formatter(Intl.DateTimeFormat, options).format(date).replaceAll(" ", "\u00a0")).join(", ");
}

// The same to the second, with its weekday and its time zone.
export const wholeMoment = (text, timeZone) =>
    formatter(Intl.DateTimeFormat, {dateStyle: "full", timeStyle: "long", timeZone}).format(new Date(text));

// "French", "anglais"
export const languageName = (code) => formatter(Intl.DisplayNames, {type: "language"}).of(code);

// 1 = Monday, as the server counts.
export const weekday = (iso, style = "short") =>
    formatter(Intl.DateTimeFormat, {weekday: style, timeZone: "UTC"}).format(new Date(Date.UTC(2024, 0, iso, 12)));

export const bytes = (value) => {
    const step = value < 1e3 ? ["byte", 1] : value < 1e6 ? ["kilobyte", 1e3] : value < 1e9 ? ["megabyte", 1e6]
        : ["gigabyte", 1e9];
    return number(value / step[1], {style: "unit", unit: step[0], unitDisplay: "short", maximumFractionDigits: 1});
};

// "3 minutes ago"
export function ago(text, nowMs = Date.now()) {
    const seconds = Math.round((new Date(text).getTime() - nowMs) / 1000);
    const [size, name] = [[86400, "day"], [3600, "hour"], [60, "minute"]].find(([least]) => Math.abs(seconds) >= least)
        ?? [1, "second"];
    return formatter(Intl.RelativeTimeFormat, {numeric: "auto"}).format(Math.trunc(seconds / size), name);
}

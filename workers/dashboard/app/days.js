// Calendar days as "YYYY-MM-DD", and the periods that the page offers. A day is a tenant's, never the browser's.

const DAY_MS = 86400000;

const asUtc = (day) => Date.parse(`${day}T00:00:00Z`);
const asDay = (ms) => new Date(ms).toISOString().slice(0, 10);

export const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(asUtc(text)) && asDay(asUtc(text)) === text;

export const addDays = (day, count) => asDay(asUtc(day) + count * DAY_MS);

// Of a field for a day: a year of four digits is typed as such.
export const LAST_DAY = "9999-12-31";

// Both ends count.
export const countDays = (from, to) => Math.round((asUtc(to) - asUtc(from)) / DAY_MS) + 1;

export const unixSeconds = (day) => asUtc(day) / 1000;

export const dayOfUnix = (seconds) => asDay(seconds * 1000);

// Today in a time zone. Swedish writes dates as ISO 8601 does.
export const today = (timeZone, nowMs = Date.now()) =>
    new Intl.DateTimeFormat("sv-SE", {timeZone, dateStyle: "short"}).format(new Date(nowMs));

const monthStart = (day) => `${day.slice(0, 7)}-01`;
const yearStart = (day) => `${day.slice(0, 4)}-01-01`;

function monthsBefore(day, count) {
    const date = new Date(asUtc(monthStart(day)));
    date.setUTCMonth(date.getUTCMonth() - count);
    return asDay(date.getTime());
}

// Each ends with the last day worth showing, which the server tells (complete_through), or yesterday.
const CALENDAR = {
    month: (last) => [monthStart(last), last],
    "last-month": (last) => [monthsBefore(last, 1), addDays(monthStart(last), -1)],
    year: (last) => [yearStart(last), last],
};

const lastDays = (count) => (last) => [addDays(last, 1 - count), last];
const MOST_LAST_DAYS = 999; // what a name holds, within what the server answers

export const presets = ["7d", "30d", "90d", "365d", ...Object.keys(CALENDAR)];

// "30d", and likewise any other number of days; what is no name means that too.
export function period(name, last) {
    const count = Number(/^([1-9]\d{0,2})d$/.exec(name)?.[1] ?? 30);
    const [from, to] = (CALENDAR[name] ?? lastDays(count))(last);
    return {from, to};
}

// The preset that means just these days, if any.
export const presetOf = (from, to, last) =>
    presets.find((name) => {
        const one = period(name, last);
        return one.from === from && one.to === to;
    }) ?? null;

// The name of a period that moves on with the days, as long as this one.
export const movingPeriod = (from, to, last) =>
    presetOf(from, to, last) ?? `${Math.min(countDays(from, to), MOST_LAST_DAYS)}d`;

// Reads numbers back from how a person reads them, so that what the page shows can be held against the API. It knows
// nothing of how the page writes them.
import assert from "node:assert/strict";

const NULLS = new Set(["–", "—", ""]);
const MINUTES = [
    [/^(s|sec|secs|second|seconds|seconde|secondes)$/, 1 / 60],
    [/^(m|min|mins|minute|minutes)$/, 1],
    [/^(h|hr|hrs|hour|hours|heure|heures)$/, 60],
    [/^(d|j|day|days|jour|jours)$/, 1440],
];
const SEPARATORS = {en: {group: /,/g, decimal: "."}, fr: {group: /[\s\u00a0\u202f]/g, decimal: ","}};

// "1 234,5" in French is 1234.5, good to 0.05.
function plain(text, language) {
    const {group, decimal} = SEPARATORS[language];
    const digits = text.trim().replace(/[−–]/g, "-").replace(/[+±]/g, "").replace(group, "").replace(decimal, ".");
    assert.match(digits, /^-?\d+(\.\d+)?$/, `"${text}" is no number in ${language}`);
    return {value: Number(digits), within: 0.5 * 10 ** -(digits.split(".")[1] ?? "").length};
}

function spanOfTime(text, language) {
    const parts = [...text.matchAll(/([\d.,\s\u00a0\u202f]*\d)[\s\u00a0\u202f]*([a-zé]+)\.?/giu)];
    assert.ok(parts.length > 0, `"${text}" is no span of time`);
    let value = 0, within = 0;
    for (const [, digits, unit] of parts) {
        const size = MINUTES.find(([name]) => name.test(unit.toLowerCase()))?.[1];
        assert.ok(size !== undefined, `"${unit}" of "${text}" is no unit of time`);
        const read = plain(digits, language);
        value += read.value * size;
        within = read.within * size;
    }
    return {value: /^\s*[-−–]/.test(text) ? -value : value, within};
}

// {value, within}, or null where the page shows that there is none. Times are in minutes, percents are ratios.
export function readNumber(text, language) {
    const clean = text.trim();
    if (NULLS.has(clean)) return null;
    const share = clean.match(/^(.*?)[\s\u00a0\u202f]*(%|pt|pts)$/);
    if (share) {
        const {value, within} = plain(share[1], language);
        return {value: value / 100, within: within / 100};
    }
    return /[a-zé]/iu.test(clean) ? spanOfTime(clean, language) : plain(clean, language);
}

// What stands on the page is the API's number, as exactly as the page shows it.
export function assertShows(text, number, language, what) {
    const read = readNumber(text, language);
    if (number === null || number === undefined) return assert.equal(read, null, `${what} shows "${text}", but there is none`);
    assert.ok(read !== null, `${what} shows nothing, the API says ${number}`);
    // A hair more than half of the last digit, since 0.5 rounds either way.
    assert.ok(Math.abs(read.value - number) <= read.within * 1.001 + 1e-9, `${what} shows "${text}", the API says ${number}`);
}

// What a question for tickets asks, from the address: as the API's query, in words, and without one of its parts.
import {dayRange, longDay, weekday} from "../app/format.js";
import {element} from "../app/element.js";
import {memberName} from "./breakdown.js";
import {say} from "../app/language.js";
import * as address from "../app/address.js";

// The names and values that /v1/tickets takes. A dimension without a member narrows nothing.
export function ticketQuery({state, period}) {
    const {metric = "tickets_created", day, by, member, age, weekday: onDay, hour} = state;
    const when = day ? {day} : {from: period.from, to: period.to};
    return {metric, ...when, by: member === undefined ? undefined : by, member, age, weekday: onDay, hour};
}

export const ageName = ({from_days: from, to_days: to}) =>
    (to === null ? say("age.above", {from}) : from === 0 ? say("age.below", {count: to, to}) : say("age.between", {from, to}));

// "3-7" and "90-" as the API names them.
function ageWords(name) {
    const [from, to] = name.split("-");
    return ageName({from_days: Number(from), to_days: to === "" ? null : Number(to)});
}

export const whenWords = ({day, from, to}) => (day ? longDay(day) : dayRange(from, to));

// What narrows the question, and which names of the address go with it.
const PARTS = [
    ["member", ({by, member}) => `${say(`by.${by}`)} · ${memberName(by, member)}`, ["by", "member"]],
    ["age", ({age}) => say("filter.age", {age: ageWords(age)}), ["age"]],
    ["weekday", ({weekday: at}) => weekday(Number(at), "long"), ["weekday"]],
    ["hour", ({hour}) => say("filter.hour", {hour}), ["hour"]],
    // An age is that of a day.
    ["day", ({day}) => longDay(day), ["day", "age"]],
];

export function filterChips(query) {
    const chips = PARTS.filter(([name]) => query[name] !== undefined).map(([, words, names]) => {
        const text = words(query);
        return element("li", {}, element("a", {
            class: "chip", href: address.link(Object.fromEntries(names.map((name) => [name, null]))),
            "aria-label": say("filter.remove", {filter: text}),
        }, text, element("span", {"aria-hidden": "true"}, "×")));
    });
    return chips.length > 0 && element("ul", {class: "chips", "aria-label": say("filter.title")}, chips);
}

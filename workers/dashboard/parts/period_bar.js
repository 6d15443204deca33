// The period of a view: presets, a free range, comparison on or off. Writes the address and nothing else.
import {element} from "../app/element.js";
import {isDay, period, presetOf, presets} from "../app/days.js";
import {say} from "../app/language.js";
import * as address from "../app/address.js";

// forgets: changes to the address of what would not hold for another period.
export function periodBar({period: {from, to, last}, state}, {compares = true, forgets = {}} = {}) {
    const now = presetOf(from, to, last);
    const goTo = (range) => address.go(address.link({period: null, ...forgets, ...range}));
    const free = () => {
        if (isDay(first.value) && isDay(end.value) && first.value <= end.value) goTo({from: first.value, to: end.value});
    };
    const first = element("input", {id: "from", type: "date", value: from, max: to, on: {change: free}});
    const end = element("input", {id: "to", type: "date", value: to, min: from, on: {change: free}});
    const preset = element("select", {id: "preset", on: {change: () => preset.value && goTo(period(preset.value, last))}},
        !now && element("option", {value: "", selected: true}, say("period.free")),
        presets.map((name) => element("option", {value: name, selected: name === now}, say(`period.${name}`))));
    const compare = element("input", {id: "compare", type: "checkbox", checked: state.compare !== "none", on: {change: () =>
        address.go(address.link({compare: compare.checked ? null : "none"}))}});
    return element("form", {class: "period", "aria-label": say("period.title"), on: {submit: (e) => e.preventDefault()}},
        field("preset", "period.title", preset), field("from", "period.from", first), field("to", "period.to", end),
        compares && element("label", {class: "check"}, compare, say("period.compare")));
}

// A label breaks to the next line with its field.
const field = (id, name, input) => element("span", {class: "choice"}, element("label", {for: id}, say(name)), input);

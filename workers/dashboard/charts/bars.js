// Horizontal bars, each a link to the tickets it counts. It is its own table: label and number stand beside the bar.
import {element} from "../app/element.js";
import {number} from "../app/format.js";

// bars: [{label, value, href}]
export function bars(all) {
    const most = Math.max(1, ...all.map((bar) => bar.value));
    return element("ul", {class: "bars"}, all.map((bar) => element("li", {},
        element("a", {href: bar.href, style: {"--part": `${(bar.value / most) * 100}%`}},
            element("span", {class: "label"}, bar.label), element("span", {class: "bar"}),
            element("span", {class: "value"}, number(bar.value))))));
}

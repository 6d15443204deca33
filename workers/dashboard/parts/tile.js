// One figure of the period: its value, its change to the period before, a small line; it opens its tickets.
import {change, measure, NOTHING} from "../app/format.js";
import {element} from "../app/element.js";
import {say} from "../app/language.js";
import {sparkLine} from "../charts/spark_line.js";

// `previous` and `delta` are undefined where nothing is compared.
export function tile({metric, value, previous, delta, days, href}) {
    const text = measure(value, metric.unit);
    return element("a", {class: "card tile", href, id: `tile-${metric.name}`, "data-metric": metric.name},
        element("span", {class: "name"}, say(`metric.${metric.name}`)),
        element("strong", {class: "value", style: {"--characters": text.length}}, text),
        previous !== undefined && comparison(metric, previous, delta),
        sparkLine(days));
}

function comparison(metric, previous, delta) {
    const verdict = delta === null || delta === 0 || metric.better === 0 ? null
        : Math.sign(delta) === metric.better ? "better" : "worse";
    return element("span", {class: "change"},
        element("span", {class: verdict}, delta === 0 ? say("tile.unchanged") : delta === null ? NOTHING
            : change(delta, metric.unit), verdict && element("span", {class: "verdict"}, ` (${say(`tile.${verdict}`)})`)),
        " ", element("span", {class: "quiet"}, say("tile.previous", {value: measure(previous, metric.unit)})));
}

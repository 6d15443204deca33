// Starts an export: which datasets, which days, in which format. What is wrong stands at its field.
import {element} from "../app/element.js";
import {faultPlace, fieldFaults} from "./field_faults.js";
import {LAST_DAY} from "../app/days.js";
import {newKey, Problem} from "../app/server.js";
import {say} from "../app/language.js";

export const DATASETS = ["kpi_daily", "tickets", "tenants"];

// onStarted is called when the job is on its way.
export function exportOrder({period: {from, to}, send}, onStarted) {
    const boxes = DATASETS.map((dataset) => element("input", {type: "checkbox", name: dataset, id: `export-${dataset}`, checked: true}));
    const changed = element("input", {type: "radio", name: "days", id: "days-changed", checked: true});
    const range = element("input", {type: "radio", name: "days", id: "days-range"});
    const first = element("input", {type: "date", id: "export-from", max: LAST_DAY, value: from});
    const last = element("input", {type: "date", id: "export-to", max: LAST_DAY, value: to});
    const force = element("input", {type: "checkbox", id: "export-force"});
    const format = element("select", {id: "format"}, element("option", {value: "csv"}, "CSV"),
        element("option", {value: "csv.gz"}, "CSV, gzip"));
    const trouble = element("p", {class: "trouble", role: "alert"});
    const places = {datasets: faultPlace(boxes[0], "datasets"), from: faultPlace(first), to: faultPlace(last)};
    const faults = fieldFaults(new Map([
        ["datasets", {control: boxes[0], place: places.datasets}],
        ["from", {control: first, place: places.from}],
        ["to", {control: last, place: places.to}],
    ]), trouble);
    const enter = element("button", {type: "submit", class: "button primary"}, say("exports.start"));
    for (const field of [first, last, force]) field.addEventListener("change", () => { range.checked = true; });
    let key = newKey();

    // What the browser itself cannot know of these fields.
    function demand() {
        boxes[0].setCustomValidity(boxes.some((box) => box.checked) ? "" : say("exports.no_dataset"));
        for (const field of [first, last]) field.required = range.checked;
        last.setCustomValidity(range.checked && last.value < first.value ? say("problem.range_reversed") : "");
    }

    async function submit(event) {
        event.preventDefault();
        demand();
        if (enter.hasAttribute("aria-busy") || !faults.check()) return;
        enter.setAttribute("aria-busy", "true");
        try {
            await send("/v1/exports", {datasets: boxes.filter((box) => box.checked).map((box) => box.name), format: format.value,
                ...(range.checked && {from: first.value, to: last.value, force: force.checked})}, {key});
            key = newKey();
            await onStarted();
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            faults.tell(error);
        } finally {
            enter.removeAttribute("aria-busy");
        }
    }

    return element("form", {class: "card form", novalidate: true, on: {submit}},
        element("h2", {}, say("exports.new")),
        element("fieldset", {}, element("legend", {}, say("exports.datasets")), boxes.map((box) =>
            element("label", {class: "check"}, box, say(`dataset.${box.name}`))), places.datasets),
        element("fieldset", {}, element("legend", {}, say("exports.days")),
            element("label", {class: "check"}, changed, say("exports.days.changed")),
            element("label", {class: "check"}, range, say("exports.days.range")),
            element("span", {class: "row"}, [["from", first], ["to", last]].map(([name, field]) => element("span", {class: "choice"},
                element("label", {for: field.id}, say(`period.${name}`)), field))),
            places.from, places.to,
            element("label", {class: "check"}, force, say("exports.force"))),
        element("span", {class: "row"}, element("label", {for: "format"}, say("exports.format")), format),
        trouble, enter);
}

// What is wrong with the fields of a form, told beside each of them in the reader's words, and told to who hears the page.
// It empties no field: what was typed stays.
import {element} from "../app/element.js";
import {explain} from "./notices.js";
import {isSaid, say} from "../app/language.js";

// Why the browser finds a field wrong, the first that fits.
const REASONS = [
    ["valueMissing", (control) => say(control.localName === "select" ? "fault.choose" : "fault.missing")],
    ["customError", (control) => control.validationMessage],
    ["badInput", () => say("fault.incomplete")],
    ["typeMismatch", () => say("fault.email")],
    ["tooShort", (control) => say("fault.short", {count: control.minLength})],
    ["patternMismatch", () => say("fault.pattern")],
];

const reasonOf = (control) => REASONS.find(([name]) => control.validity[name])?.[1](control) ?? "";

// Where the fault of a field stands; the field names it as what describes it.
export function faultPlace(control, name = control.id) {
    const id = `${name}-fault`;
    control.setAttribute("aria-describedby", [control.getAttribute("aria-describedby"), id].filter(Boolean).join(" "));
    return element("p", {class: "trouble", id, role: "alert"});
}

// fields: Map of a field's name, as the server's pointers name it, to {control, place}. `rest` tells what is of no field.
export function fieldFaults(fields, rest) {
    function clear() {
        rest.textContent = "";
        for (const {control, place} of fields.values()) {
            place.textContent = "";
            control.removeAttribute("aria-invalid");
        }
    }

    function mark({control, place}, text) {
        place.textContent = text;
        control.setAttribute("aria-invalid", "true");
    }

    // Whether the browser finds nothing wrong. Otherwise the reader goes on at the first of what is.
    function check() {
        clear();
        const wrong = [...fields.values()].filter(({control}) => !control.validity.valid);
        for (const field of wrong) mark(field, reasonOf(field.control));
        wrong[0]?.control.focus();
        return wrong.length === 0;
    }

    // What the server refused.
    function tell(error) {
        clear();
        const known = error.faults.map(({pointer, detail}) => ({field: fields.get(pointer.split("/")[1]), detail}))
            .filter(({field}) => field !== undefined);
        if (known.length === 0) rest.textContent = error.status === 401 ? say("session.ended.form") : explain(error);
        const code = `problem.${error.code}`;
        for (const {field, detail} of known) mark(field, known.length === 1 && isSaid(code) ? say(code) : detail);
        known[0]?.field.control.focus();
    }

    return {check, tell, clear};
}

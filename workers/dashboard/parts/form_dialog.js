// A form in a dialog: opened, filled, sent, closed; what the server refuses is told at its field. The key of a form is
// made when it opens, so that sending it twice does the work once.
import {element} from "../app/element.js";
import {faultPlace, fieldFaults} from "./field_faults.js";
import {newKey, Problem} from "../app/server.js";
import {say} from "../app/language.js";

let opened = 0;

// fields: [{name, label, type: "text" | "password" | … | "select" | "area" | "check", value, options: [[value, text]],
//           required, help, attributes}]
// onSubmit(values, key) throws a Problem where it cannot; what it returns is shown in the form's place if it is a node.
export function openForm({title, text = null, fields = [], action, danger = false, onSubmit, onDone = () => {}}) {
    const id = `form-${++opened}`;
    const key = newKey();
    const rows = new Map(fields.map((field) => [field.name, rowOf(field, `${id}-${field.name}`)]));
    const trouble = element("p", {class: "trouble", role: "alert"});
    const faults = fieldFaults(rows, trouble);
    const enter = element("button", {type: "submit", class: danger ? "button danger" : "button primary"}, action);
    const cancel = element("button", {type: "button", class: "button", on: {click: leave}}, say("action.cancel"));
    let isBusy = false;
    let isDone = false;

    async function submit(event) {
        event.preventDefault();
        if (isBusy || !faults.check()) return;
        // Not disabled: the button keeps the focus.
        isBusy = true;
        enter.setAttribute("aria-busy", "true");
        try {
            const result = await onSubmit(valuesOf(fields, rows), key);
            isDone = true;
            if (result instanceof Node) show(result);
            else dialog.close();
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            faults.tell(error);
        } finally {
            isBusy = false;
            enter.removeAttribute("aria-busy");
        }
    }

    // No form any more, so that no key sends it again.
    function show(result) {
        cancel.textContent = say("action.close");
        dialog.replaceChildren(element("div", {class: "form"}, element("h2", {id}, title), result,
            element("div", {class: "row"}, cancel)));
        dialog.querySelector("button").focus();
    }

    // What is under way is waited for: its end must be seen.
    function leave() {
        if (!isBusy) dialog.close();
    }

    const form = element("form", {class: "form", novalidate: true, on: {submit}},
        element("h2", {id}, title), text && element("p", {}, text),
        [...rows.values()].map(({row}) => row), trouble, element("div", {class: "row"}, enter, cancel));
    const dialog = element("dialog", {class: "card", "aria-labelledby": id, on: {
        cancel: (event) => { if (isBusy) event.preventDefault(); },
        close: () => {
            dialog.remove();
            if (isDone) onDone();
        },
    }}, form);
    document.body.append(dialog);
    dialog.showModal();
}

function input(field, id) {
    const shared = {id, name: field.name, required: field.required, ...field.attributes};
    if (field.type === "select") return element("select", shared, field.options.map(([value, text]) =>
        element("option", {value, selected: value === field.value}, text)));
    if (field.type === "area") return element("textarea", {...shared, rows: "4", value: field.value ?? ""});
    if (field.type === "check") return element("input", {...shared, type: "checkbox", checked: field.value});
    return element("input", {autocomplete: "off", ...shared, type: field.type ?? "text", value: field.value ?? ""});
}

function rowOf(field, id) {
    const control = input(field, id);
    const help = field.help && element("p", {class: "quiet", id: `${id}-help`}, field.help);
    if (help) control.setAttribute("aria-describedby", help.id);
    const place = faultPlace(control);
    const row = field.type === "check"
        ? element("div", {}, element("label", {class: "check"}, control, field.label), place)
        : element("div", {class: "field"}, element("label", {for: id}, field.label), control, help, place);
    return {control, place, row};
}

const valuesOf = (fields, rows) => Object.fromEntries(fields.map(({name, type}) => {
    const {control} = rows.get(name);
    return [name, type === "check" ? control.checked : control.value.trim()];
}));

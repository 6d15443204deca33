// A form in a dialog: opened, filled, sent, closed; what the server refuses is told at its field. The key of a form is
// made when it opens, so that sending it twice does the work once.
import {element} from "../app/element.js";
import {explain} from "./notices.js";
import {newKey, Problem} from "../app/server.js";
import {say} from "../app/language.js";

let opened = 0;

// fields: [{name, label, type: "text" | "password" | … | "select" | "area" | "check", value, options: [[value, text]],
//           required, help, attributes}]
// onSubmit(values, key) throws a Problem where it cannot; what it returns is shown in the form's place if it is a node.
export function openForm({title, text = null, fields = [], action, danger = false, onSubmit, onDone = () => {}}) {
    const id = `form-${++opened}`;
    const key = newKey();
    const inputs = new Map(fields.map((field) => [field.name, input(field, `${id}-${field.name}`)]));
    const faults = new Map(fields.map((field) => [field.name, element("p", {class: "trouble", id: `${id}-${field.name}-fault`})]));
    const trouble = element("p", {class: "trouble", role: "alert"});
    const enter = element("button", {type: "submit", class: danger ? "button danger" : "button primary"}, action);
    const cancel = element("button", {type: "button", class: "button", on: {click: () => dialog.close()}}, say("action.cancel"));
    let isDone = false;

    async function submit(event) {
        event.preventDefault();
        enter.disabled = true;
        tell(null);
        try {
            const result = await onSubmit(valuesOf(fields, inputs), key);
            isDone = true;
            if (!(result instanceof Node)) return dialog.close();
            cancel.textContent = say("action.close");
            form.replaceChildren(element("h2", {id}, title), result, element("div", {class: "row"}, cancel));
            cancel.focus();
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            tell(error);
        } finally {
            enter.disabled = false;
        }
    }

    function tell(error) {
        trouble.textContent = error ? explain(error) : "";
        for (const [name, place] of faults) {
            const fault = error?.faults.find(({pointer}) => pointer === `/${name}` || pointer.startsWith(`/${name}/`));
            place.textContent = fault?.detail ?? "";
            inputs.get(name).setAttribute("aria-invalid", String(Boolean(fault)));
            if (fault) trouble.textContent = "";
        }
        inputs.get(error?.faults.map(({pointer}) => pointer.split("/")[1]).find((name) => inputs.has(name)))?.focus();
    }

    const form = element("form", {class: "form", on: {submit}},
        element("h2", {id}, title), text && element("p", {}, text),
        fields.map((field) => rowOf(field, inputs.get(field.name), faults.get(field.name))),
        trouble, element("div", {class: "row"}, enter, cancel));
    const dialog = element("dialog", {class: "card", "aria-labelledby": id, on: {close: () => {
        dialog.remove();
        if (isDone) onDone();
    }}}, form);
    document.body.append(dialog);
    dialog.showModal();
}

function input(field, id) {
    const shared = {id, name: field.name, required: field.required, "aria-describedby": `${id}-fault`, ...field.attributes};
    if (field.type === "select") return element("select", shared, field.options.map(([value, text]) =>
        element("option", {value, selected: value === field.value}, text)));
    if (field.type === "area") return element("textarea", {...shared, rows: "4", value: field.value ?? ""});
    if (field.type === "check") return element("input", {...shared, type: "checkbox", checked: field.value});
    return element("input", {...shared, type: field.type ?? "text", value: field.value ?? "", autocomplete: "off"});
}

const rowOf = (field, control, fault) => (field.type === "check"
    ? element("div", {}, element("label", {class: "check"}, control, field.label), fault)
    : element("div", {class: "field"}, element("label", {for: control.id}, field.label), control,
        field.help && element("p", {class: "quiet"}, field.help), fault));

const valuesOf = (fields, inputs) => Object.fromEntries(fields.map(({name, type}) =>
    [name, type === "check" ? inputs.get(name).checked : inputs.get(name).value.trim()]));

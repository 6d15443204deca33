// Copies a text, and says that it did. Where the browser offers no clipboard (plain http from afar) the text is selected.
import {element} from "../app/element.js";
import {say} from "../app/language.js";

const SAID_MS = 3000;

// `field` shows the text and is an input.
export function copyButton(field, label) {
    const said = element("span", {class: "unseen", role: "status"});
    const button = element("button", {type: "button", class: "button", "aria-label": label, on: {click: copy}},
        say("action.copy"));

    async function copy() {
        field.select();
        try {
            await navigator.clipboard.writeText(field.value);
            tell(say("action.copied"));
        } catch {
            tell(say("action.selected"));
        }
    }

    function tell(text) {
        said.textContent = text;
        button.textContent = text;
        setTimeout(() => {
            button.textContent = say("action.copy");
            said.textContent = "";
        }, SAID_MS);
    }

    return element("span", {class: "copy"}, button, said);
}

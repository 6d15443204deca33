// The rest of a long list, a page at a time. The button keeps the focus, and what is shown is said.
import {element} from "../app/element.js";
import {say} from "../app/language.js";
import {tell} from "./trouble.js";

// cursor: of the next page, null if there is none. load: async (cursor) => the cursor after it. told: () => text that says
// how much of the list is shown.
export function more({cursor, load, told}) {
    const trouble = element("p", {class: "trouble", role: "alert"});
    const line = element("p", {class: "quiet", role: "status", tabindex: "-1"}, told());
    const button = element("button", {type: "button", class: "button", id: "more", hidden: cursor === null,
        on: {click: next}}, say("action.more"));
    let busy = false;

    async function next() {
        if (busy) return;
        busy = true;
        trouble.textContent = "";
        button.setAttribute("aria-busy", "true");
        try {
            cursor = await load(cursor);
            line.textContent = told();
            if (cursor === null) {
                line.focus({preventScroll: true});
                button.hidden = true;
            }
        } catch (error) {
            tell(error, trouble);
        } finally {
            busy = false;
            button.removeAttribute("aria-busy");
        }
    }

    return element("div", {class: "more"}, line, button, trouble);
}

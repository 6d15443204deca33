// A sheet that opens below its button. Escape closes it and gives the focus back; so does going elsewhere.
import {element} from "../app/element.js";

// name: a class, by which the styles know it. summary: the attributes and the content of the button.
export function fold(name, [attributes, ...told], ...content) {
    const summary = element("summary", attributes, ...told);
    const close = () => { details.open = false; };
    const elsewhere = ({target}) => details.contains(target) || close();
    const details = element("details", {class: `fold ${name}`, on: {
        keydown: (event) => {
            if (event.key !== "Escape" || !details.open) return;
            close();
            summary.focus();
        },
        focusout: ({relatedTarget}) => relatedTarget && elsewhere({target: relatedTarget}),
        toggle: () => document[details.open ? "addEventListener" : "removeEventListener"]("pointerdown", elsewhere),
    }}, summary, element("div", {class: "card sheet"}, ...content));
    return details;
}

// A <select> that leads elsewhere once a choice is made. A closed one changes at each press of an arrow or a letter: to
// go there at once would show a reader who has but a keyboard everything on the way (WCAG 3.2.2). So what keys choose
// waits for Enter, or for leaving the menu; Escape takes it back. What is picked with a pointer, a finger, or from the
// opened list is chosen. It stays a <select>, which every screen reader and phone knows how to handle.

// A key changes a closed menu while it is still going down; from an opened list, a choice comes later than any key.
const SAME_PRESS_MS = 50;

// go(value) is called with what was chosen.
export function whenChosen(select, go) {
    let shown = select.value;
    let pressed = -Infinity; // when, in ms

    function settle() {
        if (select.value === shown) return;
        shown = select.value;
        go(shown);
    }

    select.addEventListener("keydown", (event) => {
        pressed = performance.now();
        if (select.value === shown) return;
        if (event.key === "Escape") select.value = shown;
        if (event.key !== "Enter") return;
        event.preventDefault(); // which might open the list
        settle();
    });
    select.addEventListener("change", () => {
        if (performance.now() - pressed > SAME_PRESS_MS) settle();
    });
    select.addEventListener("blur", settle);
    return select;
}

// The form that asks who is there. It stands in the place of the view, so that the address keeps where one was.
import {element} from "../app/element.js";
import {explain} from "./notices.js";
import {say} from "../app/language.js";
import * as session from "../app/session.js";

export function signIn(onEntered) {
    const email = element("input", {id: "email", type: "email", name: "email", autocomplete: "username", required: true});
    const password = element("input", {id: "password", type: "password", name: "password",
        autocomplete: "current-password", required: true});
    const trouble = element("p", {class: "trouble", role: "alert"});
    const enter = element("button", {class: "button primary", type: "submit"}, say("sign_in.enter"));

    const form = element("form", {class: "card form", on: {submit: async (event) => {
        event.preventDefault();
        enter.disabled = true;
        trouble.textContent = "";
        try {
            await session.signIn(email.value.trim(), password.value);
            await onEntered();
        } catch (error) {
            session.forget();
            trouble.textContent = tell(error);
            password.value = "";
            password.focus();
        } finally {
            enter.disabled = false;
        }
    }}},
    element("h1", {tabindex: "-1"}, say("sign_in.title")),
    element("label", {for: "email"}, say("sign_in.email")), email,
    element("label", {for: "password"}, say("sign_in.password")), password,
    trouble, enter,
    element("p", {class: "quiet"}, say("sign_in.help")));
    return element("div", {class: "sign-in"}, form);
}

function tell(error) {
    // Signed in, and still nobody: the browser did not keep the cookie.
    if (error.code === "credential_missing") return say("problem.cookie_refused");
    if (error.status === 401) return say("sign_in.wrong");
    if (error.retryAfterSeconds) return say("sign_in.wait", {count: error.retryAfterSeconds});
    return explain(error);
}

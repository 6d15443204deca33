// Says beside a button what became of its work. A session that has ended is the frame's matter: it asks who is there,
// and leads back here.
import {explain} from "./notices.js";
import * as address from "../app/address.js";

export function tell(error, place) {
    if (error.name === "AbortError") return; // the view is gone
    if (error.status === 401) return void address.go(address.link({}), {replace: true});
    place.textContent = error.status === undefined ? String(error.message ?? error) : explain(error);
}

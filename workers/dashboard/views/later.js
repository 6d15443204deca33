// The views that are fetched when one of them is first opened: together they weigh less than the overview.
export {build as audit} from "./audit.js";
export {build as exports} from "./exports.js";
export {build as jobs} from "./jobs.js";
export {build as keys} from "./keys.js";
export {build as sources} from "./sources.js";
export {build as summary} from "./summary.js";
export {build as tenants} from "./tenants.js";
export {build as tickets} from "./tickets.js";
export {build as users} from "./users.js";

// Read before everything else: the question who is there is on its way while the libraries behind it make themselves
// ready, which takes as long as the answer. show() waits for it, and asks again and tells if it fails.
import {refresh} from "./session.js";

refresh().catch(() => {});

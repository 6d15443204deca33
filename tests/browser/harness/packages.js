// The packages from npm, which lie in the build folder and not beside the tests.
import {createRequire} from "node:module";
import {existsSync} from "node:fs";
import {join} from "node:path";

const require = createRequire(join(process.env.MSP_BROWSER_PACKAGES, "node_modules", "x"));

export const {chromium} = require("playwright-core");
export const axe = require("axe-core").source;

// Debian's own; another machine may name its Chromium.
export const browserPath = process.env.MSP_CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(browserPath)) throw new Error(`there is no ${browserPath}; install Debian's chromium`);

// The page's words, without a browser.
import {fileURLToPath} from "node:url";
import {join} from "node:path";

export const dashboard = fileURLToPath(new URL("../../../workers/dashboard", import.meta.url));

const read = async (file) => (await import(join(dashboard, "words", `${file}.js`))).default;
const whole = async (code) => ({...await read(code), ...await read(`${code}_sources`)});

export const words = {en: await whole("en"), fr: await whole("fr")};

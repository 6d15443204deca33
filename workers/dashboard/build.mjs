// Builds the dashboard into one C file: bundles the modules, gives every file a name made of its content, compresses
// it ahead. Usage: node build.mjs OUTPUT.c. Needs no network.
import {createHash} from "node:crypto";
import {mkdirSync, readFileSync, writeFileSync} from "node:fs";
import {basename, dirname, extname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {gzipSync} from "node:zlib";
import {createRequire} from "node:module";

const [output, packages] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const {build} = createRequire(join(packages, "node_modules", "x"))("esbuild");

const CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
};

const bundled = await build({
    absWorkingDir: here,
    entryPoints: {main: "app/main.js", page: "style/page.css", icon: "icon.svg"},
    outdir: "/assets",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: {".svg": "copy"},
    nodePaths: [join(packages, "node_modules")],
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["es2022"],
    minify: true,
    legalComments: "none",
    charset: "utf8",
    write: false,
    metafile: true,
});

const assets = bundled.outputFiles.map((file) => ({
    name: basename(file.path),
    bytes: Buffer.from(file.contents),
}));

// What became of a source file: [path, {imports, …}].
const made = (entry) => Object.entries(bundled.metafile.outputs).find(
    ([, one]) => one.entryPoint === entry || Object.keys(one.inputs).join() === entry);

// The name under which it is served.
const served = (entry) => `/assets/${basename(made(entry)[0])}`;

// The modules that it cannot begin without are asked for together with it, not only once it is read.
const preloads = (entry) => made(entry)[1].imports.filter(({kind}) => kind === "import-statement")
    .map(({path}) => `<link rel="modulepreload" href="/assets/${basename(path)}">`).join("\n");

const page = readFileSync(join(here, "index.html"), "utf8")
    .replaceAll(/\{\{preload (.+?)\}\}/g, (_, entry) => preloads(entry))
    .replaceAll(/\{\{(.+?)\}\}/g, (_, entry) => served(entry));

function bytes(name, content) {
    const lines = [];
    for (let at = 0; at < content.length; at += 32) lines.push([...content.subarray(at, at + 32)].join(","));
    return `static const unsigned char ${name}[] = {\n${lines.join(",\n")}\n};\n`;
}

const files = [{name: "", bytes: Buffer.from(page)}, ...assets.sort((a, b) => (a.name < b.name ? -1 : 1))];
let arrays = "";
let rows = "";
files.forEach((file, at) => {
    const type = CONTENT_TYPES[file.name === "" ? ".html" : extname(file.name)];
    if (type === undefined) throw new Error(`no content type is known for ${file.name}`);
    const packed = gzipSync(file.bytes, {level: 9});
    const tag = createHash("sha256").update(file.bytes).digest("hex").slice(0, 32);
    arrays += bytes(`plain_${at}`, file.bytes) + bytes(`packed_${at}`, packed);
    rows += `    {"${file.name}", "${type}", "\\"${tag}\\"", "\\"${tag}-gzip\\"", plain_${at}, sizeof plain_${at}, ` +
        `packed_${at}, sizeof packed_${at}},\n`;
});

mkdirSync(dirname(output), {recursive: true});
writeFileSync(output, `/* Generated from workers/dashboard. */
#include "dashboard_files.h"

${arrays}
const struct msp_dashboard_file msp_dashboard_files[] = {
${rows}};
const size_t msp_dashboard_file_count = sizeof msp_dashboard_files / sizeof msp_dashboard_files[0];
`);

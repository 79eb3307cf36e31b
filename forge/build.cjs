// Makes one file each of the shell and of the export function: node build.cjs <from> <to>

const path = require("node:path");
const { buildSync } = require("esbuild");

const [from, to] = process.argv.slice(2);
const nodePaths = (process.env.NODE_PATH ?? "").split(path.delimiter);
const usual = { bundle: true, nodePaths, minify: true, legalComments: "none", logLevel: "warning" };

for (const resource of ["main", "macro-config"]) {
  buildSync({
    ...usual,
    entryPoints: [path.join(from, "shell", "shell.js")],
    outfile: path.join(to, "static", resource, "shell.js"),
    platform: "browser",
    format: "iife",
    target: "es2022",
  });
}
buildSync({
  ...usual,
  entryPoints: [path.join(from, "src", "index.js")],
  outfile: path.join(to, "src", "index.js"),
  platform: "node",
  format: "cjs",
  target: "node20",
});

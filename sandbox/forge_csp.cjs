// Prints the content security policy with which Forge serves a shell: node forge_csp.cjs <folder> <host>

const fs = require("node:fs");
const path = require("node:path");
const { load } = require("cheerio");
const { parse } = require("yaml");
const { CSPInjectionService, CSPProcessingService } = require("@forge/csp");

const [folder, hostname] = process.argv.slice(2);
const { permissions } = parse(fs.readFileSync(path.join(folder, "manifest.yml"), "utf8"));
const body = fs.readFileSync(path.join(folder, "static", "main", "index.html"), "utf8");
const processing = new CSPProcessingService({ info() {} }, load);
const existingCSPDetails = processing.getCspDetails(body, permissions);
const policy = new CSPInjectionService().getInjectableCSP({
  existingCSPDetails,
  microsEnv: "prod",
  hostname,
});
console.log(policy.join("; "));

// atlassian-connect-express, stripped to its middleware: one signed page, nothing else.
// Asked by the benchmark as `node server.cjs <sites, page and store as JSON>`; its first line says where it serves.
const { mkdtempSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const asked = JSON.parse(process.argv[2]);
process.chdir(mkdtempSync(join(tmpdir(), "plumbline-bench-ace-")));
writeFileSync("atlassian-connect.json", JSON.stringify(asked.descriptor));

const express = require("express");
const ace = require("atlassian-connect-express");
const quiet = { info() {}, warn() {}, error: console.error };
const sequelize = require("atlassian-connect-express/lib/store/sequelize");
ace.store.register("bench", (logger, options) =>
  sequelize(logger, options.url ? options : { ...options, dialectModule: require("./sqlite.cjs") }),
);

const app = express();
app.disable("x-powered-by");
const store = asked.database
  ? { adapter: "bench", url: asked.database, dialect: "postgres", logging: false }
  : { adapter: "bench", type: "memory", logging: false };
const config = { production: { product: "confluence", watch: false, store, localBaseUrl: asked.descriptor.baseUrl } };
const addon = ace(app, { config }, quiet, async () => {
  for (const site of asked.sites) await addon.settings.saveInstallation(site, site.clientKey);
  app.use(addon.middleware());
  // Without it the library takes a request that has no token in its query for a broken one.
  app.use((request, _answer, next) => ((request.body ??= {}), next()));
  app.get(asked.path, addon.authenticate(), (_request, answer) => answer.type("html").send(asked.body));
  const server = app.listen(0, "127.0.0.1", () => {
    const { version } = require("atlassian-connect-express/package.json");
    const versions = { ace: version, express: require("express/package.json").version, node: process.version };
    console.log(JSON.stringify({ port: server.address().port, pid: process.pid, versions }));
  });
});

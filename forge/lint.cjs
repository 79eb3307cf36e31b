// Atlassian's own checks of a manifest, without a login and without the network.

const { ProcessorBuilder, ValidationTypes } = require("@forge/manifest");

const CHECKS = ["FULL", "FORGE_REMOTE_COMPUTE", "PRODUCT_TRIGGER", "DEPRECATED_EGRESS_PERMISSIONS"];

(async () => {
  let isBad = false;
  for (const check of CHECKS) {
    const lint = ProcessorBuilder.instance().withValidation(ValidationTypes[check]).build();
    const result = await lint.process("manifest.yml");
    for (const error of result.errors ?? []) {
      console.log(`${error.level} ${error.line}:${error.column} [${check}] ${error.message}`);
    }
    isBad ||= !result.success;
    if (isBad) break;
  }
  process.exit(isBad ? 1 : 0);
})();

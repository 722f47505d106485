// Runs the GraphQL over HTTP audit against the given endpoint and reports the checks that fail.
const { auditServer } = require('graphql-http');

const CHECKS = 61;

(async () => {
  const results = await auditServer({ url: process.argv[2] });
  const good = results.filter((result) => result.status === 'ok').length;
  for (const { status, id, name, reason } of results) {
    if (status !== 'ok') console.error(`${status} ${id} ${name}: ${reason}`);
  }
  console.log(`${good} of ${results.length} checks of GraphQL over HTTP pass`);
  // Without the expected number, a suite with fewer checks would pass unnoticed.
  process.exitCode = good === CHECKS && results.length === CHECKS ? 0 : 1;
})();

// Runs the audit of GraphQL over HTTP against the endpoint that is named, and tells what is not as it should be.
const { auditServer } = require('graphql-http');

const CHECKS = 61;

(async () => {
  const results = await auditServer({ url: process.argv[2] });
  const good = results.filter((result) => result.status === 'ok').length;
  for (const { status, id, name, reason } of results) {
    if (status !== 'ok') console.error(`${status} ${id} ${name}: ${reason}`);
  }
  console.log(`${good} of ${results.length} checks of GraphQL over HTTP pass`);
  // Fewer checks than there were would pass unnoticed.
  process.exitCode = good === CHECKS && results.length === CHECKS ? 0 : 1;
})();

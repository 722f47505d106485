// Builds the schema. By itself, graphql-js accepts any literal for a custom scalar.
const { GraphQLError, Kind, buildSchema } = require('graphql');

function isDay(text) {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (parts === null || parts[1] === '0000') return false;
  const time = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text);
}

const scalars = {
  Date: (node) => node.kind === Kind.STRING && isDay(node.value),
  DateTime: (node) =>
    node.kind === Kind.STRING &&
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$/.test(node.value) &&
    isDay(node.value.slice(0, 10)) &&
    !Number.isNaN(Date.parse(node.value)),
  Decimal: (node) =>
    (node.kind === Kind.STRING && /^-?\d+(\.\d+)?$/.test(node.value) && node.value.replace(/\D/g, '').length <= 28) ||
    (node.kind === Kind.INT && BigInt.asIntN(64, BigInt(node.value)) === BigInt(node.value)),
};

function readSchema(sdl) {
  const schema = buildSchema(sdl);
  for (const [name, accepts] of Object.entries(scalars)) {
    schema.getType(name).parseLiteral = (node) => {
      if (!accepts(node)) throw new GraphQLError(`not a valid ${name}`, { nodes: node });
      return true;
    };
  }
  return schema;
}

module.exports = { readSchema };

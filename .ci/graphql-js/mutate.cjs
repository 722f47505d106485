// Makes mistakes in a document: changes in its tree, and in its text.
const graphql = require('graphql');
const { Kind, print } = graphql;

// Without locations, which refer to each other.
const parse = (text) => graphql.parse(text, { noLocation: true });
const parseType = (text) => graphql.parseType(text, { noLocation: true });
const parseValue = (text) => graphql.parseValue(text, { noLocation: true });

// Returns all nodes of these kinds, with the lists that contain them.
function find(document, kinds) {
  const found = [];
  const look = (node, list) => {
    if (Array.isArray(node)) {
      node.forEach((item) => look(item, node));
    } else if (node !== null && typeof node === 'object') {
      if (kinds.includes(node.kind)) found.push({ node, list });
      Object.values(node).forEach((child) => look(child, null));
    }
  };
  look(document.definitions, null);
  return found;
}

const nameOf = (value) => ({ kind: Kind.NAME, value });
const copy = (node) => structuredClone(node);
const values = ['1', '1.5', '99999999999', '"x"', 'true', 'null', 'WORD', '[]', '[1]', '{}', '{a: 1}', '$unknown', '"2026-02-30"'];
const types = ['Int', 'String', 'ID', 'Boolean!', '[ID!]', '[[Int]]', 'AccountFilter', 'Account', 'Nothing', 'Standing!', 'JSON', 'Decimal'];

function misspell(name, random) {
  const at = random.below(name.length);
  return random.pick([
    name + 's',
    name.slice(0, at) + name.slice(at + 1) || 'x',
    name.slice(0, at) + 'q' + name.slice(at + 1),
    name[0] === name[0].toUpperCase() ? name.toLowerCase() : name.toUpperCase(),
    'nothing',
  ]);
}

// Each mistake changes the document, or does nothing where it has no place.
const mistakes = {
  misspellField: (d, r) => at(d, r, [Kind.FIELD], ({ node }) => (node.name = nameOf(misspell(node.name.value, r)))),
  otherField: (d, r, schema) =>
    at(d, r, [Kind.FIELD], ({ node }) => {
      const type = r.pick(Object.values(schema.getTypeMap()).filter((type) => 'getFields' in type));
      node.name = nameOf(r.pick(Object.keys(type.getFields())));
    }),
  sameAlias: (d, r) => at(d, r, [Kind.FIELD], ({ node }) => (node.alias = nameOf(r.pick(['same', 'id', 'name'])))),
  noAlias: (d, r) => at(d, r, [Kind.FIELD], ({ node }) => (node.alias = undefined)),
  noAliases: (d) => find(d, [Kind.FIELD]).forEach(({ node }) => (node.alias = undefined)),
  twoFields: (d, r) => at(d, r, [Kind.FIELD], ({ node, list }) => list.push(copy(node))),
  twoFieldsThatDiffer: (d, r) =>
    at(d, r, [Kind.FIELD], ({ node, list }) => {
      const other = copy(node);
      const values = find({ definitions: [other] }, [Kind.INT, Kind.STRING, Kind.ENUM, Kind.BOOLEAN]);
      if (values.length > 0) Object.assign(r.pick(values).node, parseValue('7'));
      list.push(other);
    }),
  fieldsOnBothSides: (d, r) =>
    at(d, r, [Kind.SELECTION_SET], ({ node }) => {
      const other = r.pick(find(d, [Kind.SELECTION_SET])).node;
      node.selections.push(...copy(other.selections).slice(0, 2));
    }),
  noSelections: (d, r) => at(d, r, [Kind.FIELD], ({ node }) => (node.selectionSet = undefined)),
  selectionsOfNothing: (d, r) =>
    at(d, r, [Kind.FIELD], ({ node }) => (node.selectionSet ??= parse('{ __typename }').definitions[0].selectionSet)),
  noArgument: (d, r) => at(d, r, [Kind.ARGUMENT], remove),
  twoArguments: (d, r) => at(d, r, [Kind.ARGUMENT], ({ node, list }) => list.push(copy(node))),
  misspellArgument: (d, r) => at(d, r, [Kind.ARGUMENT], ({ node }) => (node.name = nameOf(misspell(node.name.value, r)))),
  extraArgument: (d, r) =>
    at(d, r, [Kind.FIELD, Kind.DIRECTIVE], ({ node }) =>
      node.arguments.push({ kind: Kind.ARGUMENT, name: nameOf(r.pick(['first', 'if', 'extra'])), value: parseValue('1') }),
    ),
  noInputField: (d, r) => at(d, r, [Kind.OBJECT_FIELD], remove),
  twoInputFields: (d, r) => at(d, r, [Kind.OBJECT_FIELD], ({ node, list }) => list.push(copy(node))),
  misspellInputField: (d, r) => at(d, r, [Kind.OBJECT_FIELD], ({ node }) => (node.name = nameOf(misspell(node.name.value, r)))),
  otherValue: (d, r) =>
    at(d, r, [Kind.ARGUMENT, Kind.OBJECT_FIELD], ({ node }) => (node.value = parseValue(r.pick(values)))),
  wrapValue: (d, r) =>
    at(d, r, [Kind.ARGUMENT, Kind.OBJECT_FIELD], ({ node }) => (node.value = { kind: Kind.LIST, values: [node.value] })),
  unwrapValue: (d, r) => at(d, r, [Kind.LIST], ({ node }) => node.values[0] && Object.assign(node, copy(node.values[0]))),
  enumAsString: (d, r) => at(d, r, [Kind.ENUM], ({ node }) => (node.kind = Kind.STRING)),
  stringAsEnum: (d, r) => at(d, r, [Kind.STRING], ({ node }) => Object.assign(node, { kind: Kind.ENUM, value: 'ACME', block: undefined })),
  misspellEnum: (d, r) => at(d, r, [Kind.ENUM], ({ node }) => (node.value = misspell(node.value, r))),
  largeNumber: (d, r) => at(d, r, [Kind.INT, Kind.FLOAT], ({ node }) => (node.value = r.pick(['2147483648', '-2147483649', '1e3', '0.0']))),
  otherVariable: (d, r) => at(d, r, [Kind.VARIABLE], ({ node }) => (node.name = nameOf(r.pick(['unknown', 'v0', 'v1', 'v2'])))),
  noVariableDefinition: (d, r) => at(d, r, [Kind.VARIABLE_DEFINITION], remove),
  twoVariableDefinitions: (d, r) => at(d, r, [Kind.VARIABLE_DEFINITION], ({ node, list }) => list.push(copy(node))),
  extraVariableDefinition: (d, r) =>
    at(d, r, [Kind.OPERATION_DEFINITION], ({ node }) =>
      node.variableDefinitions.push(parse('query ($extra: Int) { a }').definitions[0].variableDefinitions[0]),
    ),
  otherType: (d, r) => at(d, r, [Kind.VARIABLE_DEFINITION], ({ node }) => (node.type = parseType(r.pick(types)))),
  nullableType: (d, r) =>
    at(d, r, [Kind.VARIABLE_DEFINITION], ({ node }) => {
      node.type = node.type.kind === Kind.NON_NULL_TYPE ? node.type.type : { kind: Kind.NON_NULL_TYPE, type: node.type };
    }),
  listType: (d, r) => at(d, r, [Kind.VARIABLE_DEFINITION], ({ node }) => (node.type = { kind: Kind.LIST_TYPE, type: node.type })),
  otherDefault: (d, r) => at(d, r, [Kind.VARIABLE_DEFINITION], ({ node }) => (node.defaultValue = parseValue(r.pick(values).replace('$', '')))),
  noDefault: (d, r) => at(d, r, [Kind.VARIABLE_DEFINITION], ({ node }) => (node.defaultValue = undefined)),
  directive: (d, r) =>
    at(d, r, [Kind.FIELD, Kind.FRAGMENT_SPREAD, Kind.INLINE_FRAGMENT, Kind.OPERATION_DEFINITION, Kind.FRAGMENT_DEFINITION], ({ node }) => {
      const text = r.pick(['@skip(if: true)', '@include(if: false)', '@skip', '@nothing', '@skip(if: 1)', '@include(when: true)', '@deprecated', '@skip(if: true) @skip(if: true)']);
      const extra = parse(`{ a ${text} }`).definitions[0].selectionSet.selections[0].directives;
      node.directives = [...(node.directives ?? []), ...extra];
    }),
  twoDirectives: (d, r) => at(d, r, [Kind.DIRECTIVE], ({ node, list }) => list.push(copy(node))),
  otherSpread: (d, r) =>
    at(d, r, [Kind.FRAGMENT_SPREAD], ({ node }) => {
      const known = find(d, [Kind.FRAGMENT_DEFINITION]).map(({ node }) => node.name.value);
      node.name = nameOf(r.pick([...known, 'Nothing', misspell(node.name.value, r)]));
    }),
  extraSpread: (d, r) =>
    at(d, r, [Kind.SELECTION_SET], ({ node }) => {
      const known = find(d, [Kind.FRAGMENT_DEFINITION]).map(({ node }) => node.name.value);
      node.selections.push({ kind: Kind.FRAGMENT_SPREAD, name: nameOf(r.pick([...known, ...known, 'Nothing'])), directives: [] });
    }),
  noSpread: (d, r) => at(d, r, [Kind.FRAGMENT_SPREAD], remove),
  cycle: (d, r) =>
    at(d, r, [Kind.FRAGMENT_DEFINITION], ({ node }) =>
      node.selectionSet.selections.push({ kind: Kind.FRAGMENT_SPREAD, name: node.name, directives: [] }),
    ),
  otherCondition: (d, r, schema) =>
    at(d, r, [Kind.INLINE_FRAGMENT, Kind.FRAGMENT_DEFINITION], ({ node }) => {
      const name = r.pick([...Object.keys(schema.getTypeMap()), 'Nothing', 'Node', 'Account', 'Contact', 'Query']);
      node.typeCondition = { kind: Kind.NAMED_TYPE, name: nameOf(name) };
    }),
  twoFragments: (d, r) => at(d, r, [Kind.FRAGMENT_DEFINITION], ({ node }) => d.definitions.push(copy(node))),
  unusedFragment: (d) => d.definitions.push(parse('fragment Unused on Query { me { id } }').definitions[0]),
  noFragment: (d, r) => at(d, r, [Kind.FRAGMENT_DEFINITION], ({ node }) => d.definitions.splice(d.definitions.indexOf(node), 1)),
  twoOperations: (d, r) => at(d, r, [Kind.OPERATION_DEFINITION], ({ node }) => d.definitions.push(copy(node))),
  anonymousOperation: (d, r) => at(d, r, [Kind.OPERATION_DEFINITION], ({ node }) => (node.name = undefined)),
  extraOperation: (d) => d.definitions.push(parse('{ me { id } }').definitions[0]),
  otherOperation: (d, r) => at(d, r, [Kind.OPERATION_DEFINITION], ({ node }) => (node.operation = r.pick(['query', 'mutation', 'subscription']))),
};

function remove({ node, list }) {
  list.splice(list.indexOf(node), 1);
}

function at(document, random, kinds, change) {
  const place = random.pick(find(document, kinds));
  if (place !== undefined) change(place);
}

// Changes characters or words of a text.
function mutateText(text, random) {
  const words = text.match(/\w+|\s+|./gs);
  const at = random.below(words.length);
  const other = random.pick(['{', '}', '(', ')', '[', ']', ':', '$', '@', '!', '=', '"', '"""', '...', '#', '\\u{41}', 'on', 'null', '1', '-', '01', '1.5', '?', 'é', '\n']);
  switch (random.below(4)) {
    case 0:
      words.splice(at, 1);
      break;
    case 1:
      words.splice(at, 0, other);
      break;
    case 2:
      words[at] = other;
      break;
    default:
      words.splice(at, 1, random.pick(words), words[at]);
  }
  return words.join('');
}

function mutate(text, count, schema, random) {
  if (count > 0 && random.chance(0.15)) return mutateText(text, random);
  if (count === 0) return text;
  const document = structuredClone(parse(text));
  for (let number = 0; number < count; number++) {
    mistakes[random.pick(Object.keys(mistakes))](document, random, schema);
  }
  return print(document);
}

module.exports = { mutate };

// Generates documents that are valid for a schema: operations with variables, fragments, aliases and directives.
const {
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} = require('graphql');

// Selections of one operation, with its fragments: far below the limits of the server.
const MOST_SELECTIONS = 60;
const MOST_LEVELS = 7;

const literals = {
  Int: ['0', '7', '-3', '2147483647', '-2147483648'],
  Float: ['0', '1.5', '-2.0e3', '7'],
  String: ['""', '"x"', '"\\ud83d\\ude00"', '"\\u{1F600}"', '"é\\n\\""', '"""block\n  "text" """', '"ACME"'],
  Boolean: ['true', 'false'],
  ID: ['"account_01h455vb4pex5vsknk084sn02q"', '7', '"x"'],
  Date: ['"2026-02-28"', '"2024-02-29"'],
  DateTime: ['"2017-04-03T09:30:00Z"', '"2017-04-03T09:30:00+02:00"'],
  Decimal: ['"1234.50"', '12', '"-0.01"'],
  JSON: ['{}', '{a: 1.50, b: [true, null, {c: "d"}]}', '"x"', '12345678901234567890', 'null', 'WORD'],
};

class Generator {
  constructor(schema, random) {
    this.schema = schema;
    this.random = random;
    this.fragments = [];
    this.names = 0;
  }

  document() {
    const operations = this.random.chance(0.12) ? 2 : 1;
    const texts = [];
    for (let number = 0; number < operations; number++) {
      texts.push(this.operation(operations > 1));
    }
    texts.push(...this.fragments.map((fragment) => fragment.text));
    if (this.random.chance(0.2)) texts.reverse();
    return texts.join(this.random.pick([' ', '\n', '\r\n', ' # a comment\n', ',']));
  }

  name(prefix) {
    return `${prefix}${this.names++}`;
  }

  operation(named) {
    const { random, schema } = this;
    this.variables = new Map();
    this.left = MOST_SELECTIONS;
    // A fragment uses the variables of its operation, so that another operation does not spread it.
    for (const fragment of this.fragments) fragment.closed = true;
    const kind = random.pick(['query', 'query', 'query', 'mutation']);
    const root = kind === 'query' ? schema.getQueryType() : schema.getMutationType();
    const set = this.selectionSet(root, 0);
    const name = named || random.chance(0.5) ? ` ${this.name('Operation')}` : '';
    const definitions = [...this.variables.values()].map((variable) => variable.definition);
    if (kind === 'query' && name === '' && definitions.length === 0 && random.chance(0.7)) return set;
    return `${kind}${name}${definitions.length > 0 ? `(${definitions.join(', ')})` : ''} ${set}`;
  }

  selectionSet(type, level) {
    const { random } = this;
    const count = 1 + random.below(4);
    const selections = [];
    const keys = new Set();
    for (let number = 0; number < count && (number === 0 || this.left > 0); number++) {
      this.left--;
      const nests = level < MOST_LEVELS && this.left > 0;
      if (nests && random.chance(0.12)) {
        selections.push(this.inline(type, level));
      } else if (nests && random.chance(0.1)) {
        selections.push(this.spread(type, level));
      } else {
        selections.push(this.field(type, level, keys));
      }
    }
    return `{ ${selections.join(' ')} }`;
  }

  field(type, level, keys) {
    const { random, schema } = this;
    if (random.chance(0.08)) return `__typename${this.directives()}`;
    if (type === schema.getQueryType() && random.chance(0.04)) {
      return this.introspection();
    }
    const nests = level < MOST_LEVELS && this.left > 0;
    const all = 'getFields' in type ? Object.values(type.getFields()) : [];
    const fitting = all.filter((field) => nests || isLeafType(getNamedType(field.type)));
    const field = random.pick(fitting);
    if (field === undefined) return '__typename';
    const given = this.arguments(field.args, isRequiredArgument);
    // A key of its own, unless nothing can differ: fragments may select the same key.
    const of = getNamedType(field.type);
    const plain = given === '' && isLeafType(of) && isObjectType(type);
    const alias = !plain || keys.has(field.name) || random.chance(0.1) ? `${this.name('a')}: ` : '';
    keys.add(field.name);
    const set = isCompositeType(of) ? ` ${this.selectionSet(of, level + 1)}` : '';
    return `${alias}${field.name}${given}${this.directives()}${set}`;
  }

  introspection() {
    return this.random.pick([
      `${this.name('a')}: __schema { queryType { name fields { name args { name } } } directives { name } }`,
      `${this.name('a')}: __type(name: "Account") { kind name fields(includeDeprecated: true) { name type { ofType { name } } } }`,
    ]);
  }

  arguments(definitions, isRequired) {
    const given = [];
    for (const definition of definitions) {
      if (isRequired(definition) || this.random.chance(0.25)) {
        given.push(`${definition.name}: ${this.value(definition.type, definition.defaultValue !== undefined, 0)}`);
      }
    }
    return given.length > 0 ? `(${given.join(', ')})` : '';
  }

  value(type, hasDefault, level, variables = true) {
    const { random } = this;
    if (variables && random.chance(level === 0 ? 0.3 : 0.12)) return this.variable(type, hasDefault);
    if (!isNonNullType(type) && random.chance(0.08)) return 'null';
    const nullable = getNullableType(type);
    if (isListType(nullable)) {
      // A single value counts as a list of one.
      if (random.chance(0.2)) return this.value(nullable.ofType, false, level + 1, variables && isListType(nullable.ofType));
      const items = [];
      for (let number = random.below(3); number > 0; number--) {
        items.push(this.value(nullable.ofType, false, level + 1, variables));
      }
      return `[${items.join(' ')}]`;
    }
    if (isInputObjectType(nullable)) return this.object(nullable, level, variables);
    if (isEnumType(nullable)) return random.pick(nullable.getValues()).name;
    return random.pick(literals[nullable.name].filter((literal) => literal !== 'null' || !isNonNullType(type)));
  }

  object(type, level, variables) {
    const { random } = this;
    const fields = Object.values(type.getFields());
    if (type.isOneOf) {
      const field = random.pick(fields);
      const inner = getNullableType(field.type);
      const value = isInputObjectType(inner) ? this.object(inner, level + 1, variables) : random.pick(literals[inner.name]);
      return `{${field.name}: ${value}}`;
    }
    const given = [];
    for (const field of fields) {
      if (isRequiredInputField(field) || (level < 4 && random.chance(2 / (fields.length + 1)))) {
        given.push(`${field.name}: ${this.value(field.type, field.defaultValue !== undefined, level + 1, variables)}`);
      }
    }
    return `{${given.join(', ')}}`;
  }

  variable(type, hasDefault) {
    const { random } = this;
    const known = [...this.variables].filter(([, variable]) => variable.type === String(type));
    if (known.length > 0 && random.chance(0.5)) return `$${random.pick(known)[0]}`;
    const name = this.name('v');
    let written = String(type);
    let initial = '';
    if (!isNonNullType(type)) {
      // A stricter type fits as well.
      if (random.chance(0.3)) written += '!';
      else if (random.chance(0.3)) initial = ` = ${this.value(type, false, 2, false)}`;
    } else if (hasDefault && random.chance(0.5)) {
      written = String(type.ofType);
    } else if (random.chance(0.2)) {
      written = String(type.ofType);
      initial = ` = ${this.value(type, false, 2, false)}`;
    }
    this.variables.set(name, { type: String(type), definition: `$${name}: ${written}${initial}` });
    return `$${name}`;
  }

  directives() {
    const { random } = this;
    let text = '';
    for (const name of ['skip', 'include']) {
      if (random.chance(0.04)) {
        text += ` @${name}(if: ${this.value(this.schema.getDirective(name).args[0].type, false, 0)})`;
      }
    }
    return text;
  }

  // Returns a type that some objects of the given type have.
  narrowed(type) {
    const { random, schema } = this;
    if (isAbstractType(type)) return random.pick([type, ...schema.getPossibleTypes(type)]);
    const above = Object.values(schema.getTypeMap()).filter((other) => isAbstractType(other) && schema.isSubType(other, type));
    return random.pick([type, ...above]);
  }

  inline(type, level) {
    if (this.random.chance(0.2)) return `...${this.directives()} ${this.selectionSet(type, level + 1)}`;
    const narrowed = this.narrowed(type);
    return `... on ${narrowed.name}${this.directives()} ${this.selectionSet(narrowed, level + 1)}`;
  }

  spread(type, level) {
    const { random } = this;
    const known = this.fragments.filter((fragment) => !fragment.closed && fragment.on === type.name);
    if (known.length > 0 && random.chance(0.5)) return `...${random.pick(known).name}${this.directives()}`;
    const narrowed = this.narrowed(type);
    const name = this.name('Fragment');
    const text = `fragment ${name} on ${narrowed.name} ${this.selectionSet(narrowed, level + 1)}`;
    this.fragments.push({ name, on: narrowed.name, text, closed: false });
    return `...${name}${this.directives()}`;
  }
}

module.exports = { Generator };

// Prints one line of JSON for each document, generated or read from the corpus: its text, whether graphql-js finds it
// valid, and the messages of graphql-js.
//   node verdicts.cjs SCHEMA CORPUS DOCUMENTS SEED
const fs = require('node:fs');
const { parse, validate } = require('graphql');
const { Generator } = require('./generate.cjs');
const { mutate } = require('./mutate.cjs');
const { dice } = require('./dice.cjs');
const { rules } = require('./rules.cjs');
const { readSchema } = require('./schema.cjs');

const [, , schemaFile, corpusFile, count, seed] = process.argv;
const schema = readSchema(fs.readFileSync(schemaFile, 'utf8'));

function verdict(text) {
  try {
    const errors = validate(schema, parse(text), rules);
    return { text, valid: errors.length === 0, messages: errors.map((error) => error.message) };
  } catch (error) {
    return { text, valid: false, messages: [error.message] };
  }
}

function print(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

for (const block of fs.readFileSync(corpusFile, 'utf8').split(/^#### /m).slice(1)) {
  const [title, ...lines] = block.split('\n');
  const found = verdict(lines.join('\n'));
  const expected = title.startsWith('valid: ');
  if (found.valid !== expected) {
    throw new Error(`graphql-js disagrees with the corpus on "${title}": ${found.messages.join(' | ')}`);
  }
  print({ ...found, title });
}

const random = dice(Number(seed));
let valid = 0;
for (let number = 0; number < Number(count); number++) {
  const document = new Generator(schema, random).document();
  // A third of the documents stay as they are.
  const mistakes = random.pick([0, 0, 1, 1, 1, 2]);
  const found = verdict(mutate(document, mistakes, schema, random));
  valid += found.valid ? 1 : 0;
  print({ ...found, title: `generated ${number}` });
}
// A generator that generates documents of one kind only would show nothing.
if (Number(count) >= 1000 && (valid < count / 4 || valid > (count * 3) / 4)) {
  throw new Error(`${valid} of ${count} generated documents are valid`);
}

// Checks that documents are OpenAPI 3.1 whose references lead somewhere, and that what
// was exchanged is as the first of them says.
// Usage: openapi.mjs EXCHANGES DOCUMENT...
// EXCHANGES is a list of {method, path, status, sent, answered}; the path is the document's.
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const [exchanges, ...documents] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, "utf8"));

function fail(...what) {
  console.error(...what);
  process.exitCode = 1;
}

for (const file of documents) {
  const validator = new Validator();
  const result = await validator.validate(read(file));
  if (!result.valid) fail(file, JSON.stringify(result.errors, null, 1));
  else if (validator.version !== "3.1") fail(`${file} is of version ${validator.version}`);
  else validator.resolveRefs(); // throws at one that leads nowhere
}

const document = read(documents[0]);
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(document, "document");

function at(...keys) {
  const pointer = keys.map((k) => encodeURIComponent(String(k).replaceAll("~", "~0").replaceAll("/", "~1")));
  return { pointer: `document#/${pointer.join("/")}`, value: keys.reduce((v, k) => v?.[k], document) };
}

function check(name, { pointer, value }, data) {
  if (value === undefined) return fail(`${name}: nothing at ${pointer}`);
  const valid = ajv.compile({ $ref: pointer });
  if (!valid(data)) fail(`${name}: ${JSON.stringify(valid.errors, null, 1)} in ${JSON.stringify(data)}`);
}

const json = ["content", "application/json", "schema"];
for (const { method, path, status, sent, answered } of read(exchanges)) {
  const operation = ["paths", path, method.toLowerCase()];
  const name = `${method} ${path} ${status}`;
  if (sent != null) check(`${name} sent`, at(...operation, "requestBody", ...json), sent);
  let answer = [...operation, "responses", status];
  const ref = at(...answer).value?.$ref;
  if (ref) answer = ref.slice(2).split("/");
  check(name, at(...answer, ...json), answered);
  const examples = at(...answer, "content", "application/json", "examples");
  for (const [key, example] of Object.entries(examples.value ?? {})) {
    check(`${name}, example ${key}`, at(...answer, ...json), example.value);
  }
}
for (const [path, operations] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const body = ["paths", path, method, "requestBody", "content", "application/json"];
    if (operation.requestBody && at(...body, "example").value !== undefined) {
      check(`${method} ${path}, example`, at(...body, "schema"), at(...body, "example").value);
    }
  }
}

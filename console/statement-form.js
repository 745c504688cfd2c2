// The form of a policy's statements: one group of fields for each.

import { button, element, field, fill } from "./dom.js";
import { METHODS, NEW, fromFields } from "./statements.js";

const HINT =
  "In a path, * matches any characters, also slashes, and ? matches exactly one. A Deny overrides every Allow. " +
  "A statement with scopes counts only for a token with one of them. An Allow with seconds counts only until the sign-in is older.";

// Shows the statements in a node. Returns a function that reads them back. changed: is called after every change
export function statementForm(node, statements, changed) {
  let parts = [];
  const list = element("div", { oninput: changed });
  const add = button(
    "Add a statement",
    () => {
      draw([...read(), NEW]);
      parts.at(-1).sid.focus();
      changed();
    },
    { className: "quiet" },
  );
  fill(
    node,
    element("p", { className: "faint", textContent: HINT }),
    list,
    element("p", { className: "actions" }, add),
  );
  draw(statements);
  return read;

  function read() {
    return parts.map((part) => part.read());
  }

  function draw(shown) {
    parts = shown.map((statement, number) =>
      fields(statement, number, () => {
        draw(read().filter((_, other) => other !== number));
        add.focus();
        changed();
      }),
    );
    fill(
      list,
      parts.length
        ? parts.map((part) => part.node)
        : element("p", { className: "faint", textContent: "No statement: this policy permits nothing." }),
    );
  }
}

function fields(statement, number, remove) {
  const id = `statement-${number}`;
  const sid = element("input", {
    id: `${id}-sid`,
    value: statement.sid ?? "",
    maxLength: 64,
    spellcheck: false,
    autocomplete: "off",
  });
  const effect = element(
    "select",
    { id: `${id}-effect` },
    ["Allow", "Deny"].map((value) => element("option", { value, textContent: value })),
  );
  effect.value = statement.effect;
  const every = checkbox(`${id}-every`, "Every method", statement.methods.includes("*"));
  const methods = METHODS.map((method) => checkbox(`${id}-${method}`, method, statement.methods.includes(method)));
  const toggle = () =>
    methods.forEach(({ input }) => {
      input.disabled = every.input.checked;
    });
  every.input.addEventListener("change", toggle);
  toggle();
  const paths = lines(`${id}-paths`, statement.paths);
  const scopes = lines(`${id}-scopes`, statement.scopes ?? []);
  const seconds = element("input", {
    id: `${id}-seconds`,
    type: "number",
    min: 60,
    max: 2592000,
    value: statement.signed_in_within ?? "",
  });
  const chosen = () => methods.filter(({ input }) => input.checked).map(({ input }) => input.value);
  const node = element(
    "fieldset",
    { className: "statement" },
    element("legend", { className: "unseen", textContent: `Statement ${number + 1}` }),
    element(
      "div",
      { className: "head" },
      field("Name (sid)", sid),
      field("Effect", effect),
      button("Remove", remove, { className: "quiet danger", "aria-label": `Remove statement ${number + 1}` }),
    ),
    element(
      "div",
      { className: "methods", role: "group", "aria-label": "Methods" },
      every.label,
      methods.map(({ label }) => label),
    ),
    element(
      "div",
      { className: "fields" },
      field("Paths, one on each line", paths),
      field("Only with a scope (optional)", scopes),
      field("Maximum age of the sign-in, in seconds (optional)", seconds),
    ),
  );
  const read = () =>
    fromFields({
      sid: sid.value,
      effect: effect.value,
      methods: every.input.checked ? ["*"] : chosen(),
      paths: paths.value,
      scopes: scopes.value,
      seconds: seconds.value,
    });
  return { node, sid, read };
}

function checkbox(id, value, checked) {
  const input = element("input", { type: "checkbox", id, value, checked });
  return { input, label: element("label", { htmlFor: id }, input, value) };
}

const lines = (id, values) =>
  element("textarea", {
    id,
    rows: Math.max(2, values.length),
    value: values.join("\n"),
    spellcheck: false,
    autocomplete: "off",
  });

// The statements of a policy in two views: a form, and JSON.

import { button, element, field, fill } from "./dom.js";
import { reporting } from "./feedback.js";
import { statementForm } from "./statement-form.js";
import { fromText, toText } from "./statements.js";

// Returns {node, read}; `read` returns the statements as edited, or raises Problem.
// changed: is called after every change and after every switch of the view
export function statementViews(statements, editable, changed) {
  const body = element("div", { id: "statements" });
  const open = (name) => reporting(async () => show(name, read()));
  const switches = ["Form", "JSON"].map((name) => button(name, open(name), { className: "quiet" }));
  const node = element(
    "div",
    {},
    element(
      "div",
      { className: "title" },
      element("h3", { textContent: "Statements" }),
      element("div", { className: "switch", role: "group", "aria-label": "View" }, switches),
    ),
    body,
  );
  let read;
  show("Form", statements);
  return { node, read: () => read() };

  function show(name, shown) {
    read = name === "Form" ? statementForm(body, shown, changed) : textForm(body, shown, changed);
    switches.forEach((it) => it.setAttribute("aria-pressed", String(it.textContent === name)));
    if (!editable) body.querySelectorAll("input, select, textarea, button").forEach(disable);
    changed();
  }
}

const disable = (control) => Object.assign(control, { disabled: true });

function textForm(node, statements, changed) {
  const properties = { id: "json", rows: 18, spellcheck: false, oninput: changed };
  const text = element("textarea", { ...properties, value: toText(statements) });
  fill(node, field("Statements as JSON", text));
  return () => fromText(text.value);
}

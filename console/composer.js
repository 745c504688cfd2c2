// The dialog that fills in a request: path parameters and body.

import { element, field } from "./dom.js";
import { openDialog } from "./dialogs.js";
import { reporting } from "./feedback.js";

// send: takes {path, body}; body is undefined for a request without a body
export function composeRequest({ method, path, body }, send) {
  const names = [...path.matchAll(/\{([^}+]*)\+?\}/g)].map(([, name]) => name);
  const parameters = names.map((name) =>
    element("input", { id: `parameter-${name}`, required: true, spellcheck: false, autocomplete: "off" }),
  );
  const takesBody = method !== "GET" && method !== "HEAD";
  const text = element("textarea", {
    id: "request-body",
    rows: 6,
    spellcheck: false,
    value: body === undefined ? "" : JSON.stringify(body, null, 2),
  });
  const submit = reporting(async () => {
    const values = Object.fromEntries(names.map((name, number) => [name, parameters[number].value]));
    dialog.close();
    await send({ path: pathOf(path, values), body: takesBody && text.value.trim() ? text.value : undefined });
  });
  const dialog = openDialog(
    `${method} ${path}`,
    element(
      "form",
      { onsubmit: submit },
      names.map((name, number) => field(`{${name}}`, parameters[number])),
      takesBody && field("Body (JSON)", text, "Leave it empty for a request without a body."),
      element(
        "p",
        { className: "actions" },
        element("button", { type: "submit", textContent: "Send", className: method === "DELETE" ? "danger" : "" }),
      ),
    ),
  );
  (parameters[0] ?? text).focus();
}

// Returns the path of a request. A parameter is percent-encoded; the slashes of {name+} stay. Pure.
export function pathOf(template, values) {
  return template.replace(/\{([^}+]*)(\+?)\}/g, (_, name, greedy) =>
    (greedy ? values[name].split("/") : [values[name]]).map(encodeURIComponent).join("/"),
  );
}

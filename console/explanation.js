// The dialog that explains one cell of the access matrix: the decision, its statement and policy, the nearest change.

import { code, element, field, fill, link, terms } from "./dom.js";
import { openDialog } from "./dialogs.js";
import { notify, reporting } from "./feedback.js";
import { duration, parseSubject, reasonText } from "./format.js";
import { Problem } from "./http.js";
import { examplePath, exceptionText } from "./matrix-model.js";

// subject: of a column; route, cell: of the matrix
export function explainCell({ session }, subject, route, cell) {
  const { kind, name } = parseSubject(subject);
  const path = element("input", { id: "explained-path", value: examplePath(route, cell), spellcheck: false });
  const scopes = element("input", { id: "explained-scopes", spellcheck: false });
  const answer = element("div", { id: "explanation", role: "status" });
  const ask = reporting(async () => {
    try {
      fill(answer, explained(await session.call("POST", "/admin/explain", question()), dialog));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      fill(answer, element("p", { className: "failure", textContent: problem.message }));
    }
  });
  const question = () => ({
    method: route.method,
    path: path.value,
    scopes: scopes.value.split(/\s+/).filter(Boolean),
    ...(kind === "group" ? { groups: [name] } : { client: name }),
  });
  const form = element(
    "form",
    { className: "fields", onsubmit: ask },
    field("Path", path, "An example of a path of the route. Write another path to explain another request."),
    field("Scopes of the token", scopes, "Separated by spaces. Leave it empty for a token without custom scopes."),
    element(
      "p",
      { className: "actions" },
      element("button", { type: "submit", className: "quiet", textContent: "Explain this request" }),
    ),
  );
  const others = cell.exceptions.map((exception) => element("li", { textContent: exceptionText(exception) }));
  const dialog = openDialog(
    `${name}: ${route.method} ${route.path}`,
    answer,
    others.length > 0 &&
      element("section", {}, element("h3", { textContent: "Different decisions" }), element("ul", {}, others)),
    form,
  );
  notify("");
  return ask();
}

// Returns the nodes for an answer of POST /admin/explain.
export function explained({ allowed, reason, because, policies, nearest, signed_in_within: limit }, dialog) {
  const verdict = element("p", {
    className: allowed ? "verdict good" : "verdict bad",
    textContent: allowed ? "✓ Allowed" : "✕ Denied",
  });
  const statements = because.map(({ subject, sid, version }) =>
    subject === "stage"
      ? element("span", {}, code(sid), ", which the stage adds for everyone")
      : element("span", {}, code(sid), " of ", policyLink(subject, dialog), ` version ${version}`),
  );
  const facts = {
    Reason: element("span", {}, `${reasonText(reason)} `, code(reason)),
    ...(limit && { Condition: `signed in within ${duration(limit)}` }),
    ...(statements.length && { Statement: statements }),
    ...(policies.length && { "Policies in force": policies }),
    ...(nearest && { [allowed ? "To deny it" : "To allow it"]: element("span", {}, change(nearest)) }),
  };
  return [verdict, terms(facts)];
}

function policyLink(subject, dialog) {
  const { kind, name } = parseSubject(subject);
  const made = link(subject, "policies", kind, name);
  if (dialog) made.addEventListener("click", () => dialog.close());
  return made;
}

function change({ kind, subject, sid, value }) {
  return (
    {
      scope: `Use a token with the scope ${value}: then the statement “${sid}” of ${subject} counts.`,
      extend: `Add ${value} to the statement “${sid}” of ${subject}.`,
      remove: `Remove or narrow the statement “${sid}” of ${subject}.`,
      sign_in: `Sign in again: then the statement “${sid}” of ${subject} counts.`,
      join: `Add the caller to ${subject}: then the statement “${sid}” counts.`,
    }[kind] ?? `${kind} ${value} (${subject}, ${sid})`
  );
}

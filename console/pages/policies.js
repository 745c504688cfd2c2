// The page "Policies": the list, and one policy if the URL names it.

import { address, element, field, fill, link, table } from "../dom.js";
import { reporting } from "../feedback.js";
import { parseSubject, time } from "../format.js";
import { bySubject } from "../matrix-model.js";
import { showPolicy } from "./policy.js";

export async function show(view, context, kind, name) {
  if (kind && name) return showPolicy(view, context, kind, name);
  const { policies } = await context.session.call("GET", "/admin/policies");
  const named = policies.map((policy) => ({ ...policy, ...parseSubject(policy.subject) })).sort(bySubject);
  const rows = named.map(({ kind, name, version, statements, updated_by, updated_at }) => [
    link(name, "policies", kind, name),
    kind === "client" ? "app client" : kind,
    String(statements.length),
    String(version),
    `${time(updated_at)}, by ${updated_by}`,
  ]);
  return fill(
    view,
    element("p", {
      textContent:
        "A policy holds the statements of one group or app client. A change is effective for the next request.",
    }),
    table("Policies", ["Name", "Kind", "Statements", "Version", "Last change"], rows),
    policies.length === 0 && element("p", { textContent: "There is no policy." }),
    (await context.permissions.may("PUT", "/admin/policies/group/example")) && creation(),
  );
}

function creation() {
  const kind = element(
    "select",
    { id: "new-kind" },
    element("option", { value: "group", textContent: "Group" }),
    element("option", { value: "client", textContent: "App client" }),
  );
  const name = element("input", {
    id: "new-name",
    required: true,
    maxLength: 128,
    spellcheck: false,
    autocomplete: "off",
  });
  const open = reporting(async () => {
    location.hash = address("policies", kind.value, name.value.trim());
  });
  return element(
    "form",
    { className: "card", onsubmit: open, "aria-labelledby": "new-title" },
    element("h3", { id: "new-title", textContent: "Write another policy" }),
    element(
      "div",
      { className: "fields" },
      field("For a", kind),
      field("Name of the group, or ID of the app client", name),
    ),
    element("p", { className: "actions" }, element("button", { type: "submit", textContent: "Open" })),
  );
}

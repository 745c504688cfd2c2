// The review of a policy before it is saved: findings, reach in routes, and the difference.

import { element } from "./dom.js";
import { diffBlock } from "./diff.js";
import { apiPath } from "./http.js";

const PREVIEW = "/admin/policies/{kind}/{name}/preview";

// Asks the API for a preview. Returns null if the API has no such route.
export async function preview({ session, permissions }, kind, name, statements) {
  if (!(await permissions.has("POST", PREVIEW))) return null;
  return session.call("POST", `${apiPath("/admin/policies", kind, name)}/preview`, { statements });
}

// Returns the nodes of a review. before: the statements that are stored; after: those that would be; open: show the
// difference at once
export function reviewed(found, before, after, open = false) {
  if (JSON.stringify(before) === JSON.stringify(after)) {
    return [
      element("p", { textContent: "These are the stored statements. There is nothing to save." }),
      ...findings(found),
    ];
  }
  return [
    ...findings(found),
    ...reach(found),
    element(
      "details",
      { open },
      element("summary", { textContent: "Difference of the statements" }),
      diffBlock("Difference of the statements", before, after),
    ),
  ];
}

function findings(found) {
  if (!found)
    return [
      element("p", { className: "faint", textContent: "This API has no preview. Only the difference is shown." }),
    ];
  if (!found.findings.length) return [element("p", { className: "good", textContent: "✓ No mistake found." })];
  return [element("h4", { textContent: "Findings" }), list(found.findings, "finding")];
}

function reach(found) {
  if (!found) return [];
  const changes = [
    ...found.gains.map((text) => ["gain", `+ ${text}`]),
    ...found.loses.map((text) => ["loss", `− ${text}`]),
  ];
  if (!changes.length)
    return [element("p", { textContent: "No route changes: the same requests are allowed as before." })];
  return [
    element("h4", { textContent: "What changes" }),
    element(
      "ul",
      { className: "changes" },
      changes.map(([className, textContent]) => element("li", { className, textContent })),
    ),
  ];
}

const list = (texts, className) =>
  element(
    "ul",
    { className: "changes" },
    texts.map((textContent) => element("li", { className, textContent })),
  );

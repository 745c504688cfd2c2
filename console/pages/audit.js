// The page "Audit log": who changed what, the newest entry first.

import { button, code, element, fill, table } from "../dom.js";
import { reporting } from "../feedback.js";
import { time } from "../format.js";

const LIMIT = 50;

export async function show(view, { session }) {
  const entries = [];
  const list = element("div", {});
  const more = element("p", { className: "actions" });
  fill(view, element("p", { textContent: "Changes of policies, people and revocations." }), list, more);
  await load("");

  async function load(before) {
    const page = await session.call(
      "GET",
      `/admin/audit?limit=${LIMIT}${before && `&before=${encodeURIComponent(before)}`}`,
    );
    entries.push(...page.entries);
    fill(
      list,
      entries.length
        ? table("Audit log", ["Time", "Action", "Subject", "By", "Way", "Detail"], entries.map(row))
        : element("p", { className: "card", textContent: "The log has no entry." }),
    );
    fill(
      more,
      page.next &&
        button(
          "Show older entries",
          reporting(() => load(page.next)),
          { className: "quiet" },
        ),
    );
  }
}

function row({ at, action, subject, by, way, detail }) {
  return [time(at), action ?? "", code(subject ?? ""), code(by ?? "unknown"), way ?? "", detailText(detail)];
}

// detail: a text, or an object with the details of the action
function detailText(detail) {
  if (!detail || typeof detail !== "object") return String(detail ?? "");
  const shown = (value) => (value && typeof value === "object" ? JSON.stringify(value) : String(value));
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${shown(value)}`)
    .join(", ");
}

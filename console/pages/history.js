// The history of one policy, the newest version first, and the rollback to an earlier one.

import { button, code, element, fill, hidden } from "../dom.js";
import { confirmAction, withForce } from "../dialogs.js";
import { diffBlock } from "../diff.js";
import { announce, reporting } from "../feedback.js";
import { time } from "../format.js";
import { apiPath } from "../http.js";
import { preview, reviewed } from "../review.js";

const ROUTE = "/admin/policies/{kind}/{name}";

// Shows the history in a node. Removes the node if the API keeps no history, or does not show it to the caller.
export async function showHistory(node, context, kind, name, stored, mayWrite) {
  const { session, permissions } = context;
  const path = apiPath("/admin/policies", kind, name);
  const reads = (await permissions.has("GET", `${ROUTE}/history`)) && (await permissions.may("GET", `${path}/history`));
  if (!reads) return node.remove();
  const mayRollBack =
    mayWrite &&
    (await permissions.has("POST", `${ROUTE}/rollback`)) &&
    (await permissions.may("POST", `${path}/rollback`));
  const list = element("ol", { className: "history" });
  const more = element("p", { className: "actions" });
  fill(node, element("h3", { id: "history-title", textContent: "History" }), list, more);
  return load("");

  async function load(query) {
    let page;
    try {
      page = await session.call("GET", `${path}/history${query}`);
    } catch (refusal) {
      if (refusal.status !== 404) throw refusal;
      page = { history: [] };
    }
    list.append(...page.history.map(entry));
    if (!list.children.length)
      fill(more, element("span", { className: "faint", textContent: "No change is recorded." }));
    else
      fill(
        more,
        page.next &&
          button(
            "Show older versions",
            reporting(() => load(`?before=${encodeURIComponent(page.next)}`)),
            { className: "quiet" },
          ),
      );
  }

  function entry({ version, at, by, way, before, after }) {
    const back = mayRollBack && version !== stored.version && Array.isArray(after);
    return element(
      "li",
      {},
      element(
        "div",
        { className: "title" },
        element(
          "span",
          {},
          element("strong", { textContent: `Version ${version}${version === stored.version ? " (current)" : ""}` }),
          ` ${time(at)}, by `,
          code(by ?? "unknown"),
          way && ` (${way})`,
        ),
        back &&
          button(
            "Roll back",
            reporting(() => rollBack(version, after)),
            { className: "quiet", "aria-label": `Roll back to version ${version}` },
          ),
      ),
      element(
        "details",
        {},
        element("summary", {}, "What changed", hidden(` in version ${version}`)),
        diffBlock(`Change of version ${version}`, before, after),
      ),
    );
  }

  async function rollBack(version, statements) {
    const found = await preview(context, kind, name, statements);
    confirmAction({
      title: `Roll back to version ${version}`,
      content: element(
        "div",
        {},
        element("p", {
          textContent: `Its statements become version ${stored.version + 1}. The history keeps every version.`,
        }),
        reviewed(found, stored.statements, statements),
      ),
      action: "Roll back",
      danger: false,
      run: async () => {
        const saved = await withForce(
          (force) =>
            session.call("POST", `${path}/rollback`, {
              version,
              expected_version: stored.version,
              ...(force && { force }),
            }),
          "The earlier version would be restored.",
        );
        permissions.forget();
        await context.again();
        announce(`Version ${version} is restored as version ${saved.version}. It is effective for the next request.`);
      },
    });
  }
}

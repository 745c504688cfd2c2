// One policy: edit its statements, review the change, save it, resolve a conflict, delete it.

import { button, code, element, fill, link } from "../dom.js";
import { conflictNotice } from "../conflict.js";
import { confirmAction, withForce } from "../dialogs.js";
import { announce, reporting } from "../feedback.js";
import { short, time } from "../format.js";
import { apiPath } from "../http.js";
import { preview, reviewed } from "../review.js";
import { statementViews } from "../statement-views.js";
import { toText } from "../statements.js";
import { showHistory } from "./history.js";

const MISSING = { version: 0, statements: [] };

export async function showPolicy(view, context, kind, name) {
  const { session, permissions, heading, again } = context;
  const path = apiPath("/admin/policies", kind, name);
  const asked = [read(session, path), permissions.may("PUT", path), permissions.may("DELETE", path)];
  const [stored, mayWrite, mayDelete] = await Promise.all(asked);
  let base = stored; // the version that the edited statements come from
  const outcome = element("section", { id: "review", role: "status" });
  const statements = statementViews(stored.statements, mayWrite, () => fill(outcome));
  const review = button("Review the change", reporting(showReview));
  const remove = button("Delete this policy", reporting(askToDelete), { className: "danger" });
  const history = element("section", { className: "card", "aria-labelledby": "history-title" });
  const actions = mayWrite && element("p", { className: "actions" }, review);
  heading.textContent = `Policy of ${kind === "client" ? "the app client" : "the group"} ${short(name, 40)}`;
  fill(
    view,
    element("p", {}, link("All policies", "policies")),
    facts(stored),
    element("section", { className: "card" }, statements.node, actions, outcome),
    history,
    mayDelete && stored.version > 0 && element("p", { className: "actions" }, remove),
  );
  context.guard(isChanged);
  await showHistory(history, context, kind, name, stored, mayWrite);

  function isChanged() {
    try {
      return toText(statements.read()) !== toText(base.statements);
    } catch {
      return true; // the text is not JSON at present
    }
  }

  async function showReview() {
    const edited = statements.read();
    const found = await preview(context, kind, name, edited);
    const act = reporting(() => save(edited, base.version));
    fill(
      outcome,
      element("h3", { textContent: "Review" }),
      reviewed(found, base.statements, edited),
      isChanged() && element("p", { className: "actions" }, button(`Save as version ${base.version + 1}`, act)),
    );
    outcome.scrollIntoView({ block: "nearest" });
  }

  async function save(edited, version) {
    const put = (force) => session.call("PUT", path, { statements: edited, version, ...(force && { force }) });
    try {
      const saved = await withForce(put, `The policy of ${name} would be saved.`);
      await finish(`Saved version ${saved.version}.`);
    } catch (refusal) {
      if (refusal.code !== "version_conflict") throw refusal;
      await showConflict(edited);
    }
  }

  async function showConflict(edited) {
    const theirs = await read(session, path);
    const found = await preview(context, kind, name, edited);
    const mine = reporting(() => save(edited, theirs.version));
    const edit = () => {
      base = theirs;
      fill(outcome);
      review.focus();
    };
    const choices = [
      button(`Save my version over version ${theirs.version}`, mine, { className: "danger" }),
      button(`Use version ${theirs.version}, discard my changes`, reporting(again), { className: "quiet" }),
      button("Continue to edit my version", edit, { className: "quiet" }),
    ];
    fill(outcome, conflictNotice(base, theirs, reviewed(found, theirs.statements, edited, true), choices));
    outcome.querySelector("h3").focus();
  }

  async function askToDelete() {
    const found = await preview(context, kind, name, []);
    const call = (force) => session.call("DELETE", path, force ? { force } : undefined);
    confirmAction({
      title: `Delete the policy of ${name}`,
      content: element("div", {}, reviewed(found && { ...found, findings: [] }, base.statements, [])),
      action: "Delete",
      run: async () => {
        await withForce(call, `The policy of ${name} would be deleted.`);
        await finish("The policy is deleted.");
      },
    });
  }

  async function finish(done) {
    permissions.forget();
    await again();
    announce(`${done} It is effective for the next request.`);
  }
}

async function read(session, path) {
  try {
    return await session.call("GET", path);
  } catch (refusal) {
    if (refusal.status !== 404) throw refusal;
    return MISSING;
  }
}

function facts({ version, updated_by, updated_at }) {
  if (!version) return element("p", { textContent: "No policy is stored yet. The first save creates it." });
  return element("p", { className: "faint" }, `Version ${version}, ${time(updated_at)}, by `, code(updated_by), ".");
}

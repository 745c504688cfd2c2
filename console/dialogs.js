// Modal dialogs. The browser keeps the focus inside, closes them with Escape, and returns the focus afterwards.

import { Problem } from "./http.js";
import { button, element } from "./dom.js";

// Opens a dialog with a heading and a button to close it. Returns the element.
export function openDialog(title, ...content) {
  const heading = element("h2", { id: "dialog-title", textContent: title });
  const close = button("Close", () => dialog.close(), { className: "quiet" });
  const dialog = element(
    "dialog",
    { "aria-labelledby": heading.id, onclose: () => dialog.remove() },
    element("div", { className: "title" }, heading, close),
    ...content,
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// Asks before an action, runs it, and closes the dialog after it succeeded. An error stays in the dialog.
// action: the label of the button; run: the action, which returns a promise; danger: whether it takes something away
export function confirmAction({ title, content, action, run, danger = true }) {
  const failure = element("p", { className: "failure", role: "alert" });
  const act = button(
    action,
    async () => {
      act.disabled = true;
      failure.textContent = "";
      try {
        await run();
        dialog.close();
      } catch (problem) {
        failure.textContent =
          problem instanceof Problem ? problem.message : `Internal error of the page: ${problem.message}`;
      } finally {
        act.disabled = false;
      }
    },
    { className: danger ? "danger" : "" },
  );
  const cancel = button("Cancel", () => dialog.close(), { className: "quiet" });
  const dialog = openDialog(title, content, failure, element("p", { className: "actions" }, act, cancel));
  cancel.focus();
  return dialog;
}

// Runs a change. If the API refuses it because no administrator would remain, asks, and runs it with `force`.
// change: takes whether to force; describe: what would happen
export async function withForce(change, describe) {
  try {
    return await change(false);
  } catch (refusal) {
    if (refusal.code !== "last_administrator") throw refusal;
    return new Promise((done, failed) => {
      let forced = false;
      const dialog = confirmAction({
        title: "No administrator would remain",
        content: element(
          "div",
          {},
          element("p", { textContent: refusal.message }),
          element("p", {
            textContent: `${describe} Afterwards, only the owner of the AWS account can restore the access.`,
          }),
        ),
        action: "Proceed anyway",
        run: async () => {
          const result = await change(true);
          forced = true;
          done(result);
        },
      });
      dialog.addEventListener("close", () => forced || failed(new Problem("Nothing was changed.")));
    });
  }
}

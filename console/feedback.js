// Messages to the user, in the two live regions of the page.

import { Problem } from "./http.js";

// Shows an error. "" removes both messages.
export function notify(text) {
  show("notice", text);
  show("status", "");
}

// Shows the result of an action.
export function announce(text) {
  show("notice", "");
  show("status", text);
}

// Returns a handler that shows the error of an action, and that ignores calls while the action runs.
export function reporting(action) {
  let busy = false;
  return async (event) => {
    event?.preventDefault?.();
    if (busy) return;
    busy = true;
    notify("");
    try {
      await action(event);
    } catch (problem) {
      notify(problem instanceof Problem ? problem.message : `Internal error of the page: ${problem.message}`);
    } finally {
      busy = false;
    }
  };
}

function show(id, text) {
  const region = document.getElementById(id);
  region.textContent = text;
  if (text) region.scrollIntoView({ block: "nearest" });
}

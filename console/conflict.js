// The notice that somebody else changed a policy in the meantime: it shows both changes, and the person decides.

import { code, element } from "./dom.js";
import { diffBlock } from "./diff.js";
import { time } from "./format.js";

// edited: the version that the person started from; theirs: the version that is stored now
// review: nodes that show the effect of a save; actions: the buttons
export function conflictNotice(edited, theirs, review, actions) {
  const what = theirs.version
    ? [`Version ${theirs.version} is now stored, by `, code(theirs.updated_by), `, ${time(theirs.updated_at)}.`]
    : ["The policy is now deleted."];
  return element(
    "div",
    { className: "conflict" },
    element("h3", { tabIndex: -1, textContent: "The policy has changed in the meantime" }),
    element("p", {}, `You edited version ${edited.version}. `, what, " Your changes are not saved yet."),
    element("h4", { textContent: "What the other change did" }),
    diffBlock("What the other change did", edited.statements, theirs.statements),
    element("h4", { textContent: "Effect of saving your version now" }),
    review,
    element("p", { className: "actions" }, actions),
  );
}

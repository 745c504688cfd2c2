// An action for several people: a confirmation, then one request for each person, one after the other.

import { button, element, fill } from "./dom.js";
import { openDialog } from "./dialogs.js";
import { labelOf } from "./format.js";
import { apiPath, Problem } from "./http.js";
import { claimsOf } from "./session.js";

const OLDER = "Tokens that were issued until now are refused.";
export const ACTIONS = [
  {
    name: "add",
    label: "Add to a group",
    needsGroup: true,
    method: "PUT",
    title: (who, group) => `Add ${who} to ${group}?`,
    text: "The group is in the next token of each person.",
    done: "added",
    danger: false,
  },
  {
    name: "remove",
    label: "Remove from a group",
    needsGroup: true,
    method: "DELETE",
    title: (who, group) => `Remove ${who} from ${group}?`,
    text: `${OLDER} They still name the group.`,
    done: "removed",
  },
  {
    name: "disable",
    label: "Disable",
    method: "POST",
    title: (who) => `Disable ${who}?`,
    text: `A disabled account cannot sign in until it is enabled. ${OLDER}`,
    done: "disabled",
  },
  {
    name: "enable",
    label: "Enable",
    method: "POST",
    title: (who) => `Enable ${who}?`,
    text: "An enabled account can sign in again. Older tokens stay refused.",
    done: "enabled",
    danger: false,
  },
  {
    name: "sign-out",
    label: "Sign out everywhere",
    method: "POST",
    title: (who) => `Sign out ${who} everywhere?`,
    text: `${OLDER} A new sign-in is possible.`,
    done: "signed out",
  },
];

// Returns the path of the request for one person. Pure.
export function pathFor({ name, needsGroup }, username, group) {
  return needsGroup ? apiPath("/admin/users", username, "groups", group) : apiPath("/admin/users", username, name);
}

// Returns the people in the order of the requests: the caller last, because the action can end the session. Pure.
export const callerLast = (people, sub) => [
  ...people.filter((person) => person.sub !== sub),
  ...people.filter((person) => person.sub === sub),
];

const counted = (number) => (number === 1 ? "1 person" : `${number} people`);

// Asks, and then runs the action. `changed` gets a message when the dialog is closed after at least one request.
export function confirmBulk({ session }, action, selected, group, changed) {
  const own = claimsOf(session.token).sub;
  const people = callerLast(selected, own);
  const outcomes = new Map(); // person → "" after a success, or the reason of the failure
  let stopped = false;
  const title = action.title(counted(people.length), group);
  const act = button(title.replace(/\?$/, ""), () => run(people), {
    className: action.danger === false ? "" : "danger",
  });
  const cancel = button("Cancel", () => dialog.close(), { className: "quiet" });
  const buttons = element("p", { className: "actions" }, act, cancel);
  const body = element(
    "div",
    { className: "bulk" },
    element("p", { textContent: action.text }),
    people.some(({ sub }) => sub === own) &&
      element("p", { className: "bad", textContent: "Your own account is selected. It is changed last." }),
    element(
      "ul",
      { className: "names" },
      people.map((person) => element("li", { textContent: labelOf(person) })),
    ),
  );
  const dialog = openDialog(title, body, buttons);
  dialog.addEventListener("close", () => {
    stopped = true;
    if (outcomes.size && session.active) changed(summary());
  });
  cancel.focus();

  async function run(chosen) {
    const bar = element("progress", { max: chosen.length, value: 0, "aria-label": "Progress" });
    const count = element("p", { role: "status" });
    const lines = element("ol", { className: "results", tabIndex: 0, "aria-label": "Results" });
    const stop = button("Stop", () => (stopped = true), { className: "quiet" });
    fill(body, bar, count, lines);
    fill(buttons, stop);
    stop.focus();
    for (const [number, person] of chosen.entries()) {
      if (stopped) break;
      count.textContent = `${labelOf(person)}: ${number + 1} of ${chosen.length}`;
      const failure = await failureFor(person);
      outcomes.set(person, failure);
      bar.value = number + 1;
      lines.append(line(person, failure));
    }
    count.textContent = summary();
    const failed = people.filter((person) => outcomes.get(person));
    const rest = people.filter((person) => !outcomes.has(person));
    const close = button("Done", () => dialog.close());
    fill(
      buttons,
      close,
      failed.length > 0 && button(`Repeat the failed (${failed.length})`, () => again(failed), { className: "quiet" }),
      rest.length > 0 && button(`Continue with the rest (${rest.length})`, () => again(rest), { className: "quiet" }),
    );
    close.focus();
  }

  function again(chosen) {
    stopped = false;
    return run(chosen);
  }

  async function failureFor({ username }) {
    try {
      await session.call(action.method, pathFor(action, username, group));
      return "";
    } catch (problem) {
      return problem instanceof Problem ? problem.message : `Internal error of the page: ${problem.message}`;
    }
  }

  function line(person, failure) {
    const state = failure
      ? element("span", { className: "bad", textContent: `failed. ${failure}` })
      : element("span", { className: "good", textContent: action.done });
    return element("li", {}, `${labelOf(person)}: `, state);
  }

  function summary() {
    const failed = people.filter((person) => outcomes.get(person));
    const done = [...outcomes.values()].filter((failure) => !failure).length;
    const left = people.length - outcomes.size;
    return [
      `${action.label}${group ? ` (${group})` : ""}: ${done} of ${counted(people.length)} done.`,
      failed.length ? `Failed: ${failed.map(labelOf).join(", ")}.` : "",
      left ? `Not tried: ${left}.` : "",
    ]
      .filter(Boolean)
      .join(" ");
  }
}

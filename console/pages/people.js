// The page "People": a search, the people who meet it, actions for several of them, and one person if the URL names one.

import { button, element, fill } from "../dom.js";
import { ACTIONS } from "../bulk.js";
import { announce, notify, reporting } from "../feedback.js";
import { assignable, knownGroups } from "../groups.js";
import { inviteForm } from "../invitation.js";
import { criteriaOf, searchForm } from "../people-search.js";
import { peopleTable } from "../selection.js";
import { showPerson } from "./person.js";

const LIMIT = 25;
const MOST_PAGES = 20; // that are read until one contains a person who meets all criteria

export async function show(view, context, username) {
  if (username) return showPerson(view, context, username);
  const { session, permissions } = context;
  const criteria = criteriaOf(context.query);
  const tokens = [""]; // tokens[n] asks for page n
  let page = 0;
  const [known, actions] = await Promise.all([knownGroups(context), permittedActions(permissions)]);
  const groups = assignable(known);
  const list = element("div", {});
  const pager = element("div", { className: "actions", role: "group", "aria-label": "Pages of people" });
  const search = searchForm(
    criteria,
    known.groups.map(({ name }) => name),
    (address) => (new URL(address, location).hash === location.hash ? context.again() : location.assign(address)),
  );
  const invitation = (await permissions.may("POST", "/admin/users")) && inviteForm(context, known);
  fill(view, search, invitation, list, pager);
  await load(0);

  // Shows a page. Cognito compares one criterion, so a page can be empty without being the last one.
  async function load(number) {
    let answer = await ask(tokens[number]);
    for (let read = 1; !answer.users.length && answer.next_token && read < MOST_PAGES; read++) {
      answer = await ask(answer.next_token);
    }
    const { users, next_token } = answer;
    page = number;
    tokens.splice(number + 1, Infinity, ...(next_token ? [next_token] : []));
    const none = next_token ? "Nobody so far. The next page continues the search." : "Nobody meets this search.";
    fill(
      list,
      users.length
        ? peopleTable(context, users, actions, groups, changed)
        : element("p", { className: "card", textContent: none }),
    );
    fill(
      pager,
      page > 0 && turn("Previous page", page - 1),
      (page > 0 || next_token) && element("span", { textContent: `Page ${page + 1}` }),
      next_token && turn("Next page", page + 1),
    );
  }

  function ask(token) {
    const query = new URLSearchParams({ limit: LIMIT, ...criteria, ...(token && { token }) });
    return session.call("GET", `/admin/users?${query}`);
  }

  function turn(text, number) {
    const open = async () => {
      await load(number);
      context.heading.focus();
      announce(`Page ${number + 1}.`);
    };
    return button(text, reporting(open), { className: "quiet" });
  }

  async function changed(message) {
    permissions.forget();
    await reporting(() => load(page))();
    context.heading.focus(); // the button that had the focus is gone
    if (message.includes("Failed:")) notify(message);
    else announce(message);
  }
}

// Returns the actions that the caller may use. The API decides each request again.
async function permittedActions(permissions) {
  const paths = ACTIONS.map(({ name, needsGroup }) => `/admin/users/example/${needsGroup ? "groups/example" : name}`);
  const allowed = await Promise.all(ACTIONS.map(({ method }, number) => permissions.may(method, paths[number])));
  return ACTIONS.filter((_, number) => allowed[number]);
}

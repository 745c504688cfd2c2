// The page "Access matrix": groups and app clients against routes. Each cell explains itself.

import { button, element, field, fill, hidden, link, pathCode } from "../dom.js";
import { explainCell } from "../explanation.js";
import { reporting } from "../feedback.js";
import { short } from "../format.js";
import { moveByArrows } from "../grid.js";
import { filterRows, guardText, look, toRows } from "../matrix-model.js";

const FITTING = 8;
const LEGEND = [
  { access: "allowed" },
  { access: "partly", words: "allowed after a recent sign-in", signed_in_within: 60 },
  { access: "partly" },
  { access: "denied", reason: "not_permitted" },
  { access: "denied", reason: "denied_by" },
];

export async function show(view, context) {
  await showPart(view, context, "");
}

// query: of GET /admin/matrix, "" for the whole matrix
async function showPart(view, context, query) {
  let matrix;
  try {
    matrix = await context.session.call("GET", `/admin/matrix${query}`);
  } catch (problem) {
    if (problem.status !== 400 && problem.status !== 404) throw problem;
    fill(view, element("p", { className: "failure", textContent: problem.message }), choice(view, context));
    return;
  }
  const { columns, rows } = toRows(matrix);
  const text = element("input", { id: "filter", type: "search", spellcheck: false, oninput: draw });
  const subject = element(
    "select",
    { id: "subject", onchange: draw },
    element("option", { value: "", textContent: "All groups and clients" }),
    columns.map((column) => element("option", { value: column.subject, textContent: column.subject })),
  );
  const count = element("p", { role: "status", className: "faint" });
  // A table that fits scrolls with the page, so that its header stays visible.
  const frame = element("div", { className: columns.length > FITTING ? "frame scroll" : "frame" });
  fill(
    view,
    element("p", { textContent: "What each policy permits. Select a cell to see the statement that decides." }),
    element("div", { className: "filters" }, field("Filter by method or path", text), field("Show", subject)),
    legend(),
    matrix.guards.map((guard) => element("p", { className: "faint", textContent: guardText(guard) })),
    count,
    frame,
  );
  draw();

  function draw() {
    const chosen = columns.filter((column) => !subject.value || column.subject === subject.value);
    const found = filterRows(rows, text.value);
    count.textContent = `${found.length} of ${rows.length} routes`;
    fill(frame, grid(context, chosen, found));
  }
}

// Returns a form that shows a part of the matrix, for a matrix that is too large for one answer.
function choice(view, context) {
  const subject = element("input", { id: "chosen-subject", spellcheck: false });
  const path = element("input", { id: "chosen-path", spellcheck: false });
  const ask = reporting(() => {
    const given = { subject: subject.value.trim(), path: path.value.trim() };
    const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value));
    return showPart(view, context, `?${query}`);
  });
  return element(
    "form",
    { className: "fields", onsubmit: ask },
    field("Group or app client", subject, "Such as group:readers or client:<app client id>."),
    field("Routes that begin with", path, "Such as /orders."),
    element("p", { className: "actions" }, element("button", { type: "submit", textContent: "Show" })),
  );
}

function legend() {
  return element(
    "ul",
    { className: "legend", "aria-label": "Symbols" },
    LEGEND.map((cell) => {
      const { symbol, words, className } = { ...look(cell), ...(cell.words && { words: cell.words }) };
      return element(
        "li",
        {},
        element("span", { className: `mark ${className}`, textContent: symbol, "aria-hidden": "true" }),
        words,
      );
    }),
  );
}

function grid(context, columns, rows) {
  const head = element("tr", {}, element("th", { scope: "col", textContent: "Route" }), columns.map(heading));
  const sections = groups(rows);
  const bodies = [...sections].map(([section, members]) =>
    element(
      "tbody",
      {},
      members.length > 1 &&
        element(
          "tr",
          { className: "section" },
          element("th", { colSpan: columns.length + 1, scope: "rowgroup", textContent: section }),
        ),
      members.map((row) => line(context, columns, row)),
    ),
  );
  const made = element(
    "table",
    { id: "matrix", className: "matrix" },
    element("caption", {
      className: "unseen",
      textContent: "A row for each route, a column for each group and app client. Arrow keys move between the cells.",
    }),
    element("thead", {}, head),
    bodies,
  );
  moveByArrows(made);
  return made;
}

function groups(rows) {
  const found = new Map();
  for (const row of rows) found.set(row.section, [...(found.get(row.section) ?? []), row]);
  return found;
}

function heading({ kind, name, version }) {
  const label = link(short(name), "policies", kind, name);
  label.title = `${kind}:${name}, version ${version}`;
  return element(
    "th",
    { scope: "col", className: "subject" },
    element("span", {}, label, kind === "client" && element("small", { textContent: "client" })),
  );
}

function line(context, columns, { route, note, cells }) {
  const header = element(
    "th",
    { scope: "row" },
    element("span", { className: `method ${route.method.toLowerCase()}`, textContent: route.method }),
    " ",
    pathCode(route.path),
  );
  if (note)
    return element("tr", {}, header, element("td", { colSpan: columns.length, className: "note", textContent: note }));
  return element(
    "tr",
    {},
    header,
    columns.map(({ subject, name }) => {
      const cell = cells.get(subject);
      if (!cell) return element("td", {});
      const { symbol, words, className } = look(cell);
      const explain = button(
        "",
        reporting(() => explainCell(context, subject, route, cell)),
        { className: `mark ${className}`, title: words },
      );
      fill(
        explain,
        element("span", { textContent: symbol, "aria-hidden": "true" }),
        hidden(`${name}, ${route.method} ${route.path}: ${words}`),
      );
      return element("td", {}, explain);
    }),
  );
}

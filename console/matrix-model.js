// The access matrix as data: rows that the page shows. Pure.

import { duration, parseSubject, reasonText } from "./format.js";

// Returns the columns and the rows of the answer of GET /admin/matrix.
// columns: [{subject, kind, name, version}], groups first
// rows: [{route, section, note, cells: subject → cell}]; a row with a note is the same for every subject
export function toRows({ subjects, routes, cells }) {
  const columns = subjects.map((column) => ({ ...column, ...parseSubject(column.subject) })).sort(bySubject);
  const byRoute = new Map(routes.map((route) => [key(route), new Map()]));
  for (const cell of cells) byRoute.get(key(cell))?.set(cell.subject, cell);
  const rows = [...routes].sort(administrationLast).map((route) => ({
    route,
    section: sectionOf(route.path),
    note: noteOf(route),
    cells: byRoute.get(key(route)),
  }));
  return { columns, rows };
}

// Returns the rows whose method, path or section contains every word of the text.
export function filterRows(rows, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(({ route, note }) => {
    const searched = `${route.method} ${route.path} ${note}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}

// Returns the symbol and the words of a cell. Symbols differ in shape, so no meaning depends on colour.
export function look({ access, reason, signed_in_within: limit, exceptions = [] }) {
  if (limit && !exceptions.length) {
    return { symbol: "◔", words: `allowed, signed in within ${duration(limit)}`, className: "partly" };
  }
  if (access === "allowed") return { symbol: "✓", words: "allowed", className: "allowed" };
  if (access === "partly") return { symbol: "◐", words: "partly allowed", className: "partly" };
  if (reason === "denied_by") return { symbol: "✕", words: "denied by a statement", className: "denied" };
  if (reason === "policy_corrupt") return { symbol: "!", words: "invalid policy", className: "denied" };
  return { symbol: "–", words: "not permitted", className: "nothing" };
}

// Returns a request of a route that the cell can explain: the path of the first exception, or an example.
export const examplePath = (route, cell) =>
  cell?.exceptions?.find(({ path }) => !path.includes("{"))?.path ?? filled(route.path);

// "/orders/{id}" → "/orders/example"
export const filled = (template) => template.replace(/\{[^}]*\}/g, "example");

export const exceptionText = ({ allowed, path, scopes, reason, signed_in_within: limit }) => {
  const token = scopes.length ? ` with the scope ${scopes.join(" and ")}` : "";
  const age = limit ? `, signed in within ${duration(limit)}` : "";
  return `${allowed ? "Allowed" : "Denied"}: ${path}${token}${age}. ${reasonText(reason)}`;
};

// Returns a sentence about a statement that the stage adds for every subject.
export const guardText = ({ sid, paths }) =>
  `Behind the upstream, the stage denies ambiguous paths to everyone (${sid}): ${paths.join(" ")}`;

// Groups come before app clients.
export const bySubject = (a, b) => b.kind.localeCompare(a.kind) || a.name.localeCompare(b.name);

// The routes of the service come before those that administer it. The order within each stays.
export const administrationLast = (a, b) => a.path.startsWith("/admin") - b.path.startsWith("/admin");

const key = ({ method, path }) => `${method} ${path}`;

function sectionOf(path) {
  const [, first, second] = path.split("/");
  return first === "admin" && second ? `/admin/${second}` : `/${first}`;
}

function noteOf({ authorizer, scopes }) {
  if (authorizer === "none") return "public: no token needed";
  if (authorizer !== "policies") return `needs the scope ${scopes.map((scope) => scope.split("/").pop()).join(" or ")}`;
  return "";
}

// The parts of the console that need no browser. tests/console/test_scripts.py runs this file beside a copy of console/.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ACTIONS, callerLast, pathFor } from "./bulk.js";
import { pathOf } from "./composer.js";
import { lineDiff, statementsText } from "./diff.js";
import { addressWith } from "./dom.js";
import { duration, parseSubject, reasonText, remaining, short, time, verdict } from "./format.js";
import { apiPath, Problem, reason } from "./http.js";
import { examplePath, exceptionText, filled, filterRows, guardText, look, toRows } from "./matrix-model.js";
import { requestsOf } from "./openapi.js";
import { criteriaOf } from "./people-search.js";
import { challengeOf } from "./sign-in.js";
import { claimsOf } from "./session.js";
import { fromFields, fromText, toText } from "./statements.js";

test("the code challenge is the one of RFC 7636, appendix B", async () => {
  const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  assert.equal(await challengeOf(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("the claims of a text that is no token are empty", () => {
  for (const text of ["", "a.b.c", "..", "a"]) assert.deepEqual(claimsOf(text), {});
});

test("a name in a path of the API is encoded and cannot leave its segment", () => {
  assert.equal(apiPath("/admin/users", "a/b?c#d%2F<"), "/admin/users/a%2Fb%3Fc%23d%252F%3C");
  for (const name of [".", ".."]) assert.throws(() => apiPath("/admin/policies", "group", name), Problem);
});

test("path parameters are encoded, and only greedy ones keep their slashes", () => {
  assert.equal(pathOf("/orders/{id}/items", { id: "a/b?x" }), "/orders/a%2Fb%3Fx/items");
  assert.equal(pathOf("/static/{name+}", { name: "a/b c" }), "/static/a/b%20c");
});

test("a refusal shows its message and its code as one sentence", () => {
  assert.equal(reason({ message: "not permitted.", code: "denied" }), "not permitted (denied).");
  assert.equal(reason({ Message: "explicit deny" }), "explicit deny.");
  assert.equal(reason("<html>"), "The response contains no reason.");
});

test("every status and every reason has words", () => {
  assert.deepEqual([200, 401, 403, 404, 500].map(verdict), [
    "allowed",
    "not authenticated",
    "refused",
    "not found",
    "failed",
  ]);
  assert.match(reasonText("denied_by"), /Deny overrides/);
  assert.match(reasonText("bad_signature"), /not accepted \(bad_signature\)/);
});

test("a subject is split at its first colon", () => {
  assert.deepEqual(parseSubject("group:a:b"), { kind: "group", name: "a:b" });
  assert.equal(short("a-very-long-client-id", 8), "a-very-…");
});

test("times are shown from both forms, and an unknown one is named", () => {
  assert.equal(time(0), time("1970-01-01T00:00:00Z"));
  assert.equal(time(null), "unknown");
  assert.equal(time("yesterday"), "yesterday");
  assert.equal(remaining(61), "1 min 1 s");
});

const ROUTES = [
  { method: "GET", path: "/", authorizer: "none", scopes: [] },
  { method: "GET", path: "/admin/users", authorizer: "policies", scopes: [] },
  { method: "GET", path: "/orders", authorizer: "scopes", scopes: ["https://x.example/order.read"] },
  { method: "DELETE", path: "/orders/{id}", authorizer: "policies", scopes: [] },
];
const CELL = {
  subject: "group:clerks",
  method: "DELETE",
  path: "/orders/{id}",
  access: "denied",
  reason: "not_permitted",
  exceptions: [],
};
const MATRIX = {
  subjects: [
    { subject: "client:robot", version: 1 },
    { subject: "group:clerks", version: 2 },
  ],
  routes: ROUTES,
  cells: [CELL],
};

test("the matrix has groups first, administration last, and one note for a route that policies do not decide", () => {
  const { columns, rows } = toRows(MATRIX);
  assert.deepEqual(
    columns.map(({ name }) => name),
    ["clerks", "robot"],
  );
  assert.deepEqual(
    rows.map(({ route }) => route.path),
    ["/", "/orders", "/orders/{id}", "/admin/users"],
  );
  assert.deepEqual(
    rows.map(({ note }) => note),
    ["public: no token needed", "needs the scope order.read", "", ""],
  );
  assert.equal(rows[2].cells.get("group:clerks"), CELL);
});

test("the filter needs every word, in any case", () => {
  const { rows } = toRows(MATRIX);
  assert.deepEqual(
    filterRows(rows, "delete ORDERS").map(({ route }) => route.path),
    ["/orders/{id}"],
  );
  assert.equal(filterRows(rows, " ").length, 4);
  assert.equal(filterRows(rows, "delete users").length, 0);
});

test("each state of a cell has another symbol", () => {
  const cells = [
    { access: "allowed" },
    { access: "partly" },
    { access: "partly", signed_in_within: 900 },
    { access: "denied", reason: "denied_by" },
    { access: "denied", reason: "not_permitted" },
    { access: "denied", reason: "policy_corrupt" },
  ];
  assert.equal(new Set(cells.map((cell) => look(cell).symbol)).size, cells.length);
});

test("a step-up is shown as a condition, and not as a permission without one", () => {
  const limited = { access: "partly", reason: "allowed_by", signed_in_within: 900, exceptions: [] };
  assert.equal(look(limited).words, "allowed, signed in within 15 min");
  const exception = { path: "/orders/7", scopes: [], allowed: true, reason: "allowed_by", signed_in_within: 3_600 };
  assert.equal(look({ ...limited, exceptions: [exception] }).words, "partly allowed");
  assert.ok(exceptionText(exception).startsWith("Allowed: /orders/7, signed in within 1 h. "));
  assert.deepEqual([60, 61, 2_592_000].map(duration), ["1 min", "61 s", "30 d"]);
});

test("the statement of the stage is named with its paths", () => {
  const guard = { sid: "ambiguous-path", paths: ["*/upstream*%*", "*/upstream*;*"] };
  assert.ok(guardText(guard).endsWith("denies ambiguous paths to everyone (ambiguous-path): */upstream*%* */upstream*;*"));
});

test("a cell is explained on the path of its exception, or on an example", () => {
  assert.equal(examplePath(ROUTES[3], CELL), "/orders/example");
  assert.equal(examplePath(ROUTES[3], { exceptions: [{ path: "/orders/7" }] }), "/orders/7");
  assert.equal(filled("/static/{name+}"), "/static/example");
});

test("the address of a search keeps the criteria of the API and drops everything else", () => {
  const query = new URLSearchParams("begins_with=clio&attribute=name&group=a%26b&status=&token=x&limit=60&filter=y");
  assert.deepEqual(criteriaOf(query), { begins_with: "clio", attribute: "name", group: "a&b" });
  const address = addressWith(criteriaOf(query), "people");
  assert.equal(address, "#/people?begins_with=clio&attribute=name&group=a%26b");
  assert.deepEqual(criteriaOf(new URLSearchParams(address.split("?")[1])), criteriaOf(query));
  assert.equal(addressWith({}, "people", "a/b?c"), "#/people/a%2Fb%3Fc");
});

test("an action for several people names one person and one group in each path, and the caller comes last", () => {
  const named = Object.fromEntries(ACTIONS.map((action) => [action.name, action]));
  assert.equal(pathFor(named.add, "a/b", "x?y"), "/admin/users/a%2Fb/groups/x%3Fy");
  assert.equal(pathFor(named["sign-out"], "clio", false), "/admin/users/clio/sign-out");
  assert.throws(() => pathFor(named.remove, "clio", ".."), Problem);
  const people = [{ sub: "own" }, { sub: "a" }, { sub: "b" }];
  assert.deepEqual(
    callerLast(people, "own").map(({ sub }) => sub),
    ["a", "b", "own"],
  );
});

test("the requests to try come from the OpenAPI document, with bodies of the described form", () => {
  const body = (schema, required = true) => ({ required, content: { "application/json": { schema } } });
  const document = {
    paths: {
      "/orders": {
        get: { security: [{ scopes: ["https://olympus.example/order.read"] }] },
        post: { security: [{ policies: [] }], requestBody: body({ $ref: "#/components/schemas/Order" }) },
      },
      "/orders/{id}": { get: { security: [] }, delete: { security: [], requestBody: body({}, false) } },
    },
    components: {
      schemas: {
        Order: {
          type: "object",
          properties: {
            title: { type: "string" },
            lines: { type: "array" },
            parent: { $ref: "#/components/schemas/Order" },
          },
          required: ["title", "lines", "parent", "unknown"],
        },
      },
    },
  };
  const [read, write, one, remove] = requestsOf(document);
  assert.deepEqual(read, { method: "GET", path: "/orders", needs: "scope order.read", body: undefined, direct: true });
  assert.deepEqual([write.needs, write.direct, write.body.title, write.body.lines], ["a policy", false, "text", []]);
  assert.deepEqual([one.needs, one.direct, remove.body], ["nothing", false, undefined]);
});

test("statements survive both views", () => {
  const statement = { sid: "read", effect: "Allow", methods: ["GET"], paths: ["/orders", "/orders/*"] };
  assert.deepEqual(fromText(toText([statement])), [statement]);
  assert.deepEqual(fromFields({ ...statement, paths: " /orders\n\n/orders/* ", scopes: "\n" }), statement);
  assert.deepEqual(fromFields({ ...statement, sid: " ", paths: "", scopes: "a" }).scopes, ["a"]);
  const limited = { ...statement, signed_in_within: 900 };
  assert.deepEqual(fromText(toText([limited])), [limited]);
  assert.deepEqual(fromFields({ ...statement, paths: "/orders\n/orders/*", scopes: "", seconds: "900" }), limited);
});

test("a text that is no list of statements is refused with a message", () => {
  for (const text of ["", "{}", "[1]", '[{"methods": "GET", "paths": []}]', '[{"methods": [1], "paths": []}]']) {
    assert.throws(() => fromText(text), Problem, text);
  }
});

test("a difference keeps common lines and marks the others", () => {
  const signs = (before, after) => lineDiff(before, after).map(({ sign, text }) => sign + text);
  assert.deepEqual(signs("a\nb\nc", "a\nc\nd"), [" a", "-b", " c", "+d"]);
  assert.deepEqual(signs("", "a"), ["+a"]);
  assert.deepEqual(signs("a", ""), ["-a"]);
  assert.equal(statementsText(null), "");
});

// The page "Revocations": tokens that are refused before they expire.

import { button, code, element, field, fill, table } from "../dom.js";
import { confirmAction } from "../dialogs.js";
import { announce, reporting } from "../feedback.js";
import { time } from "../format.js";

const PATH = "/admin/revocations";
const KINDS = {
  sub: {
    label: "Person",
    value: "Subject (sub) of the person",
    effect: "all tokens of the person that were issued until then",
  },
  client: {
    label: "App client",
    value: "ID of the app client",
    effect: "all tokens of the app client that were issued until then",
  },
  session: { label: "Session", value: "Session (origin_jti of a token)", effect: "all tokens of the session" },
};

export async function show(view, context) {
  const { session, permissions } = context;
  const [{ revocations }, mayRevoke, mayLift] = await Promise.all([
    session.call("GET", PATH),
    permissions.may("POST", PATH),
    permissions.may("DELETE", PATH),
  ]);
  const rows = revocations.map(({ kind, value, revoked_at, revoked_by }) => [
    code(value),
    KINDS[kind]?.label ?? kind,
    KINDS[kind]?.effect ?? "",
    time(revoked_at),
    code(revoked_by),
    mayLift
      ? button("Lift", () => lift(kind, value), { className: "quiet", "aria-label": `Lift the revocation of ${value}` })
      : "",
  ]);
  fill(
    view,
    element("p", {
      textContent:
        "Routes that policies decide refuse a revoked token. Routes that need only a scope accept it until it expires.",
    }),
    mayRevoke && form(),
    rows.length
      ? table("Revocations", ["Value", "Kind", "Refused", "Since", "By", "Action"], rows)
      : element("p", { className: "card", textContent: "There are no revocations." }),
  );

  function form() {
    const value = element("input", {
      id: "revoke-value",
      required: true,
      maxLength: 256,
      spellcheck: false,
      autocomplete: "off",
    });
    const labelled = field(KINDS.sub.value, value);
    const kind = element(
      "select",
      {
        id: "revoke-kind",
        onchange: () => {
          labelled.firstChild.textContent = KINDS[kind.value].value;
        },
      },
      Object.entries(KINDS).map(([name, { label }]) => element("option", { value: name, textContent: label })),
    );
    const revoke = reporting(async () => {
      const revoked = value.value.trim();
      await session.call("POST", PATH, { [kind.value]: revoked });
      await context.again();
      announce(`Revoked ${revoked}. It is effective for the next request.`);
    });
    return element(
      "form",
      { className: "card", onsubmit: revoke, "aria-labelledby": "revoke-title" },
      element("h3", { id: "revoke-title", textContent: "Revoke tokens" }),
      element("div", { className: "fields" }, field("Of", kind), labelled),
      element(
        "p",
        { className: "actions" },
        element("button", { type: "submit", className: "danger", textContent: "Revoke" }),
      ),
    );
  }

  function lift(kind, value) {
    confirmAction({
      title: "Lift a revocation",
      content: element("p", {}, "Tokens of ", code(value), " that have not expired are accepted again."),
      action: "Lift",
      run: async () => {
        await session.call("DELETE", PATH, { [kind]: value });
        await context.again();
        announce(`Lifted the revocation of ${value}.`);
      },
    });
  }
}

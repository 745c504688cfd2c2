// Values as texts for people.

// at: ISO 8601, or seconds since 1970; null is unknown
export function time(at) {
  if (at === null || at === undefined || at === "") return "unknown";
  const date = new Date(typeof at === "number" ? at * 1000 : at);
  if (Number.isNaN(date.getTime())) return String(at);
  return date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

// The time that a token is still valid, as minutes and seconds.
export const remaining = (seconds) => `${Math.floor(seconds / 60)} min ${seconds % 60} s`;

const UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
];

// A time in seconds, in the largest unit that divides it: 900 → "15 min"
export function duration(seconds) {
  const [size, unit] = UNITS.find(([size]) => seconds % size === 0) ?? [1, "s"];
  return `${seconds / size} ${unit}`;
}

// "group:readers" → { kind: "group", name: "readers" }. A name can contain a colon.
export function parseSubject(subject) {
  const at = subject.indexOf(":");
  return { kind: subject.slice(0, at), name: subject.slice(at + 1) };
}

// Shortens a long name, such as the id of an app client, and keeps its beginning.
export const short = (name, most = 14) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);

// The text that names a person.
export const labelOf = ({ email, username }) => email ?? username;

export const ACCOUNTS = {
  CONFIRMED: "confirmed",
  EXTERNAL_PROVIDER: "company sign-in",
  FORCE_CHANGE_PASSWORD: "invited",
  UNCONFIRMED: "address not confirmed",
  RESET_REQUIRED: "password reset required",
};

// status: the UserStatus of Cognito
export const accountText = (status) => ACCOUNTS[status] ?? status;

const VERDICTS = { 401: "not authenticated", 404: "not found" };

export const verdict = (status) => VERDICTS[status] ?? (status < 300 ? "allowed" : status < 500 ? "refused" : "failed");

const REASONS = {
  allowed_by: "A statement allows it.",
  denied_by: "A statement denies it. A Deny overrides every Allow.",
  not_permitted: "No statement allows it.",
  no_policy: "The caller has no policy.",
  sign_in_too_old: "The statement requires a more recent sign-in.",
  locked_down: "An operator has locked the stage down. Policies allow no request.",
  policy_corrupt: "The stored policy is invalid. Requests fail with HTTP 500 until it is repaired.",
  public: "The route is public.",
  scope_granted: "The token has the scope that the route requires.",
  scope_missing: "The token lacks the scope that the route requires. Policies do not decide on this route.",
  too_many_patterns: "The statements overlap in too many ways to show one answer.",
};

export const reasonText = (code) => REASONS[code] ?? `The token is not accepted (${code}).`;

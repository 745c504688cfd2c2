// Node's contestants. Reads requests as lines of JSON and answers each with one line:
//   {token, forged, jwks, issuer, pool, client}  → {"aws-jwt-verify": "<version>", ...}, once, at the start
//   [contestant, count]                          → the nanoseconds of that many verifications: wall clock or processor time, whichever is less
import { createPublicKey } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { CognitoJwtVerifier } from "aws-jwt-verify";
import { createVerifier } from "fast-jwt";

const requests = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { token, forged, jwks, issuer, pool, client } = JSON.parse((await requests.next()).value);

const cognito = CognitoJwtVerifier.create({ userPoolId: pool, tokenUse: "access", clientId: client });
cognito.cacheJwks(jwks);
const key = createPublicKey({ key: jwks.keys[0], format: "jwk" }).export({ type: "spki", format: "pem" });
const fast = createVerifier({ key, algorithms: ["RS256"], allowedIss: issuer, cache: false });

const contestants = {
  "aws-jwt-verify": (token) => cognito.verifySync(token),
  "fast-jwt": (token) => fast(token),
};

for (const [name, verify] of Object.entries(contestants)) {
  let accepted = true;
  try {
    verify(forged);
  } catch {
    accepted = false;
  }
  if (accepted) throw new Error(`${name} accepts a forged token`);
}

const { dependencies } = createRequire(import.meta.url)("./package.json");
console.log(JSON.stringify(dependencies));

for await (const line of requests) {
  const [name, count] = JSON.parse(line);
  const verify = contestants[name];
  for (let run = 0; run <= count / 8; run += 1) verify(token); // not measured, as for all contestants: see rounds.py
  const [began, used] = [process.hrtime.bigint(), process.cpuUsage()];
  for (let run = 0; run < count; run += 1) verify(token);
  const { user, system } = process.cpuUsage(used); // microseconds, with Node's helper threads
  console.log(Math.min(Number(process.hrtime.bigint() - began), (user + system) * 1000));
}

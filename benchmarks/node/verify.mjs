// Node's contestants. Asked in lines of JSON, answers one line each:
//   {token, forged, jwks, issuer, pool, client}  → {"aws-jwt-verify": "<version>", ...}, once, in the beginning
//   [contestant, count]                          → the nanoseconds that so many verifications took: of the clock or of the processor, whatever is less
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
  let fooled = true;
  try {
    verify(forged);
  } catch {
    fooled = false;
  }
  if (fooled) throw new Error(`${name} accepts a forged token`);
}

const { dependencies } = createRequire(import.meta.url)("./package.json");
console.log(JSON.stringify(dependencies));

for await (const line of requests) {
  const [name, count] = JSON.parse(line);
  const verify = contestants[name];
  for (let run = 0; run <= count / 8; run += 1) verify(token); // untimed, as for everybody: see rounds.py
  const [began, used] = [process.hrtime.bigint(), process.cpuUsage()];
  for (let run = 0; run < count; run += 1) verify(token);
  const { user, system } = process.cpuUsage(used); // microseconds, of Node's helpers too
  console.log(Math.min(Number(process.hrtime.bigint() - began), (user + system) * 1000));
}

// samlp as the identity provider of a company, with a form for the name and the password.
// Arguments: port, file of the certificate, file of the key, audience, recipient. It ends with its standard input.
import { readFileSync } from "node:fs";
import express from "express";
import samlp from "samlp";

const [port, certificate, key, audience, recipient] = process.argv.slice(2);

class Profile {
  static metadata = [
    { id: "email", displayName: "email" },
    { id: "groups", displayName: "groups" },
  ];
  constructor(name) {
    this.name = name;
  }
  getClaims() {
    return { email: `${this.name}@partner.example`, groups: [`company-${this.name}s`, "company-staff"] };
  }
  getNameIdentifier() {
    return {
      nameIdentifier: this.name,
      nameIdentifierFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    };
  }
}

const profileMapper = Object.assign((name) => new Profile(name), { prototype: Profile.prototype });
profileMapper.prototype.metadata = Profile.metadata;
const provider = {
  issuer: `http://localhost:${port}/idp`,
  cert: readFileSync(certificate),
  key: readFileSync(key),
  profileMapper,
  redirectEndpointPath: "/sso",
  postEndpointPath: "/sso",
  digestAlgorithm: "sha256",
  signatureAlgorithm: "rsa-sha256",
};

const app = express();
app.use(express.urlencoded({ extended: false }));
app.get("/metadata", samlp.metadata(provider));
app.get("/sso", (_request, response) =>
  response.send('<form method="post"><input name="username"><input name="password" type="password"></form>'),
);
app.post("/sso", (request, response, next) => {
  const { username, password } = request.body;
  if (password !== `${username}-works-there`) return response.status(401).send("refused");
  samlp.parseRequest(request, provider, (error, asked) => {
    if (error) return next(error);
    if (asked.issuer !== audience) return response.status(403).send("unknown service provider");
    const answer = {
      ...provider,
      audience,
      recipient,
      destination: recipient,
      inResponseTo: asked.id,
      RelayState: request.query.RelayState,
      getUserFromRequest: () => username,
      getPostURL: (_audience, _reply, _request, callback) => callback(null, recipient),
    };
    return samlp.auth(answer)(request, response, next);
  });
});
process.stdin.resume().on("end", () => process.exit(0));
app.listen(Number(port), "127.0.0.1", () => console.log("ready"));

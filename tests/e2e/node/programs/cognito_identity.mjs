// amazon-cognito-identity-js: sign-in over SRP, with an authenticator and with a temporary password.
import { AuthenticationDetails, CognitoRefreshToken, CognitoUser, CognitoUserPool } from "amazon-cognito-identity-js";
import { respond } from "./conversation.mjs";

const tokens = (session) => ({
  access_token: session.getAccessToken().getJwtToken(),
  id_token: session.getIdToken().getJwtToken(),
  refresh_token: session.getRefreshToken().getToken(),
});

function userOf({ outputs, username }) {
  const Pool = new CognitoUserPool({
    UserPoolId: outputs.user_pool_id,
    ClientId: outputs.web_client_id,
    endpoint: outputs.endpoint_url,
  });
  return new CognitoUser({ Username: username, Pool });
}

function signIn(request) {
  const user = userOf(request);
  return new Promise((resolve, reject) => {
    const callbacks = {
      onSuccess: (session) => resolve(tokens(session)),
      onFailure: reject,
      totpRequired: () => {
        if (!request.code) return resolve({ challenge: "SOFTWARE_TOKEN_MFA" });
        user.sendMFACode(request.code, callbacks, "SOFTWARE_TOKEN_MFA");
      },
      newPasswordRequired: () => {
        if (!request.new_password) return resolve({ challenge: "NEW_PASSWORD_REQUIRED" });
        user.completeNewPasswordChallenge(request.new_password, {}, callbacks);
      },
    };
    user.authenticateUser(
      new AuthenticationDetails({ Username: request.username, Password: request.password }),
      callbacks,
    );
  });
}

function refresh(request) {
  const user = userOf(request);
  return new Promise((resolve, reject) =>
    user.refreshSession(new CognitoRefreshToken({ RefreshToken: request.refresh_token }), (error, session) =>
      error ? reject(error) : resolve(tokens(session)),
    ),
  );
}

await respond({ sign_in: signIn, refresh });

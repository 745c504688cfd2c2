// AWS Amplify: sign-up, and sign-in over SRP, with an authenticator and with a temporary password.
import { Amplify } from "aws-amplify";
import { confirmSignIn, confirmSignUp, fetchAuthSession, signIn, signUp } from "aws-amplify/auth";
import { respond } from "./conversation.mjs";

function configure({ outputs }) {
  Amplify.configure({
    Auth: {
      Cognito: {
        userPoolId: outputs.user_pool_id,
        userPoolClientId: outputs.web_client_id,
        userPoolEndpoint: outputs.endpoint_url,
      },
    },
  });
}

async function enter(request) {
  configure(request);
  let { nextStep } = await signIn({ username: request.username, password: request.password });
  if (nextStep.signInStep === "CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED" && request.new_password) {
    ({ nextStep } = await confirmSignIn({ challengeResponse: request.new_password }));
  }
  if (nextStep.signInStep === "CONFIRM_SIGN_IN_WITH_TOTP_CODE" && request.code) {
    ({ nextStep } = await confirmSignIn({ challengeResponse: request.code }));
  }
  if (nextStep.signInStep !== "DONE") return { challenge: nextStep.signInStep };
  const { tokens } = await fetchAuthSession({ forceRefresh: true });
  return { access_token: tokens.accessToken.toString() };
}

async function register(request) {
  configure(request);
  const userAttributes = { email: request.username };
  const { username, password } = request;
  const { nextStep } = await signUp({ username, password, options: { userAttributes } });
  return { challenge: nextStep.signUpStep };
}

async function confirm(request) {
  configure(request);
  await confirmSignUp({ username: request.username, confirmationCode: request.code });
}

await respond({ sign_in: enter, sign_up: register, confirm });

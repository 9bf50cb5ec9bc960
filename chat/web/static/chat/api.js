/**
 * The REST API, with the access token in memory and the refresh token in a cookie no script can read.
 *
 * Every call ends in the parsed answer or throws a Problem.
 */
const TIMEOUT_MS = 20_000;

// An access token with less life than this is renewed before it is used.
const MARGIN_MS = 60_000;

// What a form on another site cannot send: without it, a cookie authorizes nothing.
const OWN_PAGE = { "X-Requested-With": "chat" };

/** Why a call failed: `status` is 0 where no answer came, `code` is the server's word for the reason. */
export class Problem extends Error {
  constructor({ status, code, detail, requestId = null }) {
    super(detail);
    Object.assign(this, { status, code, requestId });
  }

  /** Says whether the same call may succeed later. */
  get isRetryable() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export class Api {
  #access = null;
  #expiresAt = 0;
  #renewing = null;
  #signedOut;

  /** `signedOut` is called when the server ends the session; the call that found out throws all the same. */
  constructor({ signedOut }) {
    this.#signedOut = signedOut;
  }

  /** Signs in with a password. */
  async signIn(username, password) {
    this.#keep(await this.#cookieCall("token", { username, password }));
  }

  /** Takes up the session of the cookie; a Problem of status 401 says that there is none. */
  renew() {
    this.#renewing ??= alone(() => this.#cookieCall("token/refresh", {}))
      .then((answer) => this.#keep(answer))
      .catch((problem) => {
        if (problem.status === 401) this.#signedOut();
        throw problem;
      })
      .finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  /** Ends the session here and on the server. */
  async signOut() {
    await this.#authorized("POST", "auth/logout", { cookie: true }, OWN_PAGE);
    this.#access = null;
  }

  /** Reads `path` (below /api/); empty values of `query` are left out. */
  get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
    return this.#authorized("GET", given.length ? `${path}?${new URLSearchParams(given)}` : path);
  }

  /** Posts `body` as JSON to `path` (below /api/); what makes something makes it once under the same `key`. */
  post(path, body, key = null) {
    return this.#authorized("POST", path, body, key === null ? {} : { "Idempotency-Key": key });
  }

  /** Puts `body` as JSON at `path` (below /api/). */
  put(path, body) {
    return this.#authorized("PUT", path, body);
  }

  /** Changes what is at `path` (below /api/) to what `body` says. */
  patch(path, body) {
    return this.#authorized("PATCH", path, body);
  }

  /** Deletes what is at `path` (below /api/). */
  delete(path, body = {}) {
    return this.#authorized("DELETE", path, body);
  }

  /** Returns a one-use WebSocket ticket; with `renew` it lasts as long as a new access token. */
  async ticket({ renew = false } = {}) {
    if (renew) await this.renew();
    return (await this.post("auth/ws-ticket", {})).ticket;
  }

  #keep({ access, expires_in: seconds }) {
    this.#access = access;
    this.#expiresAt = Date.now() + seconds * 1000;
  }

  #cookieCall(path, body) {
    return call("POST", `auth/${path}`, { ...body, cookie: true }, OWN_PAGE);
  }

  async #authorized(method, path, body, headers = {}) {
    if (!this.#access || Date.now() > this.#expiresAt - MARGIN_MS) await this.renew();
    const used = this.#access;
    try {
      return await call(method, path, body, { ...headers, ...bearer(used) });
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      if (this.#access === used) await this.renew();
      return call(method, path, body, { ...headers, ...bearer(this.#access) });
    }
  }
}

function bearer(access) {
  return { Authorization: `Bearer ${access}` };
}

// A refresh token works once, and all tabs share the cookie. Web Locks exist only on https and localhost;
// over plain http two tabs that refresh in the same instant may sign each other out.
function alone(work) {
  return navigator.locks ? navigator.locks.request("chat.refresh", work) : work();
}

async function call(method, path, body, headers) {
  const response = await fetch(`/api/${path}`, {
    method,
    headers: body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
    // A refresh that a reload cut off would leave the browser with a cookie that is used up.
    keepalive: path.startsWith("auth/"),
  }).catch(() => {
    throw new Problem({ status: 0, code: "network", detail: "The server cannot be reached." });
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  throw new Problem({
    status: response.ok ? 0 : response.status,
    code: answer?.code ?? "internal",
    detail: answer?.detail ?? "The server did not answer as expected.",
    requestId: answer?.request_id,
  });
}

import { useState } from "preact/hooks";
import { html } from "chat/html";
import { signIn } from "chat/session";
import { notice } from "chat/state";

// Filled in by the server on a developer's machine only.
const demoPeople = JSON.parse(document.getElementById("demo-people")?.textContent ?? "[]");

/** The form to sign in with. */
export function SignIn() {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);

  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await signIn(username.trim(), password);
    } catch ({ status, message }) {
      setProblem(status === 401 ? "The user name or the password is wrong." : message);
      setBusy(false);
    }
  };

  return html`
    <main class="sign-in">
      <form class="card" onSubmit=${submit} aria-busy=${isBusy}>
        <h1>Sign in to chat</h1>
        ${notice.value && html`<p class="hint" role="status">${notice}</p>`}
        <label>
          User name
          <input
            name="username"
            data-testid="username"
            autocomplete="username"
            autocapitalize="none"
            spellcheck=${false}
            required
            autofocus
            value=${username}
            onInput=${(event) => setUsername(event.target.value)}
          />
        </label>
        <label>
          Password
          <input
            type="password"
            name="password"
            data-testid="password"
            autocomplete="current-password"
            required
            value=${password}
            onInput=${(event) => setPassword(event.target.value)}
          />
        </label>
        ${problem && html`<p class="problem" role="alert" data-testid="sign-in-problem">${problem}</p>`}
        <button class="primary" data-testid="submit" disabled=${isBusy}>${isBusy ? "Signing in…" : "Sign in"}</button>
        ${demoPeople.length > 0 &&
        html`<${DemoPeople}
          choose=${(person) => {
            setUsername(person.username);
            setPassword(person.password);
          }}
        />`}
      </form>
    </main>
  `;
}

function DemoPeople({ choose }) {
  return html`
    <fieldset class="demo-people">
      <legend>Demo people</legend>
      ${demoPeople.map(
        (person) => html`
          <button type="button" key=${person.username} onClick=${() => choose(person)}>${person.username}</button>
        `,
      )}
    </fieldset>
  `;
}

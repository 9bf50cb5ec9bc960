import { useState } from "preact/hooks";
import { html } from "chat/html";

/** Runs what a person asks of the server: `[ask, isBusy, problem]`, where problem is what to show of a refusal. */
export function useAsk() {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const ask = async (work) => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch ({ message }) {
      setProblem(message);
    } finally {
      setBusy(false);
    }
  };
  return [ask, isBusy, problem && html`<p class="problem" role="alert">${problem}</p>`];
}

import { useEffect, useState } from "preact/hooks";
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

/**
 * A list that `load` reads when it is first shown, and again when one of `inputs` changes.
 *
 * Returns `{list, read, ask, then, isBusy, problem}`: as `useAsk`, and `then` runs something and reads the list again.
 */
export function useList(load, inputs = []) {
  const [list, setList] = useState([]);
  const [ask, isBusy, problem] = useAsk();
  const read = async () => setList(await load());
  useEffect(() => {
    ask(read);
  }, inputs);
  const then = (work) =>
    ask(async () => {
      await work();
      await read();
    });
  return { list, read, ask, then, isBusy, problem };
}

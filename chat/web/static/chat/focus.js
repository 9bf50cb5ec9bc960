import { useEffect, useRef, useState } from "preact/hooks";

/** Gives the focus to a field of a form that appears, and back to what had it when the form goes. */
export function useFocus() {
  const field = useRef(null);
  // Asked for while it is drawn: what goes in the same moment may give the focus elsewhere.
  const [opener] = useState(() => document.activeElement);
  useEffect(() => {
    const { form } = field.current;
    field.current.focus();
    return () => {
      const at = document.activeElement;
      if (at === document.body || form.contains(at)) opener?.focus();
    };
  }, []);
  return field;
}

import { marked } from "chat/text";

const MARKS = { b: "**", i: "_" };

/** Puts marks around what is selected in a field, where Ctrl or Cmd and B or I were pressed; answers whether so. */
export function pressMark(event) {
  const { target: field, key, ctrlKey, metaKey, shiftKey, altKey } = event;
  const mark = MARKS[key.toLowerCase()];
  if (!mark || ctrlKey === metaKey || shiftKey || altKey) return false;
  event.preventDefault();
  const next = marked(field.value, field.selectionStart, field.selectionEnd, mark);
  field.value = next.text;
  field.setSelectionRange(next.start, next.end);
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  return true;
}

import { html } from "chat/html";

const PATHS = {
  back: "M15 5l-7 7 7 7",
  bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  close: "M6 6l12 12M18 6L6 18",
  clock: "M12 7v5l3 2M12 3a9 9 0 100 18 9 9 0 000-18z",
  down: "M12 5v14M6 13l6 6 6-6",
  edit: "M4 20l1-4L16 5l3 3L8 19l-4 1z",
  failed: "M12 8v5M12 16.5v.01M12 3a9 9 0 100 18 9 9 0 000-18z",
  people: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 4.5a3.5 3.5 0 010 6.5M18 14.5c2 .8 3.5 2.600 3.5 5.500",
  plus: "M12 5v14M5 12h14",
  up: "M12 19V5M6 11l6-6 6 6",
  unread: "M4 6h11M4 12h7M4 18h11M19 12m-2.5 0a2.5 2.5 0 105 0 2.5 2.5 0 10-5 0",
  send: "M5 12h13M12 5l7 7-7 7",
  signOut: "M14 4h4a2 2 0 012 2v12a2 2 0 01-2 2h-4M10 8l-4 4 4 4M6 12h10",
};

/** A line drawing by name; it says nothing to screen readers, so whatever holds it needs a name. */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

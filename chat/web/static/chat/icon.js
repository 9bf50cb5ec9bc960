import { html } from "chat/html";

const PATHS = {
  acknowledge: "M12 3a9 9 0 100 18 9 9 0 000-18zM8 12.5l3 3 5-6.5",
  back: "M15 5l-7 7 7 7",
  bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  calendar: "M4 6.5h16V20H4zM4 10.5h16M8 3.5v4M16 3.5v4",
  close: "M6 6l12 12M18 6L6 18",
  bell: "M6 16V11a6 6 0 0112 0v5l1.5 2h-15L6 16zM10 20.5h4",
  clock: "M12 7v5l3 2M12 3a9 9 0 100 18 9 9 0 000-18z",
  down: "M12 5v14M6 13l6 6 6-6",
  edit: "M4 20l1-4L16 5l3 3L8 19l-4 1z",
  favourite: "M12 19.5l-7.2-7a4.6 4.6 0 016.5-6.5l.7.7.7-.7a4.6 4.6 0 016.5 6.5z",
  failed: "M12 8v5M12 16.5v.01M12 3a9 9 0 100 18 9 9 0 000-18z",
  important: "M12 4v10M12 18.5v.01",
  flag: "M5 21V4M5 4.5c5-3 8 3 14 0v9c-6 3-9-3-14 0",
  earlier: "M4 5v4h4M4.5 9a8 8 0 11-.5 4M12 8v4.5l3 2",
  forward: "M14 6l6 6-6 6M20 12h-9c-4 0-7 2-7 6",
  gear: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  people: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 4.5a3.5 3.5 0 010 6.5M18 14.5c2 .8 3.5 2.6 3.5 5.5",
  pin: "M9 4h6l-1 6 3 3v2H7v-2l3-3-1-6zM12 15v5",
  plus: "M12 5v14M5 12h14",
  thread: "M5 5h14v10H11l-4 4v-4H5z",
  threads: "M3.5 4h12v8h-7l-3 3v-3h-2zM18 8h2.5v8h-2v3l-3-3H10",
  up: "M12 19V5M6 11l6-6 6 6",
  unread: "M4 6h11M4 12h7M4 18h11M19 12m-2.5 0a2.5 2.5 0 105 0 2.5 2.5 0 10-5 0",
  react: "M12 3a9 9 0 100 18 9 9 0 000-18zM8.5 14.5c1.8 2.6 5.2 2.6 7 0M9 9.5v.5M15 9.5v.5",
  poll: "M5 20V11M12 20V4M19 20v-6",
  reply: "M10 6l-6 6 6 6M4 12h9c4 0 7 2 7 6",
  search: "M11 4.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM16 16l4.5 4.5",
  send: "M5 12h13M12 5l7 7-7 7",
  star: "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9-4.3-4.1 5.9-.8z",
  signOut: "M14 4h4a2 2 0 012 2v12a2 2 0 01-2 2h-4M10 8l-4 4 4 4M6 12h10",
};

/** A line drawing by name; it says nothing to screen readers, so whatever holds it needs a name. */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

import { h } from "preact";
import htm from "htm";

/** Builds elements from a template; texts become text nodes, never markup. */
export const html = htm.bind(h);

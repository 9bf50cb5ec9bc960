const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/**
 * Returns the wait in ms before try `attempt` (from 0): evenly spread over 0 to 1, 2, 4 .. 60 s.
 *
 * `random` returns a number from 0 up to 1.
 */
export function fullJitter(attempt, random) {
  // The exponent is bounded too: 2 ** 1024 is Infinity, and Infinity * 0 is NaN.
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
}

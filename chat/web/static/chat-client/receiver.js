/**
 * Says what to do with a frame that carries a pos: "apply", "drop", "hole" or "resync".
 *
 * `cursor` is `{epoch, pos}`, the last position applied, or null where nothing is known yet;
 * `frame` is `{epoch, pos, prev}`. The cursor moves to the frame's pos on "apply" and stays otherwise.
 */
export function judge(cursor, frame) {
  if (cursor === null || frame.epoch !== cursor.epoch) return "resync";
  if (frame.pos <= cursor.pos) return "drop";
  return frame.prev <= cursor.pos ? "apply" : "hole";
}

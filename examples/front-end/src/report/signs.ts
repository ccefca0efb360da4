// The sign of each state, for those who do not tell the colours apart.
import type { State } from "./grid";

export const SIGNS: Record<State, string> = {
  open: "", request: "?", past: "", hours: "·", notice: "»", taken: "×", tentative: "~", booked: "•", held: "…",
  buffer: "↔", limit: "=", unknown: "!",
};
export const STATES = Object.keys(SIGNS) as State[];

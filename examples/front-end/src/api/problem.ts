// What the API says when something is refused (RFC 9457).
import type { Problem } from "../../generated";

export function asProblem(error: unknown): Problem | null {
  return typeof error === "object" && error !== null && "code" in error && "request_id" in error
    ? (error as Problem)
    : null;
}

/** The refusal's stable code; null: there was no answer at all. */
export function codeOf(error: unknown): string | null {
  return asProblem(error)?.code ?? null;
}

/** What is wrong with one field, by its JSON pointer. */
export function fieldError(error: unknown, pointer: string): string | undefined {
  return asProblem(error)?.errors.find((each) => each.pointer === pointer)?.detail;
}

// What a visitor fills in, and what is wrong with it before it is sent. The API checks all of it again. Pure.
import type { PublicSchedulingPage } from "../../generated";

export interface Draft {
  name: string;
  email: string;
  guests: string[];
  consent: boolean;
  /** By the field's id; a checkbox's is a boolean. */
  answers: Record<string, string | boolean>;
}

export type Complaint = "required" | "emailInvalid" | "tickRequired";

export const emptyDraft: Draft = { name: "", email: "", guests: [], consent: false, answers: {} };

const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

export function isAddress(text: string): boolean {
  return ADDRESS.test(text.trim());
}

/** Complaints by JSON pointer, as the API would point at them. */
export function complaints(page: PublicSchedulingPage, draft: Draft): Record<string, Complaint> {
  const found: Record<string, Complaint> = {};
  if (draft.name.trim() === "") found["/name"] = "required";
  if (!isAddress(draft.email)) found["/email"] = "emailInvalid";
  if (draft.guests.some((guest) => !isAddress(guest))) found["/guests"] = "emailInvalid";
  if (page.consent_text !== null && !draft.consent) found["/consent"] = "tickRequired";
  for (const field of page.form_fields) {
    const answer = draft.answers[field.id] ?? "";
    const pointer = `/answers/${field.id}`;
    if (field.kind === "checkbox") {
      if (field.required && answer !== true) found[pointer] = "tickRequired";
    } else if (field.required && String(answer).trim() === "") {
      found[pointer] = "required";
    } else if (field.kind === "email" && answer !== "" && !isAddress(String(answer))) {
      found[pointer] = "emailInvalid";
    }
  }
  return found;
}

/** The answers that were given, as texts; what was left empty is not sent. */
export function givenAnswers(draft: Draft): Record<string, string> {
  const given = Object.entries(draft.answers).filter(([, answer]) => answer !== "");
  return Object.fromEntries(given.map(([id, answer]) => [id, String(answer)]));
}

// What a visitor fills in, and what is wrong with it before it is sent. The API checks all of it again. Pure.
import type { FormField, FormPrefill, PublicSchedulingPage } from "../../generated";

export interface Draft {
  name: string;
  email: string;
  guests: string[];
  consent: boolean;
  /** By the field's id; a checkbox's is a boolean. */
  answers: Record<string, string | boolean>;
}

export type Complaint = "required" | "emailInvalid" | "tickRequired";

const emptyDraft: Draft = { name: "", email: "", guests: [], consent: false, answers: {} };

/**
 * What the form begins with. `said` is what this visitor has answered before; a link says `name`, `email` and, by its id,
 * the answer to a question (`?name=Emma&question_1=A+roof`), and the link is the newer. Nothing is ever ticked for anybody.
 */
export function draftFrom(page: PublicSchedulingPage, link: URLSearchParams, said: FormPrefill | null): Draft {
  const answers: Draft["answers"] = {};
  for (const field of page.form_fields) {
    const answer = link.get(field.id) ?? said?.answers[field.id];
    if (typeof answer === "string" && mayAnswer(field, answer)) answers[field.id] = answer;
  }
  return { ...emptyDraft, name: link.get("name") ?? said?.name ?? "", email: link.get("email") ?? said?.email ?? "", answers };
}

function mayAnswer(field: FormField, answer: string): boolean {
  if (field.kind === "choice") return field.options?.includes(answer) ?? false;
  return field.kind !== "checkbox";
}

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

// Who is signed in. A real front end has its own sign-in; this one asks the sandbox, which plays the CRM.
import { useSyncExternalStore } from "react";

export interface ExchangeCredentials {
  email: string;
  password: string;
  username: string;
  ews_url: string;
  certificate: string;
}

export interface Session {
  email: string;
  name: string;
  token: string;
  crmToken: string;
  /** The sandbox's Exchange mailbox of this person, so that nobody has to type a certificate. */
  exchange: ExchangeCredentials | null;
}

export interface Person {
  /** What the CRM told the service to call them. */
  user_id: string;
  email: string;
  name: string;
  provider: string;
  furnished: boolean;
  paid: boolean;
}

const KEY = "session";
const listeners = new Set<() => void>();
let current: Session | null = read();

function read(): Session | null {
  const kept = sessionStorage.getItem(KEY);
  return kept === null ? null : (JSON.parse(kept) as Session);
}

function keep(value: Session | null): void {
  current = value;
  if (value === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify(value));
  listeners.forEach((tell) => {
    tell();
  });
}

export const session = {
  current: (): Session | null => current,
  end: (): void => {
    keep(null);
  },
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

export function useSession(): Session | null {
  return useSyncExternalStore(session.subscribe, session.current);
}

export async function listPeople(): Promise<Person[]> {
  const answer = await fetch("/session/people");
  return ((await answer.json()) as { items: Person[] }).items;
}

export async function signIn(email: string): Promise<void> {
  const answer = await fetch("/session", { method: "POST", body: JSON.stringify({ email }) });
  if (!answer.ok) throw new Error(`Signing in failed: ${String(answer.status)}`);
  const { crm_token, ...rest } = (await answer.json()) as Omit<Session, "crmToken"> & { crm_token: string };
  keep({ ...rest, crmToken: crm_token });
}

export interface MailEnvelope {
  number: number;
  subject: string;
  received_at: string;
  envelope_to: string[];
}

/** Mails that the sandbox's mail server took: a real CRM would not know. */
export async function listMails(to: string): Promise<MailEnvelope[]> {
  const answer = await fetch(`/session/mails?to=${encodeURIComponent(to)}`);
  return ((await answer.json()) as { items: MailEnvelope[] }).items;
}

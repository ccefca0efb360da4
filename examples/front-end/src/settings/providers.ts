// What the providers are called, and where they lead back to.
import type { Connection } from "../../generated";

export type Provider = Connection["provider"];

export const PROVIDER_NAMES: Record<Provider, string> = {
  google: "Google",
  office365: "Office 365",
  exchange: "Exchange",
};

export function returnUrl(): string {
  return `${window.location.origin}/settings/calendar`;
}

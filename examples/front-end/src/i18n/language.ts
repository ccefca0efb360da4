// The five languages, and which one is spoken now.
import type { Language } from "../../generated";

export const LANGUAGES: Record<Language, string> = {
  en: "English",
  sv: "Svenska",
  de: "Deutsch",
  it: "Italiano",
  pl: "Polski",
};

let spoken: Language = "en";

export function currentLanguage(): Language {
  return spoken;
}

export function speak(language: Language): void {
  spoken = language;
}

export function asLanguage(tag: string | null | undefined): Language | null {
  const primary = tag?.toLowerCase().split("-")[0] ?? "";
  return primary in LANGUAGES ? (primary as Language) : null;
}

/** What the visitor asked for in the address or chose before, else what the browser says. */
export function preferredLanguage(): Language | null {
  const asked = asLanguage(new URLSearchParams(window.location.search).get("lang"));
  return asked ?? asLanguage(sessionStorage.getItem("language")) ?? firstKnown(navigator.languages);
}

function firstKnown(tags: readonly string[]): Language | null {
  for (const tag of tags) {
    const language = asLanguage(tag);
    if (language !== null) return language;
  }
  return null;
}

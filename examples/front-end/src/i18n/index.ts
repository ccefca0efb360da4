// Texts of the front end. What comes from the API is translated there: it is asked in the language spoken here.
import dayjs from "dayjs";
import "dayjs/locale/de";
import "dayjs/locale/it";
import "dayjs/locale/pl";
import "dayjs/locale/sv";
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { Language } from "../../generated";
import { preferredLanguage, speak } from "./language";
import * as host from "./texts/host";
import * as visitor from "./texts/visitor";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "visitor";
    resources: { visitor: typeof visitor.en; host: typeof host.en };
  }
}

export async function startTexts(): Promise<void> {
  const language = preferredLanguage() ?? "en";
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: "en",
    defaultNS: "visitor",
    ns: ["visitor", "host"],
    interpolation: { escapeValue: false }, // React escapes
    resources: {
      en: { visitor: visitor.en, host: host.en },
      sv: { visitor: visitor.sv, host: host.sv },
      de: { visitor: visitor.de, host: host.de },
      it: { visitor: visitor.it, host: host.it },
      pl: { visitor: visitor.pl, host: host.pl },
    },
  });
  applied(language);
}

export async function changeLanguage(language: Language): Promise<void> {
  sessionStorage.setItem("language", language);
  applied(language);
  await i18next.changeLanguage(language);
}

function applied(language: Language): void {
  speak(language);
  dayjs.locale(language);
  document.documentElement.lang = language;
}

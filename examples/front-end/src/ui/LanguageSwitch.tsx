// The five languages.
import { NativeSelect } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { changeLanguage } from "../i18n";
import { asLanguage, LANGUAGES } from "../i18n/language";

export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  return (
    <NativeSelect
      aria-label={t("language")}
      value={i18n.language}
      data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
      onChange={(event) => {
        const language = asLanguage(event.currentTarget.value);
        // What the API has told is in the former language.
        if (language !== null) void changeLanguage(language).then(() => queries.invalidateQueries());
      }}
    />
  );
}

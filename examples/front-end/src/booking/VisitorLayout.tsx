// What stands around everything a visitor sees.
import { Group } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { LanguageSwitch } from "../ui/LanguageSwitch";

export function VisitorLayout({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <>
      <a className="skip-link" href="#content">{t("skip")}</a>
      <div className="visitor-page">
        <Group component="header" justify="flex-end" mb="md">
          <LanguageSwitch />
        </Group>
        <main id="content">{children}</main>
      </div>
    </>
  );
}

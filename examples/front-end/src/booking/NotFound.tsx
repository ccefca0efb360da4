// An address of nothing.
import { Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { VisitorLayout } from "./VisitorLayout";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <VisitorLayout>
      <Title order={1} size="h3">{t("notFound")}</Title>
    </VisitorLayout>
  );
}

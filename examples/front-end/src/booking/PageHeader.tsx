// What the page is, who will be met, how long, where.
import { Stack, Text, Title } from "@mantine/core";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { PublicSchedulingPage } from "../../generated";
import { formatMinutes } from "../i18n/format";

export function PageHeader({ page }: { page: PublicSchedulingPage }) {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = page.name;
  }, [page.name]);
  const [length, ...others] = page.durations_minutes;
  const { kind, text } = page.location;
  const place = kind === "video" ? t("video") : kind === "none" ? null : text;
  return (
    <Stack gap={4} mb="lg">
      <Title order={1} className="breaks">{page.name}</Title>
      {page.host_name !== null && <Text c="dimmed">{t("with", { name: page.host_name })}</Text>}
      {length !== undefined && others.length === 0 && <Text c="dimmed">{formatMinutes(length)}</Text>}
      {place && <Text c="dimmed">{place}</Text>}
      {page.description !== "" && <Text style={{ whiteSpace: "pre-line" }} className="breaks">{page.description}</Text>}
    </Stack>
  );
}

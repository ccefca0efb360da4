// Why there is nothing to show at this address. A page that is turned off is no mistake of anybody's.
import { Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { asProblem } from "../api/problem";

export function PageProblem({ error }: { error: unknown }) {
  const { t } = useTranslation();
  if (error === null || error === undefined) return null;
  const problem = asProblem(error);
  const off = problem?.code === "page_turned_off";
  return (
    <Stack role="alert" gap="xs">
      <Title order={1} size="h3">{off ? t("pageOff") : (problem?.title ?? t("noAnswer"))}</Title>
      {!off && problem !== null && <Text>{problem.detail}</Text>}
    </Stack>
  );
}

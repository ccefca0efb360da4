// The scheduling pages, each with its public link.
import { Anchor, Badge, Button, CopyButton, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { SchedulingPage } from "../../generated";
import { listSchedulingPagesOptions } from "../../generated/@tanstack/react-query.gen";
import { formatMinutes } from "../i18n/format";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";

export function PagesPage() {
  const { t } = useTranslation("host");
  const pages = useQuery(listSchedulingPagesOptions({ query: { limit: 100 } }));
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>{t("pagesTitle")}</Title>
        <Button component={Link} to="/pages/new">{t("newPage")}</Button>
      </Group>
      {pages.isPending && <Loading />}
      <ProblemAlert error={pages.error} />
      {pages.data?.items.length === 0 && <Text>{t("noPages")}</Text>}
      {pages.data?.items.map((page) => <PageCard key={page.id} page={page} />)}
    </Stack>
  );
}

function PageCard({ page }: { page: SchedulingPage }) {
  const { t } = useTranslation("host");
  return (
    <Paper withBorder p="lg" component="article" aria-label={page.name}>
      <Stack gap="xs">
        <Group gap="sm">
          <Title order={2} size="h4" className="breaks">{page.name}</Title>
          <Badge variant="light" color="gray">{t(`type_${page.type}`)}</Badge>
          {page.turned_off && <Badge variant="light" color="orange">{t("pageOff")}</Badge>}
          {page.mode === "offline" && <Badge variant="light" color="indigo">{t("pageOffline")}</Badge>}
        </Group>
        <Text size="sm" c="dimmed">{page.durations_minutes.map(formatMinutes).join(", ")} · {page.time_zone}</Text>
        <Anchor href={page.meeting_link} className="breaks" underline="always">{page.meeting_link}</Anchor>
        <Group mt="xs">
          <CopyButton value={page.meeting_link}>
            {({ copied, copy }) => <Button variant="default" size="compact-md" onClick={copy}>{t(copied ? "copied" : "copyLink")}</Button>}
          </CopyButton>
          <Button component={Link} variant="default" size="compact-md" to={`/pages/${page.id}`}>{t("edit")}</Button>
          <Button component={Link} variant="default" size="compact-md" to={`/pages/${page.id}/times`}>{t("whyClosed")}</Button>
        </Group>
      </Stack>
    </Paper>
  );
}

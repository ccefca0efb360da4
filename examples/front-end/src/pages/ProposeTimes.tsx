// A few open times for a mail, each a link that books it.
import { Anchor, Button, CopyButton, Group, List, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { SchedulingPage } from "../../generated";
import { createTimeProposalMutation } from "../../generated/@tanstack/react-query.gen";
import { browserZone, formatMoment } from "../i18n/format";
import { ProblemAlert } from "../ui/ProblemAlert";

export function ProposeTimes({ page }: { page: SchedulingPage }) {
  const { t } = useTranslation("host");
  const propose = useMutation(createTimeProposalMutation());
  const zone = browserZone();
  return (
    <Paper withBorder p="lg" component="section" aria-labelledby="propose-title">
      <Stack align="flex-start">
        <Title order={2} size="h4" id="propose-title">{t("propose")}</Title>
        <Text c="dimmed">{t("proposeText")}</Text>
        <ProblemAlert error={propose.error} />
        {propose.data !== undefined && (
          <>
            <List>
              {propose.data.times.map((time) => (
                <List.Item key={time.start_at}><Anchor href={time.link} underline="always">{formatMoment(time.start_at, zone)}</Anchor></List.Item>
              ))}
            </List>
            <CopyButton value={propose.data.text}>
              {({ copied, copy }) => <Button variant="default" onClick={copy}>{t(copied ? "copied" : "copyText")}</Button>}
            </CopyButton>
          </>
        )}
        <Group>
          <Button loading={propose.isPending} onClick={() => {
            propose.mutate({
              body: {
                page_id: page.id, duration_minutes: page.durations_minutes[0] ?? 30, time_zone: zone,
                times: { kind: "chosen", count: 3, spread_over_days: true },
              },
            });
          }}>{t("proposeButton")}</Button>
        </Group>
      </Stack>
    </Paper>
  );
}

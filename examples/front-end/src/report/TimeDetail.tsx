// One time: why it is closed, by every rule that closes it, and the least that would open it.
import { Button, List, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { AvailabilityReport, ReportedTime, SchedulingPage } from "../../generated";
import { updateSchedulingPageMutation } from "../../generated/@tanstack/react-query.gen";
import { formatDay, formatTime } from "../i18n/format";
import { ProblemAlert } from "../ui/ProblemAlert";
import { stateOf } from "./grid";
import { pageChange } from "./opening";
import { useWords } from "./words";

interface Props {
  time: ReportedTime;
  report: AvailabilityReport;
  page: SchedulingPage;
  onChanged: () => void;
}

export function TimeDetail({ time, report, page, onChanged }: Props) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const words = useWords(report, time);
  const update = useMutation({
    ...updateSchedulingPageMutation(),
    onSuccess: async () => {
      await queries.invalidateQueries();
      onChanged();
    },
  });
  const zone = report.time_zone;
  const opening = time.opened_by === null ? null : pageChange(time.opened_by, page);
  return (
    <Paper withBorder p="md" data-testid="time-detail">
      <Stack gap="sm" align="flex-start">
        <Title order={2} size="h4">{formatDay(time.start_at, zone)}, {formatTime(time.start_at, zone)}–{formatTime(time.end_at, zone)}</Title>
        <Text fw={600}>{t(`state_${stateOf(time)}`)}</Text>
        {time.closed_by.length > 0 && (
          <>
            <Text>{t("closedBy")}</Text>
            <List>{time.closed_by.map((rule, index) => <List.Item key={index}>{words.rule(rule)}</List.Item>)}</List>
          </>
        )}
        {time.opened_by !== null && time.opened_by.length > 0 && (
          <>
            <Text>{t("openedBy")}</Text>
            <List>{time.opened_by.map((change, index) => <List.Item key={index}>{words.change(change)}</List.Item>)}</List>
          </>
        )}
        {time.grade === null && time.opened_by === null && <Text>{t("openedByNothing")}</Text>}
        {opening !== null && (
          <Button loading={update.isPending} onClick={() => {
            update.mutate({ path: { page_id: page.id }, headers: { "If-Match": `"${String(page.version)}"` }, body: opening });
          }}>{t("openThisTime")}</Button>
        )}
        <ProblemAlert error={update.error} />
      </Stack>
    </Paper>
  );
}

// Times that somebody proposed in a mail. One that went says what is free near it.
import { Alert, Badge, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { NearTime } from "../../generated";
import { getPublicTimeProposalOptions } from "../../generated/@tanstack/react-query.gen";
import { formatMoment } from "../i18n/format";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { TimeButton } from "./TimeButton";

interface Props {
  proposalId: string;
  /** The time whose link was opened. */
  wanted: string | null;
  timeZone: string;
  busy: boolean;
  onPick: (start_at: string, grade: NearTime["grade"]) => void;
  onAllTimes: () => void;
}

export function Proposal({ proposalId, wanted, timeZone, busy, onPick, onAllTimes }: Props) {
  const { t } = useTranslation();
  const proposal = useQuery(getPublicTimeProposalOptions({ path: { proposal_id: proposalId } }));
  if (proposal.isPending) return <Loading />;
  const isWanted = (start: string) => wanted !== null && Date.parse(wanted) === Date.parse(start);
  const button = (start: string, grade: NearTime["grade"]) => (
    <TimeButton key={start} start={start} timeZone={timeZone} wanted={isWanted(start)} disabled={busy}
      onRequest={grade === "request_only"} onPick={() => { onPick(start, grade); }} />
  );
  return (
    <Stack align="flex-start">
      <Title order={2} size="h4">{t("proposalTitle")}</Title>
      <ProblemAlert error={proposal.error} />
      {proposal.data?.booked === true && <Alert color="teal">{t("proposalBooked")}</Alert>}
      {proposal.data?.times.map((time) =>
        time.grade !== null ? button(time.start_at, time.grade) : (
          <Stack key={time.start_at} gap="xs">
            <Group gap="xs">
              <Text td="line-through">{formatMoment(time.start_at, timeZone)}</Text>
              <Badge color="gray" variant="light">{t("taken")}</Badge>
            </Group>
            {time.nearest.length > 0 && (
              <Group gap="xs">
                <Text size="sm">{t("nearest")}</Text>
                {time.nearest.map((near) => button(near.start_at, near.grade))}
              </Group>
            )}
          </Stack>
        ),
      )}
      <Button variant="subtle" onClick={onAllTimes}>{t("allTimes")}</Button>
    </Stack>
  );
}

// Somebody asked for a time: accept it, decline it. Whether it clashes is known once a calendar is connected.
import { Alert, Badge, Button, Group, Paper, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { MeetingRequest } from "../../generated";
import { acceptMeetingRequestMutation, declineMeetingRequestMutation } from "../../generated/@tanstack/react-query.gen";
import { browserZone, formatMoment } from "../i18n/format";
import { ProblemAlert } from "../ui/ProblemAlert";

export function RequestCard({ request }: { request: MeetingRequest }) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const anew = { onSuccess: () => queries.invalidateQueries() };
  const accept = useMutation({ ...acceptMeetingRequestMutation(), ...anew });
  const decline = useMutation({ ...declineMeetingRequestMutation(), ...anew });
  const path = { request_id: request.id };
  const zone = browserZone();
  return (
    <Paper withBorder p="md" data-testid="request">
      <Stack gap="sm">
        <Group gap="sm">
          <Text fw={600}>{request.visitor_name}</Text>
          {request.clashes === false && <Badge variant="light" color="teal">{t("requestFree")}</Badge>}
          {request.clashes === true && <Badge variant="light" color="red">{t("requestClashes")}</Badge>}
        </Group>
        <Text>{formatMoment(request.start_at, zone)}</Text>
        {request.clashes === null && <Alert color="gray">{t("requestUnknown")}</Alert>}
        {request.alternatives.length > 0 && (
          <Text size="sm">{t("requestInstead", { times: request.alternatives.map((time) => formatMoment(time.start_at, zone)).join("; ") })}</Text>
        )}
        <ProblemAlert error={accept.error ?? decline.error} />
        <Group>
          {request.allowed_actions.includes("accept") && (
            <Button loading={accept.isPending} onClick={() => { accept.mutate({ path }); }}>{t("accept")}</Button>
          )}
          {request.allowed_actions.includes("decline") && (
            <Button variant="default" loading={decline.isPending} onClick={() => { decline.mutate({ path, body: {} }); }}>{t("decline")}</Button>
          )}
        </Group>
      </Stack>
    </Paper>
  );
}

// A connected account: how it stands, what can be done with it and what not, how it heals, how it ends.
import { Alert, Badge, Button, Group, List, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AvailabilityCalendar, Connection } from "../../generated";
import { disconnectConnectionMutation } from "../../generated/@tanstack/react-query.gen";
import { Dialog } from "../ui/Dialog";
import { ProblemAlert } from "../ui/ProblemAlert";
import { PROVIDER_NAMES } from "./providers";
import { Reconnect } from "./Reconnect";
import { SyncStrip } from "./SyncStrip";

interface Props {
  connection: Connection;
  /** The checked calendars: of one that cannot be read they say what helps. */
  calendars: AvailabilityCalendar[];
}

export function ConnectionPanel({ connection, calendars }: Props) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const disconnect = useMutation({
    ...disconnectConnectionMutation(),
    onSuccess: () => {
      setAsking(false);
      void queries.invalidateQueries();
    },
  });
  const active = connection.status === "active";
  const missing = connection.capabilities.filter((each) => !each.available);
  return (
    <Paper withBorder p="lg" component="section" aria-label={t("connection")}>
      <Stack>
        <Group justify="space-between" align="flex-start">
          <div>
            <Group gap="sm">
              <Title order={2} size="h3">{PROVIDER_NAMES[connection.provider]}</Title>
              <Badge variant="light" color={active ? "teal" : "red"}>{t(`connection_${connection.status}`)}</Badge>
            </Group>
            <Text c="dimmed" className="breaks">{connection.email}</Text>
          </div>
          <Button variant="default" onClick={() => { setAsking(true); }}>{t("disconnect")}</Button>
        </Group>
        {!active && <Reconnect connection={connection} />}
        <SyncStrip connectionId={connection.id} calendars={calendars} />
        {missing.length > 0 && (
          <Alert color="gray" title={t("notPossibleTitle")}>
            <List size="sm">
              {missing.map((each) => (
                <List.Item key={each.capability}>
                  <strong>{each.capability.replaceAll("_", " ")}</strong>: {each.reason_text} {each.remedy}
                </List.Item>
              ))}
            </List>
          </Alert>
        )}
      </Stack>
      <Dialog opened={asking} onClose={() => { setAsking(false); }} title={t("disconnectQuestion")}>
        <Stack>
          <Text>{t("disconnectText")}</Text>
          <ProblemAlert error={disconnect.error} />
          <Button color="red" loading={disconnect.isPending} onClick={() => { disconnect.mutate({ path: { connection_id: connection.id } }); }}>
            {t("disconnect")}
          </Button>
        </Stack>
      </Dialog>
    </Paper>
  );
}

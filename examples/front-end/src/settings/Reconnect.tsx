// A connection that stopped working: the same account again, and everything goes on as before.
import { Alert, Button, PasswordInput, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import type { Connection } from "../../generated";
import { reauthorizeConnectionMutation, updateConnectionMutation } from "../../generated/@tanstack/react-query.gen";
import { Dialog } from "../ui/Dialog";
import { ProblemAlert } from "../ui/ProblemAlert";
import { DisclosureText } from "./DisclosureText";
import { returnUrl } from "./providers";

export function Reconnect({ connection }: { connection: Connection }) {
  const { t } = useTranslation("host");
  const [opened, setOpened] = useState(false);
  return (
    <Alert color="red" role="alert" title={t("reconnectTitle")}>
      <Stack align="flex-start">
        <Text>{connection.reason_text} {connection.remedy}</Text>
        <Text>{t("reconnectText")}</Text>
        <Button onClick={() => { setOpened(true); }}>{t("reconnect")}</Button>
      </Stack>
      <Dialog opened={opened} onClose={() => { setOpened(false); }} title={t("reconnect")} size="lg">
        {connection.allowed_actions.includes("update") ? (
          <NewPassword connection={connection} onDone={() => { setOpened(false); }} />
        ) : (
          <ByConsent connection={connection} />
        )}
      </Dialog>
    </Alert>
  );
}

function ByConsent({ connection }: { connection: Connection }) {
  const start = useMutation({
    ...reauthorizeConnectionMutation(),
    onSuccess: (authorization) => {
      if (authorization.authorization_url !== null) window.location.assign(authorization.authorization_url);
    },
  });
  return (
    <Stack>
      <DisclosureText provider={connection.provider} busy={start.isPending || start.isSuccess} onAccept={(version) => {
        start.mutate({
          path: { connection_id: connection.id },
          body: { client: "web", disclosure_version: version, return_url: returnUrl() },
        });
      }} />
      <ProblemAlert error={start.error} />
    </Stack>
  );
}

function NewPassword({ connection, onDone }: { connection: Connection; onDone: () => void }) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const [password, setPassword] = useState("");
  const [version, setVersion] = useState<string | null>(null);
  const update = useMutation({
    ...updateConnectionMutation(),
    onSuccess: async () => {
      await queries.invalidateQueries();
      onDone();
    },
  });
  if (connection.reason === "imported" && version === null) {  // it is connected for the first time
    return <DisclosureText provider={connection.provider} busy={false} onAccept={setVersion} />;
  }
  const accepted = version === null ? {} : { client: "web" as const, disclosure_version: version };
  return (
    <form onSubmit={(event: SubmitEvent) => {
      event.preventDefault();
      update.mutate({ path: { connection_id: connection.id }, body: { password, ...accepted } });
    }}>
      <Stack>
        <PasswordInput label={t("newPassword")} value={password} required autoComplete="off"
          onChange={(event) => { setPassword(event.currentTarget.value); }} />
        <ProblemAlert error={update.error} />
        <Button type="submit" loading={update.isPending}>{t("reconnect")}</Button>
      </Stack>
    </form>
  );
}

// Calendar settings: connect, choose, and one Save for all of it.
import { Alert, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { getCalendarSettingsOptions, getMeOptions, listConnectionsOptions } from "../../generated/@tanstack/react-query.gen";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { ConnectPanel } from "./ConnectPanel";
import { ConnectionPanel } from "./ConnectionPanel";
import { Domains } from "./Domains";
import { SettingsForm } from "./SettingsForm";

const LIVE = 8000; // milliseconds

export function SettingsPage() {
  const { t } = useTranslation("host");
  const me = useQuery(getMeOptions());
  // A connection or a calendar can be lost at any time, and heal: it is looked at while somebody looks.
  const connections = useQuery({ ...listConnectionsOptions(), refetchInterval: LIVE });
  const settings = useQuery({ ...getCalendarSettingsOptions(), refetchInterval: LIVE });
  const failed = me.error ?? connections.error ?? settings.error;
  if (failed !== null) return <ProblemAlert error={failed} />;
  if (me.data === undefined || connections.data === undefined || settings.data === undefined) return <Loading />;
  const { limit } = me.data.connection_limit;
  return (
    <Stack gap="xl">
      <Title order={1}>{t("settingsTitle")}</Title>
      <Returned />
      {connections.data.items.map((connection) => (
        <ConnectionPanel key={connection.id} connection={connection} calendars={settings.data.availability_calendars} />
      ))}
      {connections.data.items.length < limit && <ConnectPanel />}
      <SettingsForm settings={settings.data} connections={connections.data.items} me={me.data} />
      <Domains />
    </Stack>
  );
}

/** What the provider's page led back with. */
function Returned() {
  const { t } = useTranslation("host");
  const [search, setSearch] = useSearchParams();
  const status = search.get("status");
  if (status === null) return null;
  const completed = status === "completed";
  const code = search.get("code");
  return (
    <Alert color={completed ? "teal" : "red"} role="status" withCloseButton closeButtonLabel={t("close")}
      onClose={() => { setSearch({}); }} title={t(completed ? "connectedTitle" : "notConnectedTitle")}>
      {completed ? t("connectedText") : t("notConnectedText", { code: code ?? status })}
    </Alert>
  );
}

// Connecting: the provider, then its disclosure, then the provider's own page or, for Exchange, a form.
import { Button, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ProviderInfo } from "../../generated";
import { createConnectionAuthorizationMutation, listProvidersOptions } from "../../generated/@tanstack/react-query.gen";
import { Dialog } from "../ui/Dialog";
import { ProblemAlert } from "../ui/ProblemAlert";
import { DisclosureText } from "./DisclosureText";
import { ExchangeForm } from "./ExchangeForm";
import { PROVIDER_NAMES, returnUrl } from "./providers";

export function ConnectPanel() {
  const { t } = useTranslation("host");
  const providers = useQuery(listProvidersOptions());
  const [chosen, setChosen] = useState<ProviderInfo | null>(null);
  return (
    <Paper withBorder p="lg" component="section" aria-labelledby="connect-title">
      <Title order={2} size="h3" id="connect-title">{t("connectTitle")}</Title>
      <Text c="dimmed" mb="md">{t("connectText")}</Text>
      <ProblemAlert error={providers.error} />
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        {providers.data?.items.map((provider) => (
          <Button key={provider.provider} variant="default" size="lg" onClick={() => { setChosen(provider); }}>
            {PROVIDER_NAMES[provider.provider]}
          </Button>
        ))}
      </SimpleGrid>
      {chosen !== null && <ConnectDialog provider={chosen} onClose={() => { setChosen(null); }} />}
    </Paper>
  );
}

function ConnectDialog({ provider, onClose }: { provider: ProviderInfo; onClose: () => void }) {
  const [accepted, setAccepted] = useState<string | null>(null);
  const start = useMutation({
    ...createConnectionAuthorizationMutation(),
    onSuccess: (authorization) => {
      if (authorization.authorization_url !== null) window.location.assign(authorization.authorization_url);
    },
  });
  const accept = (version: string) => {
    setAccepted(version);
    if (provider.provider === "exchange") return;
    start.mutate({ body: { provider: provider.provider, client: "web", disclosure_version: version, return_url: returnUrl() } });
  };
  return (
    <Dialog opened onClose={onClose} size="lg" title={PROVIDER_NAMES[provider.provider]}>
      <Stack>
        {accepted !== null && provider.connect_method === "credentials" ? (
          <ExchangeForm fields={provider.connect_fields} disclosureVersion={accepted} onDone={onClose} />
        ) : (
          <DisclosureText provider={provider.provider} busy={start.isPending || start.isSuccess} onAccept={accept} />
        )}
        <ProblemAlert error={start.error} />
      </Stack>
    </Dialog>
  );
}

// What will be read, before anything is: the version that is shown is the one that is accepted.
import { Button, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getProviderDisclosureOptions } from "../../generated/@tanstack/react-query.gen";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import type { Provider } from "./providers";

interface Props {
  provider: Provider;
  busy: boolean;
  onAccept: (version: string) => void;
}

export function DisclosureText({ provider, busy, onAccept }: Props) {
  const disclosure = useQuery(getProviderDisclosureOptions({ path: { provider } }));
  if (disclosure.isPending) return <Loading />;
  if (disclosure.isError) return <ProblemAlert error={disclosure.error} />;
  const { title, paragraphs, accept_label, version } = disclosure.data;
  return (
    <Stack>
      <Title order={3} size="h4">{title}</Title>
      {paragraphs.map((paragraph) => <Text key={paragraph} className="breaks">{paragraph}</Text>)}
      <Button data-testid="accept" loading={busy} onClick={() => { onAccept(version); }}>{accept_label}</Button>
    </Stack>
  );
}
